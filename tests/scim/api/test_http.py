"""Paths, verbs, headers and media types: every answer below the Base URL is SCIM's (RFC 7644 section 3)."""

import gzip
import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from scim.operations import users
from tests.identity_provider import Idp, read

USER = {"userName": "ada@acme.example"}


class TestSlashes:
    @pytest.mark.parametrize("path", ["/Users", "/Users/", "//Users", "//Users//", "/Users///"])
    def test_every_variant_of_the_list_answers_every_verb_without_redirect(self, idp: Idp, path: str) -> None:
        assert idp.get(path).status_code == 200
        assert idp.send("POST", path, USER).status_code == 201

    @pytest.mark.parametrize("template", ["/Users/{}", "/Users/{}/", "//Users/{}", "/Users//{}//"])
    def test_every_variant_of_a_user_answers_every_verb_without_redirect(self, idp: Idp, template: str) -> None:
        path = template.format(idp.create()["id"])
        assert idp.get(path).status_code == 200
        assert idp.send("PUT", path, USER).status_code == 200
        operation = {"op": "replace", "path": "title", "value": "x"}
        assert idp.send("PATCH", path, {"Operations": [operation]}).status_code == 200
        assert idp.send("DELETE", path).status_code == 204

    @pytest.mark.parametrize("base", ["/scim/acme/v2/", "/scim//acme//v2/"])
    def test_a_base_url_with_spare_slashes_works(self, idp: Idp, base: str) -> None:
        response = idp.http.generic("GET", f"{base}/Users", headers={"authorization": f"Bearer {idp.token}"})
        assert response.status_code == 200

    @pytest.mark.clause("7644-3.13-1")
    def test_locations_have_none(self, idp: Idp) -> None:
        user = read(idp.send("POST", "//Users/", USER))
        assert user["meta"]["location"] == f"http://testserver/scim/acme/v2/Users/{user['id']}"


