"""SCIM at a slug that the organization has had: everything works as before until its time is over."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from core.actors import operator_at_the_command_line
from organizations.models import FormerSlug, Organization
from organizations.services import organizations, slugs
from tests.identity_provider import Idp, read

LIST = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


@pytest.fixture
def moved(idp: Idp) -> Idp:
    """A provider that still has the Base URL from before the organization took another slug."""
    slugs.change("acme-ltd", expected_slug="acme", by=operator_at_the_command_line(idp.organization.pk))
    assert idp.base == "/scim/acme/v2"
    return idp


def last_used(idp: Idp) -> Any:
    return FormerSlug.objects.get(slug="acme").last_used_at


def test_a_whole_life_of_a_user_goes_on_there(moved: Idp) -> None:
    ada = moved.create("ada@acme.example")
    assert ada["meta"]["location"] == f"http://testserver/scim/acme/v2/Users/{ada['id']}"
    assert read(moved.get(f"/Users/{ada['id']}"))["meta"]["location"] == ada["meta"]["location"]
    assert moved.found('userName eq "ada@acme.example"') == ["ada@acme.example"]
    assert moved.found('name.familyName pr or userName co "ada"') == ["ada@acme.example"]
    assert moved.patch(ada["id"], {"op": "replace", "path": "title", "value": "Countess"}).status_code == 200
    answer = moved.send("PUT", f"/Users/{ada['id']}", {"userName": "ada@acme.example", "active": False})
    assert read(answer)["active"] is False
    assert read(moved.get("/Users"))["totalResults"] == 1
    assert read(moved.get("/Users", {"count": 0}))["totalResults"] == 1
    assert read(moved.get("/Users", {"cursor": ""}))["totalResults"] == 1
    assert moved.send("DELETE", f"/Users/{ada['id']}").status_code == 204
    assert moved.get(f"/Users/{ada['id']}").status_code == 404


@pytest.mark.parametrize("path", ["/Users/.search", "/.search"])
@pytest.mark.parametrize("condition", ['userName sw "ada"', 'active eq "true"'])
def test_searches_by_a_body_find_the_same(moved: Idp, path: str, condition: str) -> None:
    moved.create("ada@acme.example")
    answer = moved.send("POST", path, {"schemas": [LIST], "filter": condition})
    assert read(answer)["totalResults"] == 1


def test_groups_bulk_and_discovery_are_there_too(moved: Idp) -> None:
    ada = moved.create("ada@acme.example")
    group = moved.create_group("Engineering", ada["id"])
    assert read(moved.get(f"/Groups/{group['id']}"))["meta"]["location"].startswith("http://testserver/scim/acme/v2/")
    assert moved.groups_found('displayName eq "Engineering"') == ["Engineering"]
    search = moved.send("POST", "/Groups/.search", {"schemas": [LIST], "filter": 'displayName sw "E"'})
    assert read(search)["totalResults"] == 1
    operation = {"method": "POST", "path": "/Users", "bulkId": "1", "data": {"userName": "bob@acme.example"}}
    answer = moved.send("POST", "/Bulk", {"schemas": [BULK], "Operations": [operation]})
    assert read(answer)["Operations"][0]["status"] == "201"
    for path in ("/ServiceProviderConfig", "/ResourceTypes", "/Schemas"):
        assert moved.get(path).status_code == 200


def test_a_cursor_leads_on_at_either_address(moved: Idp) -> None:
    for number in range(4):
        moved.create(f"p{number}@acme.example")
    first = read(moved.get("/Users", {"cursor": "", "count": 2}))
    moved.organization = Organization.objects.get(pk=moved.organization.pk)
    following = read(moved.get("/Users", {"cursor": first["nextCursor"], "count": 2}))
    assert len({user["id"] for user in first["Resources"] + following["Resources"]}) == 4


def test_the_log_is_the_organizations_and_shows_that_the_old_address_is_in_use(moved: Idp) -> None:
    assert last_used(moved) is None
    moved.get("/Users")
    assert [(row.path, row.status) for row in moved.log()] == [("/scim/acme/v2/Users", 200)]
    assert last_used(moved) is not None


def test_a_wrong_token_is_refused_logged_and_no_use(moved: Idp, anonymous: Idp) -> None:
    expected = moved.http.get("/scim/nobody/v2/Users").content
    for token in ("smgr_wrong", anonymous.token):
        answer = moved.http.get("/scim/acme/v2/Users", headers={"authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.content) == (401, expected)
    assert [row.status for row in moved.log()] == [401, 401]
    assert last_used(moved) is None


def test_a_token_of_the_organization_opens_no_strangers_address(moved: Idp, anonymous: Idp) -> None:
    slugs.change("globex-ltd", expected_slug="globex", by=operator_at_the_command_line(anonymous.organization.pk))
    answer = moved.http.get("/scim/globex/v2/Users", headers={"authorization": f"Bearer {moved.token}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("how", ["over", "ended", "suspended"])
def test_it_ends(moved: Idp, how: str) -> None:
    by = operator_at_the_command_line(moved.organization.pk)
    row = FormerSlug.objects.get(slug="acme")
    match how:
        case "over":
            FormerSlug.objects.update(until=timezone.now() - timedelta(seconds=1))
        case "ended":
            slugs.end(row.pk, by=by)
        case "suspended":
            organizations.suspend("Unpaid", by=by)
    refused = 403 if how == "suspended" else 401
    assert moved.get("/Users").status_code == refused
    assert moved.send("POST", "/Users", {"userName": "ada@acme.example"}).status_code == refused


def test_the_present_address_costs_no_statement_more(moved: Idp, django_assert_num_queries: Any) -> None:
    ada = moved.create("ada@acme.example")
    moved.organization = Organization.objects.get(pk=moved.organization.pk)
    assert moved.base == "/scim/acme-ltd/v2"
    with django_assert_num_queries(1):
        assert moved.get(f"/Users/{ada['id']}").status_code == 200


@pytest.mark.parametrize("slug", ["%00", "a%00b", "%ED%A0%80", "x" * 500])
def test_what_is_no_slug_is_refused_as_any_other(moved: Idp, slug: str) -> None:
    answer = moved.http.get(f"/scim/{slug}/v2/Users", headers={"authorization": f"Bearer {moved.token}"})
    assert answer.status_code == 401
