"""Roles: the built-in ones of a new organization, its own, those switched off, and the one that newcomers get."""

from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from audit.actions import Action
from core.actors import Channel
from core.refusals import StaleVersion
from tests.tenants import Tenant
from users import profile as profiles
from users.models import Role, User
from users.permissions import NAMES, Area, BuiltIn, Level, levels_of, permissions_of, spelled
from users.services import accounts, invitations, role_reassignment, roles, undo, user_actions
from users.services.roles import RoleFixed, RoleInUse, RoleInvalid, RoleUnknown
from users.services.user_actions import Chosen, Verb


def test_a_new_organization_has_every_built_in_role_and_app_management_as_default(acme: Tenant) -> None:
    assert dict(Role.objects.of(acme.id).values_list("key", "name")) == {key.value: name for key, name in NAMES.items()}
    assert roles.default_role(acme.id).name == "App management"


def test_another_default_role_is_audited_with_both_names(acme: Tenant) -> None:
    roles.make_default(acme.role(BuiltIn.READ_ONLY), by=acme.by)
    assert roles.default_role(acme.id).key == BuiltIn.READ_ONLY
    event = acme.last_event()
    assert (event.action, event.target_label) == ("role.default-changed", "Read-only")
    assert event.changes == {"default role": ["App management", "Read-only"]}


def test_making_the_default_role_default_again_leaves_no_trace(acme: Tenant) -> None:
    events = len(acme.events())
    roles.make_default(acme.role(BuiltIn.APP_MANAGEMENT), by=acme.by)
    assert len(acme.events()) == events


def test_people_keep_their_role_when_the_default_changes(acme: Tenant) -> None:
    ann = acme.add("ann")
    roles.make_default(acme.role(BuiltIn.READ_ONLY), by=acme.by)
    ann.refresh_from_db()
    assert ann.role == acme.role(BuiltIn.APP_MANAGEMENT)


def test_one_organizations_default_role_is_not_the_others(acme: Tenant, globex: Tenant) -> None:
    roles.make_default(acme.role(BuiltIn.READ_ONLY), by=acme.by)
    assert roles.default_role(globex.id).key == BuiltIn.APP_MANAGEMENT


def test_another_organizations_role_does_not_exist(acme: Tenant, globex: Tenant) -> None:
    with pytest.raises(RoleUnknown):
        roles.find(globex.role(BuiltIn.ADMIN).pk, organization_id=acme.id)


def test_a_role_that_is_switched_off_cannot_be_chosen(acme: Tenant) -> None:
    finance = acme.role(BuiltIn.FINANCE)
    assert roles.find(finance.pk, organization_id=acme.id) == finance
    Role.objects.of(acme.id).filter(pk=finance.pk).update(is_enabled=False)
    with pytest.raises(RoleUnknown):
        roles.find(finance.pk, organization_id=acme.id)


