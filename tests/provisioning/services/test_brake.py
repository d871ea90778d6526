"""Too many suspensions and deletions within an hour are held back, whichever way they come, and nothing else is."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from audit.actions import Action
from audit.models import AuditEvent
from core.actors import Actor, Channel
from core.refusals import StaleVersion
from organizations.models import Mail
from organizations.services import outbox
from provisioning.models import Brake, Connection, Departure, IdentityProvider, SetupStep
from provisioning.services import brake as brakes
from provisioning.services.brake import PercentInvalid
from provisioning.services.connections import connections
from provisioning.services.request_log.setup_steps import Step
from tests.identity_provider import Idp, read
from tests.scim.storage.test_statements import at_most
from users.models import Headcount, Role, Source, User
from users.permissions import BuiltIn
from users.services import accounts

SUSPEND = {"op": "replace", "path": "active", "value": False}
RESTORE = {"op": "replace", "path": "active", "value": True}


def connection(idp: Idp) -> Connection:
    return connections.default_connection(idp.organization.pk)


def brake_of(idp: Idp) -> Brake:
    return Brake.objects.of(idp.organization.pk).get()


def admin_of(idp: Idp) -> Actor:
    return Actor(idp.organization.pk, "Ada Moreau", Channel.PAGE)


def people(idp: Idp, number: int) -> list[str]:
    """Make users who have been here for long, so that none of them could be a try-out's test user."""
    ids = [str(user.pk) for user in idp.add_people(number)]
    User.objects.filter(pk__in=ids).update(created_at=timezone.now() - timedelta(days=30))
    Headcount.objects.update_or_create(organization=idp.organization, defaults={"users": User.objects.count()})
    return ids


def suspend(idp: Idp, user_id: str) -> int:
    status: int = idp.patch(user_id, SUSPEND).status_code
    return status


def delete(idp: Idp, user_id: str) -> int:
    status: int = idp.send("DELETE", f"/Users/{user_id}").status_code
    return status


def trip(idp: Idp, ids: list[str]) -> None:
    """Of fifty people ten go, and the eleventh is one too many."""
    assert len(ids) == 50
    assert [suspend(idp, each) for each in ids[:10]] == [200] * 10
    assert suspend(idp, ids[10]) == 429


@pytest.fixture
def fifty(idp: Idp) -> list[str]:
    return people(idp, 50)


@pytest.fixture
def admins(idp: Idp) -> list[User]:
    """Two Admins, who were made by hand."""
    role = Role.objects.of(idp.organization.pk).get(key=BuiltIn.ADMIN)
    by = admin_of(idp)
    return [
        accounts.create(accounts.NewUser({"userName": f"{name}@x.example"}, role, Source.MANUAL, outsider=True), by=by)
        for name in ("ada", "grace")
    ]


def test_of_a_hundred_people_twenty_go_and_the_next_one_stays(idp: Idp) -> None:
    ids = people(idp, 100)
    assert [suspend(idp, each) for each in ids[:20]] == [200] * 20
    answer = idp.patch(ids[20], SUSPEND)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "900")
    assert (
        "p20@acme.example was not suspended: 20 of 100 people have been suspended or deleted" in read(answer)["detail"]
    )
    kept = User.objects.get(pk=ids[20])
    assert (kept.is_active, kept.version) == (True, 1)
    assert not AuditEvent.objects.filter(target_id=ids[20]).exists()


def test_whatever_way_they_are_to_go_they_are_counted_and_held_back(idp: Idp, fifty: list[str]) -> None:
    def put(user_id: str) -> int:
        name = User.objects.get(pk=user_id).user_name
        status: int = idp.send("PUT", f"/Users/{user_id}", {"userName": name, "active": False}).status_code
        return status

    def bulk(user_id: str) -> int:
        answer = idp.send("POST", "/Bulk", {"Operations": [{"method": "DELETE", "path": f"/Users/{user_id}"}]})
        return int(read(answer)["Operations"][0]["status"])

    ways = (suspend, put, delete, bulk)
    statuses = [ways[number % 4](*_arguments(idp, ways[number % 4], fifty[number])) for number in range(14)]
    assert statuses == [200, 200, 204, 204, 200, 200, 204, 204, 200, 200, 429, 429, 429, 429]
    assert User.objects.of(idp.organization.pk).filter(is_active=True).count() == 40


