"""Nobody gives, changes or takes away a role that may do more than their own."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core.actors import Actor
from core.refusals import Refusal
from provisioning.services.connections import connections
from tests.tenants import Tenant
from users.models import Role, User
from users.permissions import Area, BuiltIn, Level, spelled
from users.services import authority, roles, user_actions
from users.services.authority import BeyondOwnRights
from users.services.roles import RoleUnknown
from users.services.user_actions import Chosen, Verb

LEVELS = st.dictionaries(st.sampled_from(Area), st.sampled_from(Level))


def acting(tenant: Tenant, role: str) -> Actor:
    """Somebody with that role, who acts."""
    user = tenant.add("actor", role)
    return replace(tenant.by, user_id=user.pk, label=str(user))


@given(LEVELS, LEVELS)
def test_a_role_is_within_reach_if_no_level_of_it_is_higher(own: dict[Area, Level], other: dict[Area, Level]) -> None:
    reach = authority.of(User(role=Role(key="", rights=spelled(own))))
    covered = reach.covers(Role(key="", rights=spelled(other)))
    assert covered == all(other.get(area, Level.NONE) <= own.get(area, Level.NONE) for area in Area)


def test_only_an_admin_reaches_the_admin_role_whatever_else_somebody_may_do() -> None:
    everything = Role(key="", rights=spelled(dict.fromkeys(Area, Level.EDIT)))
    assert not authority.of(User(role=everything)).covers(Role(key=BuiltIn.ADMIN))
    assert authority.of(User(role=Role(key=BuiltIn.ADMIN))).covers(Role(key=BuiltIn.ADMIN))
    assert authority.of(User(role=Role(key=BuiltIn.ADMIN))).covers(everything)


def test_who_is_suspended_or_has_no_role_hands_on_not_even_what_anybody_may(acme: Tenant) -> None:
    admin = Role(key=BuiltIn.ADMIN)
    for nobody in (None, User(role=None), User(is_active=False, role=admin)):
        assert not authority.of(nobody).covers(admin)
    anonymous = replace(acme.by, user_id=uuid4())
    assert not authority.of_actor(anonymous).covers(acme.role("users.view"))


def test_what_somebody_may_do_elsewhere_counts_for_nothing_here(acme: Tenant, globex: Tenant) -> None:
    foreign = globex.add("gabriel", BuiltIn.ADMIN)
    reach = authority.of_actor(replace(acme.by, user_id=foreign.pk))
    assert not reach.covers(acme.role("users.view"))


def test_a_role_is_found_for_who_may_give_it(acme: Tenant) -> None:
    by = acting(acme, "users.edit")
    assert roles.find_for(acme.role(BuiltIn.HR).pk, by=by).key == BuiltIn.HR
    assert roles.find_for(str(acme.role("users.view").pk), by=by).name == "users.view"
    for key in (BuiltIn.ADMIN, BuiltIn.READ_ONLY, BuiltIn.DOMAIN_MANAGER):
        with pytest.raises(BeyondOwnRights, match="may do more than yours"):
            roles.find_for(acme.role(key).pk, by=by)


@pytest.mark.parametrize("text", ["", "no-uuid", "00000000-0000-0000-0000-000000000000"])
def test_what_is_no_role_is_unknown(text: str, acme: Tenant) -> None:
    with pytest.raises(RoleUnknown):
        roles.find_for(text, by=acting(acme, BuiltIn.ADMIN))


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("target", [BuiltIn.ADMIN, BuiltIn.READ_ONLY, "users.edit roles.view"])
def test_who_may_do_more_is_neither_suspended_nor_restored_nor_removed_nor_demoted(
    verb: Verb, target: str, acme: Tenant
) -> None:
    acme.add("other", BuiltIn.ADMIN)
    person = acme.add("person", target)
    person = acme.update(person, active=False) if verb is Verb.RESTORE else person
    if verb is Verb.ALLOW_RESET:
        User.objects.filter(pk=person.pk).update(password_reset_blocked_until=timezone.now() + timedelta(days=1))
    by = acting(acme, "users.edit")
    report = user_actions.apply(verb, [Chosen(person.pk, person.version)], role=acme.role(BuiltIn.HR), by=by)
    assert [type(refusal) for refusal in report.refused] == [BeyondOwnRights]
    now = User.objects.get(pk=person.pk)
    assert (now.role, now.is_active, now.version) == (person.role, person.is_active, person.version)


def test_nobody_gives_themselves_or_others_more(acme: Tenant) -> None:
    by, grace = acting(acme, "users.edit"), acme.add("grace")
    actor = User.objects.get(pk=by.user_id)
    for person in (actor, grace):
        for wanted in (BuiltIn.ADMIN, BuiltIn.READ_ONLY, "users.edit roles.edit"):
            chosen = [Chosen(person.pk, person.version)]
            report = user_actions.apply(Verb.GIVE_ROLE, chosen, role=acme.role(wanted), by=by)
            assert [type(refusal) for refusal in report.refused] == [BeyondOwnRights], wanted
    assert User.objects.get(pk=actor.pk).role == actor.role


def test_people_within_reach_are_changed(acme: Tenant) -> None:
    by, grace = acting(acme, "users.edit"), acme.add("grace")
    report = user_actions.apply(Verb.GIVE_ROLE, [Chosen(grace.pk, 1)], role=acme.role("users.view"), by=by)
    assert (report.done, report.refused) == (["grace@acme.example"], [])


def test_a_role_that_may_do_more_is_not_made_changed_deleted_or_made_the_default(acme: Tenant) -> None:
    by = acting(acme, "roles.edit users.view")
    more = acme.role("roles.edit domains.view")
    before = list(Role.objects.of(acme.id).values())
    within = acme.role("users.view")
    tried = (
        lambda: roles.create("More", {Area.USERS: Level.EDIT}, by=by),
        lambda: roles.update(more.pk, "Less", {}, expected_version=1, by=by),
        lambda: roles.update(within.pk, "users.view", {Area.DOMAINS: Level.VIEW}, expected_version=1, by=by),
        lambda: roles.rename_some(more.pk, by=by),
        lambda: roles.delete(more.pk, expected_version=1, by=by),
        lambda: roles.make_default(more, by=by),
        lambda: roles.make_default(acme.role(BuiltIn.ADMIN), by=by),
    )
    for attempt in tried:
        with pytest.raises(BeyondOwnRights):
            attempt()
    assert [row for row in Role.objects.of(acme.id).values() if row["name"] != "users.view"] == before
    assert roles.create("Same", {Area.USERS: Level.VIEW}, by=by).permissions == {"users.view"}


def test_the_people_of_a_role_that_goes_get_none_that_may_do_more(acme: Tenant) -> None:
    by, going = acting(acme, "roles.edit"), acme.role("going")
    ann = acme.add("ann", "going")
    with pytest.raises(BeyondOwnRights):
        roles.delete(going.pk, replacement_id=acme.role(BuiltIn.READ_ONLY).pk, expected_version=1, by=by)
    with pytest.raises(BeyondOwnRights):
        roles.set_enabled(
            acme.add("hal", BuiltIn.HR).role_id, False, replacement_id=acme.role(BuiltIn.READ_ONLY).pk, by=by
        )
    assert User.objects.get(pk=ann.pk).role == going


def test_only_an_admin_lets_scim_make_admins(acme: Tenant) -> None:
    by = acting(acme, "sign-in.edit")
    with pytest.raises(BeyondOwnRights):
        connections.set_manage_admins(acme.connection, True, by=by)
    acme.connection.refresh_from_db()
    assert not acme.connection.manage_admins
    assert connections.set_manage_admins(acme.connection, True, by=acme.by).manage_admins
    assert not connections.set_manage_admins(acme.connection, False, by=by).manage_admins


def test_every_refusal_says_whom_to_ask(acme: Tenant) -> None:
    with pytest.raises(Refusal, match="Ask an Admin of your organization"):
        roles.find_for(acme.role(BuiltIn.ADMIN).pk, by=acting(acme, "users.edit"))
