"""Large answers are packed for clients that ask for it, and for no others (RFC 9110 sections 8.4 and 12.5.3)."""

import gzip
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.services.onboarding import open_organization
from scim.api.media import PACKED_FROM, takes_gzip
from tests.identity_provider import Idp, read
from tests.servers import Server


@pytest.fixture
def large(idp: Idp) -> str:
    """The path of something large."""
    idp.create()
    idp.add_people(20)
    return "/Users"


@pytest.mark.parametrize(
    ("accepted", "wanted"),
    [
        ("gzip", True),
        ("GZip", True),
        ("x-gzip", True),
        ("gzip,deflate", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("gzip;q=0.001", True),
        ("gzip ; q = 1.000", True),
        ("*", True),
        ("deflate, *;q=0.5", True),
        ("identity;q=0.5, gzip;q=0.5", True),
        ("identity;q=0, gzip;q=0.1", True),
        ("", False),
        ("identity", False),
        ("deflate, br", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("identity, gzip;q=0.5", False),
        ("identity;q=0.6, *;q=0.5", False),
        ("gzip;q=2", False),
        ("gzip;q=", False),
        ("gzip;q=nan", False),
        ("gzip;q=-1", False),
        ("gzippy", False),
    ],
)
def test_the_client_says_what_it_takes(idp: Idp, large: str, accepted: str, wanted: bool) -> None:
    plain = idp.get(large)
    response = idp.get(large, accept_encoding=accepted)
    assert response.status_code == 200
    assert response.headers.get("Content-Encoding") == ("gzip" if wanted else None)
    content = gzip.decompress(response.content) if wanted else response.content
    assert content == plain.content
    assert response.headers["Content-Length"] == str(len(response.content))
    assert response.headers["Content-Type"] == "application/scim+json"


@given(st.text(st.sampled_from("gzip;q=01.,*identy \t\x00é-"), max_size=40))
def test_no_header_whatever_is_a_fault(accepted: str) -> None:
    assert takes_gzip(accepted) in (True, False)


def test_packing_is_worth_it_and_smaller(idp: Idp, large: str) -> None:
    plain, packed = idp.get(large), idp.get(large, accept_encoding="gzip")
    assert len(packed.content) * 3 < len(plain.content)


def test_an_answer_that_fits_a_packet_is_sent_as_it_is(idp: Idp) -> None:
    response = idp.get("/Users", accept_encoding="gzip")
    assert len(response.content) < PACKED_FROM
    assert "Content-Encoding" not in response.headers
    assert read(response)["totalResults"] == 0


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
@pytest.mark.parametrize("path", ["/Users", "/Users?count=0", "/Users/{id}", "/Users/7", "/Schemas", "/Nope"])
def test_every_answer_says_that_it_depends_on_what_the_client_takes(
    idp: Idp, large: str, path: str, accepted: str
) -> None:
    path = path.format(id=idp.users()[0].pk)
    assert idp.send("GET", path, accept_encoding=accepted).headers["Vary"] == "Accept-Encoding"


def test_head_tells_what_get_would_send(idp: Idp, large: str) -> None:
    for accepted in ("gzip", "identity"):
        get, head = (idp.send(method, large, accept_encoding=accepted) for method in ("GET", "HEAD"))
        assert head.content == b""
        for name in ("Content-Length", "Content-Encoding", "Content-Type", "Vary"):
            assert head.headers.get(name) == get.headers.get(name)


def test_the_version_of_a_user_is_the_same_packed_or_not(idp: Idp) -> None:
    addresses = [{"type": "work", "formatted": "x" * 1000}, {"type": "home", "formatted": "y" * 1000}]
    user = idp.create(addresses=addresses)
    path = f"/Users/{user['id']}"
    plain, packed = idp.get(path), idp.get(path, accept_encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["ETag"] == plain.headers["ETag"] == 'W/"1"'
    known = idp.get(path, accept_encoding="gzip", if_none_match=packed.headers["ETag"])
    assert (known.status_code, known.content, "Content-Encoding" in known.headers) == (304, b"", False)
    assert known.headers["Vary"] == "Accept-Encoding"
    changed = idp.patch(user["id"], {"op": "add", "path": "title", "value": "x"}, accept_encoding="gzip")
    assert json.loads(gzip.decompress(changed.content))["title"] == "x"


@pytest.mark.django_db(transaction=True)
def test_the_real_server_sends_it_whole(real_server: Server) -> None:
    opened = open_organization("Acme", "acme", enable_scim=True)
    headers = {"Authorization": f"Bearer {opened.bearer_token}"}

    def ask(method: str, **more: str) -> Any:
        return real_server.request(method, "/scim/acme/v2/Schemas", headers=headers | more)

    plain, packed = ask("GET"), ask("GET", **{"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["content-length"] == str(len(packed.body))
    head = ask("HEAD", **{"Accept-Encoding": "gzip"})
    assert (head.body, head.headers["content-length"]) == (b"", packed.headers["content-length"])
    assert re.search("accept-encoding", packed.headers["vary"], re.IGNORECASE)
