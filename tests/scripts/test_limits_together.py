"""The real server's limits: its processes count together, and neither pages nor probes are limited."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from scripts import serve
from scripts.postgres import free_port
from tests.scripts.test_server import Scim, environment, scim
from tests.servers import Server, running, wait_until_alive

__all__ = ["environment", "scim"]

RATE, BURST = 2, 60
# So slow that on any machine the next one is still refused.
UNAUTHORIZED_RATE, UNAUTHORIZED_BURST = 0.05, 20


@pytest.fixture(scope="module")
def server(environment: dict[str, str], scim: Scim, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    port, log = free_port(), tmp_path_factory.mktemp("server") / "log"
    limits = {
        "SCIM_TOKEN_RATE": str(RATE),
        "SCIM_TOKEN_BURST": str(BURST),
        "SCIM_UNAUTHORIZED_RATE": str(UNAUTHORIZED_RATE),
        "SCIM_UNAUTHORIZED_BURST": str(UNAUTHORIZED_BURST),
        "BASE_URL": f"http://127.0.0.1:{port}",
    }
    command = serve.server(host="127.0.0.1", port=port, workers=3)
    with running(command, {**environment, **limits}, log) as process:
        server = Server(f"http://127.0.0.1:{port}", process, log)
        wait_until_alive(server)
        yield server


def flood(server: Server, path: str, headers: dict[str, str], number: int) -> tuple[Counter[int], float]:
    """The statuses of so many requests, on connections that lie with all workers, and how long they took."""
    started = time.monotonic()
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda _: server.request("GET", path, headers=headers).status, range(number)))
    return Counter(answers), time.monotonic() - started


def test_all_processes_of_a_machine_count_together(server: Server, scim: Scim) -> None:
    answers, seconds = flood(server, f"{scim.path}/Users?count=1", scim.headers, 240)
    assert answers.keys() == {200, 429}
    assert 0.8 * BURST <= answers[200] <= 1.2 * (BURST + RATE * seconds)


def test_strangers_are_counted_together_and_the_valid_token_is_served(server: Server, scim: Scim) -> None:
    while (held := server.request("GET", f"{scim.path}/Users?count=1", headers=scim.headers)).status == 429:
        time.sleep(int(held.headers["retry-after"]))
    time.sleep(2 / RATE)  # for the next one
    wrong = {**scim.headers, "Authorization": "Bearer smgr_wrong"}
    answers, seconds = flood(server, f"{scim.path}/Users", wrong, 100)
    assert answers.keys() == {401, 429}
    assert 0.8 * UNAUTHORIZED_BURST <= answers[401] <= 1.2 * (UNAUTHORIZED_BURST + UNAUTHORIZED_RATE * seconds)
    served = server.request("GET", f"{scim.path}/Users?count=1", headers=scim.headers)
    assert served.status == 200, served.body
    refused = server.request("GET", f"{scim.path}/Users", headers=wrong)
    assert (refused.status, refused.headers["content-type"]) == (429, "application/scim+json")
    assert 1 <= int(refused.headers["retry-after"]) <= 30


def test_pages_and_probes_are_not_limited(server: Server, scim: Scim) -> None:
    for path in ("/livez", "/readyz", "/sign-in/acme/"):
        answers, _seconds = flood(server, path, {}, 30)
        assert answers == {200: 30}
