"""Personal tokens: made for one person, good for what their scopes say, and gone with the person."""

import hashlib
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from core.actors import Channel
from tests.provisioning.management.test_setup_commands import refusal_of, run, text_of
from tests.tenants import Tenant, set_password
from users.models import PersonalToken, User
from users.services import accounts, personal_tokens
from users.services.accounts import UserUnknown
from users.services.personal_tokens import (
    MAX_LIVE_TOKENS,
    PersonSuspended,
    TokenInvalid,
    TokenScope,
    TokenUnknown,
    TooManyTokens,
)


@pytest.fixture
def ann(acme: Tenant) -> User:
    return acme.add("ann")


def make(acme: Tenant, user: User, name: str = "Laptop", **options: int) -> tuple[PersonalToken, str]:
    return personal_tokens.make(user.pk, name, {TokenScope.READ_ME}, by=acme.by, **options)


def test_a_token_is_kept_as_a_hash_and_known_again_by_its_prefix(acme: Tenant, ann: User) -> None:
    token, text = personal_tokens.make(ann.pk, "  Laptop  sync ", {TokenScope.WRITE_ME, TokenScope.READ_ME}, by=acme.by)
    token.refresh_from_db()
    assert re.fullmatch(r"smgp_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}", text)
    assert token.digest == hashlib.sha256(text.encode()).hexdigest()
    assert text.startswith(token.prefix) and len(token.prefix) == len("smgp_") + 6
    assert text not in str(PersonalToken.objects.values().get())
    assert (token.name, token.scopes) == ("Laptop sync", "scim.me.read scim.me.write")
    assert (token.organization_id, token.user, token.expires_at) == (acme.id, ann, None)


def test_making_and_revoking_leave_events_that_name_the_person_and_no_secret(acme: Tenant, ann: User) -> None:
    token, text = make(acme, ann)
    personal_tokens.revoke(token.pk, by=acme.by)
    revoked, made = acme.events()[:2]
    said = f"the personal token {token.prefix}… 'Laptop' of ann@acme.example"
    assert str(made) == f"Ada Moreau made {said}"
    assert str(revoked) == f"Ada Moreau revoked {said}"
    assert made.changes == {"scopes": [None, "scim.me.read"]}
    assert text[12:] not in str(list(AuditEvent.objects.values()))


