"""By what a user has the role: new users are told apart at the door, those of before from profile and audit trail."""

from uuid import UUID

import pytest

from tests.rewinding import rewound
from tests.scim.role_rules import role_named, role_of
from tests.tenants import Tenant
from users.models import User
from users.origins import Source
from users.services import accounts

BEFORE = "0009_managed_by"


@pytest.mark.django_db(transaction=True)
def test_users_of_before_are_told_apart(acme: Tenant) -> None:
    people: dict[str, UUID] = {
        "unsent": acme.add("ada").pk,
        "sent": acme.add("bob", "hr", profile={"roles": [{"value": "HR", "type": "job", "primary": True}]}).pk,
        "taken off": acme.add("cy", "it").pk,
        "by a page": acme.add("dan").pk,
        "made by hand": acme.add("eve", source=Source.MANUAL).pk,
    }
    acme.update(User.objects.get(pk=people["taken off"]), roles=None)
    accounts.change_role(people["by a page"], role_named(acme.organization, "Finance"), by=acme.by)
    with rewound("users", BEFORE):
        pass
    assert {name: role_of(pk) for name, pk in people.items()} == {
        "unsent": "App management by default",
        "sent": "HR by provider",
        "taken off": "IT by provider",
        "by a page": "Finance by hand",
        "made by hand": "App management by hand",
    }
