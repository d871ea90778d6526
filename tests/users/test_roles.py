"""Roles: the built-in ones of a new organization, and the one that newcomers get."""

import pytest
from django.db import IntegrityError, transaction

from tests.tenants import Tenant
from users.models import Role
from users.permissions import NAMES, BuiltIn
from users.services import roles
from users.services.roles import RoleUnknown


def test_a_new_organization_has_every_built_in_role_and_app_management_as_default(acme: Tenant) -> None:
    assert dict(Role.objects.of(acme.id).values_list("key", "name")) == {key.value: name for key, name in NAMES.items()}
    assert roles.default_role(acme.id).name == "App management"


def test_another_default_role_is_audited_with_both_names(acme: Tenant) -> None:
    roles.make_default(acme.role(BuiltIn.READ_ONLY), by=acme.by)
    assert roles.default_role(acme.id).key == BuiltIn.READ_ONLY
    event = acme.last_event()
    assert (event.action, event.target_label) == ("role.default-changed", "Read-only")
    assert event.changes == {"default role": ["App management", "Read-only"]}


def test_making_the_default_role_default_again_leaves_no_trace(acme: Tenant) -> None:
    events = len(acme.events())
    roles.make_default(acme.role(BuiltIn.APP_MANAGEMENT), by=acme.by)
    assert len(acme.events()) == events


def test_people_keep_their_role_when_the_default_changes(acme: Tenant) -> None:
    ann = acme.add("ann")
    roles.make_default(acme.role(BuiltIn.READ_ONLY), by=acme.by)
    ann.refresh_from_db()
    assert ann.role == acme.role(BuiltIn.APP_MANAGEMENT)


def test_one_organizations_default_role_is_not_the_others(acme: Tenant, globex: Tenant) -> None:
    roles.make_default(acme.role(BuiltIn.READ_ONLY), by=acme.by)
    assert roles.default_role(globex.id).key == BuiltIn.APP_MANAGEMENT


def test_another_organizations_role_does_not_exist(acme: Tenant, globex: Tenant) -> None:
    with pytest.raises(RoleUnknown):
        roles.find(globex.role(BuiltIn.ADMIN).pk, organization_id=acme.id)


def test_a_role_that_is_switched_off_cannot_be_chosen(acme: Tenant) -> None:
    finance = acme.role(BuiltIn.FINANCE)
    assert roles.find(finance.pk, organization_id=acme.id) == finance
    Role.objects.of(acme.id).filter(pk=finance.pk).update(is_enabled=False)
    with pytest.raises(RoleUnknown):
        roles.find(finance.pk, organization_id=acme.id)


@pytest.mark.parametrize(
    "fields",
    [{"key": BuiltIn.IT, "name_key": "other"}, {"key": "custom", "name_key": "it"}, {"key": "c", "is_default": True}],
    ids=["same key", "same name", "second default"],
)
def test_the_database_refuses_a_second_role_of_its_kind(acme: Tenant, fields: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Role.objects.create(organization=acme.organization, name="x", **fields)
