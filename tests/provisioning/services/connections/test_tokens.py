"""Tokens have names; a rotated one has a successor, and retires by date, by itself once that one works, or not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core import mail
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core.refusals import Refusal, StaleVersion
from organizations.models import Mail
from organizations.services import outbox
from provisioning.models import Connection, RequestLog, Token
from provisioning.services.connections import connections, mails, token_names
from provisioning.services.connections import tokens as rotation
from provisioning.services.connections.connections import TokenUnknown, TooManyTokens
from provisioning.services.connections.token_names import TokenNameRefused
from provisioning.services.connections.tokens import RetirementRefused, TokenRotated
from provisioning.services.request_log import writer
from tests.identity_provider import Idp
from tests.tenants import Tenant
from tests.users.services.test_races import ROUNDS, at_once
from users.models import Source
from users.permissions import BuiltIn


def make(tenant: Tenant, name: str = "", days: int | None = None) -> Token:
    return connections.generate_token(tenant.connection, by=tenant.by, name=name, days=days)[0]


def fresh(token: Token) -> Token:
    return Token.objects.get(pk=token.pk)


@pytest.fixture
def idp(acme: Tenant) -> Idp:
    """Acme's identity provider, with the token 'JumpCloud'."""
    text = connections.generate_token(acme.connection, by=acme.by, name="JumpCloud")[1]
    connections.set_enabled(acme.connection, True, by=acme.by)
    return Idp(acme.organization, text)


@pytest.fixture
def old(idp: Idp) -> Token:
    """The token of the identity provider."""
    return Token.objects.get()


@pytest.fixture
def admin(acme: Tenant) -> str:
    """The address of Acme's only Admin."""
    return acme.add("grace", BuiltIn.ADMIN, source=Source.MANUAL).email


def mailed() -> list[mail.EmailMessage]:
    """What is in the mailboxes since the last time."""
    mail.outbox.clear()
    outbox.deliver()
    return list(mail.outbox)


# Names


def test_whoever_gives_no_name_gets_a_numbered_one(acme: Tenant) -> None:
    first, second = make(acme), make(acme, "  JumpCloud,  November ")
    connections.revoke_token(first.pk, by=acme.by)
    assert [first.name, second.name, make(acme, " ").name] == ["Token 1", "JumpCloud, November", "Token 3"]
    assert str(second) == f"'JumpCloud, November' ({second.prefix}…)"


def test_tokens_of_tests_are_not_counted_in_names(acme: Tenant) -> None:
    Token.objects.filter(pk=make(acme).pk).update(is_test=True)
    assert make(acme).name == "Token 1"


def test_a_numbered_name_gives_way_to_one_that_was_given(acme: Tenant) -> None:
    make(acme, "token 2")
    assert make(acme).name == "Token 3"


def test_no_two_live_tokens_of_a_connection_have_one_name(acme: Tenant, globex: Tenant) -> None:
    okta = make(acme, "Okta")
    with pytest.raises(TokenNameRefused, match="'OKTA' already"):
        make(acme, "OKTA")
    assert make(globex, "Okta").name == "Okta"
    other = Connection.objects.create(organization=acme.organization, name="Other")
    assert connections.generate_token(other, by=acme.by, name="Okta")[0].name == "Okta"
    connections.revoke_token(okta.pk, by=acme.by)
    assert make(acme, "Okta").name == "Okta"


@pytest.mark.parametrize("name", ["x" * 61, "a\x00b", "a\u202eb"])
def test_a_name_that_no_page_can_show_is_refused(name: str, acme: Tenant) -> None:
    with pytest.raises(TokenNameRefused, match="at most 60 characters"):
        make(acme, name)
    assert not Token.objects.exists()


