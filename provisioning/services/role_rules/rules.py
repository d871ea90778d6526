"""Role rules: who gets which role where the identity provider sends none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Count

from audit.actions import Action
from audit.services import trail
from core.actors import Actor
from core.addresses import canonical_domain, fold
from core.refusals import Refusal, StaleVersion
from organizations.services.organizations import lock
from provisioning.models import RoleRule, RoleRuleSet
from provisioning.services.role_rules import evaluation_sql
from provisioning.services.role_rules.evaluation_sql import Changes, EvaluationScope, RoleChange, RuleSet
from users.models import GivenBy, Role, Source, User
from users.permissions import BuiltIn
from users.services import authority, role_reassignment, roles
from users.services.authority import EDIT_SIGN_IN, BeyondOwnRights
from users.services.role_reassignment import TOGETHER, Award

# A statement names each rule, and a person has to understand them.
MOST_RULES = 50
LONGEST_VALUE, LONGEST_KEY = 256, 400

# So many people are held at once while rules are applied to all: whoever else writes about one of them waits so long.
LOCKED_TOGETHER = 250

# So many members of a group are looked at in one statement, which stays far below the time-outs.
LOOKED_AT_TOGETHER = 10_000


class RulesInvalid(Refusal):
    """One of the rules can't be; the message says which one."""

    code = "role-rules-invalid"


@dataclass(frozen=True, slots=True)
class RuleInput:
    """A rule as somebody has typed it; what it says may be anything."""

    attribute: str
    operator: str
    value: str
    role: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What rules would change of the people who are there.

    ``untouched`` counts the people whose role the identity provider sent or a page gave. ``keeps_an_admin`` says that
    one of those who would lose the Admin role keeps it, since nobody else active has it.
    """

    rule_set: RuleSet
    count_changes: Sequence[Changes]
    people: int
    untouched: Mapping[str, int]
    keeps_an_admin: bool

    @property
    def total(self) -> int:
        """How many would change."""
        return sum(changes.people for changes in self.count_changes)

    def page(self, start: int, length: int) -> list[RoleChange]:
        """Some of those who would change, in the order of ids."""
        return evaluation_sql.changes(self.rule_set, EvaluationScope(limit=length, offset=start))


def in_force(organization_id: UUID) -> list[RoleRule]:
    """An organization's rules in their order, with their roles."""
    return list(RoleRule.objects.of(organization_id).select_related("role"))


def set_of(organization_id: UUID) -> RoleRuleSet:
    """An organization's rules as a whole; one that never had any gets a set that is not saved."""
    found = RoleRuleSet.objects.of(organization_id).first()
    return found or RoleRuleSet(organization_id=organization_id)


def worded(wanted: Sequence[RuleInput], *, by: Actor) -> list[RoleRule]:
    """Rules as they would be saved, in their order.

    Raises RulesInvalid, ``roles.RoleUnknown`` and ``authority.BeyondOwnRights``.
    """
    if len(wanted) > MOST_RULES:
        raise RulesInvalid(f"There can be at most {MOST_RULES} rules.")
    offered = {str(role.pk): role for role in Role.objects.of(by.organization_id).filter(is_enabled=True)}
    return [_rule(position, each, offered, by.organization_id) for position, each in enumerate(wanted, 1)]


def rule_set_of(rules: Iterable[RoleRule], *, organization_id: UUID, default: Role | None = None) -> RuleSet:
    """Rules with the role where none fits: the ``default`` one, if it is known; not Admin, which only a rule gives."""
    fallback = default or roles.default_role(organization_id)
    if fallback.is_admin:
        fallback = Role.objects.of(organization_id).get(key=BuiltIn.APP_MANAGEMENT)
    return RuleSet(organization_id, tuple(rules), fallback)


def preview(rules: Iterable[RoleRule], *, organization_id: UUID) -> Preview:
    """What would become of everybody, if these were the rules. Nothing is changed."""
    rule_set = rule_set_of(rules, organization_id=organization_id)
    count_changes = evaluation_sql.count_changes(rule_set)
    managed = User.objects.of(organization_id).filter(source=Source.SCIM)
    given = Counter(dict(managed.order_by().values_list("role_given_by").annotate(people=Count("*"))))
    admins = User.objects.of(organization_id).active_admins()
    admin_ids = {changes.from_id for changes in count_changes} & set(
        Role.objects.of(organization_id).filter(key=BuiltIn.ADMIN).values_list("pk", flat=True)
    )
    losing = sum(changes.active for changes in count_changes if changes.from_id in admin_ids)
    return Preview(
        rule_set,
        count_changes,
        given.total(),
        {each.value: given[each.value] for each in evaluation_sql.SETTLED},
        bool(losing) and losing == admins.count(),
    )


