"""Every table that belongs to a tenant says so, and every query set of one can start from the organization."""

import pytest
from django.apps import apps
from django.db import connection, models

from core.tenancy import TenantModel, TenantQuerySet
from organizations.models import Mail
from tests.tenants import Tenant
from users.models import Role, User

OURS = ("audit", "organizations", "domains", "users", "provisioning")
WITHOUT_TENANT = {"Organization"}
BY_VALUE = {"AuditEvent"}
OF_OPERATORS_TOO = {User, Mail}


@pytest.mark.parametrize("model", [model for app in OURS for model in apps.get_app_config(app).get_models()])
def test_every_table_belongs_to_an_organization(model: type[models.Model]) -> None:
    if model.__name__ in WITHOUT_TENANT:
        return
    field = model._meta.get_field("organization_id" if model.__name__ in BY_VALUE else "organization")
    assert field.null is (model in OF_OPERATORS_TOO), "Only operators, and mails to them, belong to no organization."
    if issubclass(model, TenantModel):
        assert isinstance(model._default_manager.get_queryset(), TenantQuerySet)


def test_of_shows_one_organization_only(acme: Tenant, globex: Tenant) -> None:
    acme.add("ann")
    globex.add("gwen")
    assert [user.user_name for user in User.objects.of(acme.id)] == ["ann@acme.example"]
    assert set(Role.objects.of(acme.id)) & set(Role.objects.of(globex.id)) == set()


def test_keys_sort_by_code_point_on_every_database(acme: Tenant) -> None:
    names = ["ab", "a-c", "B", "a", "é", "z", "a_b", "ａ"]
    Role.objects.bulk_create(
        Role(organization=acme.organization, key=f"k{number}", name=name, name_key=f"~{name}")
        for number, name in enumerate(names)
    )
    keys = Role.objects.of(acme.id).filter(name_key__startswith="~").order_by("name_key")
    assert [role.name for role in keys] == sorted(names), connection.vendor