@pytest.mark.parametrize(
    "fields",
    [{"key": BuiltIn.IT, "name_key": "other"}, {"key": "custom", "name_key": "it"}, {"key": "c", "is_default": True}],
    ids=["same key", "same name", "second default"],
)
def test_the_database_refuses_a_second_role_of_its_kind(acme: Tenant, fields: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Role.objects.create(organization=acme.organization, name="x", **fields)


# An organization's own roles


VIEW_USERS = {Area.USERS: Level.VIEW}


def test_an_own_role_grants_what_its_levels_say_and_is_audited(acme: Tenant) -> None:
    levels = {Area.DOMAINS: Level.EDIT, Area.USERS: Level.VIEW, Area.ROLES: Level.NONE}
    role = roles.create("  Front   desk ", levels, by=acme.by)
    ann = acme.add("ann", "Front desk")
    assert role.name == "Front desk"
    granted = {f"{area}.{level}" for area in Area for level in ("view", "edit") if ann.has_perm(f"{area}.{level}")}
    assert granted == {"users.view", "domains.view", "domains.edit"}
    event = next(event for event in acme.events() if event.action == Action.ROLE_CREATED)
    assert event.changes == {"name": [None, "Front desk"], "rights": [None, "users.view domains.edit"]}


@given(st.dictionaries(st.sampled_from(Area), st.sampled_from(Level)))
def test_rights_are_read_as_they_were_written(levels: dict[Area, Level]) -> None:
    assert levels_of("", spelled(levels)) == {area: level for area, level in levels.items() if level}


def test_rights_that_only_another_release_knows_give_nothing() -> None:
    assert permissions_of("", "rockets.edit users.view") == {"users.view"}


@pytest.mark.parametrize("name", ["", "  ", "ADMIN", "ａｄｍｉｎ", "x" * 61, "ﷺ" * 20, "a\x00b", "a\u202eb"])
def test_a_name_that_can_not_be_used_makes_no_role(name: str, acme: Tenant) -> None:
    before = list(Role.objects.of(acme.id).values())
    with pytest.raises(RoleInvalid):
        roles.create(name, VIEW_USERS, by=acme.by)
    assert list(Role.objects.of(acme.id).values()) == before


def test_another_organization_may_use_the_same_name(acme: Tenant, globex: Tenant) -> None:
    assert roles.create("Front desk", {}, by=acme.by) != roles.create("Front desk", {}, by=globex.by)


def test_there_are_not_too_many(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "MOST_OWN", 2)
    roles.create("a", {}, by=acme.by)
    roles.create("b", {}, by=acme.by)
    with pytest.raises(RoleInvalid, match="Delete one first"):
        roles.create("c", {}, by=acme.by)


def test_a_changed_role_has_its_new_rights_at_once(acme: Tenant) -> None:
    role = roles.create("Desk", VIEW_USERS, by=acme.by)
    ann = acme.add("ann", "Desk")
    roles.update(role.pk, "Desk", {Area.DOMAINS: Level.VIEW}, expected_version=1, by=acme.by)
    ann = User.objects.get(pk=ann.pk)
    assert ann.has_perm("domains.view") and not ann.has_perm("users.view")
    assert ann.version == 1
    assert acme.last_event().changes == {"rights": ["users.view", "domains.view"]}


def test_who_was_slower_is_told_what_the_role_is_now(acme: Tenant) -> None:
    role = roles.create("Desk", VIEW_USERS, by=acme.by)
    roles.update(role.pk, "Front desk", VIEW_USERS, expected_version=1, by=acme.by)
    with pytest.raises(StaleVersion, match="'Front desk'"):
        roles.update(role.pk, "Back desk", VIEW_USERS, expected_version=1, by=acme.by)
    with pytest.raises(StaleVersion):
        roles.delete(role.pk, expected_version=1, by=acme.by)
    assert Role.objects.get(pk=role.pk).name == "Front desk"


def test_a_change_to_what_is_so_already_leaves_no_trace(acme: Tenant) -> None:
    role = roles.create("Desk", VIEW_USERS, by=acme.by)
    events = len(acme.events())
    assert roles.update(role.pk, "Desk", VIEW_USERS, expected_version=1, by=acme.by).version == 1
    assert len(acme.events()) == events


def test_a_new_name_stands_in_the_profiles_and_the_rest_of_an_entry_stays(acme: Tenant) -> None:
    role = roles.create("Desk", VIEW_USERS, by=acme.by)
    ann = acme.add("ann", "Desk", profile={"roles": [{"value": "desk", "type": "job", "primary": True}]})
    bob = acme.add("bob")
    roles.update(role.pk, "Front desk", VIEW_USERS, expected_version=1, by=acme.by)
    ann, known = User.objects.get(pk=ann.pk), User.objects.get(pk=bob.pk)
    assert profiles.read(ann)["roles"] == [{"value": "Front desk", "type": "job", "primary": True}]
    assert ann.search["roles"][0]["value"] == "front desk"
    assert ann.version == 2 and '"version":"W/\\"2\\""' in ann.document
    assert known.document == bob.document


# A new name for many people


@pytest.fixture
def renamed(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> Role:
    """The role Desk of five people, which has just been given the name Front desk: two of them at a time have it."""
    monkeypatch.setattr(role_reassignment, "TOGETHER", 2)
    role = roles.create("Desk", VIEW_USERS, by=acme.by)
    for number in range(5):
        acme.add(f"p{number}", "Desk")
    return roles.update(role.pk, "Front desk", VIEW_USERS, expected_version=1, by=acme.by)


def end_renaming(role: Role, tenant: Tenant) -> None:
    """Let the profiles of all the role's people say its new name."""
    while roles.rename_some(role.pk, by=tenant.by)[0].former_name:
        pass


def said_by(*people: User) -> list[str]:
    """What the profiles call the roles of people, by default of all who have one of Acme's own, in their order."""
    found = [each.pk for each in people]
    those = User.objects.filter(pk__in=found) if found else User.objects.filter(role__key="")
    return [profiles.read(user)["roles"][0]["value"] for user in those.order_by("pk")]


def test_many_people_get_the_new_name_part_by_part(acme: Tenant, renamed: Role) -> None:
    assert renamed.name == "Front desk"
    assert acme.last_event().changes == {"name": ["Desk", "Front desk"]}
    # Whoever comes from now on has the new name from the start.
    late = acme.add("late", "Front desk")
    for so_far in (2, 4):
        role, done = roles.rename_some(renamed.pk, by=acme.by)
        assert (role.former_name, done) == ("Desk", 2)
        assert said_by() == ["Front desk"] * so_far + ["Desk"] * (5 - so_far) + ["Front desk"]
    role, done = roles.rename_some(renamed.pk, by=acme.by)
    assert (role.former_name, done) == ("", 2)
    assert set(said_by()) == {"Front desk"}
    people = User.objects.of(acme.id).filter(role=renamed)
    assert [user.version for user in people] == [2] * 5 + [1]
    assert all(user.search["roles"] == [{"value": "front desk", "primary": True}] for user in people)
    updated = [event for event in acme.events() if event.action == Action.USER_UPDATED]
    assert {event.target_id for event in updated} == {str(user.pk) for user in people if user != late}
    roles_before_and_after = [[{"value": name, "primary": True}] for name in ("Desk", "Front desk")]
    assert all(event.changes == {"roles": roles_before_and_after} for event in updated)
    assert sum(event.action == Action.ROLE_UPDATED for event in acme.events()) == 1
    events = len(acme.events())
    assert roles.rename_some(renamed.pk, by=acme.by)[1] == 0
    assert len(acme.events()) == events


def test_few_people_have_the_new_name_at_once(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(role_reassignment, "TOGETHER", 2)
    role = roles.create("Desk", VIEW_USERS, by=acme.by)
    people = [acme.add(f"p{number}", "Desk") for number in range(2)]
    assert not roles.update(role.pk, "Front desk", VIEW_USERS, expected_version=1, by=acme.by).former_name
    assert said_by(*people) == ["Front desk"] * 2


def test_who_comes_and_goes_while_others_get_the_new_name(acme: Tenant, renamed: Role) -> None:
    first, *_, last = User.objects.of(acme.id).filter(role=renamed).order_by("pk")
    hr = acme.role(BuiltIn.HR)
    roles.rename_some(renamed.pk, by=acme.by)
    accounts.change_role(first.pk, hr, by=acme.by)
    accounts.change_role(first.pk, Role.objects.get(pk=renamed.pk), by=acme.by)
    accounts.change_role(last.pk, hr, by=acme.by)
    end_renaming(renamed, acme)
    assert said_by(first, last) == ["Front desk", "HR"]
    assert set(said_by()) == {"Front desk"}


def test_who_is_given_a_role_that_was_renamed_meanwhile_has_its_new_name(acme: Tenant) -> None:
    role, ann = roles.create("Desk", VIEW_USERS, by=acme.by), acme.add("ann")
    roles.update(role.pk, "Front desk", VIEW_USERS, expected_version=1, by=acme.by)
    assert role.name == "Desk"
    user_actions.apply(Verb.GIVE_ROLE, [Chosen(ann.pk, 1)], role=role, by=acme.by)
    assert said_by(ann) == ["Front desk"]


def test_a_role_is_not_renamed_twice_at_once(acme: Tenant, renamed: Role) -> None:
    with pytest.raises(RoleInvalid, match="still call it 'Desk'"):
        roles.update(renamed.pk, "Back desk", VIEW_USERS, expected_version=2, by=acme.by)
    roles.rename_some(renamed.pk, by=acme.by)
    # Its rights can be changed, and that goes on from where it was.
    roles.update(renamed.pk, "Front desk", {Area.DOMAINS: Level.VIEW}, expected_version=2, by=acme.by)
    assert said_by() == ["Front desk"] * 2 + ["Desk"] * 3
    end_renaming(renamed, acme)
    roles.update(renamed.pk, "Back desk", VIEW_USERS, expected_version=3, by=acme.by)
    end_renaming(renamed, acme)
    assert said_by() == ["Back desk"] * 5


def test_nobody_takes_a_name_that_profiles_still_say(acme: Tenant, globex: Tenant, renamed: Role) -> None:
    other = roles.create("Other", VIEW_USERS, by=acme.by)
    for attempt in (
        lambda: roles.create("DESK", VIEW_USERS, by=acme.by),
        lambda: roles.update(other.pk, "desk", VIEW_USERS, expected_version=1, by=acme.by),
    ):
        with pytest.raises(RoleInvalid, match="still call the role Front desk 'Desk'"):
            attempt()
    roles.create("Desk", VIEW_USERS, by=globex.by)
    end_renaming(renamed, acme)
    roles.create("Desk", VIEW_USERS, by=acme.by)


def test_a_role_can_go_while_its_people_get_its_new_name(acme: Tenant, renamed: Role) -> None:
    replacement = acme.role(BuiltIn.HR)
    people = list(User.objects.of(acme.id).filter(role=renamed))
    roles.rename_some(renamed.pk, by=acme.by)
    while roles.reassign(renamed.pk, replacement_id=replacement.pk, expected_version=2, by=acme.by):
        pass
    roles.delete(renamed.pk, replacement_id=replacement.pk, expected_version=2, by=acme.by)
    assert said_by(*people) == ["HR"] * 5
    with pytest.raises(RoleUnknown):
        roles.rename_some(renamed.pk, by=acme.by)


def test_a_new_spelling_comes_to_many_people_too(acme: Tenant, renamed: Role) -> None:
    end_renaming(renamed, acme)
    roles.update(renamed.pk, "Front Desk", VIEW_USERS, expected_version=2, by=acme.by)
    end_renaming(renamed, acme)
    assert said_by() == ["Front Desk"] * 5


def test_who_left_the_role_with_its_former_name_can_come_back(acme: Tenant, renamed: Role) -> None:
    moved, gone, *_ = User.objects.of(acme.id).filter(role=renamed)
    by_scim = replace(acme.by, channel=Channel.SCIM)
    accounts.change_role(moved.pk, acme.role(BuiltIn.HR), by=by_scim)
    left = acme.last_event()
    with transaction.atomic():
        accounts.delete(accounts.find(gone.pk, organization_id=acme.id), by=by_scim)
    removed = acme.last_event()
    end_renaming(renamed, acme)
    for event in (left, removed):
        undo.revert(event.pk, by=acme.by)
    assert set(User.objects.filter(pk__in=[moved.pk, gone.pk]).values_list("role", flat=True)) == {renamed.pk}
    assert said_by(moved, gone) == ["Front desk"] * 2


def test_the_new_name_takes_no_statement_for_each(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: Any
) -> None:
    monkeypatch.setattr(role_reassignment, "TOGETHER", 40)
    role = roles.create("Desk", VIEW_USERS, by=acme.by)
    for number in range(41):
        acme.add(f"p{number}", "Desk")
    roles.update(role.pk, "Front desk", VIEW_USERS, expected_version=1, by=acme.by)
    with django_assert_max_num_queries(12):
        assert roles.rename_some(role.pk, by=acme.by)[1] == 40


@pytest.mark.parametrize("key", BuiltIn)
def test_built_in_roles_are_neither_changed_nor_deleted(key: BuiltIn, acme: Tenant) -> None:
    role = acme.role(key)
    with pytest.raises(RoleFixed):
        roles.update(role.pk, "Mine", VIEW_USERS, expected_version=1, by=acme.by)
    with pytest.raises(RoleFixed):
        roles.rename_some(role.pk, by=acme.by)
    with pytest.raises(RoleFixed):
        roles.delete(role.pk, expected_version=1, by=acme.by)
    assert acme.role(key).name == NAMES[key]


def test_a_role_that_nobody_has_is_deleted(acme: Tenant) -> None:
    role = roles.create("Desk", VIEW_USERS, by=acme.by)
    assert roles.delete(role.pk, expected_version=1, by=acme.by)[1] == 0
    assert not Role.objects.filter(pk=role.pk).exists()
    event = acme.last_event()
    assert (event.action, event.target_label) == (Action.ROLE_DELETED, "Desk")
    assert event.changes == {"name": ["Desk", None], "rights": ["users.view", None]}
    with pytest.raises(RoleUnknown):
        roles.delete(role.pk, expected_version=1, by=acme.by)


def test_a_role_in_use_goes_only_if_its_people_get_another(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(role_reassignment, "TOGETHER", 2)
    role, replacement = roles.create("Desk", VIEW_USERS, by=acme.by), acme.role(BuiltIn.READ_ONLY)
    people = [acme.add(f"p{number}", "Desk") for number in range(5)]
    shown = acme.add("sent", "Desk", profile={"roles": [{"value": "Desk"}, {"value": "HR"}]})
    bob = acme.add("bob")
    for nobody in (None, role.pk):
        with pytest.raises(RoleInUse, match="Choose the role that they get instead"):
            roles.delete(role.pk, replacement_id=nobody, expected_version=1, by=acme.by)
    assert roles.delete(role.pk, replacement_id=replacement.pk, expected_version=1, by=acme.by)[1] == 6
    entry = {"value": "Read-only", "primary": True}
    for person in (*people, shown):
        now = User.objects.get(pk=person.pk)
        assert now.role == replacement
        assert now.version == person.version + 1
        assert now.updated_at and person.updated_at and now.updated_at >= person.updated_at
        assert profiles.read(now) == {**profiles.read(person), "roles": [entry]}
        # As if it had been written as a whole.
        kept, search = now.document, now.search
        profiles.write(now, profiles.read(now))
        assert now.search == search
        assert kept.count(f'"version":"W/\\"{now.version}\\""') == 1
    given = [event for event in acme.events() if event.action == Action.USER_ROLE_CHANGED]
    assert {event.target_label for event in given} == {str(person) for person in (*people, shown)}
    assert given[-1].changes == {"roles": [[{"value": "Desk", "primary": True}], [entry]]}
    assert User.objects.get(pk=bob.pk).document == bob.document


def test_many_people_get_another_role_part_by_part(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(role_reassignment, "TOGETHER", 2)
    role, replacement = roles.create("Desk", VIEW_USERS, by=acme.by), acme.role(BuiltIn.READ_ONLY)
    for number in range(5):
        acme.add(f"p{number}", "Desk")

    def holders(of: Role) -> int:
        return User.objects.of(acme.id).filter(role=of).count()

    def reassign() -> int:
        return roles.reassign(role.pk, replacement_id=replacement.pk, expected_version=1, by=acme.by)

    for left in (3, 1):
        assert reassign() == 2
        # Whoever stops here leaves a role that is there, and people who have it or the other one.
        assert (holders(role), holders(replacement)) == (left, 5 - left)
        assert Role.objects.get(pk=role.pk).is_enabled
    assert reassign() == 0
    assert roles.delete(role.pk, replacement_id=replacement.pk, expected_version=1, by=acme.by)[1] == 1
    assert holders(replacement) == 5
    assert sum(event.action == Action.USER_ROLE_CHANGED for event in acme.events()) == 5


def test_who_hands_their_own_role_over_keeps_it_to_the_end(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(role_reassignment, "TOGETHER", 1)
    role = roles.create("Desk", {Area.ROLES: Level.EDIT}, by=acme.by)
    ann = acme.add("ann", "Desk")
    for number in range(3):
        acme.add(f"p{number}", "Desk")
    by, replacement = replace(acme.by, user_id=ann.pk), acme.role(BuiltIn.APP_MANAGEMENT)
    while roles.reassign(role.pk, replacement_id=replacement.pk, expected_version=1, by=by):
        assert User.objects.get(pk=ann.pk).role == role
    assert roles.delete(role.pk, replacement_id=replacement.pk, expected_version=1, by=by)[1] == 2
    assert User.objects.get(pk=ann.pk).role == replacement


def test_what_forbids_the_end_forbids_every_part(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(role_reassignment, "TOGETHER", 1)
    role, replacement = roles.create("Desk", VIEW_USERS, by=acme.by), acme.role(BuiltIn.IT)
    for number in range(4):
        acme.add(f"p{number}", "Desk")
        acme.add(f"h{number}", BuiltIn.HR)
    hr = acme.role(BuiltIn.HR)
    assert roles.reassign(role.pk, replacement_id=replacement.pk, expected_version=1, by=acme.by) == 1
    assert roles.reassign(hr.pk, replacement_id=replacement.pk, expected_version=None, by=acme.by) == 1
    people = User.objects.of(acme.id).filter(role__in=(role, hr)).count()
    roles.update(role.pk, "Front desk", VIEW_USERS, expected_version=1, by=acme.by)
    with pytest.raises(StaleVersion):
        roles.reassign(role.pk, replacement_id=replacement.pk, expected_version=1, by=acme.by)
    with pytest.raises(RoleFixed):
        roles.reassign(
            acme.role(BuiltIn.READ_ONLY).pk, replacement_id=replacement.pk, expected_version=None, by=acme.by
        )
    roles.make_default(hr, by=acme.by)
    with pytest.raises(RoleFixed):
        roles.reassign(hr.pk, replacement_id=replacement.pk, expected_version=None, by=acme.by)
    roles.set_enabled(replacement.pk, False, replacement_id=hr.pk, by=acme.by)
    with pytest.raises(RoleUnknown):
        roles.reassign(role.pk, replacement_id=replacement.pk, expected_version=2, by=acme.by)
    # The one whom IT had taken over from Desk, and the one from HR, are with HR now.
    assert User.objects.of(acme.id).filter(role__in=(role, hr)).count() == people + 2


def test_moving_people_takes_no_statement_for_each(acme: Tenant, django_assert_max_num_queries: Any) -> None:
    role, replacement = roles.create("Desk", VIEW_USERS, by=acme.by), acme.role(BuiltIn.HR)
    for number in range(40):
        acme.add(f"p{number}", "Desk")
    with django_assert_max_num_queries(22):
        assert roles.delete(role.pk, replacement_id=replacement.pk, expected_version=1, by=acme.by)[1] == 40


def test_who_was_invited_with_a_role_that_goes_is_to_get_the_other(acme: Tenant) -> None:
    role, replacement = roles.create("Desk", VIEW_USERS, by=acme.by), acme.role(BuiltIn.HR)
    invited = invitations.invite(["bob@x.example"], role=role, by=acme.by).invited[0]
    with pytest.raises(RoleInUse):
        roles.delete(role.pk, expected_version=1, by=acme.by)
    assert roles.delete(role.pk, replacement_id=replacement.pk, expected_version=1, by=acme.by)[1] == 0
    invited.refresh_from_db()
    assert invited.role == replacement


def test_a_refused_deletion_moves_nobody(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    role, replacement = roles.create("Desk", VIEW_USERS, by=acme.by), acme.role(BuiltIn.HR)
    ann = acme.add("ann", "Desk")
    monkeypatch.setattr(Role, "delete", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        roles.delete(role.pk, replacement_id=replacement.pk, expected_version=1, by=acme.by)
    now = User.objects.get(pk=ann.pk)
    assert (now.role, now.version, now.document) == (role, 1, ann.document)


def test_the_default_role_is_neither_deleted_nor_switched_off(acme: Tenant) -> None:
    role, finance = roles.create("Desk", VIEW_USERS, by=acme.by), acme.role(BuiltIn.FINANCE)
    roles.make_default(role, by=acme.by)
    with pytest.raises(RoleFixed, match="Choose another default role first"):
        roles.delete(role.pk, replacement_id=finance.pk, expected_version=1, by=acme.by)
    roles.make_default(finance, by=acme.by)
    with pytest.raises(RoleFixed, match="Choose another default role first"):
        roles.set_enabled(finance.pk, False, by=acme.by)


def test_an_optional_role_is_switched_off_and_on(acme: Tenant) -> None:
    hr, it = acme.role(BuiltIn.HR), acme.role(BuiltIn.IT)
    ann = acme.add("ann", BuiltIn.HR)
    with pytest.raises(RoleInUse):
        roles.set_enabled(hr.pk, False, by=acme.by)
    assert roles.set_enabled(hr.pk, False, replacement_id=it.pk, by=acme.by)[1] == 1
    assert acme.last_event().action == Action.ROLE_SWITCHED_OFF
    assert User.objects.get(pk=ann.pk).role == it
    with pytest.raises(RoleUnknown):
        roles.find_for(hr.pk, by=acme.by)
    events = len(acme.events())
    roles.set_enabled(hr.pk, False, by=acme.by)
    assert len(acme.events()) == events
    roles.set_enabled(hr.pk, True, by=acme.by)
    assert roles.find_for(hr.pk, by=acme.by) == hr


@pytest.mark.parametrize("key", [BuiltIn.ADMIN, BuiltIn.READ_ONLY, BuiltIn.APP_MANAGEMENT, BuiltIn.DOMAIN_MANAGER])
def test_the_other_built_in_roles_can_not_be_switched_off(key: BuiltIn, acme: Tenant) -> None:
    with pytest.raises(RoleFixed):
        roles.set_enabled(acme.role(key).pk, False, by=acme.by)
    assert acme.role(key).is_enabled


def test_a_role_that_is_off_takes_over_nobody_and_is_no_default(acme: Tenant) -> None:
    hr, it = acme.role(BuiltIn.HR), acme.role(BuiltIn.IT)
    acme.add("ann", BuiltIn.HR)
    roles.set_enabled(it.pk, False, by=acme.by)
    with pytest.raises(RoleUnknown):
        roles.set_enabled(hr.pk, False, replacement_id=it.pk, by=acme.by)
    with pytest.raises(RoleUnknown):
        roles.make_default(it, by=acme.by)
    assert roles.default_role(acme.id).key == BuiltIn.APP_MANAGEMENT


def test_another_organizations_role_is_neither_changed_nor_taken_over(acme: Tenant, globex: Tenant) -> None:
    foreign, own = roles.create("Desk", VIEW_USERS, by=globex.by), acme.role(BuiltIn.HR)
    acme.add("ann", BuiltIn.HR)
    for attempt in (
        lambda: roles.update(foreign.pk, "Mine", {}, expected_version=1, by=acme.by),
        lambda: roles.rename_some(foreign.pk, by=acme.by),
        lambda: roles.delete(foreign.pk, expected_version=1, by=acme.by),
        lambda: roles.set_enabled(globex.role(BuiltIn.HR).pk, False, by=acme.by),
        lambda: roles.set_enabled(own.pk, False, replacement_id=foreign.pk, by=acme.by),
        lambda: roles.make_default(foreign, by=acme.by),
    ):
        with pytest.raises(RoleUnknown):
            attempt()
    assert Role.objects.get(pk=foreign.pk).name == "Desk"
