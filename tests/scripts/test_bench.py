"""The bench: its people are real ones, its client believes no wrong answer, its verdicts are right, it cleans up."""

import json
import math
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from django.db import connection
from django.test import Client

from scripts import serve
from scripts.bench import __main__ as bench
from scripts.bench import report, seeding
from scripts.bench.calls import Call, Target
from scripts.bench.client import Connection, Feed, WrongAnswerError, drive
from scripts.bench.measuring import Result, Side
from scripts.bench.operations import BY_NAME, COUNTS, Limits
from scripts.bench.people import ENTERPRISE, person
from scripts.bench.report import Counted, Rating, Report

TARGET = Target("/scim/bench/v2", "a-token", 10, [["1", "p1@bench.example"]])
JSON = "application/scim+json"


def ask(token: str, method: str, path: str, body: Any = None, **query: str) -> Any:
    headers = {"authorization": f"Bearer {token}"}
    data = query if method == "GET" else json.dumps(body)
    send = getattr(Client(), method.lower())
    response = send(
        f"{TARGET.base_path}{path}", data, headers=headers, **({} if method == "GET" else {"content_type": JSON})
    )
    assert response.status_code in (200, 201), response.content
    return json.loads(response.content)


@pytest.mark.django_db
def test_a_person_that_the_bench_puts_there_is_what_the_api_would_have_stored() -> None:
    token, known = seeding.add_people(12)
    user_id, user_name = known[3]
    seeded = ask(token, "GET", f"/Users/{user_id}")
    number = int(seeded[ENTERPRISE]["employeeNumber"])
    assert user_name == seeded["userName"] == f"p{number}@bench.example"
    sent = ask(token, "POST", "/Users", person(number, "q"))
    assert 1_000 < len(json.dumps(seeded, separators=(",", ":"))) < 1_300
    for resource in (seeded, sent):
        del resource["meta"], resource["id"]
    assert json.loads(json.dumps(seeded).replace(f"p{number}@", f"q{number}@").replace("00up", "00uq")) == sent


@pytest.mark.django_db
def test_the_people_of_the_bench_are_listed_counted_and_found() -> None:
    token, known = seeding.add_people(12)
    assert len(known) == ask(token, "GET", "/Users")["totalResults"] == 12
    for condition in ('userName eq "p7@bench.example"', 'emails[type eq "home" and value eq "p7@home.bench.example"]'):
        (found,) = ask(token, "GET", "/Users", filter=condition)["Resources"]
        assert found["userName"] == "p7@bench.example"


