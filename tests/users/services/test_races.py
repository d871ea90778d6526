"""What the rules promise holds also when two people act in the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction

from core.refusals import Refusal, StaleVersion
from tests.tenants import Tenant
from users import profile as profiles
from users.models import Role, User
from users.permissions import BuiltIn
from users.services import accounts, role_reassignment, roles, user_actions
from users.services.accounts import LastAdmin, NameTaken
from users.services.user_actions import ActionReport, Chosen, Verb

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


def test_whoever_gets_a_role_while_it_is_renamed_has_its_new_name(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(role_reassignment, "TOGETHER", 1)
    role, version = roles.create("Desk", {}, by=acme.by), 1
    # The first whom the steps come to, or pass by.
    ann, *people = acme.add("ann"), *(acme.add(login, "Desk") for login in ("bob", "cy", "di"))

    def rename(name: str) -> None:
        roles.update(role.pk, name, {}, expected_version=version, by=acme.by)
        while roles.rename_some(role.pk, by=acme.by)[0].former_name:
            pass

    for version in range(1, ROUNDS + 1):
        known, ann = Role.objects.get(pk=role.pk), accounts.change_role(ann.pk, acme.role(BuiltIn.HR), by=acme.by)
        at_once(
            lambda: rename(f"Desk {version}"),  # noqa: B023
            lambda: user_actions.apply(Verb.GIVE_ROLE, [Chosen(ann.pk, ann.version)], role=known, by=acme.by),  # noqa: B023
        )
        holders = User.objects.of(acme.id).filter(role=role)
        assert {user.pk for user in holders} == {user.pk for user in (ann, *people)}, f"round {version}"
        said = {profiles.read(user)["roles"][0]["value"] for user in holders}
        assert said == {f"Desk {version}"}, f"round {version}"


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


def test_a_change_that_waits_for_a_new_role_still_finds_the_person(acme: Tenant) -> None:
    ann = acme.add("ann")
    for number in range(ROUNDS):
        role = acme.role((BuiltIn.HR, BuiltIn.IT)[number % 2])
        refusals = at_once(
            lambda: accounts.change_role(ann.pk, role, by=acme.by),  # noqa: B023
            lambda: accounts.set_active(ann.pk, bool(number % 2), by=acme.by),  # noqa: B023
        )
        assert refusals == [None, None], f"round {number}"
        found = User.objects.select_related("role").get(pk=ann.pk)
        assert (found.role, found.is_active) == (role, bool(number % 2))


def reports_of(*deeds: Callable[[], ActionReport]) -> list[ActionReport]:
    """What became of people whom several change at once."""
    reports: list[ActionReport] = []
    assert at_once(*(lambda deed=deed: reports.append(deed()) for deed in deeds)) == [None] * len(deeds)  # type: ignore[misc]
    return reports


def test_of_two_who_change_a_person_whom_they_saw_alike_the_second_is_told(acme: Tenant) -> None:
    role = acme.role(BuiltIn.HR)
    for number in range(ROUNDS):
        expected_version = [Chosen(acme.add(f"p{number}").pk, 1)]
        reports = reports_of(
            lambda: user_actions.apply(Verb.SUSPEND, expected_version, by=acme.by),  # noqa: B023
            lambda: user_actions.apply(Verb.GIVE_ROLE, expected_version, role=role, by=acme.by),  # noqa: B023
        )
        assert sorted(len(report.done) for report in reports) == [0, 1]
        assert [type(refusal) for report in reports for refusal in report.refused] == [StaleVersion]


@pytest.mark.parametrize("verb", [Verb.SUSPEND, Verb.REMOVE])
def test_a_form_sent_twice_in_the_same_moment_does_nothing_twice(verb: Verb, acme: Tenant) -> None:
    for number in range(ROUNDS):
        expected_version = [Chosen(acme.add(f"p{number}").pk, 1)]
        events = len(acme.events())
        send = lambda: user_actions.apply(verb, expected_version, by=acme.by)  # noqa: B023, E731
        reports = reports_of(send, send)
        assert sorted((len(report.done), len(report.already)) for report in reports) == [(0, 1), (1, 0)]
        assert len(acme.events()) == events + 1