def test_a_token_is_renamed_and_that_is_audited(acme: Tenant) -> None:
    token = make(acme, "Okta")
    make(acme, "JumpCloud")
    assert rotation.rename_token(token.pk, " Okta,  2027 ", by=acme.by).name == "Okta, 2027"
    event = acme.last_event()
    assert (event.action, event.changes) == ("scim.token-renamed", {"name": ["Okta", "Okta, 2027"]})
    rotation.rename_token(token.pk, "OKTA, 2027", by=acme.by)
    with pytest.raises(TokenNameRefused, match="Choose another"):
        rotation.rename_token(token.pk, "jumpcloud", by=acme.by)
    with pytest.raises(TokenNameRefused, match="needs a name"):
        rotation.rename_token(token.pk, "  ", by=acme.by)
    assert fresh(token).name == "OKTA, 2027"


def test_keeping_the_name_is_not_audited(acme: Tenant) -> None:
    token = make(acme, "Okta")
    rotation.rename_token(token.pk, "Okta", by=acme.by)
    assert acme.last_event().action == "scim.token-generated"


@pytest.mark.parametrize(
    ("former", "following"),
    [
        ("Token 1", "Token 7"),
        ("JumpCloud, November", "JumpCloud, November (2)"),
        ("JumpCloud (2)", "JumpCloud (4)"),
        ("Okta (9)", "Okta (10)"),
        ("x" * 60, f"{'x' * 56} (2)"),
    ],
)
def test_a_successor_is_called_after_its_predecessor(former: str, following: str) -> None:
    assert token_names.following(former, 7, [former, "jumpcloud (3)"]) == following


@given(st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1, max_size=60), st.data())
def test_successors_without_end_have_names_that_are_free_and_short_enough(name: str, data: st.DataObject) -> None:
    taken = [name]
    for number in range(2, 14):
        taken.append(token_names.following(data.draw(st.sampled_from(taken)), number, taken))
        assert len(taken[-1]) <= Token.LONGEST_NAME
    assert len({each.casefold() for each in taken}) == len(taken)


# Rotating


def test_rotating_makes_a_second_token_that_lives_as_long_as_the_first(acme: Tenant) -> None:
    old = make(acme, "JumpCloud", days=90)
    new, text = rotation.rotate_token(old.pk, by=acme.by)
    assert text.startswith(new.prefix)
    assert new.name == "JumpCloud (2)"
    assert new.expires_at is not None and new.expires_at - timezone.now() > timedelta(days=89, hours=23)
    assert connections.live_tokens(acme.connection) == [new, old]
    assert (fresh(old).successor, fresh(old).retires_by_itself) == (new, True)
    rotated, generated = acme.events()[:2]
    assert (rotated.action, rotated.target_id, generated.action) == (
        "scim.token-rotated", str(old.pk), "scim.token-generated",
    )  # fmt: skip
    assert rotated.changes == {"successor": [None, str(new)], "retires_by_itself": [False, True]}
    assert text[11:] not in f"{rotated.changes}{generated.changes}"


def test_the_admins_are_mailed_for_what_a_rotated_token_is(acme: Tenant, admin: str) -> None:
    old = make(acme, "JumpCloud")
    mailed()
    new, _ = rotation.rotate_token(old.pk, by=acme.by)
    (message,) = mailed()
    assert message.subject == f"A SCIM token was made in Acme: {new}"
    assert f"Ada Moreau made the SCIM token {new} to take the place of {old}." in message.body


def test_a_token_is_not_rotated_twice_while_its_successor_lives(acme: Tenant) -> None:
    old = make(acme, "JumpCloud")
    new, _ = rotation.rotate_token(old.pk, by=acme.by)
    with pytest.raises(TokenRotated, match=r"revoke that one and rotate again"):
        rotation.rotate_token(old.pk, by=acme.by)
    connections.revoke_token(new.pk, by=acme.by)
    assert fresh(old).retires_by_itself is False, "what it waited for will not come"
    again, _ = rotation.rotate_token(old.pk, by=acme.by)
    assert fresh(old).successor == again