@transaction.atomic
def save(wanted: Sequence[RuleInput], *, expected_version: int, by: Actor) -> RoleRuleSet:
    """Let these be the rules from now on; ``apply_some`` then does the same to the people who are there.

    ``expected_version`` is the version of the set that was looked at. Nobody saves rules who could not give and take
    each of the roles in question. Raises RulesInvalid, StaleVersion, ``roles.RoleUnknown``,
    ``authority.BeyondOwnRights`` and ReauthenticationRequired.
    """
    whole, _ = RoleRuleSet.objects.select_for_update().get_or_create(organization_id=by.organization_id)
    if whole.version != expected_version:
        raise StaleVersion(
            "Somebody else has saved the role rules meanwhile, and nothing of yours is saved. Look at the rules as "
            "they are now, and make your changes there."
        )
    former, rules = in_force(by.organization_id), worded(wanted, by=by)
    reach = authority.of_actor(by)
    reach.require(*(rule.role for rule in (*former, *rules)))
    authority.require_reauthentication(*(rule.role for rule in rules), by=by)
    for role in sorted({rule.role for rule in rules}, key=lambda each: each.pk):
        roles.lock_role(role, by=by)
    expected = preview(rules, organization_id=by.organization_id)
    _stay_within(reach, expected, by)
    RoleRule.objects.of(by.organization_id).delete()
    RoleRule.objects.bulk_create(rules)
    whole.version += 1
    whole.expected, whole.changed, whole.reached = expected.total, 0, None
    whole.is_applying = bool(expected.total)
    whole.save()
    before, after = ([f"{rule}: {rule.role}" for rule in some] for some in (former, rules))
    if before != after:
        trail.record(Action.ROLE_RULES_SAVED, whole, {"rules": [before, after]}, by=by)
    return whole


@transaction.atomic
def apply_some(*, by: Actor) -> RoleRuleSet:
    """Give the next few people the roles that the saved rules give them; the set says how far that has come.

    Whatever stops it, the next call goes on from there. Each step asks the actor for the rights that saving the rules
    has asked for. Raises BeyondOwnRights.
    """
    whole = RoleRuleSet.objects.of(by.organization_id).select_for_update().first()
    if whole is None or not whole.is_applying:
        return whole or set_of(by.organization_id)
    rules = in_force(by.organization_id)
    rule_set = rule_set_of(rules, organization_id=by.organization_id)
    found = evaluation_sql.changes(rule_set, EvaluationScope(after=whole.reached, limit=LOCKED_TOGETHER))
    _refuse_beyond_rights(rules, found, by)
    whole.changed += len(settle([change.user_id for change in found], rule_set=rule_set, by=by))
    whole.is_applying = len(found) == LOCKED_TOGETHER
    whole.reached = found[-1].user_id if found else whole.reached
    whole.save()
    return whole


def _refuse_beyond_rights(rules: Sequence[RoleRule], found: Sequence[RoleChange], by: Actor) -> None:
    """Raises BeyondOwnRights if the actor could no longer save the rules, or take the roles that some people have."""
    reach = authority.of_actor(by)
    if not reach.may(EDIT_SIGN_IN):
        raise BeyondOwnRights("You may no longer apply role rules. Ask an Admin of your organization to go on.")
    if not reach.is_whole:
        losing = Role.objects.of(by.organization_id).filter(users__in=[each.user_id for each in found]).distinct()
        reach.require(*(rule.role for rule in rules), *losing)