def test_a_revoked_or_expired_token_is_no_longer_live(acme: Tenant, ann: User) -> None:
    first, second, third = make(acme, ann)[0], make(acme, ann, days=1)[0], make(acme, ann, days=366)[0]
    personal_tokens.revoke(first.pk, by=acme.by)
    PersonalToken.objects.filter(pk=second.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert personal_tokens.live(ann) == [third]
    with pytest.raises(TokenUnknown):
        personal_tokens.revoke(first.pk, by=acme.by)


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\x00b", "a\u202eb"])
def test_a_token_needs_a_name_that_a_page_can_show(acme: Tenant, ann: User, name: str) -> None:
    with pytest.raises(TokenInvalid, match="name"):
        make(acme, ann, name)
    assert not PersonalToken.objects.exists()


@pytest.mark.parametrize("days", [0, -1, 367, 10**12])
def test_a_life_time_is_a_year_at_most(acme: Tenant, ann: User, days: int) -> None:
    with pytest.raises(TokenInvalid, match="366 days"):
        make(acme, ann, days=days)


def test_a_token_needs_a_scope(acme: Tenant, ann: User) -> None:
    with pytest.raises(TokenInvalid, match=re.escape("scim.me.read or scim.me.write")):
        personal_tokens.make(ann.pk, "Laptop", set(), by=acme.by)


def test_nobody_has_more_than_ten_live_tokens(acme: Tenant, ann: User) -> None:
    tokens = [make(acme, ann)[0] for _ in range(MAX_LIVE_TOKENS)]
    with pytest.raises(TooManyTokens):
        make(acme, ann)
    personal_tokens.revoke(tokens[0].pk, by=acme.by)
    make(acme, ann)
    make(acme, acme.add("bob"))


def test_suspending_a_person_ends_the_tokens_for_good(acme: Tenant, ann: User) -> None:
    make(acme, ann)
    bob, _ = make(acme, acme.add("bob"))
    accounts.set_active(ann.pk, False, by=acme.by)
    with pytest.raises(PersonSuspended):
        make(acme, ann)
    accounts.set_active(ann.pk, True, by=acme.by)
    assert personal_tokens.live(ann) == []
    assert PersonalToken.objects.live().get() == bob


def test_a_deleted_persons_tokens_are_gone(acme: Tenant, ann: User) -> None:
    make(acme, ann)
    accounts.delete(ann, by=acme.by)
    assert not PersonalToken.objects.exists()


def test_a_new_password_leaves_the_tokens_alive(acme: Tenant, ann: User) -> None:
    token, _ = make(acme, ann)
    set_password(ann, "correct horse battery staple", by=acme.by)
    assert personal_tokens.live(ann) == [token]


def test_another_organization_can_neither_make_nor_revoke(acme: Tenant, globex: Tenant, ann: User) -> None:
    token, _ = make(acme, ann)
    with pytest.raises(UserUnknown):
        personal_tokens.make(ann.pk, "Laptop", {TokenScope.READ_ME}, by=globex.by)
    with pytest.raises(TokenUnknown):
        personal_tokens.revoke(token.pk, by=globex.by)
    assert personal_tokens.live(ann) == [token]


# The same from the command line


def test_the_command_makes_lists_and_revokes(acme: Tenant, ann: User) -> None:
    made = run("personal_token", "acme", "make", "ANN@acme.example", "--name", "Laptop", "--scope", "scim.me.read")
    token = PersonalToken.objects.get()
    assert token.digest == hashlib.sha256(made["bearer_token"].encode()).hexdigest()
    assert made["user"] == {"id": str(ann.pk), "user_name": "ann@acme.example"}
    (shown,) = made["tokens"]
    assert (shown["prefix"], shown["name"], shown["scopes"]) == (token.prefix, "Laptop", ["scim.me.read"])
    assert acme.last_event().channel == Channel.COMMAND

    listed = run("personal_token", "acme", "list", "ann@acme.example")
    assert listed == {**made, "bearer_token": None}
    assert text_of("personal_token", "acme", "list", "ann@acme.example") == (
        f"Live token    {token.prefix}…  'Laptop', scim.me.read, not used yet\n"
    )

    revoked = run("personal_token", "acme", "revoke", "ann@acme.example", "--token", token.prefix)
    assert revoked["tokens"] == []
    assert text_of("personal_token", "acme", "list", "ann@acme.example") == "ann@acme.example has no live token.\n"


def test_the_command_shows_a_person_the_token_once(acme: Tenant, ann: User) -> None:
    options = ["--name", "Laptop", "--scope", "scim.me.write", "--days", "30"]
    said = text_of("personal_token", "acme", "make", "ann@acme.example", *options)
    (text,) = re.findall(r"smgp_\w{50}", said)
    assert "not shown again" in said and "expires 20" in said
    assert text not in text_of("personal_token", "acme", "list", "ann@acme.example")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "bob@acme.example"], "no user 'bob@acme.example'"),
        (["make", "ann@acme.example"], "needs --name"),
        (["make", "ann@acme.example", "--name", "Laptop"], "needs a scope"),
        (["make", "ann@acme.example", "--name", "x", "--scope", "everything"], "invalid choice"),
        (["make", "ann@acme.example", "--name", "x", "--scope", "scim.me.read", "--days", "0"], "1 to 366 days"),
        (["revoke", "ann@acme.example"], "needs --token"),
        (["revoke", "ann@acme.example", "--token", "smgp_nobody"], "no live token"),
    ],
)
def test_wrong_input_is_one_clear_line(acme: Tenant, ann: User, arguments: list[str], said: str) -> None:
    assert said in refusal_of("personal_token", "acme", *arguments)
    assert not PersonalToken.objects.exists()
