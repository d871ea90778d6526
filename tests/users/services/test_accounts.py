"""People come, change, rest and go by the same rules at every door, and the trail tells of each."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef

from audit.models import AuditEvent
from core.refusals import Refusal
from domains.services import AddressRefused
from tests.tenants import Tenant, is_signed_in, session_of, set_password
from users import profile as profiles
from users.models import AccountRequest, Headcount, Role, Source, User, UserValue
from users.permissions import BuiltIn
from users.services import accounts
from users.services.accounts import (
    AddressInvalid,
    CompanionRefused,
    LastAdmin,
    NameTaken,
    NewUser,
    UserUnknown,
)


def emails(*addresses: str) -> list[dict[str, Any]]:
    return [{"value": address, "type": "work", "primary": number == 0} for number, address in enumerate(addresses)]


# What each verb does, and what the trail says of it


def test_a_created_person_can_be_found_by_every_index(acme: Tenant) -> None:
    profile = {"externalId": "x-1", "name": {"givenName": "Ann", "familyName": "Lee"}}
    ann = acme.add("Ann", profile={**profile, "emails": emails("Ann.Lee@acme.example")})
    found = User.objects.of(acme.id).get(user_name_key="ann@acme.example")
    assert found == ann
    assert found.email_key == "ann.lee@acme.example"
    assert found.external_id == "x-1"
    assert found.display_name == "Ann Lee"
    assert "ann lee" in found.name_key
    assert found.is_active
    assert found.version == 1
    assert list(UserValue.objects.of(acme.id).values_list("attribute", "type", "value_key")) == [
        ("emails", "work", "ann.lee@acme.example")
    ]


def test_creation_is_audited_with_the_whole_profile(acme: Tenant) -> None:
    ann = acme.add("ann", profile={"title": "Engineer"})
    event = acme.last_event()
    assert (event.action, event.target_id, event.target_label) == ("user.created", str(ann.pk), "ann@acme.example")
    assert (event.actor_label, event.channel, event.address, event.request_id) == (
        "Ada Moreau", "page", "192.0.2.10", "r-1",
    )  # fmt: skip
    assert event.changes["profile"][0] is None
    assert event.changes["profile"][1]["title"] == "Engineer"
    assert str(event) == "Ada Moreau created ann@acme.example"


def test_who_sends_no_role_shows_the_one_that_was_given(acme: Tenant) -> None:
    ann = acme.add("ann", BuiltIn.READ_ONLY)
    assert profiles.read(ann)["roles"] == [{"value": "Read-only", "primary": True}]


def test_who_sends_roles_keeps_them_as_sent(acme: Tenant) -> None:
    sent = [{"value": "Read-only", "type": "WindowsAzureActiveDirectoryRole"}]
    assert profiles.read(acme.add("ann", BuiltIn.READ_ONLY, profile={"roles": sent}))["roles"] == sent


def test_a_password_given_at_creation_is_hashed(acme: Tenant) -> None:
    ann = acme.add("ann", password="correct-horse-battery")
    assert ann.check_password("correct-horse-battery")
    assert not acme.add("ben").has_usable_password()
    assert "correct-horse" not in str([event.changes for event in acme.events()])


def test_an_update_changes_document_index_and_version_and_says_what_changed(acme: Tenant) -> None:
    ann = acme.add("ann", profile={"title": "Engineer", "name": {"familyName": "Lee"}})
    acme.update(ann, title="Architect", name={"familyName": "Young"})
    ann.refresh_from_db()
    assert profiles.read(ann)["title"] == "Architect"
    assert ann.name_key.endswith("young")
    assert ann.version == 2
    assert '"version":"W/\\"2\\""' in ann.document
    event = acme.last_event()
    assert event.action == "user.updated"
    assert event.changes == {
        "title": ["Engineer", "Architect"],
        "name": [{"familyName": "Lee"}, {"familyName": "Young"}],
    }


def test_a_write_of_what_is_so_already_leaves_no_trace(acme: Tenant) -> None:
    ann = acme.add("ann", profile={"title": "Engineer"})
    document, events = ann.document, len(acme.events())
    acme.update(ann, title="Engineer")
    accounts.set_active(ann.pk, True, by=acme.by)
    accounts.change_role(ann.pk, acme.role(BuiltIn.APP_MANAGEMENT), by=acme.by)
    ann.refresh_from_db()
    assert (ann.document, ann.version, len(acme.events())) == (document, 1, events)


def test_new_emails_replace_the_old_ones_in_the_index(acme: Tenant) -> None:
    ann = acme.add("ann", profile={"emails": emails("ann@acme.example", "old@acme.example")})
    acme.update(ann, emails=emails("new@acme.example"))
    assert list(UserValue.objects.of(acme.id).values_list("value_key", flat=True)) == ["new@acme.example"]
    acme.update(ann, emails=None)
    assert not UserValue.objects.of(acme.id).exists()
    ann.refresh_from_db()
    assert ann.email == "ann@acme.example"


def test_suspending_keeps_the_person_readable_and_is_audited(acme: Tenant) -> None:
    ann = acme.add("ann")
    accounts.set_active(ann.pk, False, by=acme.by)
    ann.refresh_from_db()
    assert not ann.is_active
    assert profiles.read(ann)["active"] is False
    assert acme.last_event().action == "user.suspended"
    assert acme.last_event().changes == {"active": [True, False]}


def test_restoring_is_audited(acme: Tenant) -> None:
    ann = acme.add("ann", profile={"active": False})
    accounts.set_active(ann.pk, True, by=acme.by)
    assert acme.last_event().action == "user.restored"
    assert User.objects.get(pk=ann.pk).is_active


def test_somebody_whose_profile_does_not_say_active_is_and_can_be_suspended(acme: Tenant) -> None:
    ann = acme.add("ann")
    acme.update(ann, active=None)
    ann.refresh_from_db()
    assert ann.is_active and "active" not in profiles.read(ann)
    accounts.set_active(ann.pk, False, by=acme.by)
    ann.refresh_from_db()
    assert not ann.is_active
    assert profiles.read(ann)["active"] is False
    assert acme.last_event().action == "user.suspended"


def test_a_change_of_role_shows_in_the_document_and_is_audited(acme: Tenant) -> None:
    ann = acme.add("ann")
    accounts.change_role(ann.pk, acme.role(BuiltIn.READ_ONLY), by=acme.by)
    ann.refresh_from_db()
    assert ann.role == acme.role(BuiltIn.READ_ONLY)
    assert [entry["value"] for entry in profiles.read(ann)["roles"]] == ["Read-only"]
    assert ann.version == 2
    event = acme.last_event()
    assert event.action == "user.role-changed"
    assert [entries[0]["value"] for entries in event.changes["roles"]] == ["App management", "Read-only"]


def test_a_change_of_role_is_felt_at_the_next_request(acme: Tenant) -> None:
    ann = acme.add("ann", BuiltIn.DOMAIN_MANAGER)
    assert User.objects.get(pk=ann.pk).has_perm("domains.edit")
    accounts.change_role(ann.pk, acme.role(BuiltIn.READ_ONLY), by=acme.by)
    assert not User.objects.get(pk=ann.pk).has_perm("domains.edit")


def test_deleting_leaves_the_whole_profile_in_the_trail(acme: Tenant) -> None:
    ann = acme.add("ann", profile={"title": "Engineer", "emails": emails("ann@acme.example")})
    accounts.delete(accounts.find(ann.pk, organization_id=acme.id), by=acme.by)
    assert not User.objects.of(acme.id).exists()
    assert not UserValue.objects.exists()
    event = acme.last_event()
    assert (event.action, event.target_id, event.target_label) == ("user.deleted", str(ann.pk), "ann@acme.example")
    assert event.changes["profile"][0]["title"] == "Engineer"
    assert event.changes["profile"][1] is None


def test_after_deleting_the_name_is_free_at_once_and_the_id_is_new(acme: Tenant) -> None:
    ann = acme.add("ann")
    accounts.delete(accounts.find(ann.pk, organization_id=acme.id), by=acme.by)
    assert acme.add("ann").pk != ann.pk


def test_a_new_password_is_audited_without_it(acme: Tenant) -> None:
    ann = acme.add("ann")
    set_password(ann, "correct-horse-battery", by=acme.by)
    assert User.objects.get(pk=ann.pk).check_password("correct-horse-battery")
    assert acme.last_event().action == "user.password-changed"
    assert acme.last_event().changes == {}


# Tenants


def test_another_organizations_people_do_not_exist(acme: Tenant, globex: Tenant) -> None:
    ann = acme.add("ann")
    with pytest.raises(UserUnknown):
        accounts.find(ann.pk, organization_id=globex.id)
    with pytest.raises(UserUnknown):
        accounts.set_active(ann.pk, False, by=globex.by)
    with pytest.raises(UserUnknown):
        accounts.change_role(ann.pk, globex.role(BuiltIn.ADMIN), by=globex.by)
    ann.refresh_from_db()
    assert ann.is_active


def test_an_unknown_id_is_nobody(acme: Tenant) -> None:
    with pytest.raises(UserUnknown):
        accounts.find(uuid4(), organization_id=acme.id)


def test_two_organizations_may_have_the_same_person(acme: Tenant, globex: Tenant) -> None:
    globex.tick("shared.example")
    here = acme.add("ann@shared.example", outsider=True, password="the-acme-password")
    there = globex.add("ann@shared.example", password="the-globex-password")
    here, there = (User.objects.get(pk=user.pk) for user in (here, there))
    assert here.sign_in_key != there.sign_in_key
    accounts.delete(accounts.find(there.pk, organization_id=globex.id), by=globex.by)
    assert User.objects.of(acme.id).get() == here


def test_an_address_opens_the_account_of_the_organization_that_was_asked(acme: Tenant, globex: Tenant) -> None:
    here = acme.add("ann@x.example", outsider=True)
    there = globex.add("ann@x.example", outsider=True)
    assert User.objects.known_as(acme.id, "ANN@X.example") == here
    assert User.objects.known_as(globex.id, "ann@x.example") == there
    assert User.objects.known_as(None, "ann@x.example") is None


@pytest.mark.once
@pytest.mark.parametrize("key", ["ann@x.example", OuterRef("email_key")], ids=str)
def test_who_has_a_name_or_an_address_is_found_by_the_indexes_of_both(acme: Tenant, key: Any) -> None:
    """At 100,000 people a sign-in would take a tenth of a second otherwise, and so would each account request shown."""
    people = User.objects.named(key, acme.id)
    asked = people if isinstance(key, str) else AccountRequest.objects.filter(Exists(people))
    assert re.findall(r"user_name_once|email_once", asked.explain()) == ["user_name_once", "email_once"]


def test_events_of_one_organization_are_not_the_others(acme: Tenant, globex: Tenant) -> None:
    before = len(globex.events())
    acme.add("ann")
    assert len(globex.events()) == before


# The last Admin


Deed = Callable[[Tenant, User], object]
DEEDS: dict[str, Deed] = {
    "suspend": lambda acme, user: accounts.set_active(user.pk, False, by=acme.by),
    "demote": lambda acme, user: accounts.change_role(user.pk, acme.role(BuiltIn.READ_ONLY), by=acme.by),
    "delete": lambda acme, user: accounts.delete(accounts.find(user.pk, organization_id=acme.id), by=acme.by),
    "suspend by profile": lambda acme, user: acme.update(user, active=False),
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS.keys())
def test_the_last_active_admin_stays(acme: Tenant, globex: Tenant, deed: Deed) -> None:
    ada = acme.add("ada", BuiltIn.ADMIN)
    acme.add("resting", BuiltIn.ADMIN, profile={"active": False})
    acme.add("viewer", BuiltIn.READ_ONLY)
    globex.add("gwen", BuiltIn.ADMIN)
    before, events = User.objects.values().get(pk=ada.pk), len(acme.events())
    with pytest.raises(LastAdmin, match="Make somebody else Admin"):
        deed(acme, ada)
    assert User.objects.values().get(pk=ada.pk) == before
    assert len(acme.events()) == events
    assert acme.headcount() == 3


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS.keys())
def test_an_admin_may_go_while_another_one_stays(acme: Tenant, deed: Deed) -> None:
    ada = acme.add("ada", BuiltIn.ADMIN)
    acme.add("bob", BuiltIn.ADMIN)
    deed(acme, ada)
    assert not User.objects.of(acme.id).active_admins().filter(pk=ada.pk).exists()


def test_a_suspended_admin_may_go(acme: Tenant) -> None:
    acme.add("ada", BuiltIn.ADMIN)
    resting = acme.add("resting", BuiltIn.ADMIN, profile={"active": False})
    accounts.delete(accounts.find(resting.pk, organization_id=acme.id), by=acme.by)
    assert User.objects.of(acme.id).count() == 1


def test_the_last_admin_may_be_renamed(acme: Tenant) -> None:
    ada = acme.add("ada", BuiltIn.ADMIN)
    acme.update(ada, title="Head of IT", userName="ada.moreau@acme.example")
    assert User.objects.get(pk=ada.pk).user_name == "ada.moreau@acme.example"


# Addresses


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("ann@elsewhere.example", "domain-unknown"),
        ("ann@sub.acme.example", "domain-unknown"),
        ("ann@unticked.example", "domain-without-user-requests"),
    ],
)
def test_only_domains_with_the_checkmark_let_people_in(acme: Tenant, address: str, reason: str) -> None:
    acme.tick("unticked.example", False)
    for profile in ({"userName": address}, {"userName": "ann@acme.example", "emails": emails(address)}):
        with pytest.raises(AddressRefused) as refused:
            accounts.create(NewUser(profile, acme.role(BuiltIn.APP_MANAGEMENT), Source.SCIM), by=acme.by)
        assert refused.value.reason == reason
        assert refused.value.domain == address.partition("@")[2]
        assert refused.value.domain in refused.value.message
        assert "Settings > Organization > Your organization > Domains" in refused.value.message
    assert not User.objects.of(acme.id).exists()


def test_another_organizations_domain_lets_nobody_in(acme: Tenant, globex: Tenant) -> None:
    with pytest.raises(AddressRefused):
        acme.add("ann@globex.example")


def test_domains_are_compared_in_their_dns_form(acme: Tenant) -> None:
    acme.tick("xn--bcher-kva.example")
    assert acme.add("ann@BÜCHER.example").user_name == "ann@BÜCHER.example"


@pytest.mark.parametrize(
    "address", ["ann", "ann@", "@acme.example", "a b@acme.example", "ann@acme.example@acme.example"]
)
def test_what_is_no_address_is_refused(acme: Tenant, address: str) -> None:
    for profile in ({"userName": address}, {"userName": "ann@acme.example", "emails": emails(address)}):
        with pytest.raises(AddressInvalid):
            accounts.create(NewUser(profile, acme.role(BuiltIn.APP_MANAGEMENT), Source.SCIM), by=acme.by)
    assert not User.objects.of(acme.id).exists()


def test_an_outsider_is_let_in_by_hand(acme: Tenant) -> None:
    assert acme.add("ann@elsewhere.example", outsider=True).pk


def test_a_write_that_leaves_the_addresses_alone_never_looks_at_domains(acme: Tenant) -> None:
    ann = acme.add("ann", profile={"emails": emails("ann@acme.example", "ann.lee@acme.example")})
    guest = acme.add("guest@elsewhere.example", outsider=True)
    acme.tick("acme.example", False)
    for user in (ann, guest):
        acme.update(user, title="Engineer")
        acme.update(user, active=False)
        acme.update(user, active=True)
    acme.update(ann, emails=emails("ANN@acme.example"))
    assert User.objects.of(acme.id).get(pk=ann.pk).email == "ANN@acme.example"


def test_a_new_address_is_checked_even_when_the_old_one_is_no_longer_let_in(acme: Tenant) -> None:
    ann = acme.add("ann", profile={"emails": emails("ann@acme.example")})
    acme.tick("acme.example", False)
    acme.tick("new.example")
    with pytest.raises(AddressRefused):
        acme.update(ann, emails=emails("ann.lee@acme.example"))
    acme.update(ann, userName="ann@new.example", emails=emails("ann@new.example"))
    assert User.objects.get(pk=ann.pk).user_name == "ann@new.example"


def test_suspending_gets_through_after_the_domain_is_gone(acme: Tenant) -> None:
    import domains.services

    ann = acme.add("ann", profile={"emails": emails("ann@acme.example")})
    domains.services.remove(domains.services.find("acme.example", organization_id=acme.id), by=acme.by)
    acme.update(ann, active=False)
    assert not User.objects.get(pk=ann.pk).is_active


def test_a_refused_update_changes_nothing(acme: Tenant) -> None:
    ann = acme.add("ann", profile={"title": "Engineer", "emails": emails("ann@acme.example")})
    before, events = User.objects.values().get(pk=ann.pk), len(acme.events())
    with pytest.raises(AddressRefused):
        acme.update(ann, title="Architect", emails=emails("ann@elsewhere.example"))
    assert User.objects.values().get(pk=ann.pk) == before
    assert UserValue.objects.get().value_key == "ann@acme.example"
    assert len(acme.events()) == events


# Names


@pytest.mark.parametrize(
    ("there", "new", "said"),
    [
        (
            {"userName": "ann@acme.example"},
            {"userName": "ANN@acme.example"},
            "'ANN@acme.example' exists already",
        ),
        (
            {"userName": "ann@acme.example", "emails": emails("lee@acme.example")},
            {"userName": "ben@acme.example", "emails": emails("LEE@acme.example")},
            "e-mail address 'LEE@acme.example' belongs to another user, 'ann@acme.example'",
        ),
        (
            {"userName": "ann@acme.example", "emails": emails("lee@acme.example")},
            {"userName": "lee@acme.example"},
            "e-mail address 'lee@acme.example' belongs to another user, 'ann@acme.example'",
        ),
        (
            {"userName": "ann@acme.example", "emails": emails("lee@acme.example")},
            {"userName": "ben@acme.example", "emails": emails("ann@acme.example")},
            "e-mail address 'ann@acme.example' belongs to another user, 'ann@acme.example'",
        ),
    ],
    ids=["same userName", "same e-mail", "userName is an e-mail", "e-mail is a userName"],
)
def test_a_colleagues_name_is_taken(acme: Tenant, there: dict[str, Any], new: dict[str, Any], said: str) -> None:
    role = acme.role(BuiltIn.APP_MANAGEMENT)
    accounts.create(NewUser(there, role, Source.SCIM), by=acme.by)
    events = len(acme.events())
    with pytest.raises(NameTaken, match=said):
        accounts.create(NewUser(new, role, Source.SCIM), by=acme.by)
    other = acme.add("other")
    with pytest.raises(NameTaken, match=said):
        acme.update(other, **new)
    assert [event.action for event in acme.events()[: len(acme.events()) - events]] == ["user.created"]
    assert acme.headcount() == 2


def test_ones_own_name_is_not_taken(acme: Tenant) -> None:
    ann = acme.add("ann", profile={"emails": emails("lee@acme.example")})
    acme.update(ann, userName="lee@acme.example", emails=emails("ann@acme.example"))
    ann.refresh_from_db()
    assert (ann.user_name, ann.email) == ("lee@acme.example", "ann@acme.example")


def test_a_second_address_may_be_a_colleagues_second_address(acme: Tenant) -> None:
    acme.add("ann", profile={"emails": emails("ann@acme.example", "team@acme.example")})
    assert acme.add("ben", profile={"emails": emails("ben@acme.example", "team@acme.example")}).pk


def test_who_loses_a_race_for_a_name_is_told_so(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both look before either has written; the database decides, and the loser gets the same words as ever."""
    looks = iter([False, True])
    check = accounts._refuse_taken_names
    monkeypatch.setattr(accounts, "_refuse_taken_names", lambda user: check(user) if next(looks) else None)
    acme_role = acme.role(BuiltIn.APP_MANAGEMENT)
    User.objects.bulk_create([_bare_user(acme, acme_role, "ann@acme.example")])
    with pytest.raises(NameTaken, match="exists already"):
        acme.add("ann")


