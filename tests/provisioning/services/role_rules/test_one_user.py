"""Somebody whose role a page or the identity provider gave is left to the role rules again."""

from typing import Any
from uuid import UUID

import pytest

from audit.actions import Action
from audit.models import AuditEvent
from core.actors import Actor, Channel
from core.refusals import StaleVersion
from provisioning.models import Connection
from provisioning.services.role_rules import one_user
from provisioning.services.role_rules.one_user import NotForRules
from tests.identity_provider import Idp
from tests.provisioning.services.role_rules.test_rules import ENTERPRISE, SALES_ARE_HR, in_department, let_manage_admins
from tests.role_rules import make_default, role_named, role_of, save, somebody
from users.models import Role, Source, User
from users.services import accounts
from users.services.accounts import LastAdmin, UserUnknown
from users.services.authority import BeyondOwnRights


def manual(idp: Idp, name: str, login: str = "ada", **profile: Any) -> UUID:
    """Somebody from the identity provider who has then been given a role on a page."""
    user_id = UUID(idp.create(f"{login}@acme.example", **profile)["id"])
    accounts.change_role(user_id, role_named(idp.organization, name), by=somebody(idp.organization))
    return user_id


def leave(idp: Idp, user_id: UUID) -> User:
    return one_user.leave_to_rules(user_id, by=somebody(idp.organization))


def test_the_rule_that_fits_gives_the_role_and_decides_from_then_on(idp: Idp) -> None:
    save(idp.organization, SALES_ARE_HR, ("department", "is", "Law", "IT"))
    ada = manual(idp, "Finance", **in_department("Sales"))
    leave(idp, ada)
    assert role_of(ada) == "HR by rule"
    shown = idp.get(f"/Users/{ada}")
    assert (shown.json()["roles"], shown.headers["ETag"]) == ([{"value": "HR", "primary": True}], 'W/"3"')
    idp.patch(str(ada), {"op": "replace", "value": {f"{ENTERPRISE}:department": "Law"}})
    assert role_of(ada) == "IT by rule"


def test_the_trail_says_by_which_rule(idp: Idp) -> None:
    save(idp.organization, SALES_ARE_HR)
    ada = manual(idp, "Finance", **in_department("Sales"))
    leave(idp, ada)
    event = AuditEvent.objects.of(idp.organization.pk)[0]
    assert (event.action, event.actor_label) == (Action.USER_ROLE_LEFT_TO_RULES, "Ada Moreau")
    assert event.changes["reason"] == [None, "rule 1: department is Sales"]
    assert event.changes["roles"][1] == [{"value": "HR", "primary": True}]


def test_whom_no_rule_fits_gets_the_default_role(idp: Idp) -> None:
    save(idp.organization, SALES_ARE_HR)
    ada = manual(idp, "Finance")
    make_default(idp.organization, "Read-only")
    leave(idp, ada)
    assert role_of(ada) == "Read-only by default"


def test_a_role_that_stays_the_same_is_the_rules_own_from_then_on(idp: Idp) -> None:
    save(idp.organization, SALES_ARE_HR)
    ada = manual(idp, "HR", title="Boss")
    idp.patch(str(ada), {"op": "replace", "value": {f"{ENTERPRISE}:department": "Sales"}})
    assert role_of(ada) == "HR by hand"
    leave(idp, ada)
    assert role_of(ada) == "HR by rule"
    idp.patch(str(ada), {"op": "replace", "value": {f"{ENTERPRISE}:department": "Law"}})
    assert role_of(ada) == "App management by default"


def test_a_role_that_the_provider_sent_can_be_left_to_the_rules_until_it_sends_another(idp: Idp) -> None:
    save(idp.organization, SALES_ARE_HR)
    ada = idp.create(roles=[{"value": "Finance"}], **in_department("Sales"))["id"]
    leave(idp, UUID(ada))
    assert role_of(ada) == "HR by rule"
    idp.patch(ada, {"op": "replace", "value": {"roles": [{"value": "IT"}]}})
    assert role_of(ada) == "IT by provider"


def test_groups_within_groups_count(idp: Idp) -> None:
    save(idp.organization, ("group", "is", "Everybody", "IT"))
    ada = manual(idp, "Finance")
    idp.create_group("Everybody", idp.create_group("Engineering", str(ada))["id"])
    leave(idp, ada)
    assert role_of(ada) == "IT by rule"


