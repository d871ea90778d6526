"""``manage.py organization``: suspend, reactivate and rename."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from organizations.models import FormerSlug, Organization
from tests.tenants import Tenant

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> Any:
    out = StringIO()
    call_command("organization", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.parametrize(("suspend", "reactivate"), [("suspend", "reactivate"), ("hold", "release")])
def test_it_is_suspended_and_reactivated_with_a_reason(suspend: str, reactivate: str, acme: Tenant) -> None:
    assert run("acme", suspend, "--reason", "Unpaid")["active"] is False
    assert acme.last_event().changes["reason"] == [None, "Unpaid"]
    assert run("acme", reactivate, "--reason", "Paid")["active"] is True
    assert acme.last_event().actor_label == "Operator (command line)"


@pytest.mark.parametrize("action", ["suspend", "reactivate"])
def test_without_a_reason_the_option_is_named(action: str, acme: Tenant) -> None:
    with pytest.raises(CommandError, match=f'organization acme {action} --reason "'):
        run("acme", action)


def test_it_gets_another_slug(acme: Tenant) -> None:
    assert run("acme", "rename-slug", "acme-ltd")["organization"]["slug"] == "acme-ltd"
    assert FormerSlug.objects.get().slug == "acme"


@pytest.mark.parametrize(
    "arguments",
    [
        ("acme", "suspend"),
        ("acme", "suspend", "other", "--reason", "x"),
        ("acme", "rename-slug"),
        ("acme", "rename-slug", "a b"),
        ("nobody", "suspend", "--reason", "x"),
        ("acme", "close"),
    ],
)
def test_wrong_input_is_one_line_and_changes_nothing(arguments: tuple[str, ...], acme: Tenant) -> None:
    before = list(Organization.objects.values())
    with pytest.raises(CommandError) as refusal:
        run(*arguments)
    assert refusal.value.returncode == 2
    assert list(Organization.objects.values()) == before