def test_there_is_no_room_for_a_sixth(acme: Tenant) -> None:
    tokens = [make(acme) for _ in range(5)]
    with pytest.raises(TooManyTokens):
        rotation.rotate_token(tokens[0].pk, by=acme.by)
    assert fresh(tokens[0]).successor is None


def test_what_is_dead_or_foreign_or_nowhere_is_not_there(acme: Tenant, globex: Tenant) -> None:
    revoked, expired, live = make(acme), make(acme, days=1), make(acme)
    connections.revoke_token(revoked.pk, by=acme.by)
    Token.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    tomorrow = timezone.now() + timedelta(days=1)
    for token_id, by in ((revoked.pk, acme.by), (expired.pk, acme.by), (live.pk, globex.by), (uuid4(), acme.by)):
        deeds: list[Callable[[], Any]] = [
            lambda: rotation.rename_token(token_id, "x", by=by),  # noqa: B023
            lambda: rotation.rotate_token(token_id, by=by),  # noqa: B023
            lambda: rotation.retire_token(token_id, tomorrow, expected_retires_at=None, by=by),  # noqa: B023
            lambda: rotation.keep_token(token_id, expected_retires_at=None, by=by),  # noqa: B023
        ]
        for deed in deeds:
            with pytest.raises(TokenUnknown):
                deed()
    assert Token.objects.count() == 3


# By itself


def test_the_first_success_of_the_new_token_retires_the_old_one(acme: Tenant, idp: Idp, old: Token, admin: str) -> None:
    new, text = rotation.rotate_token(old.pk, by=acme.by)
    mailed()
    assert idp.get("/Users").status_code == 200
    writer.flush()
    assert fresh(old).revoked_at is None, "the old one alone proves nothing"
    response = Idp(acme.organization, text).send("GET", "/Users", x_forwarded_for="203.0.113.7")
    writer.flush()
    assert fresh(old).revoked_at is not None
    event = acme.last_event()
    assert str(event) == f"SCIM connection Default retired the SCIM token {old}, for its successor works"
    assert (event.channel, event.request_id) == ("scim", response.headers["X-Request-Id"])
    assert event.changes == {"successor": [None, str(new)]}
    (message,) = mailed()
    assert message.to == [admin]
    assert message.subject == f"A SCIM token of Acme has retired: {old}"
    assert f"has used the SCIM token {new}, and it works" in message.body
    assert idp.get("/Users").status_code == 401


def test_who_still_comes_with_the_old_token_is_told_in_the_log_which_replaced_it(
    acme: Tenant, idp: Idp, old: Token
) -> None:
    new, text = rotation.rotate_token(old.pk, by=acme.by)
    Idp(acme.organization, text).get("/Users")
    writer.flush()
    response = idp.get("/Users")
    row = idp.log()[-1]
    assert (row.cause, row.token) == ("token-replaced", old)
    assert row.result.startswith(f"Refused: this token was replaced by '{new.name}'.")
    assert b"replaced" not in response.content and new.name.encode() not in response.content
    newest, _ = rotation.rotate_token(new.pk, by=acme.by, retires_by_itself=False)
    connections.revoke_token(new.pk, by=acme.by)
    idp.get("/Users")
    assert f"replaced by '{newest.name}'" in idp.log()[-1].result
    connections.revoke_token(newest.pk, by=acme.by)
    idp.get("/Users")
    assert idp.log()[-1].cause == "token-revoked"


@pytest.mark.parametrize("path", ["/Nope", "/Users?filter=%3F"])
def test_a_failure_of_the_new_token_retires_nothing(path: str, acme: Tenant, idp: Idp, old: Token) -> None:
    new, text = rotation.rotate_token(old.pk, by=acme.by)
    assert Idp(acme.organization, text).send("GET", path).status_code >= 400
    writer.flush()
    assert fresh(new).last_used_at is not None
    assert idp.get("/Users").status_code == 200