class Pieces(BaseHTTPRequestHandler):
    """Answers with a ListResponse of two, cut where it hurts, on a connection that stays open."""

    protocol_version = "HTTP/1.1"
    body = b'{"Resources":[{"userName":"a"},{"userName":"b"}]}'

    def do_GET(self) -> None:
        head = f"HTTP/1.1 200 OK\r\nX-Number: 1\r\nContent-Length: {len(self.body)}\r\n\r\n".encode()
        answer = head + self.body
        for part in (answer[:20], answer[20 : len(head) + 5], answer[len(head) + 5 :]):
            self.wfile.write(part)
            self.wfile.flush()

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def client() -> Iterator[Connection]:
    """A connection of the bench to a server that sends its answers in pieces."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pieces)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with closing(Connection(server.server_port, TARGET)) as connection:
        yield connection
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_answer_in_pieces_is_put_together(client: Connection) -> None:
    call = Call("GET", "/Users", b'"userName":', 2)
    assert client.ask(call) == Pieces.body
    assert drive([client], Feed(iter([call] * 10)), seconds=math.inf, most=10).answers == 10


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (Call("GET", "/Users", b'"userName":', 3), "is there 2 times instead of 3"),
        (Call("GET", "/Users", b'"userName":', 2, status=201), "GET /Users: 200"),
    ],
)
def test_a_wrong_answer_ends_the_run(client: Connection, call: Call, complaint: str) -> None:
    with pytest.raises(WrongAnswerError, match=complaint):
        drive([client], Feed(iter([call] * 10)), seconds=math.inf, most=10)


def result(name: str, ratio: float, cpu: float | None = 1.0) -> Result:
    side = Side(rate=1_000, p50_ms=1, cpu_us=500)
    return Result(BY_NAME[name], 1_000, side, side, ratio, cpu, [ratio], [])


@pytest.mark.parametrize(
    ("measured", "rating"),
    [
        (result("get", 0.93, 1.10), Rating.GOAL),
        (result("get", 0.926, 1.104), Rating.GOAL),  # which is shown as 0.93 and 1.10
        (result("get", 0.92, 1.10), Rating.FLOOR),
        (result("get", 1.00, 1.15), Rating.FLOOR),
        (result("get", 0.84, 1.00), Rating.BELOW),
        (result("get", 1.00, 1.21), Rating.BELOW),
        (result("userName-eq", 0.80, 3.00), Rating.GOAL),
        (result("userName-eq", 0.64, None), Rating.BELOW),
        (result("email-eq/userName-eq", 1.20), Rating.GOAL),
        (result("email-eq/userName-eq", 1.40), Rating.FLOOR),
        (result("email-eq/userName-eq", 1.41), Rating.BELOW),
        (result("email-eq", 0.10), Rating.NO_LIMIT),
    ],
)
def test_a_ratio_is_held_against_floor_and_goal_as_it_is_shown(measured: Result, rating: Rating) -> None:
    assert report.rating(measured) is rating


@pytest.mark.parametrize(("statements", "rating"), [(5, Rating.GOAL), (6, Rating.FLOOR), (7, Rating.BELOW)])
def test_statements_have_a_floor_and_a_goal_too(statements: int, rating: Rating) -> None:
    count = Counted("POST", statements, floor=6, goal=5)
    assert count.rating is rating
    found = Report({}, {}, [result("get", 1.0)], [count], [])
    assert found.is_below_a_floor is (rating is Rating.BELOW)


def test_floors_ask_for_less_than_goals() -> None:
    assert all(count.goal <= count.floor for count in COUNTS)
    for operation in BY_NAME.values():
        for each in (operation, operation.on_sqlite()):
            match each.floor, each.goal:
                case Limits() as floor, Limits() as goal:
                    assert {report.rating(_at(each, floor)), report.rating(_at(each, goal))} == {
                        Rating.FLOOR,
                        Rating.GOAL,
                    }
                case floor, goal:
                    assert floor is goal is None


def _at(operation: Any, limits: Limits) -> Result:
    side = Side(rate=1_000, p50_ms=1, cpu_us=500)
    return Result(operation, 1_000, side, side, limits.ratio, limits.cpu)


def test_the_table_names_what_is_not_offered_and_lines_up() -> None:
    machine = {"database": "SQLite", "python": "3", "cores": 2, "commit": "abc"}
    found = Report(machine, {}, [result("get", 0.5), result("list-100", 12.25)], [], [("Bulk-of-100", 1_000)])
    text = found.as_text()
    assert [line.split()[0] for line in text.splitlines() if line.endswith("not offered")] == ["Bulk-of-100"]
    ends = {line.index(ratio) + 4 for line in text.splitlines() for ratio in (" 0.50", "12.25") if ratio in line}
    assert len(ends) == 1
    assert found.as_json()["results"][-1] == {"operation": "Bulk-of-100", "users": 1_000, "rating": "not offered"}


def test_without_options_it_does_all_at_both_sizes_in_nine_rounds() -> None:
    options = bench.parse([])
    assert (options.users, options.rounds, options.seconds) == ([1_000, 100_000], 9, 1.0)
    assert [operation.name for operation in options.ops] == list(BY_NAME)


def test_operations_are_run_in_the_order_of_the_house() -> None:
    options = bench.parse(["--ops", "POST,get", "--users", "5"])
    assert [operation.name for operation in options.ops] == ["get", "POST"]
    assert options.users == [5]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--users", "1000,many"], "a whole number from 1 on, not 'many'"),
        (["--rounds", "0"], "a whole number from 1 on, not '0'"),
        (["--seconds", "nan"], "a number of seconds, not 'nan'"),
        (["--ops", "get,put"], "there is no operation 'put'; there are get, "),
        (["--profile", "put"], "there is no operation 'put'; there are get, "),
        (["--json", "/nowhere/at/all.json"], "a file in a folder that exists, not '/nowhere/at/all.json'"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_with_a_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        bench.parse(arguments)
    assert end.value.code == 2
    assert complaint in capsys.readouterr().err


def test_the_readme_gives_every_floor_and_goal() -> None:
    readme = (serve.ROOT / "README.md").read_text()
    table = re.findall(r"^\| `([^`]+)`.*\| ([≥≤][^|]*) \| ([≥≤][^|]*) \|$", readme, re.MULTILINE)
    limited = {operation.name: operation for operation in BY_NAME.values() if operation.floor}
    assert {name for name, _floor, _goal in table} == set(limited)
    for name, floor, goal in table:
        operation = limited[name]
        assert operation.floor and operation.goal
        assert floor == report.in_words(operation.floor, operation.measure)
        assert goal == report.in_words(operation.goal, operation.measure)


COMMAND = [
    sys.executable,
    "-m",
    "scripts.bench",
    "--users",
    "200",
    "--rounds",
    "1",
    "--seconds",
    "0.05",
    "--settling",
    "0.01",
]


def test_a_short_run_measures_every_operation_and_keeps_what_it_found(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    options = ["--database", connection.vendor, "--json", str(file)]
    run = subprocess.run([*COMMAND, *options], cwd=serve.ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found = json.loads(file.read_text())
    assert [each["operation"] for each in found["results"]] == list(BY_NAME)
    for each in found["results"]:
        assert each["ratio"] > 0
        assert each["rating"] in {*Rating}
        assert f"{each['ratio']:.2f}" in run.stdout
    statements = {each["name"]: each["statements"] for each in found["statements"]}
    assert statements["get"] == 1
    assert all(each["statements"] <= each["floor"] for each in found["statements"])


@pytest.mark.once
def test_an_operation_that_fails_costs_nothing_of_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measured(operation: Any, *_arguments: Any, **_options: Any) -> Result:
        if operation.name == "list-100":
            raise WrongAnswerError("GET /Users: 503")
        return result(operation.name, 1.0)

    file = tmp_path / "bench.json"
    stand = SimpleNamespace(ours=None, bare=None, database="SQLite 3")
    monkeypatch.setattr(bench, "measure", measured)
    monkeypatch.setattr(bench, "_stand", lambda *_arguments: nullcontext(stand))
    monkeypatch.setattr(bench, "_is_offered", lambda *_arguments: True)
    monkeypatch.setattr(bench, "_counted", lambda _stand: [])
    assert bench.main(["--users", "5", "--ops", "get,list-100,POST", "--json", str(file)]) == 1
    kept = [(each["operation"], each["rating"]) for each in json.loads(file.read_text())["results"]]
    assert kept == [("get", "goal met"), ("POST", "goal met"), ("list-100", "failed")]
    assert "list-100 at 5 users failed: GET /Users: 503" in capsys.readouterr().out


def test_a_run_that_is_stopped_leaves_nothing_behind(tmp_path: Path) -> None:
    run = subprocess.Popen(
        [*COMMAND, "--database", "sqlite", "--ops", "get,POST"],
        cwd=serve.ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stderr is not None
    while line := run.stderr.readline():
        if ", get: " in line:
            break
    family = psutil.Process(run.pid).children(recursive=True)
    assert len(family) >= 2
    run.terminate()
    run.stderr.close()
    assert run.wait(90) == 1
    _gone, left = psutil.wait_procs(family, timeout=10)
    assert left == []
    assert list(tmp_path.iterdir()) == []