def _arguments(idp: Idp, way: Any, user_id: str) -> tuple[Any, ...]:
    return (idp, user_id) if way in (suspend, delete) else (user_id,)


def test_within_one_bulk_request_each_operation_counts(idp: Idp, fifty: list[str]) -> None:
    operations = [{"method": "DELETE", "path": f"/Users/{each}"} for each in fifty]
    answer = idp.send("POST", "/Bulk", {"Operations": operations})
    statuses = [operation["status"] for operation in read(answer)["Operations"]]
    assert statuses == ["204"] * 10 + ["429"] * 40


def test_while_it_holds_everything_else_goes_on(idp: Idp, fifty: list[str]) -> None:
    trip(idp, fifty)
    assert idp.create("new@acme.example")["active"] is True
    assert idp.patch(fifty[30], {"op": "replace", "path": "title", "value": "Countess"}).status_code == 200
    assert idp.patch(fifty[0], RESTORE).status_code == 200
    assert idp.get(f"/Users/{fifty[20]}").status_code == 200
    assert suspend(idp, fifty[5]) == 200, "who is suspended already does not go"
    assert (suspend(idp, fifty[0]), delete(idp, fifty[1])) == (429, 429)


def test_people_on_the_pages_are_neither_counted_nor_held_back(idp: Idp, fifty: list[str]) -> None:
    by = admin_of(idp)
    for each in fifty[30:]:
        accounts.set_active(User.objects.get(pk=each).pk, False, by=by)
    assert not Departure.objects.exists()
    for each in fifty[:10]:
        suspend(idp, each)
    assert suspend(idp, fifty[10]) == 429
    accounts.set_active(User.objects.get(pk=fifty[10]).pk, False, by=by)
    assert not User.objects.get(pk=fifty[10]).is_active


@pytest.mark.parametrize("number", [3, 9])
def test_a_small_organization_may_lose_everybody(idp: Idp, number: int) -> None:
    assert [delete(idp, each) for each in people(idp, number)] == [204] * number


def test_from_ten_on_the_share_decides(idp: Idp) -> None:
    ids = people(idp, 12)
    assert [delete(idp, each) for each in ids] == [204] * 9 + [429] * 3


def test_a_test_user_who_comes_and_goes_is_one_person(idp: Idp) -> None:
    people(idp, 3)
    for _press in range(30):
        assert delete(idp, idp.create("test.user@acme.example")["id"]) == 204


def test_who_is_deleted_after_being_suspended_goes_once(idp: Idp, fifty: list[str]) -> None:
    for each in fifty[:10]:
        assert (suspend(idp, each), delete(idp, each)) == (200, 204)
    assert suspend(idp, fifty[10]) == 429


def test_who_is_restored_meanwhile_counts_no_more(idp: Idp, fifty: list[str]) -> None:
    for each in fifty[:10]:
        suspend(idp, each)
    idp.patch(fifty[0], RESTORE)
    accounts.set_active(User.objects.get(pk=fifty[1]).pk, True, by=admin_of(idp))
    assert [suspend(idp, each) for each in fifty[10:13]] == [200, 200, 429]


def test_who_was_deleted_and_made_anew_counts_no_more(idp: Idp, fifty: list[str]) -> None:
    for each in fifty[:10]:
        delete(idp, each)
    idp.create("p0@acme.example")
    assert [delete(idp, each) for each in fifty[10:12]] == [204, 429]


def test_after_an_hour_a_departure_is_forgotten(idp: Idp, fifty: list[str]) -> None:
    with time_machine.travel(timezone.now() - timedelta(minutes=61), tick=False):
        for each in fifty[:9]:
            assert suspend(idp, each) == 200
    # Of the 41 who are left eight may go.
    assert [suspend(idp, each) for each in fifty[9:19]] == [200] * 9 + [429]