class TestUnknownPaths:
    @pytest.mark.clause("7644-3.12-1", "7644-3.12-8")
    @pytest.mark.parametrize("path", ["", "/", "/Nope", "/Groups/a/b", "/Bulk/x", "/Me/x", "/Users/a/b", "/users"])
    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
    def test_are_a_scim_404(self, idp: Idp, path: str, method: str) -> None:
        response = idp.send(method, path, USER)
        assert response.status_code == 404
        assert read(response)["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert idp.users() == []

    @pytest.mark.parametrize(
        "path", ["/scim/acme/v1/Users", "/scim/acme", "/scim/", "/scim/acme/v2x", "/scim/acme/v2\n"]
    )
    def test_so_are_others_below_scim(self, idp: Idp, path: str) -> None:
        authorization = {"authorization": f"Bearer {idp.token}"}
        assert idp.http.generic("GET", path).status_code == 401
        assert idp.http.generic("GET", path, headers=authorization).status_code in (401, 404)

    def test_a_path_that_only_begins_like_ours_is_no_business_of_scim(self, client: Client) -> None:
        assert client.get("/scimitar/").headers["Content-Type"] != "application/scim+json"


class TestVerbs:
    @pytest.mark.parametrize(
        ("method", "path", "allow"),
        [
            ("PUT", "/Users", "GET, HEAD, POST"),
            ("DELETE", "/Users", "GET, HEAD, POST"),
            ("OPTIONS", "/Users", "GET, HEAD, POST"),
            ("TRACE", "/Users", "GET, HEAD, POST"),
            ("PURGE", "/Users", "GET, HEAD, POST"),
            ("POST", "/Users/1", "GET, HEAD, PUT, PATCH, DELETE"),
            ("POST", "/Schemas", "GET, HEAD"),
            ("PATCH", "/ServiceProviderConfig", "GET, HEAD"),
        ],
    )
    def test_a_verb_that_does_not_apply_is_405_and_says_which_do(
        self, idp: Idp, method: str, path: str, allow: str
    ) -> None:
        response = idp.send(method, path, USER)
        assert response.status_code == 405
        assert response.headers["Allow"] == allow
        assert read(response)["status"] == "405"

    @pytest.mark.parametrize("path", ["/Users", "/Users/{id}", "/Schemas", "/Nope"])
    def test_head_is_get_without_a_body(self, idp: Idp, path: str) -> None:
        path = path.replace("{id}", idp.create()["id"])
        whole, head = idp.get(path), idp.send("HEAD", path)
        assert head.content == b""
        assert head.status_code == whole.status_code
        assert head.headers["Content-Type"] == whole.headers["Content-Type"]
        assert head.headers.get("ETag") == whole.headers.get("ETag")


class TestHeaders:
    @pytest.mark.clause("7644-3.8-4", "7644-3.8-5", "7644-8.1-1")
    @pytest.mark.parametrize(
        "accept", ["*/*", "application/json", "application/scim+json; charset=utf-8", "text/html", "x", ""]
    )
    def test_whatever_is_accepted_gets_scims_media_type(self, idp: Idp, accept: str) -> None:
        response = idp.get("/Users", accept=accept)
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "application/scim+json"

    @pytest.mark.clause("7644-7.5.1-1")
    @pytest.mark.parametrize("path", ["/Users", "/Users/1", "/Nope"])
    def test_every_answer_is_marked_private_and_traceable(self, idp: Idp, path: str) -> None:
        response = idp.get(path)
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.cookies == {}
        assert response.headers["X-Request-Id"]
        if response.status_code != 200:
            assert response.headers["X-Request-Id"] in read(response)["detail"]

    def test_another_hosts_name_is_refused_and_never_shows_in_a_location(self, idp: Idp) -> None:
        response = idp.get("/Users", host="evil.example")
        assert response.status_code == 400
        assert "evil" not in read(response)["detail"]

    def test_a_page_s_session_opens_nothing(self, idp: Idp, client: Client) -> None:
        client.force_login(_user(idp))
        assert client.get(idp.base + "/Users").status_code == 401


class TestBodies:
    def test_a_gzip_body_is_read(self, idp: Idp) -> None:
        packed = gzip.compress(json.dumps(USER).encode())
        assert idp.send("POST", "/Users", packed, content_encoding="gzip").status_code == 201

    @pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "compress"])
    def test_other_encodings_are_415(self, idp: Idp, encoding: str) -> None:
        assert idp.send("POST", "/Users", USER, content_encoding=encoding).status_code == 415

    @pytest.mark.parametrize(
        "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"]
    )
    def test_other_media_types_are_415(self, idp: Idp, content_type: str) -> None:
        response = idp.send("POST", "/Users", USER, content_type=content_type)
        assert response.status_code == 415
        assert read(response)["status"] == "415"

    def test_more_than_a_mebibyte_is_413_by_its_length_alone(self, idp: Idp) -> None:
        body = json.dumps({**USER, "title": "x" * 1024 * 1024}).encode()
        response = idp.send("POST", "/Users", body)
        assert response.status_code == 413
        assert read(response)["status"] == "413"

    def test_a_small_gzip_body_that_unpacks_to_a_large_one_is_413(self, idp: Idp) -> None:
        packed = gzip.compress(b" " * 50_000_000)
        assert len(packed) < 100_000
        assert idp.send("POST", "/Users", packed, content_encoding="gzip").status_code == 413

    @pytest.mark.parametrize("length", ["-1", "x", "1e3", "99999999999999999999999"])
    def test_a_length_that_is_none_is_refused(self, idp: Idp, length: str) -> None:
        response = idp.http.generic(
            "POST",
            idp.base + "/Users",
            b"{}",
            "application/json",
            headers={"authorization": f"Bearer {idp.token}"},
            CONTENT_LENGTH=length,
        )
        assert 400 <= response.status_code < 500


class TestFaults:
    def test_a_database_that_does_not_answer_is_503_with_retry_after(
        self, idp: Idp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(users, "read", _raise(OperationalError("lock timeout")))
        response = idp.get("/Users/1")
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0
        assert read(response)["status"] == "503"

    @pytest.mark.clause("7644-3.12-12")
    def test_a_fault_that_nobody_foresaw_is_a_scim_500_without_its_innards(
        self, idp: Idp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(users, "read", _raise(RuntimeError("secret innards")))
        response = idp.get("/Users/1")
        assert response.status_code == 500
        assert b"innards" not in response.content
        assert response.headers["X-Request-Id"] in read(response)["detail"]
        assert idp.log()[-1].cause == "unexpected"


def _raise(error: Exception) -> Any:
    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise error

    return fail


def _user(idp: Idp) -> Any:
    idp.create(roles=[{"value": "Read-only"}])
    return idp.users()[0]
