"""What the rules promise holds also when two people act in the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction

from organizations.refusals import Refusal
from tests.tenants import Tenant
from users.models import User
from users.permissions import BuiltIn
from users.services import accounts
from users.services.accounts import LastAdmin, NameTaken

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 20


def at_once(*deeds: Callable[[], Any]) -> list[Refusal | None]:
    """Run the deeds in threads that start together; return what each was refused with."""
    start = Barrier(len(deeds))

    def run(deed: Callable[[], Any]) -> Refusal | None:
        try:
            start.wait()
            deed()
        except Refusal as refusal:
            return refusal
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


def test_two_admins_who_leave_in_the_same_moment_cannot_both_go(acme: Tenant) -> None:
    ada, bob = (acme.add(login, BuiltIn.ADMIN) for login in ("ada", "bob"))
    for number in range(ROUNDS):
        refusals = at_once(
            lambda: accounts.set_active(ada.pk, False, by=acme.by),
            lambda: accounts.change_role(bob.pk, acme.role(BuiltIn.READ_ONLY), by=acme.by),
        )
        assert [type(refusal) for refusal in refusals if refusal] == [LastAdmin], f"round {number}"
        assert User.objects.of(acme.id).active_admins().count() == 1
        accounts.set_active(ada.pk, True, by=acme.by)
        accounts.change_role(bob.pk, acme.role(BuiltIn.ADMIN), by=acme.by)


def test_one_name_asked_for_in_the_same_moment_is_given_once(acme: Tenant) -> None:
    for number in range(ROUNDS):
        refusals = at_once(lambda: acme.add(f"p{number}"), lambda: acme.add(f"P{number}"))  # noqa: B023
        assert [type(refusal) for refusal in refusals if refusal] == [NameTaken], f"round {number}"
    assert acme.headcount() == User.objects.of(acme.id).count() == ROUNDS


def test_changes_in_the_same_moment_lose_nothing(acme: Tenant) -> None:
    ann = acme.add("ann")

    def give(attribute: str, value: str) -> Callable[[], object]:
        def deed() -> None:
            with transaction.atomic():
                acme.update(ann, **{attribute: value})

        return deed

    for number in range(ROUNDS):
        assert at_once(give("title", f"t{number}"), give("nickName", f"n{number}")) == [None, None]
        found = User.objects.get(pk=ann.pk)
        assert f'"title":"t{number}"' in found.document
        assert f'"nickName":"n{number}"' in found.document
        assert found.version == 1 + 2 * (number + 1)