def test_the_share_is_of_the_people_whom_scim_manages(idp: Idp, admins: list[User], fifty: list[str]) -> None:
    role = Role.objects.of(idp.organization.pk).get(is_default=True)
    for number in range(30):
        accounts.create(
            accounts.NewUser({"userName": f"m{number}@acme.example"}, role, Source.MANUAL), by=admin_of(idp)
        )
    trip(idp, fifty)
    assert (brake_of(idp).gone, brake_of(idp).people) == (10, 50)


def test_the_share_is_of_the_connections_own_people_and_of_those_whom_none_manages(idp: Idp, fifty: list[str]) -> None:
    okta = connections.add("Okta", IdentityProvider.OKTA, by=admin_of(idp))
    User.objects.filter(pk__in=fifty[:40]).update(managed_by=connection(idp).pk)
    User.objects.filter(pk__in=fifty[45:]).update(managed_by=okta.pk)
    assert [suspend(idp, each) for each in fifty[:10]] == [200] * 9 + [429]
    assert (brake_of(idp).gone, brake_of(idp).people) == (9, 45)
    assert brakes.of(okta).paused_since is None


def test_one_organizations_brake_is_not_anothers(idp: Idp, anonymous: Idp, fifty: list[str]) -> None:
    trip(idp, fifty)
    ids = [idp_user["id"] for idp_user in (anonymous.create(f"q{n}@globex.example") for n in range(3))]
    assert [delete(anonymous, each) for each in ids] == [204] * 3
    assert brakes.paused(anonymous.organization.pk) == []


# Trying a set-up out


def test_nine_test_users_made_and_deleted_do_not_stop_a_small_organization(idp: Idp) -> None:
    people(idp, 13)
    ids = [idp.create(f"test{number}@acme.example")["id"] for number in range(9)]
    assert [suspend(idp, each) for each in ids] == [200] * 9
    assert [delete(idp, each) for each in ids] == [204] * 9
    more = [idp.create(f"more{number}@acme.example")["id"] for number in range(16)]
    assert [delete(idp, each) for each in more] == [204] * 16
    assert brakes.of(connection(idp)).paused_since is None


def test_test_users_who_are_made_and_deleted_again_count(idp: Idp) -> None:
    established = people(idp, 13)
    for _twice in range(2):
        for number in range(9):
            assert delete(idp, idp.create(f"test{number}@acme.example")["id"]) == 204
    assert delete(idp, established[0]) == 429


def test_only_so_many_a_day_are_test_users(idp: Idp) -> None:
    people(idp, 13)
    ids = [idp.create(f"test{number}@acme.example")["id"] for number in range(brakes.MOST_TRY_OUTS + 10)]
    assert [delete(idp, each) for each in ids] == [204] * (brakes.MOST_TRY_OUTS + 9) + [429]
    brakes.set_enabled(connection(idp), False, by=admin_of(idp))
    brakes.set_enabled(connection(idp), True, by=admin_of(idp))
    with time_machine.travel(timezone.now() + brakes.TRY_OUT, tick=False):
        later = [idp.create(f"later{number}@acme.example")["id"] for number in range(brakes.MOST_TRY_OUTS)]
        assert [delete(idp, each) for each in later] == [204] * brakes.MOST_TRY_OUTS


