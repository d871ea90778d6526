"""Give one user's role back to the role rules."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from audit.actions import Action
from core.actors import Actor
from core.refusals import Refusal, StaleVersion
from provisioning.models import Connection, RoleRule, RoleRuleSet
from provisioning.services.role_rules import evaluation
from provisioning.services.role_rules import rules as role_rules
from provisioning.services.role_rules.evaluation import UserFacts
from provisioning.services.role_rules.evaluation_sql import SETTLED
from users import profile as profiles
from users.models import GivenBy, Role, Source, User
from users.services import accounts, authority, roles
from users.services.accounts import UserUnknown


class NotForRules(Refusal):
    """No role rule can decide about the person; the message says why."""

    code = "not-for-role-rules"


_ADMIN_STAYS = (
    "Role rules don't take the Admin role away while “Let SCIM give and take the Admin role” is off for the connection "
    "that manages the person. Give another role by hand first, or turn it on."
)


@dataclass(frozen=True, slots=True)
class Decision:
    """The role that the rules give a person as they both are now: by one rule, or the default role for None.

    ``obstacle`` says why that can't be given to this person; empty if it can.
    """

    role: Role
    rule: RoleRule | None
    obstacle: str = ""


def may_leave(user: User) -> bool:
    """Whether no rule touches the role of somebody whom SCIM manages, and so it could be left to the rules."""
    return user.source == Source.SCIM and user.role_given_by in SETTLED


def decision_of(user: User) -> Decision | None:
    """What an organization's rules say of one of its people; None where it has no rules."""
    assert user.organization_id is not None  # noqa: S101  (only operators have no organization)
    rules = role_rules.in_force(user.organization_id)
    if not rules:
        return None
    giving_admin = Connection.objects.of(user.organization_id).filter(manage_admins=True)
    gives_admin = user.managed_by is not None and giving_admin.filter(pk=user.managed_by).exists()
    rule_set = role_rules.rule_set_of(rules, organization_id=user.organization_id)
    usable_rules = [rule for rule in rules if gives_admin or not rule.role.is_admin]
    groups = evaluation.groups_of(user.pk) if evaluation.ask_for_groups(usable_rules) else frozenset()
    rule = evaluation.first_fit(usable_rules, UserFacts.of(profiles.read(user)), groups)
    role = rule.role if rule else rule_set.fallback
    if user.role and user.role.is_admin and not role.is_admin and not gives_admin:
        return Decision(role, rule, _ADMIN_STAYS)
    return Decision(role, rule)


@transaction.atomic
def leave_to_rules(user_id: UUID, *, by: Actor) -> User:
    """Give a person the role that the rules say, and let them decide from now on, as they do about others.

    Whose role the rules decide already stays as they are. Raises UserUnknown, NotForRules, StaleVersion, LastAdmin,
    ``roles.RoleUnknown``, and BeyondOwnRights where either role may do more than the actor's, and
    ReauthenticationRequired.
    """
    # Held like whoever saves rules or applies them, who looks at those people only whom rules decide about by then.
    RoleRuleSet.objects.of(by.organization_id).select_for_update().first()
    people = User.objects.of(by.organization_id).select_related("role")
    known: User | None = people.filter(pk=user_id).first()
    if known is None:
        raise UserUnknown("This person is no longer here. Reload the page.")
    if known.source == Source.SCIM and not may_leave(known):
        return known
    decision = _decision(known)
    authority.of_actor(by).require(known.role, decision.role)
    authority.require_reauthentication(decision.role, by=by)
    # The role first and then the person, as in every channel: else two could wait for each other.
    roles.lock_role(decision.role, by=by)
    user = accounts.find(user_id, organization_id=by.organization_id)
    if user.version != known.version:
        raise StaleVersion(f"{user} has been changed by somebody else just now. Try again.")
    profile = profiles.read(user)
    if decision.role != user.role:
        profile = {**profile, "roles": profiles.role_entries(decision.role)}
    given_by = GivenBy.RULE if decision.rule else GivenBy.DEFAULT
    reason = role_rules.reason_of(decision.rule) if decision.rule else "no rule fits: the default role"
    action = Action.USER_ROLE_LEFT_TO_RULES
    accounts.update(user, profile, role=decision.role, given_by=given_by, reason=reason, action=action, by=by)
    return user


def _decision(user: User) -> Decision:
    """What the rules say, where they can decide. Raises NotForRules."""
    if user.source != Source.SCIM:
        raise NotForRules(f"{user} is not managed by SCIM, and role rules decide only about people who are.")
    decision = decision_of(user)
    if decision is None:
        raise NotForRules("There are no role rules. Make them first, then leave people's roles to them.")
    if decision.obstacle:
        raise NotForRules(decision.obstacle)
    return decision