def _bare_user(tenant: Tenant, role: Role | None, user_name: str, **fields: Any) -> User:
    user = User(organization=tenant.organization, role=role, **fields)
    profiles.write(user, {"userName": user_name})
    user.user_name_key = user.email_key = user_name
    return user


# Many at once


def new_user(tenant: Tenant, login: str, **profile: Any) -> NewUser:
    return NewUser(
        {"userName": f"{login}@acme.example", **profile}, tenant.role(BuiltIn.APP_MANAGEMENT), Source.SCIM, uuid4()
    )


def test_of_many_each_is_let_in_or_refused_in_turn(acme: Tenant) -> None:
    acme.add("old")
    outcomes = accounts.create_many(
        [
            new_user(acme, "ann"),
            new_user(acme, "OLD"),
            new_user(acme, "ANN"),
            new_user(acme, "ben", emails=emails("ben@nowhere.example")),
            new_user(acme, "cem", emails=emails("no address")),
            new_user(acme, "dan", emails=emails("ann@acme.example")),
            new_user(acme, "eve", emails=emails("eve@acme.example"), active=False),
        ],
        by=acme.by,
    )
    assert [outcome.user_name if isinstance(outcome, User) else type(outcome) for outcome in outcomes] == [
        "ann@acme.example", NameTaken, NameTaken, AddressRefused, AddressInvalid, NameTaken, "eve@acme.example",
    ]  # fmt: skip
    assert [user.user_name for user in User.objects.of(acme.id).order_by("user_name_key")] == [
        "ann@acme.example", "eve@acme.example", "old@acme.example",
    ]  # fmt: skip
    assert acme.headcount() == 3
    assert [event.target_label for event in acme.events()[:3]] == [
        "eve@acme.example", "ann@acme.example", "old@acme.example",
    ]  # fmt: skip
    assert not any(outcome.has_usable_password() for outcome in outcomes if isinstance(outcome, User))


