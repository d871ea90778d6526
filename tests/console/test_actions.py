"""Actions of sections: where they are found, and how their outcomes are answered."""

import pytest
from django.urls import resolve

from console import actions
from console.actions import PageAction
from domains import services
from tests.signed_in import SignedIn
from tests.tenants import Tenant
from users.permissions import BuiltIn

DETAILS = "/settings/organization/details/"
SCRIPT = {"hx-request": "true"}


def test_every_action_has_a_name_and_an_address_of_its_own() -> None:
    declared = [action for action, _view in actions.actions()]
    assert len(declared) > 60
    assert len({action.name for action in declared}) == len({action.route for action in declared}) == len(declared)


@pytest.mark.parametrize("action", [each for each, _view in actions.actions()], ids=lambda action: action.name)
def test_no_address_of_an_action_is_taken_by_another_one(action: PageAction) -> None:
    values = {"uuid": "01234567-89ab-7def-8123-456789abcdef", "slug": "a-word"}
    route = action.route
    while "<" in route:
        before, _, rest = route.partition("<")
        inside, _, after = rest.partition(">")
        route = f"{before}{values[inside.partition(':')[0]]}{after}"
    assert resolve(f"/settings/{route}").view_name == f"settings:{action.name}"


def details(**changed: str) -> dict[str, str]:
    now = {"name": "Acme", "time_zone": "UTC", "date_style": "en"}
    return {**now, **{f"expected_{name}": value for name, value in now.items()}, **changed}


def test_a_change_that_was_saved_is_a_piece_to_a_script_and_leads_to_its_page_without_one(
    acme: Tenant, signed_in: SignedIn
) -> None:
    client, role = signed_in(acme), acme.role(BuiltIn.HR)
    piece = client.post("/settings/users/default-role/", {"role": role.pk}, headers=SCRIPT).content.decode()
    assert "Saved. New users get the role HR." in piece and "<html" not in piece
    answer = client.post("/settings/users/default-role/", {"role": role.pk})
    assert (answer.status_code, answer["location"]) == (302, "/settings/users/#default-role")
    assert "Saved. New users get the role HR." in client.get("/settings/users/").content.decode()


def test_a_form_that_is_wrong_comes_back_with_what_was_typed_as_a_piece_or_within_its_page(
    acme: Tenant, signed_in: SignedIn
) -> None:
    client, wrong = signed_in(acme), details(name="Acme Ltd", time_zone="Mars/Olympus")
    piece = client.post(DETAILS, wrong, headers=SCRIPT).content.decode()
    whole = client.post(DETAILS, wrong).content.decode()
    assert 'value="Acme Ltd"' in piece and "<html" not in piece
    assert 'value="Acme Ltd"' in whole and "<html" in whole


@pytest.mark.parametrize(
    ("route", "form", "status"),
    [
        ("users/default-role/", {"role": "01234567-89ab-7def-8123-456789abcdef"}, 404),
        ("organization/support/", {"wanted": "perhaps"}, 400),
        ("organization/domains/{domain}/user-requests/", {"wanted": "on"}, 409),
    ],
)
def test_a_script_is_told_the_kind_of_a_refusal_by_the_status(
    route: str, form: dict[str, str], status: int, acme: Tenant, signed_in: SignedIn
) -> None:
    domain = services.add("new.example", by=acme.by)
    answer = signed_in(acme).post(f"/settings/{route.format(domain=domain.pk)}", form, headers=SCRIPT)
    assert (answer.status_code, answer["content-type"]) == (status, "text/plain; charset=utf-8")
