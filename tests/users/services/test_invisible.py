"""Characters that nobody sees in an address: refused at every door, in each spelling that a write brings."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from core.addresses import AddressError, check_address
from provisioning.services.onboarding import open_organization
from tests.identity_provider import Idp, read
from users.models import User
from users.services.accounts import AddressInvalid

INVISIBLE = ["\u200b", "\u00ad", "\u034f", "\u2060", "\ufe0f", "\u180e", "\u115f", "\u3164", "\ufeff", "\U000e0100"]


@pytest.mark.parametrize("letter", INVISIBLE)
@pytest.mark.parametrize("address", ["ada@ac{}me.example", "ad{}a@acme.example"])
def test_an_address_with_one_is_refused_however_scim_writes_it(letter: str, address: str, idp: Idp) -> None:
    bad = address.format(letter)
    entry = {"value": bad, "type": "work", "primary": True}
    user = idp.create("ada@acme.example", emails=[{"value": "ada@acme.example", "type": "work", "primary": True}])
    path = f"/Users/{user['id']}"
    answers: list[Any] = [
        idp.send("POST", "/Users", {"userName": bad}),
        idp.send("POST", "/Users", {"userName": "new@acme.example", "emails": [entry]}),
        idp.send("PUT", path, {"userName": bad}),
        idp.send("PUT", path, {"userName": "ada@acme.example", "emails": [entry]}),
        idp.patch(user["id"], {"op": "replace", "path": "userName", "value": bad}),
        idp.patch(user["id"], {"op": "replace", "path": 'emails[type eq "work"].value', "value": bad}),
        idp.patch(user["id"], {"op": "add", "path": "emails", "value": [{**entry, "type": "home", "primary": False}]}),
    ]
    assert [(answer.status_code, read(answer)["scimType"]) for answer in answers] == [(400, "invalidValue")] * 7
    assert read(idp.get(path)) == user
    assert [each.user_name for each in idp.users()] == ["ada@acme.example"]


def test_two_spellings_of_one_address_in_a_body_are_both_checked(idp: Idp) -> None:
    for user_name, email in (
        ("ada@ac\u200bme.example", "ada@acme.example"),
        ("ada@acme.example", "ada@ac\u200bme.example"),
    ):
        answer = idp.send("POST", "/Users", {"userName": user_name, "emails": [{"value": email}]})
        assert answer.status_code == 400, ascii(user_name)
    assert not idp.users()


def test_what_is_stored_from_before_is_compared_without_it_and_left_alone_by_other_changes(idp: Idp) -> None:
    user = idp.create("ada@acme.example")
    stored = User.objects.get(pk=user["id"])
    User.objects.filter(pk=user["id"]).update(
        user_name="ada@ac\u200bme.example",
        email="ada@ac\u200bme.example",
        document=stored.document.replace("ada@acme", "ada@ac\u200bme"),
    )
    assert idp.found('userName eq "ada@acme.example"') == ["ada@ac\u200bme.example"]
    assert idp.found('userName eq "ada@ac\u00adme.example"') == ["ada@ac\u200bme.example"]
    assert idp.send("POST", "/Users", {"userName": "ada@acme.example"}).status_code == 409
    assert idp.patch(user["id"], {"op": "replace", "path": "title", "value": "Countess"}).status_code == 200
    assert idp.patch(user["id"], {"op": "replace", "path": "active", "value": False}).status_code == 200
    answer = idp.send("PUT", f"/Users/{user['id']}", {"userName": "ada@acme.example", "active": True})
    assert read(answer)["userName"] == "ada@acme.example"


@pytest.mark.django_db
@pytest.mark.parametrize("letter", INVISIBLE)
def test_operators_commands_refuse_one_too(letter: str) -> None:
    for address in (f"ada@ac{letter}me.example", f"ad{letter}a@acme.example"):
        with pytest.raises(AddressError):
            check_address(address)
        with pytest.raises(AddressInvalid):
            open_organization("Acme", "acme", admin_email=address)
    with pytest.raises(CommandError, match="invisible character"):
        call_command("create_organization", "Acme", "--slug", "acme", "--domain", f"ac{letter}me.example")
    open_organization("Acme", "acme")
    with pytest.raises(CommandError, match="invisible character"):
        call_command("domain", "acme", "add", f"ac{letter}me.example")
