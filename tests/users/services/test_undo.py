"""Undo: a person is again what they were before the identity provider changed, made or removed them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.models import AuditEvent
from core.actors import Actor, Channel, operator_at_the_command_line
from core.refusals import StaleVersion
from domains.models import Domain
from domains.services import AddressRefused, set_user_requests
from provisioning.models import Connection, IdentityProvider
from provisioning.services.connections import connections
from provisioning.services.role_rules import rules
from scim.protocol.schemas import ENTERPRISE_USER
from tests.identity_provider import Idp, read
from tests.scim.protocol.trees import PLAIN_WORDS, Sample
from tests.users.services.test_races import at_once
from users import profile as profiles
from users.models import Role, Source, User
from users.permissions import BuiltIn, Level
from users.services import accounts, roles
from users.services import undo as undoing
from users.services.accounts import LastAdmin, NameTaken
from users.services.authority import BeyondOwnRights
from users.services.undo import EventUnknown, NotRecorded, RemovedSince, RoleGone, UndoKind, UndoState

ENTERPRISE = ENTERPRISE_USER.id


@pytest.fixture
def by(idp: Idp) -> Actor:
    return operator_at_the_command_line(idp.organization.pk)


def last_event(idp: Idp, **which: Any) -> AuditEvent:
    event = AuditEvent.objects.of(idp.organization.pk).filter(**{"target_type": "user", **which}).first()
    assert event is not None
    return event


def undo(idp: Idp, by: Actor, event: AuditEvent | None = None, **how: Any) -> undoing.UndoOutcome:
    """Undo an event, by default the last one about a person."""
    return undoing.revert((event or last_event(idp)).pk, by=by, **how)


def document(idp: Idp, user_id: str) -> dict[str, Any]:
    """What SCIM tells of a user, but for what every write changes."""
    resource: dict[str, Any] = read(idp.get(f"/Users/{user_id}"))
    for name in ("version", "lastModified"):
        del resource["meta"][name]
    return resource


def everything_about(idp: Idp, user_id: str) -> Any:
    """The document, and what is kept of a user beside it."""
    user = User.objects.get(pk=user_id)
    columns = {name: getattr(user, name) for name in profiles.COLUMNS if name not in ("document", "updated_at")}
    values = sorted(user.values.values_list("attribute", "type", "value_key"))
    return document(idp, user_id), columns, values, user.role_id, user.source, user.managed_by


def replace(**attributes: Any) -> dict[str, Any]:
    return {"op": "replace", "value": attributes}


# A change


def test_a_change_is_undone_and_the_version_goes_on(idp: Idp, by: Actor) -> None:
    made = idp.create(**{"title": "Engineer", ENTERPRISE: {"department": "Sales", "costCenter": "1"}})
    before = everything_about(idp, made["id"])
    changed = replace(title="Boss", nickName="Al", **{ENTERPRISE: {"department": "Finance"}})
    assert idp.patch(made["id"], changed).status_code == 200
    outcome = undo(idp, by)
    assert (outcome.kind, outcome.changed, outcome.label) == (UndoKind.CHANGE, True, "ada@acme.example")
    assert everything_about(idp, made["id"]) == before
    assert User.objects.get(pk=made["id"]).version == 3


def test_the_trail_says_who_undid_what_and_which_event_that_was(idp: Idp, by: Actor) -> None:
    user_id = idp.create(title="Engineer")["id"]
    idp.patch(user_id, replace(title="Boss"))
    undone = last_event(idp)
    undo(idp, by)
    event = last_event(idp)
    assert (event.action, event.channel, event.target_id) == ("user.change-undone", Channel.COMMAND, user_id)
    assert str(event) == f"{by.label} undid: {undone}"
    assert event.changes == {"title": ["Boss", "Engineer"], "undoes": [None, str(undone.pk)]}


# Attributes of every kind; what needs more than any text, such as e-mail addresses, is drawn by itself.
PLAIN = Sample(
    [
        *("name", "displayName", "nickName", "title", "userType", "phoneNumbers", "ims", "addresses"),
        *("entitlements", ENTERPRISE),
    ],
    PLAIN_WORDS,
)
EMAILS = st.sampled_from(["ada@acme.example", "Ada@ACME.test", "ädä@acme.test", "x@evil.example"])
OWN: dict[str, st.SearchStrategy[Any]] = {
    "userName": st.sampled_from(["ada@acme.example", "ADA@acme.example", "al@acme.test"]),
    "externalId": st.sampled_from(["e1", "e2", ""]),
    "active": st.booleans(),
    "roles": st.sampled_from(
        [[{"value": "HR"}], [{"value": "IT", "type": "a"}, {"value": "hr", "primary": True}], [{"display": "IT"}]]
    ),
    "emails": st.lists(st.fixed_dictionaries({"value": EMAILS}, optional={"type": st.just("work")}), max_size=2),
}
SET = st.builds(
    lambda plain, own: [{"op": "replace", "value": {**plain, **own}}],
    PLAIN.users(),
    st.fixed_dictionaries({}, optional=OWN),
)
REMOVE = st.lists(
    st.builds(
        lambda path: {"op": "remove", "path": path},
        st.sampled_from(["active", "roles", "emails", "name", "title", "externalId", ENTERPRISE, "name.givenName"]),
    ),
    min_size=1,
    max_size=3,
)
CHANGES = st.lists(SET | REMOVE, min_size=1, max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=PLAIN.users(), changes=CHANGES)
def test_whatever_a_patch_changes_is_undone_step_by_step_and_done_again(
    idp: Idp, by: Actor, first: dict[str, Any], changes: list[list[dict[str, Any]]]
) -> None:
    with transaction.atomic():
        response = idp.send("POST", "/Users", {"userName": "ada@acme.example", **first})
        made = read(response) if response.status_code == 201 else idp.create()
        states, events = [everything_about(idp, made["id"])], []
        for operations in changes:
            idp.patch(made["id"], *operations)
            if (now := everything_about(idp, made["id"])) != states[-1]:
                states.append(now)
                events.append(last_event(idp))
        undone = []
        for event, before in zip(reversed(events), reversed(states[:-1]), strict=True):
            assert undo(idp, by, event).changed
            undone.append(last_event(idp))
            assert everything_about(idp, made["id"]) == before
        for event, before in zip(reversed(undone), states[1:], strict=True):
            assert undo(idp, by, event).changed
            assert everything_about(idp, made["id"]) == before
        transaction.set_rollback(True)


def test_undoing_twice_is_told_and_does_nothing_twice(idp: Idp, by: Actor) -> None:
    user_id = idp.create(title="Engineer")["id"]
    idp.patch(user_id, replace(title="Boss"))
    event = last_event(idp)
    assert undo(idp, by, event, expected_version=2).changed
    events = AuditEvent.objects.count()
    # The second click of a double one has seen what was before the first.
    assert not undo(idp, by, event, expected_version=2).changed
    assert (User.objects.get(pk=user_id).version, AuditEvent.objects.count()) == (3, events)


def test_whoever_has_not_seen_the_latest_state_is_told(idp: Idp, by: Actor) -> None:
    user_id = idp.create(title="Engineer")["id"]
    idp.patch(user_id, replace(title="Boss"))
    event = last_event(idp)
    idp.patch(user_id, replace(nickName="Al"))
    with pytest.raises(StaleVersion, match="by somebody else since you opened the page"):
        undo(idp, by, event, expected_version=2)
    assert document(idp, user_id)["title"] == "Boss"
    assert undo(idp, by, event, expected_version=3).changed
    assert (document(idp, user_id).get("title"), document(idp, user_id)["nickName"]) == ("Engineer", "Al")


def test_what_was_changed_again_goes_back_only_on_purpose(idp: Idp, by: Actor) -> None:
    user_id = idp.create(title="Engineer", nickName="A")["id"]
    idp.patch(user_id, replace(title="Boss", nickName="Al"))
    event = last_event(idp)
    idp.patch(user_id, replace(title="Chief"))
    (plan,) = undoing.plans([event], people=idp.users())
    assert {part.name: part.has_moved for part in plan.parts} == {"title": True, "nickName": False}
    with pytest.raises(StaleVersion, match="title has been changed again"):
        undo(idp, by, event)
    undo(idp, by, event, names=["nickName"])
    assert (document(idp, user_id)["title"], document(idp, user_id)["nickName"]) == ("Chief", "A")
    undo(idp, by, event, names=["title", "nickName"])
    assert document(idp, user_id)["title"] == "Engineer"


def test_who_was_suspended_is_let_in_again_also_where_the_profile_did_not_say_active(idp: Idp, by: Actor) -> None:
    user_id = idp.create()["id"]
    idp.patch(user_id, {"op": "remove", "path": "active"})
    idp.patch(user_id, replace(active=False))
    assert not User.objects.get(pk=user_id).is_active
    undo(idp, by)
    assert User.objects.get(pk=user_id).is_active
    assert "active" not in document(idp, user_id)


def test_the_last_active_admin_stays(idp: Idp, by: Actor) -> None:
    Connection.objects.of(idp.organization.pk).update(manage_admins=True)
    user_id = idp.create(roles=[{"value": "HR"}])["id"]
    idp.patch(user_id, replace(roles=[{"value": "Admin"}]))
    with pytest.raises(LastAdmin):
        undo(idp, by)
    assert User.objects.get(pk=user_id).role == Role.objects.of(idp.organization.pk).get(key=BuiltIn.ADMIN)


# Roles


def actor(idp: Idp, role: Role) -> Actor:
    """Somebody with a role who acts on the page."""
    profile = {"userName": f"actor{User.objects.count()}@acme.example"}
    new = accounts.NewUser(profile, role, Source.MANUAL)
    user = accounts.create(new, by=operator_at_the_command_line(role.organization_id))
    return Actor(role.organization_id, str(user), Channel.PAGE, user_id=user.pk)


def role(idp: Idp, key: str) -> Role:
    return Role.objects.of(idp.organization.pk).get(key=key)


def own_role(name: str, area: str, by: Actor) -> Role:
    return roles.create(name, {area: Level.EDIT}, by=by)  # type: ignore[dict-item]


def test_the_role_comes_back_with_the_entries_that_show_it(idp: Idp, by: Actor) -> None:
    user_id = idp.create(roles=[{"value": "IT"}])["id"]
    idp.patch(user_id, replace(roles=[{"value": "HR"}]))
    assert User.objects.get(pk=user_id).role == role(idp, BuiltIn.HR)
    undo(idp, by)
    assert User.objects.get(pk=user_id).role == role(idp, BuiltIn.IT)
    assert document(idp, user_id)["roles"] == [{"value": "IT"}]


def test_a_role_that_was_not_shown_comes_back_too(idp: Idp, by: Actor) -> None:
    user_id = idp.create(roles=[{"value": "IT"}])["id"]
    idp.patch(user_id, {"op": "remove", "path": "roles"})
    idp.patch(user_id, replace(roles=[{"value": "HR"}]))
    undo(idp, by)
    assert User.objects.get(pk=user_id).role == role(idp, BuiltIn.IT)
    assert "roles" not in document(idp, user_id)


def test_a_role_that_is_gone_or_switched_off_does_not_come_back(idp: Idp, by: Actor) -> None:
    user_id = idp.create(roles=[{"value": "IT"}], title="A")["id"]
    idp.patch(user_id, replace(roles=[{"value": "HR"}], title="B"))
    Role.objects.of(idp.organization.pk).filter(key=BuiltIn.IT).update(is_enabled=False)
    with pytest.raises(RoleGone, match="There is no role 'IT' to give any more"):
        undo(idp, by)
    assert document(idp, user_id)["title"] == "B"
    undo(idp, by, names=["title"])
    assert document(idp, user_id)["title"] == "A"


def test_nobody_goes_back_to_more_than_their_own_rights(idp: Idp, by: Actor) -> None:
    own_role("Front desk", "domains", by)
    editor = actor(idp, own_role("Editors", "users", by))
    user_id = idp.create(roles=[{"value": "Front desk"}])["id"]
    idp.patch(user_id, replace(roles=[{"value": "HR"}]))
    with pytest.raises(BeyondOwnRights):
        undo(idp, editor, last_event(idp, target_id=user_id))
    idp.patch(user_id, replace(roles=[{"value": "Front desk"}]))
    idp.patch(user_id, replace(title="Boss"))
    with pytest.raises(BeyondOwnRights):
        undo(idp, editor, last_event(idp, target_id=user_id))
    assert idp.send("DELETE", f"/Users/{user_id}").status_code == 204
    with pytest.raises(BeyondOwnRights):
        undo(idp, editor, last_event(idp, target_id=user_id))
    assert not User.objects.filter(pk=user_id).exists()


# Names and addresses


def test_an_address_that_is_not_let_in_any_more_does_not_come_back(idp: Idp, by: Actor) -> None:
    user_id = idp.create("ada@acme.test")["id"]
    idp.patch(user_id, replace(userName="ada@acme.example"))
    set_user_requests(Domain.objects.of(idp.organization.pk).get(name="acme.test").pk, False, by=by)
    with pytest.raises(AddressRefused):
        undo(idp, by)
    assert document(idp, user_id)["userName"] == "ada@acme.example"


def test_a_name_that_somebody_else_has_by_now_does_not_come_back(idp: Idp, by: Actor) -> None:
    user_id = idp.create("ada@acme.example")["id"]
    idp.patch(user_id, replace(userName="al@acme.example"))
    changed = last_event(idp)
    idp.create("ada@acme.example")
    with pytest.raises(NameTaken, match="'ada@acme.example' exists already"):
        undo(idp, by, changed)
    assert idp.send("DELETE", f"/Users/{user_id}").status_code == 204
    removed = last_event(idp)
    idp.create("al@acme.example")
    with pytest.raises(NameTaken, match="'al@acme.example' exists already"):
        undo(idp, by, removed)


# Taking over


def test_who_was_taken_over_is_managed_by_hand_again(idp: Idp, by: Actor) -> None:
    profile = {"userName": "ada@acme.example", "title": "Countess"}
    user = accounts.create(accounts.NewUser(profile, role(idp, BuiltIn.HR), Source.REQUEST), by=by)
    before = everything_about(idp, str(user.pk))
    assert idp.patch(str(user.pk), replace(externalId="e1", title="Boss")).status_code == 200
    undo(idp, by)
    assert everything_about(idp, str(user.pk)) == before
    assert User.objects.get(pk=user.pk).source == Source.REQUEST
    assert idp.patch(str(user.pk), replace(title="Boss")).status_code == 409


def test_taking_over_can_be_done_again_for_the_same_connection(idp: Idp, by: Actor) -> None:
    profile = {"userName": "ada@acme.example"}
    user_id = str(accounts.create(accounts.NewUser(profile, role(idp, BuiltIn.HR), Source.MANUAL), by=by).pk)
    idp.patch(user_id, replace(externalId="e1"))
    taken_over = User.objects.get(pk=user_id)
    undo(idp, by)
    assert User.objects.get(pk=user_id).managed_by is None
    undo(idp, by)
    user = User.objects.get(pk=user_id)
    assert (user.source, user.external_id, user.managed_by) == (Source.SCIM, "e1", taken_over.managed_by)
    assert user.managed_by == Connection.objects.get(organization=idp.organization).pk


# Making and removing


def test_who_was_made_is_removed_and_that_can_be_undone_too(idp: Idp, by: Actor) -> None:
    user_id = idp.create(title="Engineer")["id"]
    before = everything_about(idp, user_id)
    outcome = undo(idp, by)
    assert (outcome.kind, outcome.changed) == (UndoKind.CREATION, True)
    assert not User.objects.filter(pk=user_id).exists()
    removal = last_event(idp)
    assert (removal.action, removal.channel) == ("user.deleted", Channel.COMMAND)
    assert undo(idp, by, removal).kind is UndoKind.REMOVAL
    assert everything_about(idp, user_id) == before
    undo(idp, by)
    assert not User.objects.filter(pk=user_id).exists()


def test_undoing_the_making_of_somebody_who_is_gone_does_nothing(idp: Idp, by: Actor) -> None:
    user_id = idp.create()["id"]
    made = last_event(idp)
    undo(idp, by, made, expected_version=1)
    events = AuditEvent.objects.count()
    outcome = undo(idp, by, made, expected_version=1)
    assert (outcome.changed, outcome.label) == (False, "ada@acme.example")
    assert (User.objects.filter(pk=user_id).exists(), AuditEvent.objects.count()) == (False, events)


def test_who_was_removed_is_there_again_as_the_same_person(idp: Idp, by: Actor) -> None:
    emails = [{"value": "ada@acme.test", "type": "home"}, {"value": "ada@acme.example", "type": "work"}]
    user_id = idp.create(externalId="e1", emails=emails, roles=[{"value": "IT"}], active=False)["id"]
    idp.patch(user_id, replace(nickName="Al"))
    before, version = everything_about(idp, user_id), User.objects.get(pk=user_id).version
    headcount = len(idp.users())
    assert idp.send("DELETE", f"/Users/{user_id}").status_code == 204
    outcome = undo(idp, by)
    assert (outcome.kind, outcome.changed) == (UndoKind.REMOVAL, True)
    assert everything_about(idp, user_id) == before
    assert read(idp.get("/Users", {"count": 0}))["totalResults"] == headcount
    assert User.objects.get(pk=user_id).version > version + 1
    assert not User.objects.get(pk=user_id).has_usable_password()
    assert str(last_event(idp)).startswith(f"{by.label} undid: SCIM token")
    # The identity provider, which knows the id, goes on with it.
    assert idp.patch(user_id, replace(active=True)).status_code == 200


def test_what_protects_the_addresses_comes_back_too(idp: Idp, by: Actor) -> None:
    user_id = idp.create(roles=[{"value": "IT"}])["id"]
    idp.patch(user_id, replace(userName="mallory@acme.example"))
    User.objects.update(password_reset_blocked_until=timezone.now() + timedelta(hours=72), demoted_at=timezone.now())
    names = ("address_changed_at", "password_reset_blocked_until", "demoted_at")
    before = User.objects.values(*names).get(pk=user_id)
    assert all(before.values())
    idp.send("DELETE", f"/Users/{user_id}")
    undo(idp, by)
    assert User.objects.values(*names).get(pk=user_id) == before


def test_who_comes_back_is_kept_by_the_same_connection_unless_that_is_gone(idp: Idp, by: Actor) -> None:
    first = Connection.objects.get(organization=idp.organization)
    user_id = idp.create()["id"]
    idp.send("DELETE", f"/Users/{user_id}")
    undo(idp, by)
    assert User.objects.get(pk=user_id).managed_by == first.pk
    idp.send("DELETE", f"/Users/{user_id}")
    connections.add("Second", IdentityProvider.OKTA, by=by)
    connections.remove(first, replacement=None, by=by)
    undo(idp, by)
    assert User.objects.get(pk=user_id).managed_by is None


def test_secondary_addresses_come_back_whatever_their_domain_and_stand_for_nobody(idp: Idp, by: Actor) -> None:
    connection = Connection.objects.get(organization=idp.organization)
    connections.set_secondary_addresses(connection, True, by=by)
    emails = [{"value": "ada@acme.example", "primary": True}, {"value": "ada@home.example"}]
    user_id = idp.create(emails=emails)["id"]
    connections.set_secondary_addresses(connection, False, by=by)
    before = everything_about(idp, user_id)
    idp.patch(user_id, {"op": "remove", "path": 'emails[value ew "home.example"]'})
    assert len(document(idp, user_id)["emails"]) == 1
    undo(idp, by)
    assert everything_about(idp, user_id) == before
    idp.send("DELETE", f"/Users/{user_id}")
    undo(idp, by)
    assert everything_about(idp, user_id) == before


def test_an_etag_of_before_a_removal_is_not_valid_after_it(idp: Idp, by: Actor) -> None:
    user_id = idp.create(title="A")["id"]
    tags = [read(idp.get(f"/Users/{user_id}"))["meta"]["version"]]
    for title in "BC":
        tags.append(read(idp.patch(user_id, replace(title=title)))["meta"]["version"])
        idp.send("DELETE", f"/Users/{user_id}")
        undo(idp, by)
        tags.append(read(idp.get(f"/Users/{user_id}"))["meta"]["version"])
    assert len(set(tags)) == 5


def test_who_comes_back_is_in_the_groups_again_that_are_still_there(idp: Idp, by: Actor) -> None:
    user_id = idp.create()["id"]
    kept, gone = (idp.create_group(name, user_id)["id"] for name in ("Kept", "Gone"))
    idp.send("DELETE", f"/Users/{user_id}")
    assert last_event(idp).changes["groups"][0] == [
        {"value": kept, "display": "Kept"},
        {"value": gone, "display": "Gone"},
    ]
    idp.send("DELETE", f"/Groups/{gone}")
    outcome = undo(idp, by)
    assert outcome.groups_gone == ("Gone",)
    assert idp.members(kept) == [user_id]
    assert last_event(idp, target_type="group").action == "group.members-changed"


@pytest.mark.django_db(transaction=True)
def test_a_removal_is_undone_while_one_of_its_groups_changes(idp: Idp, by: Actor) -> None:
    helpdesk = own_role("Helpdesk", "users", by)
    rule = rules.RuleInput("group", "is", "Authors", str(helpdesk.pk))
    rules.save([rule], expected_version=0, by=by)
    for number in range(8):
        gone, other = (idp.create(f"u{number}{letter}@acme.example")["id"] for letter in "ab")
        members = [{"value": gone}, {"value": other}]
        group_id = read(idp.send("POST", "/Groups", {"displayName": "Authors", "members": members}))["id"]
        idp.send("DELETE", f"/Users/{gone}")
        event = last_event(idp)
        # Who leaves loses the right to invite, for which the organization is locked after the group.
        remove = {"op": "remove", "path": f'members[value eq "{other}"]'}
        refusals = at_once(lambda: undo(idp, by, event), lambda: idp.patch_group(group_id, remove))  # noqa: B023
        assert refusals == [None, None], f"round {number}"
        assert idp.members(group_id) == [gone], f"round {number}"
        idp.send("DELETE", f"/Groups/{group_id}")


def test_undoing_a_removal_twice_brings_one_person_back(idp: Idp, by: Actor) -> None:
    user_id = idp.create()["id"]
    idp.send("DELETE", f"/Users/{user_id}")
    removed = last_event(idp)
    assert undo(idp, by, removed, expected_version=0).changed
    assert not undo(idp, by, removed, expected_version=0).changed
    assert [str(user.pk) for user in idp.users()] == [user_id]


def test_only_the_last_removal_of_a_person_is_undone(idp: Idp, by: Actor) -> None:
    user_id = idp.create(title="A")["id"]
    idp.send("DELETE", f"/Users/{user_id}")
    first = last_event(idp)
    undo(idp, by)
    idp.patch(user_id, replace(title="B"))
    idp.send("DELETE", f"/Users/{user_id}")
    with pytest.raises(RemovedSince, match="Undo the last removal"):
        undo(idp, by, first)
    undo(idp, by)
    assert document(idp, user_id)["title"] == "B"


def test_a_change_of_somebody_who_was_removed_waits_for_the_removal(idp: Idp, by: Actor) -> None:
    user_id = idp.create(title="A")["id"]
    idp.patch(user_id, replace(title="B"))
    changed = last_event(idp)
    idp.send("DELETE", f"/Users/{user_id}")
    with pytest.raises(RemovedSince, match=r"ada@acme\.example has been removed since"):
        undo(idp, by, changed)
    undo(idp, by)
    undo(idp, by, changed)
    assert document(idp, user_id)["title"] == "A"


def test_who_had_a_role_that_is_gone_is_not_brought_back(idp: Idp, by: Actor) -> None:
    user_id = idp.create(roles=[{"value": "IT"}])["id"]
    idp.send("DELETE", f"/Users/{user_id}")
    Role.objects.of(idp.organization.pk).filter(key=BuiltIn.IT).update(is_enabled=False)
    with pytest.raises(RoleGone, match="had the role 'IT'"):
        undo(idp, by)
    assert not idp.users()


# What can be undone


def test_only_what_scim_did_to_a_person_can_be_undone(idp: Idp, anonymous: Idp, by: Actor) -> None:
    user_id = idp.create()["id"]
    idp.create_group("Makers", user_id)
    accounts.set_active(UUID(user_id), False, by=by)
    for which in ({"channel": Channel.COMMAND}, {"target_type": "group"}):
        with pytest.raises(EventUnknown):
            undo(idp, by, last_event(idp, **which))
    anonymous.create("eve@globex.example")
    with pytest.raises(EventUnknown):
        undo(idp, by, last_event(anonymous))
    assert {user.user_name for user in User.objects.all()} == {"ada@acme.example", "eve@globex.example"}


def test_what_the_trail_has_masked_is_not_guessed(idp: Idp, by: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    user_id = idp.create(title="A", nickName="A")["id"]
    monkeypatch.setattr("audit.services.trail.SECRET_WORDS", ("nick",))
    idp.patch(user_id, replace(title="B", nickName="B"))
    with pytest.raises(NotRecorded, match="does not keep what nickName"):
        undo(idp, by)
    undo(idp, by, names=["title"])
    assert (document(idp, user_id)["title"], document(idp, user_id)["nickName"]) == ("A", "B")


def test_what_the_trail_of_former_releases_did_not_keep_is_not_guessed(idp: Idp, by: Actor) -> None:
    user_id = idp.create()["id"]
    old = {"target_id": user_id, "target_type": "user", "organization_id": idp.organization.pk, "channel": Channel.SCIM}
    adopted = AuditEvent.objects.create(**old, action="user.adopted", changes={"externalId": [None, "e1"]})
    given = AuditEvent.objects.create(
        **old, action="user.role-changed", changes={"roles": [None, [{"value": "App management", "primary": True}]]}
    )
    idp.patch(user_id, replace(externalId="e1"))
    for event, lost in ((adopted, "source"), (given, "roles")):
        with pytest.raises(NotRecorded, match=lost):
            undo(idp, by, event)


# Several


def test_several_are_undone_from_the_last_one_on_and_refusals_leave_the_others_alone(idp: Idp, by: Actor) -> None:
    ada, bob = idp.create("ada@acme.example", title="A")["id"], idp.create("bob@acme.example")["id"]
    events = []
    for user_id, attributes in ((ada, {"title": "B"}), (ada, {"title": "C"}), (bob, {"nickName": "Bob"})):
        idp.patch(user_id, replace(**attributes))
        events.append(last_event(idp))
    idp.patch(bob, replace(nickName="Bobby"))
    report = undoing.revert_many(events, by=by)
    assert (report.done, report.already) == (["ada@acme.example"] * 2, [])
    assert [type(refusal) for refusal in report.refused] == [StaleVersion]
    assert "bob@acme.example: nickName" in report.refused[0].message
    assert (document(idp, ada)["title"], document(idp, bob)["nickName"]) == ("A", "Bobby")
    # A second time nothing is left to do; of the title between, nobody can say whether it is wanted.
    report = undoing.revert_many(events[:2], by=by)
    assert (report.done, report.already) == ([], ["ada@acme.example"])
    assert "ada@acme.example: title has been changed again" in report.refused[0].message
    assert document(idp, ada)["title"] == "A"


def test_several_are_undone_for_as_long_as_there_is_time_and_one_at_least(idp: Idp, by: Actor) -> None:
    events = []
    for name in ("ada", "bob", "cem"):
        idp.create(f"{name}@acme.example")
        events.append(last_event(idp))
    assert undoing.revert_many(events, within=0, by=by).done == ["cem@acme.example"]
    report = undoing.revert_many(events, within=0, by=by)
    assert (report.already, report.count) == (["cem@acme.example"], 1)
    report = undoing.revert_many(events, within=3600, by=by)
    assert (len(report.done), report.count, idp.users()) == (2, 3, [])


def test_whoever_undoes_what_gave_them_their_rights_has_them_until_all_else_is_undone(idp: Idp, by: Actor) -> None:
    own_role("Managers", "users", by)
    asker = actor(idp, roles.create("Onlookers", {"users": Level.VIEW}, by=by))  # type: ignore[dict-item]
    user_id = idp.create(title="A", roles=[{"value": "Managers"}])["id"]
    User.objects.filter(pk=asker.user_id).update(source=Source.SCIM)
    events = []
    for changed, attributes in ((user_id, {"title": "B"}), (asker.user_id, {"roles": [{"value": "Managers"}]})):
        assert idp.patch(str(changed), replace(**attributes)).status_code == 200
        events.append(last_event(idp))
    report = undoing.revert_many(events, by=asker)
    assert (len(report.done), report.refused) == (2, [])
    assert document(idp, user_id)["title"] == "A"
    assert str(User.objects.get(pk=asker.user_id).role) == "Onlookers"


def test_how_things_stand_with_many_events_is_one_query(idp: Idp, django_assert_num_queries: Any) -> None:
    ids = [idp.create(f"p{number}@acme.example")["id"] for number in range(5)]
    idp.patch(ids[0], replace(title="B"))
    idp.patch(ids[1], replace(title="B"))
    idp.send("DELETE", f"/Users/{ids[1]}")
    events = list(AuditEvent.objects.of(idp.organization.pk).filter(channel=Channel.SCIM))
    with django_assert_num_queries(1):
        people = undoing.people_of(events, organization_id=idp.organization.pk)
        states = {(plan.event.target_id, plan.kind): plan.state for plan in undoing.plans(events, people=people)}
    assert states[ids[0], UndoKind.CHANGE] is UndoState.OPEN
    assert states[ids[1], UndoKind.CHANGE] is UndoState.REMOVED
    assert states[ids[1], UndoKind.CREATION] is UndoState.BACK
    assert states[ids[1], UndoKind.REMOVAL] is UndoState.OPEN
    assert states[ids[2], UndoKind.CREATION] is UndoState.OPEN