def test_who_is_changed_in_that_moment_is_looked_at_again(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    save(idp.organization, SALES_ARE_HR)
    ada = manual(idp, "Finance", **in_department("Sales"))

    def meanwhile(role: Role, *, by: Actor) -> None:
        idp.patch(str(ada), {"op": "replace", "value": {f"{ENTERPRISE}:department": "Law"}})

    with monkeypatch.context() as patch:
        patch.setattr(one_user.roles, "lock_role", meanwhile)
        with pytest.raises(StaleVersion, match="just now"):
            leave(idp, ada)
    assert role_of(ada) == "Finance by hand"


def test_whom_the_rules_decide_about_already_is_not_written(idp: Idp) -> None:
    save(idp.organization, SALES_ARE_HR)
    ada = idp.create(**in_department("Sales"))["id"]
    before = AuditEvent.objects.of(idp.organization.pk).count()
    leave(idp, UUID(ada))
    assert (AuditEvent.objects.of(idp.organization.pk).count(), idp.get(f"/Users/{ada}").headers["ETag"]) == (
        before,
        'W/"1"',
    )


# Who can't be left to them


def test_nobody_is_left_to_rules_that_are_not_there(idp: Idp) -> None:
    ada = manual(idp, "Finance")
    with pytest.raises(NotForRules, match="There are no role rules"):
        leave(idp, ada)
    assert role_of(ada) == "Finance by hand"


def test_nor_somebody_whom_scim_does_not_manage(idp: Idp) -> None:
    save(idp.organization, SALES_ARE_HR)
    by, role = somebody(idp.organization), role_named(idp.organization, "IT")
    ada = accounts.create(accounts.NewUser({"userName": "ada@acme.example"}, role, Source.MANUAL), by=by)
    with pytest.raises(NotForRules, match="not managed by SCIM"):
        leave(idp, ada.pk)


def test_nor_somebody_of_another_organization(idp: Idp, anonymous: Idp) -> None:
    save(anonymous.organization, SALES_ARE_HR)
    theirs = UUID(anonymous.create("eve@globex.example", **in_department("Sales"))["id"])
    accounts.change_role(theirs, role_named(anonymous.organization, "IT"), by=somebody(anonymous.organization))
    with pytest.raises(UserUnknown):
        leave(idp, theirs)
    assert role_of(theirs) == "IT by hand"


def test_an_admin_stays_one_while_the_connection_may_not_take_that_role(idp: Idp) -> None:
    save(idp.organization, SALES_ARE_HR)
    people = [manual(idp, "Admin", login, **in_department("Sales")) for login in ("ada", "bob")]
    with pytest.raises(NotForRules, match="don't take the Admin role away"):
        leave(idp, people[0])
    let_manage_admins(idp)
    leave(idp, people[0])
    assert [role_of(each) for each in people] == ["HR by rule", "Admin by hand"]
    with pytest.raises(LastAdmin):
        leave(idp, people[1])


def test_a_rule_gives_admin_only_where_the_switch_allows_it(idp: Idp) -> None:
    save(idp.organization, ("title", "is", "Boss", "Admin"))
    ada, bob = (manual(idp, "Finance", login, title="Boss") for login in ("ada", "bob"))
    leave(idp, ada)
    Connection.objects.of(idp.organization.pk).update(manage_admins=True)
    leave(idp, bob)
    assert [role_of(each) for each in (ada, bob)] == ["App management by default", "Admin by rule"]


def test_nobody_takes_or_gives_in_this_way_a_role_that_may_do_more_than_their_own(idp: Idp) -> None:
    save(idp.organization, SALES_ARE_HR, ("title", "is", "Boss", "Domain manager"))
    helper = manual(idp, "HR", "helper")
    by = Actor(idp.organization.pk, "Helper", Channel.PAGE, user_id=helper)
    ada = manual(idp, "Domain manager", "ada", **in_department("Sales"))
    bob = manual(idp, "HR", "bob", title="Boss")
    for each in (ada, bob):
        with pytest.raises(BeyondOwnRights):
            one_user.leave_to_rules(each, by=by)
    assert [role_of(each) for each in (ada, bob)] == ["Domain manager by hand", "HR by hand"]