def test_nothing_retires_by_itself_where_that_was_not_wished(acme: Tenant, idp: Idp, old: Token) -> None:
    _, text = rotation.rotate_token(old.pk, by=acme.by, retires_by_itself=False)
    Idp(acme.organization, text).get("/Users")
    writer.flush()
    assert idp.get("/Users").status_code == 200


def test_a_new_token_that_was_revoked_meanwhile_retires_nothing(acme: Tenant, idp: Idp, old: Token) -> None:
    new, text = rotation.rotate_token(old.pk, by=acme.by)
    assert Idp(acme.organization, text).get("/Users").status_code == 200
    connections.revoke_token(new.pk, by=acme.by)
    writer.flush()
    assert idp.get("/Users").status_code == 200


def test_a_log_that_can_not_be_written_retires_nothing_until_the_next_success(
    acme: Tenant, idp: Idp, old: Token, admin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, text = rotation.rotate_token(old.pk, by=acme.by)
    mailed()

    def fail(*_arguments: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(writer.failure_streaks, "count", fail)
        Idp(acme.organization, text).get("/Users")
        writer.flush()
    assert fresh(old).revoked_at is None
    assert not mailed()
    Idp(acme.organization, text).get("/Users")
    writer.flush()
    assert fresh(old).revoked_at is not None
    assert len(mailed()) == 1


# By date


def test_a_token_retires_on_the_day_that_was_set(acme: Tenant, idp: Idp, old: Token) -> None:
    user = idp.create()
    week = timezone.now() + timedelta(days=7)
    rotation.retire_token(old.pk, week, expected_retires_at=None, by=acme.by)
    event = acme.last_event()
    assert str(event) == f"Ada Moreau set the day on which {old} retires"
    assert event.changes == {"retires_at": [None, week.isoformat(timespec="minutes")]}
    with time_machine.travel(week - timedelta(minutes=1)):
        assert connections.live_tokens(acme.connection) == [old]
    Token.objects.update(retires_at=timezone.now() - timedelta(seconds=1))
    assert idp.get(f"/Users/{user['id']}").status_code == idp.get("/Users").status_code == 401
    assert connections.live_tokens(acme.connection) == []
    row = idp.log()[-1]
    assert (row.cause, row.result) == (
        "token-retired",
        "Refused: this token retired on the day that was set for it. Give the identity provider a new one.",
    )


def test_the_day_is_moved_and_taken_back_by_who_has_seen_it(acme: Tenant) -> None:
    token = make(acme)
    week, later = (timezone.now() + timedelta(days=days) for days in (7, 9))
    rotation.retire_token(token.pk, week, expected_retires_at=None, by=acme.by)
    with pytest.raises(StaleVersion, match="Somebody else"):
        rotation.retire_token(token.pk, later, expected_retires_at=None, by=acme.by)
    with pytest.raises(StaleVersion, match="Somebody else"):
        rotation.keep_token(token.pk, expected_retires_at=None, by=acme.by)
    assert rotation.retire_token(token.pk, later, expected_retires_at=week, by=acme.by).retires_at == later
    rotation.keep_token(token.pk, expected_retires_at=later, by=acme.by)
    assert fresh(token).retires_at is None
    assert acme.last_event().action == "scim.token-kept"
    rotation.keep_token(token.pk, expected_retires_at=None, by=acme.by)
    assert [event.action for event in acme.events()].count("scim.token-kept") == 1


def test_keeping_a_token_also_ends_that_it_retires_by_itself(acme: Tenant, idp: Idp, old: Token) -> None:
    _, text = rotation.rotate_token(old.pk, by=acme.by)
    rotation.keep_token(old.pk, expected_retires_at=None, by=acme.by)
    Idp(acme.organization, text).get("/Users")
    writer.flush()
    assert idp.get("/Users").status_code == 200


def test_a_day_that_changes_nothing_is_refused(acme: Tenant) -> None:
    token = make(acme, days=30)
    for days, words in ((0, "still to come"), (-3, "still to come"), (31, "expires before")):
        with pytest.raises(RetirementRefused, match=words):
            rotation.retire_token(token.pk, timezone.now() + timedelta(days=days), expected_retires_at=None, by=acme.by)
    assert fresh(token).retires_at is None


# Warnings


def test_a_token_that_retires_is_warned_of_until_its_successor_is_at_work(
    acme: Tenant, idp: Idp, old: Token, admin: str
) -> None:
    mailed()
    rotation.retire_token(old.pk, timezone.now() + timedelta(days=5), expected_retires_at=None, by=acme.by)
    assert mails.warn_of_expiring_tokens() == 1
    (message,) = mailed()
    assert message.subject.startswith("A SCIM token of Acme retires on ")
    assert "Rotate it on the page" in message.body
    new, text = rotation.rotate_token(old.pk, by=acme.by, retires_by_itself=False)
    expected_retires_at = fresh(old).retires_at
    rotation.retire_token(
        old.pk, timezone.now() + timedelta(hours=20), expected_retires_at=expected_retires_at, by=acme.by
    )
    mailed()
    assert mails.warn_of_expiring_tokens() == 1
    assert f"Put {new} into your identity provider" in mailed()[0].body
    Token.objects.filter(pk=old.pk).update(warned_at_days=None)
    Idp(acme.organization, text).get("/Users")
    writer.flush()
    assert mails.warn_of_expiring_tokens() == 0
    idp.get("/Users")
    writer.flush()
    assert mails.warn_of_expiring_tokens() == 1, "the provider has gone back to the old one"


def test_a_day_that_is_moved_is_warned_of_anew(acme: Tenant, idp: Idp, old: Token) -> None:
    moment = None
    for days in (5, 6):
        moment, expected_retires_at = timezone.now() + timedelta(days=days), moment
        rotation.retire_token(old.pk, moment, expected_retires_at=expected_retires_at, by=acme.by)
        assert [mails.warn_of_expiring_tokens(), mails.warn_of_expiring_tokens()] == [1, 0]


# At once


@pytest.mark.django_db(transaction=True)
def test_of_two_rotations_in_the_same_moment_one_is_told_of_the_other(acme: Tenant) -> None:
    old = make(acme, "JumpCloud")
    for number in range(ROUNDS):
        refusals: list[Refusal | None] = at_once(
            *[lambda: rotation.rotate_token(old.pk, by=acme.by)] * 2,
        )
        assert [type(refusal) for refusal in refusals if refusal] == [TokenRotated], f"round {number}"
        successor = fresh(old).successor
        assert successor is not None
        assert connections.live_tokens(acme.connection) == [successor, old]
        connections.revoke_token(successor.pk, by=acme.by)


@pytest.mark.django_db(transaction=True)
def test_two_writers_who_see_a_success_retire_once_and_mail_once(acme: Tenant, idp: Idp, admin: str) -> None:
    token = Token.objects.get()
    for number in range(ROUNDS):
        new, text = rotation.rotate_token(token.pk, by=acme.by)
        entries = []
        for _ in range(2):
            Idp(acme.organization, text).get("/Users")
            idp.get("/Users")
            entries.append([writer._queue.popleft(), writer._queue.popleft()])
        Mail.objects.all().delete()
        assert at_once(*[lambda batch=batch: writer._write_or_drop(batch) for batch in entries]) == [None, None]  # type: ignore[misc]
        assert writer.dropped() == 0, f"round {number}"
        assert fresh(token).revoked_at is not None
        assert [event.action for event in acme.events()].count("scim.token-retired") == number + 1
        assert [each.subject for each in Mail.objects.all()] == [f"A SCIM token of Acme has retired: {token}"]
        token, idp.token = new, text
    assert RequestLog.objects.count() == 4 * ROUNDS
