"""An externalId is one active user's in a connection: at two doors at once and after a move."""

import pytest

from provisioning.models import IdentityProvider
from provisioning.services.connections import connections, transfer
from tests.tenants import Tenant
from tests.users.services.test_races import ROUNDS, at_once
from users.models import User
from users.services import accounts
from users.services.unique_names import ExternalIdTaken

SHARED = {"externalId": "e-1"}


def provisioned(acme: Tenant, login: str) -> User:
    return acme.add(login, managed_by=acme.connection.pk, profile=SHARED)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_come_with_one_externalid_in_the_same_moment_one_is_made(acme: Tenant) -> None:
    for number in range(ROUNDS):
        refusals = at_once(lambda: provisioned(acme, "ann"), lambda: provisioned(acme, "bob"))
        assert [type(refusal) for refusal in refusals if refusal] == [ExternalIdTaken], f"round {number}"
        (user,) = User.objects.of(acme.id)
        accounts.delete(user, by=acme.by)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_are_let_in_again_in_the_same_moment_one_stays_out(acme: Tenant) -> None:
    people = []
    for login in ("ann", "bob"):
        people.append(provisioned(acme, login))
        acme.update(people[-1], active=False)
    for number in range(ROUNDS):
        restore = [lambda user=user: accounts.set_active(user.pk, True, by=acme.by) for user in people]
        refusals = at_once(*restore)
        assert [type(refusal) for refusal in refusals if refusal] == [ExternalIdTaken], f"round {number}"
        (active,) = User.objects.of(acme.id).filter(is_active=True)
        accounts.set_active(active.pk, False, by=acme.by)


@pytest.mark.django_db
def test_users_who_share_one_since_before_are_suspended_and_renamed_and_nobody_joins_them(acme: Tenant) -> None:
    ann, bob = provisioned(acme, "ann"), acme.add("bob", managed_by=acme.connection.pk)
    User.objects.filter(pk__in=[ann.pk, bob.pk]).update(external_id="e-1", claims_external_id=False)
    bob.refresh_from_db()
    bob.document = bob.document.replace('{"', '{"externalId":"e-1","', 1)
    bob.save(update_fields=["document"])
    acme.update(ann, title="Engineer")
    acme.update(bob, userName="robert@acme.example")
    acme.update(bob, active=False)
    for refused in (lambda: provisioned(acme, "cy"), lambda: acme.update(bob, active=True)):
        with pytest.raises(ExternalIdTaken, match="ann@acme.example"):
            refused()


@pytest.mark.django_db
def test_who_is_moved_takes_nobodys_place_in_the_new_connection(acme: Tenant) -> None:
    other = connections.add("Okta", IdentityProvider.OKTA, by=acme.by)
    ann = provisioned(acme, "ann")
    acme.add("bob", managed_by=other.pk, profile=SHARED)
    transfer.transfer(ann.pk, other, by=acme.by)
    assert provisioned(acme, "cy").external_id == "e-1"
    assert transfer.transfer_all(acme.connection, other, by=acme.by) == 1
    assert User.objects.of(acme.id).filter(managed_by=other.pk, external_id="e-1", is_active=True).count() == 3