def test_who_needs_somebody_who_is_refused_is_refused_too(acme: Tenant) -> None:
    boss, ann, ben = new_user(acme, "bo ss"), new_user(acme, "ann"), new_user(acme, "ben")
    assert boss.user_id and ann.user_id
    ann = replace(ann, needs=frozenset({boss.user_id}))
    ben = replace(ben, needs=frozenset({ann.user_id}))
    outcomes = accounts.create_many([boss, ann, ben], by=acme.by)
    assert [type(outcome) for outcome in outcomes] == [AddressInvalid, CompanionRefused, CompanionRefused]
    assert not User.objects.of(acme.id).exists()


def test_many_who_lose_a_race_for_one_name_are_none_of_them_there(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.add("ben")
    events = acme.events()
    monkeypatch.setattr(accounts.Names, "claim", lambda self, user: None)
    with pytest.raises(IntegrityError):
        accounts.create_many([new_user(acme, "ann"), new_user(acme, "ben")], by=acme.by)
    assert [user.user_name for user in User.objects.of(acme.id)] == ["ben@acme.example"]
    assert (acme.headcount(), acme.events()) == (1, events)


def test_nobody_at_all_is_no_error(acme: Tenant) -> None:
    assert accounts.create_many([], by=acme.by) == []


# Sessions


def test_suspending_ends_every_session_for_good(acme: Tenant) -> None:
    ann = acme.add("ann", password="correct-horse-battery")
    session = session_of(ann)
    assert is_signed_in(session)
    accounts.set_active(ann.pk, False, by=acme.by)
    assert not is_signed_in(session)
    accounts.set_active(ann.pk, True, by=acme.by)
    assert not is_signed_in(session), "Restoring must not revive a session that made no request meanwhile."


def test_a_new_password_ends_every_session(acme: Tenant) -> None:
    ann = acme.add("ann", password="correct-horse-battery")
    session = session_of(ann)
    set_password(ann, "another-horse-battery", by=acme.by)
    assert not is_signed_in(session)


def test_a_deleted_persons_session_is_over(acme: Tenant) -> None:
    ann = acme.add("ann", password="correct-horse-battery")
    session = session_of(ann)
    accounts.delete(accounts.find(ann.pk, organization_id=acme.id), by=acme.by)
    assert not is_signed_in(session)


def test_a_held_organization_lets_nobody_go_on(acme: Tenant) -> None:
    ann = acme.add("ann", password="correct-horse-battery")
    session = session_of(ann)
    acme.organization.is_active = False
    acme.organization.save()
    assert not is_signed_in(session)


def test_a_change_of_profile_or_role_keeps_people_signed_in(acme: Tenant) -> None:
    ann = acme.add("ann", password="correct-horse-battery")
    session = session_of(ann)
    acme.update(ann, title="Architect", userName="lee@acme.example")
    accounts.change_role(ann.pk, acme.role(BuiltIn.READ_ONLY), by=acme.by)
    assert is_signed_in(session)


def test_notices_follow_the_address(acme: Tenant) -> None:
    ann = acme.add("ann")
    EmailAddress.objects.create(user=ann, email="ann@acme.example", primary=True, verified=True)
    acme.update(ann, emails=emails("Lee@acme.example"))
    assert EmailAddress.objects.get().email == "lee@acme.example"


# The headcount, and what the database itself holds to


def test_the_headcount_follows_every_coming_and_going(acme: Tenant, globex: Tenant) -> None:
    globex.add("gwen")
    people = [acme.add(f"p{number}") for number in range(3)]
    assert acme.headcount() == 3
    accounts.set_active(people[0].pk, False, by=acme.by)
    assert acme.headcount() == 3
    accounts.delete(accounts.find(people[0].pk, organization_id=acme.id), by=acme.by)
    with pytest.raises(Refusal):
        acme.add("p1")
    assert acme.headcount() == User.objects.of(acme.id).count() == 2
    assert globex.headcount() == 1
    assert Headcount.objects.count() == 2


CONSTRAINTS: dict[str, Callable[[Tenant], object]] = {
    "user_name_once": lambda acme: _bare_user(acme, acme.role(BuiltIn.IT), "ann@acme.example", id=uuid4()),
    "email_once": lambda acme: _with(_bare_user(acme, acme.role(BuiltIn.IT), "x"), email_key="ann@acme.example"),
    "superuser_is_operator": lambda acme: _bare_user(acme, acme.role(BuiltIn.IT), "root", is_superuser=True),
    "everybody_has_a_role": lambda acme: _bare_user(acme, None, "norole"),
    "operator_no_slash": lambda acme: _with(User(user_name="a/b"), user_name_key=f"{acme.id}/ann@acme.example"),
}


def _with(user: User, **fields: Any) -> User:
    for name, value in fields.items():
        setattr(user, name, value)
    return user


@pytest.mark.parametrize("row", CONSTRAINTS.values(), ids=CONSTRAINTS.keys())
def test_the_database_refuses_what_no_service_would_write(acme: Tenant, row: Callable[[Tenant], User]) -> None:
    acme.add("ann")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.bulk_create([row(acme)])


def test_the_database_makes_the_sign_in_key(acme: Tenant) -> None:
    ann = acme.add("ann")
    User.objects.filter(pk=ann.pk).update(user_name_key="renamed@acme.example")
    ann.refresh_from_db()
    spelled = str(acme.id) if connection.vendor == "postgresql" else acme.id.hex
    assert ann.sign_in_key == f"{spelled}/renamed@acme.example"


def test_a_role_with_people_cannot_go(acme: Tenant) -> None:
    from django.db.models import ProtectedError

    acme.add("ann", BuiltIn.IT)
    with pytest.raises(ProtectedError):
        acme.role(BuiltIn.IT).delete()


def test_a_change_and_its_event_stand_or_fall_together(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no trail")

    ann, events = acme.add("ann"), AuditEvent.objects.count()
    monkeypatch.setattr("audit.services.trail._event", fail)
    for deed in (*DEEDS.values(), lambda acme, user: acme.add("ben")):
        with pytest.raises(RuntimeError), transaction.atomic():
            deed(acme, ann)
    assert list(User.objects.of(acme.id).values_list("user_name", "is_active")) == [("ann@acme.example", True)]
    assert AuditEvent.objects.count() == events