@pytest.mark.parametrize(
    "change",
    [
        {"last_login": timezone.now()},
        {"created_at": timezone.now() - timedelta(hours=25)},
        {"source": Source.REQUEST},
        {"managed_by": uuid4()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_who_signed_in_or_is_older_or_came_another_way_is_no_test_user(change: dict[str, Any], idp: Idp) -> None:
    idp.create("test@acme.example")
    user = User.objects.get()
    departure = Departure(connection=connection(idp), user_id=user.pk, at=timezone.now())
    assert brakes._is_try_out(user, departure)
    for name, value in change.items():
        setattr(user, name, value)
    assert not brakes._is_try_out(user, departure)


def test_those_held_back_inside_a_bulk_request_are_named_until_they_go(idp: Idp, fifty: list[str]) -> None:
    operations = [{"method": "DELETE", "path": f"/Users/{each}"} for each in fifty[:13]]
    idp.send("POST", "/Bulk", {"Operations": operations})
    paused = brakes.refused(brake_of(idp))
    assert {each.user_name for each in paused} == {f"p{number}@acme.example" for number in (10, 11, 12)}
    assert {each.request_id for each in paused} == {idp.log()[-1].request_id}
    brakes.resume(connection(idp), expected_version=brake_of(idp).version, by=admin_of(idp))
    assert brakes.refused(brake_of(idp)).count() == 3
    assert brakes.departures(brake_of(idp)).count() == 10
    assert delete(idp, fifty[11]) == 204
    assert {each.user_name for each in brakes.refused(brake_of(idp))} == {"p10@acme.example", "p12@acme.example"}


# Who hears of it


def test_the_admins_are_mailed_once_and_the_trail_says_who_was_held_back(
    idp: Idp, admins: list[User], fifty: list[str], mailoutbox: list[Any]
) -> None:
    trip(idp, fifty)
    assert [suspend(idp, each) for each in fifty[11:15]] == [429] * 4
    outbox.deliver()
    assert sorted(message.to[0] for message in mailoutbox) == ["ada@x.example", "grace@x.example"]
    assert mailoutbox[0].subject == "SCIM is held back in Acme: 10 of 50 people have gone within an hour"
    assert "one more would be more than 20 percent" in mailoutbox[0].body
    assert f"http://testserver/settings/users/scim/{connection(idp).pk}/brake/" in mailoutbox[0].body
    (event,) = AuditEvent.objects.filter(action=Action.SCIM_BRAKE_PAUSED)
    assert event.actor_label.startswith("SCIM token 'Token 1' (smgr_")
    assert event.changes == {"gone": [None, 10], "people": [None, 50]}


def test_while_nobody_answers_they_are_reminded_daily_until_somebody_keeps_it(
    idp: Idp, admins: list[User], fifty: list[str]
) -> None:
    trip(idp, fifty)
    told = []
    for hours in range(0, 72, 8):
        with time_machine.travel(timezone.now() + timedelta(hours=hours), tick=False):
            assert suspend(idp, fifty[20]) == 429, "nobody has answered"
            told.append(Mail.objects.count())
    assert told == [2, 2, 2, 4, 4, 4, 6, 6, 6]
    brakes.keep(connection(idp), expected_version=brake_of(idp).version, by=admin_of(idp))
    with time_machine.travel(timezone.now() + timedelta(days=9), tick=False):
        assert suspend(idp, fifty[20]) == 429
        assert Mail.objects.count() == 6


def test_the_log_says_who_was_held_back(idp: Idp, fifty: list[str]) -> None:
    trip(idp, fifty)
    row = idp.log()[-1]
    assert (row.status, row.cause, str(row.user_id)) == (429, "provisioning-paused", fifty[10])
    failed = SetupStep.objects.of(idp.organization.pk).get(failed_cause="provisioning-paused", step=Step.DEACTIVATE)
    assert (failed.step, failed.failed_request_id) == (Step.DEACTIVATE, row.pk)
    assert row.result.startswith("Refused: p10@acme.example was not suspended: 10 of 50 people have been suspended")


# The answers


def test_a_release_lets_all_go_for_an_hour_and_then_counts_anew(idp: Idp, fifty: list[str]) -> None:
    trip(idp, fifty)
    brakes.resume(connection(idp), expected_version=brake_of(idp).version, by=admin_of(idp))
    assert [suspend(idp, each) for each in fifty[10:30]] == [200] * 20
    (event,) = AuditEvent.objects.filter(action=Action.SCIM_BRAKE_RESUMED)
    assert event.actor_label == "Ada Moreau"
    with time_machine.travel(timezone.now() + timedelta(minutes=61), tick=False):
        assert [suspend(idp, each) for each in fifty[30:40]] == [200] * 9 + [429]


def test_the_second_of_two_who_answer_is_told(idp: Idp, fifty: list[str]) -> None:
    trip(idp, fifty)
    expected_version, by = brake_of(idp).version, admin_of(idp)
    brakes.keep(connection(idp), expected_version=expected_version, by=by)
    with pytest.raises(StaleVersion):
        brakes.resume(connection(idp), expected_version=expected_version, by=by)
    assert suspend(idp, fifty[10]) == 429
    brakes.resume(connection(idp), expected_version=brake_of(idp).version, by=by)
    for verb in (brakes.resume, brakes.keep):
        with pytest.raises(StaleVersion):
            verb(connection(idp), expected_version=brake_of(idp).version, by=by)


def test_off_it_holds_nothing_and_on_again_it_counts_from_then(idp: Idp, fifty: list[str]) -> None:
    trip(idp, fifty)
    for wanted in (False, False):
        brakes.set_enabled(connection(idp), wanted, by=admin_of(idp))
    assert [suspend(idp, each) for each in fifty[10:30]] == [200] * 20
    brakes.set_enabled(connection(idp), True, by=admin_of(idp))
    assert [suspend(idp, each) for each in fifty[30:40]] == [200] * 9 + [429]
    actions = AuditEvent.objects.filter(action__in=[Action.SCIM_BRAKE_ON, Action.SCIM_BRAKE_OFF])
    assert sorted(actions.values_list("action", flat=True)) == ["scim.brake-off", "scim.brake-on"]


def test_the_share_can_be_set_to_any_whole_percentage(idp: Idp, fifty: list[str]) -> None:
    for wrong in (0, -1, 101):
        with pytest.raises(PercentInvalid):
            brakes.set_percent(connection(idp), wrong, by=admin_of(idp))
    for _twice in range(2):
        brakes.set_percent(connection(idp), 30, by=admin_of(idp))
    assert [suspend(idp, each) for each in fifty[:16]] == [200] * 15 + [429]
    (event,) = AuditEvent.objects.filter(action=Action.SCIM_BRAKE_CHANGED)
    assert event.changes == {"percent": [20, 30]}


def test_a_lower_share_holds_from_the_next_departure_on(idp: Idp, fifty: list[str]) -> None:
    brakes.set_percent(connection(idp), 100, by=admin_of(idp))
    assert [suspend(idp, each) for each in fifty[:20]] == [200] * 20
    brakes.set_percent(connection(idp), 20, by=admin_of(idp))
    assert suspend(idp, fifty[20]) == 429
    assert (brake_of(idp).gone, brake_of(idp).people) == (20, 50)


def test_a_connection_without_a_brake_gets_one_when_somebody_goes(idp: Idp, fifty: list[str]) -> None:
    Brake.objects.all().delete()
    assert brakes.of(connection(idp)).percent == 20
    trip(idp, fifty)


# What it costs and keeps


def test_a_departure_costs_three_statements_and_seven_when_people_are_counted(idp: Idp, fifty: list[str]) -> None:
    with at_most(8):
        suspend(idp, fifty[0])
    for each in fifty[1:9]:
        suspend(idp, each)
    with at_most(12):
        suspend(idp, fifty[9])
    Brake.objects.update(percent=50)
    with at_most(8):
        suspend(idp, fifty[10])


def test_who_went_is_shown_for_a_day_after_a_release_and_forgotten_after_a_year(
    idp: Idp, fifty: list[str], capsys: Any
) -> None:
    trip(idp, fifty)
    with time_machine.travel(timezone.now() + timedelta(hours=2), tick=False):
        call_command("prune_request_log")
        assert brakes.departures(brake_of(idp)).count() == 10
        brakes.resume(connection(idp), expected_version=brake_of(idp).version, by=admin_of(idp))
        call_command("prune_request_log")
        assert brakes.departures(brake_of(idp)).count() == 10
    with time_machine.travel(timezone.now() + brakes.REMEMBERED + timedelta(hours=1), tick=False):
        call_command("prune_request_log")
    assert not Departure.objects.exists()