def settle(members: Sequence[UUID], *, rule_set: RuleSet, by: Actor) -> list[RoleChange]:
    """Give some people, and all who are in some groups, the roles that the rules give them; tells whose role changed.

    Call in a transaction. They are held while they are looked at, so that what somebody else writes about them at the
    same moment comes before or after this, and not in between. The last active Admin stays one.
    """
    parts = (members[start : start + LOOKED_AT_TOGETHER] for start in range(0, len(members), LOOKED_AT_TOGETHER))
    found = [
        each for part in parts for each in evaluation_sql.changes(rule_set, EvaluationScope(tuple(part), locked=True))
    ]
    # Somebody may be a member of their own, and of a group in another part.
    role_changed = list({each.user_id: each for each in found}.values())
    done: list[RoleChange] = []
    for start in range(0, len(role_changed), TOGETHER):
        some = {change.user_id: change for change in role_changed[start : start + TOGETHER]}
        locked = role_reassignment.locked(list(some), organization_id=rule_set.organization_id)
        awards = _without_the_last_admin([_award(user, some[user.pk]) for user in locked], rule_set.organization_id)
        role_reassignment.award(awards, by=by)
        done += [some[each.user.pk] for each in awards]
    return done


def reason_of(rule: RoleRule | None) -> str:
    """What the audit trail says about a role that came by a rule, or by none any more."""
    return f"rule {rule.position}: {rule}" if rule else "no rule fits any more: the default role"


def sentence(rule: RoleRule | None, role: Role, people: int = 1) -> str:
    """What the request log says about that: of the one user of the request, or of so many members of a group."""
    whom = f" to {_people(people)}" if people > 1 else ""
    if rule:
        return f"The rule '{rule}' gave the role {role}{whom}."
    return f"No rule fits any more, which gave the default role {role}{whom}."


def _award(user: User, change: RoleChange) -> Award:
    given_by = GivenBy.RULE if change.rule else GivenBy.DEFAULT
    return Award(user, change.role, given_by, reason_of(change.rule))


def _without_the_last_admin(awards: list[Award], organization_id: UUID) -> list[Award]:
    losing = [each for each in awards if _is_active_admin(each.user) and not each.role.is_admin]
    if not losing:
        return awards
    lock(organization_id)
    admins = User.objects.of(organization_id).active_admins()
    if admins.exclude(pk__in=[each.user.pk for each in losing]).exists():
        return awards
    return [each for each in awards if each is not losing[0]]


def _is_active_admin(user: User) -> bool:
    return user.is_active and user.role is not None and user.role.is_admin


def _stay_within(reach: authority.Authority, expected: Preview, by: Actor) -> None:
    """Raises BeyondOwnRights if anybody would lose or get a role that may do more than the actor's."""
    reach.require(*(changes.role for changes in expected.count_changes))
    former = Role.objects.of(by.organization_id).in_bulk([changes.from_id for changes in expected.count_changes])
    for changes in expected.count_changes:
        if not reach.covers(former[changes.from_id]):
            raise BeyondOwnRights(
                f"With these rules {_people(changes.people)} would lose the role {former[changes.from_id]}, which may "
                "do more than yours. Ask an Admin of your organization."
            )


def _people(number: int) -> str:
    return f"{number:,} {'person' if number == 1 else 'people'}"


def _rule(position: int, wanted: RuleInput, offered: Mapping[str, Role], organization_id: UUID) -> RoleRule:
    if wanted.attribute not in RoleRule.Attribute or wanted.operator not in RoleRule.Operator:
        raise RulesInvalid(f"Rule {position}: choose what it looks at.")
    value = wanted.value.strip()
    is_domain = wanted.attribute == RoleRule.Attribute.DOMAIN
    if is_domain:
        value = value.removeprefix("@")
    key = canonical_domain(value) if is_domain else fold(value)
    if not key:
        raise RulesInvalid(f"Rule {position}: write what the {RoleRule.Attribute(wanted.attribute).label} has to be.")
    if not value.isprintable():
        raise RulesInvalid(f"Rule {position}: write the value without control characters.")
    if len(value) > LONGEST_VALUE or len(key) > LONGEST_KEY:
        raise RulesInvalid(f"Rule {position}: the value has more than {LONGEST_VALUE} characters. Shorten it.")
    if is_domain and wanted.operator != RoleRule.Operator.IS:
        raise RulesInvalid(f"Rule {position}: an e-mail domain can only be compared as a whole: choose 'is'.")
    role = offered.get(wanted.role)
    if role is None:
        raise RulesInvalid(f"Rule {position}: choose a role. The one that was chosen can't be given any more.")
    return RoleRule(
        organization_id=organization_id,
        position=position,
        attribute=wanted.attribute,
        operator=wanted.operator,
        value=value,
        value_key=key,
        role=role,
    )
