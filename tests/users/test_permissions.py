"""The table of rights as the product has it: who may see and edit what."""

import pytest

from users.models import Role, User
from users.permissions import NAMES, RIGHTS, Area, BuiltIn, permissions_of

VIEW = {f"{area}.view" for area in Area}
EDIT = {f"{area}.edit" for area in Area}

EXPECTED = {
    BuiltIn.ADMIN: VIEW | EDIT,
    BuiltIn.READ_ONLY: VIEW,
    BuiltIn.DOMAIN_MANAGER: {"domains.view", "domains.edit", "organization.view"},
    BuiltIn.APP_MANAGEMENT: set(),
    BuiltIn.HR: set(),
    BuiltIn.IT: set(),
    BuiltIn.FINANCE: set(),
}


@pytest.mark.parametrize("key", BuiltIn)
def test_a_role_may_do_what_the_product_says(key: BuiltIn) -> None:
    assert permissions_of(key) == EXPECTED[key]
    user = User(is_active=True, role=Role(key=key))
    assert {code for code in VIEW | EDIT if user.has_perm(code)} == EXPECTED[key]


def test_every_role_has_a_name_and_rights() -> None:
    assert set(NAMES) == set(RIGHTS) == set(BuiltIn)
    assert len(set(NAMES.values())) == len(NAMES)


def test_no_role_no_rights() -> None:
    assert permissions_of("") == frozenset()
    assert not User(is_active=True).has_perm("users.view")


def test_a_suspended_admin_may_do_nothing() -> None:
    assert not User(is_active=False, role=Role(key=BuiltIn.ADMIN)).has_perm("users.view")


def test_only_operators_see_djangos_own_admin() -> None:
    admin, operator = User(role=Role(key=BuiltIn.ADMIN)), User(is_superuser=True)
    assert (admin.is_staff, operator.is_staff) == (False, True)
    assert not admin.has_module_perms("users")
    assert operator.has_module_perms("users")
    assert operator.has_perm("domains.edit")


def test_an_unknown_permission_is_nobodys() -> None:
    assert not User(role=Role(key=BuiltIn.ADMIN)).has_perm("domains.explode")
