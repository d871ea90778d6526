"""Settings > Users > Single Sign-On (SSO) > Role rules: the list, its editor and a preview.

The editor keeps nothing on the server: every form carries the whole set, and only the last button saves it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from console import sections
from console.actions import Outcome, Saved, Shown, action
from console.requests import actor_of, is_htmx
from console.sections import Context, Page, Panel, Section, shows
from core.parsing import number_of
from core.refusals import Malformed, Refusal, StaleVersion
from organizations.views.current import organization_of
from provisioning.models import RoleRule, RoleRuleSet
from provisioning.services.connections import connections
from provisioning.services.role_rules import one_user
from provisioning.services.role_rules import rules as role_rules
from provisioning.services.role_rules.rules import Preview, RuleInput
from users.models import GivenBy, Role, User
from users.services import authority, roles
from users.services.accounts import UserUnknown
from users.views.current import user_of
from users.views.user import PERSON
from users.views.user_actions import ACCESS_KEY

PER_PAGE = 50

# So long does one request apply rules, in seconds, until it answers and the next one goes on.
APPLIES_FOR = 3.0

_FIELDS = ("attribute", "operator", "value", "role")
_NEW = RuleInput(RoleRule.Attribute.GROUP, RoleRule.Operator.IS, "", "")


ROLE_RULES = Section(
    page=Page.USERS,
    key="role-rules",
    title="Role rules",
    lead="Who gets which role, for identity providers that send none, such as JumpCloud.",
    position=55,
    permission="sign-in.view",
    within="single-sign-on",
    template="settings/role_rules/section.html",
)


@shows(ROLE_RULES)
def _context(request: HttpRequest) -> Context:
    user = user_of(request)
    organization_id = organization_of(request).pk
    rules = role_rules.in_force(organization_id)
    return {
        "rules": rules,
        "whole": role_rules.set_of(organization_id),
        "may_edit": user.has_perm("sign-in.edit"),
        "is_beyond": not _is_within(user, rules),
        # Asked of the database only where the template shows them.
        "givers": partial(_admin_givers, request),
        "default": roles.default_role(organization_id),
    }


def links(organization_id: UUID, ids: Collection[str]) -> Mapping[str, str]:
    """Where the rules are shown."""
    return dict.fromkeys(ids, ROLE_RULES.address)


# The editor


@action(ROLE_RULES, "users/scim/role-rules/", "role-rules", permission="sign-in.edit", reads=True)
def edit(request: HttpRequest) -> HttpResponse:
    """The rules as they are, to be changed."""
    organization_id = organization_of(request).pk
    rules = role_rules.in_force(organization_id)
    authority.of(user_of(request)).require(*(rule.role for rule in rules))
    rows = [RuleInput(rule.attribute, rule.operator, rule.value, str(rule.role_id)) for rule in rules]
    return _editor(request, rows or [_NEW], role_rules.set_of(organization_id).version)


@action(ROLE_RULES, "users/scim/role-rules/change/", "change-role-rules", permission="sign-in.edit")
def change(request: HttpRequest) -> HttpResponse:
    """Do with the typed rules what the pressed button says; only "save" saves them."""
    rows, expected_version = _typed(request), sections.expected_version(request)
    match _pressed(request):
        case "add", 0:
            return _editor(request, [*rows, _NEW], expected_version, focus=len(rows) + 1)
        case "delete", number if 0 < number <= len(rows):
            return _editor(request, [*rows[: number - 1], *rows[number:]], expected_version, focus=max(1, number - 1))
        case "up", number if 1 < number <= len(rows):
            return _editor(request, _swapped(rows, number - 2), expected_version, focus=number - 1)
        case "down", number if 0 < number < len(rows):
            return _editor(request, _swapped(rows, number - 1), expected_version, focus=number + 1)
        case "edit", 0:
            return _editor(request, rows, expected_version)
        case "preview", number:
            return _previewed(request, rows, expected_version, max(1, number))
        case "save", 0:
            return _saved(request, rows, expected_version)
    raise Malformed


def _previewed(request: HttpRequest, rows: Sequence[RuleInput], expected_version: int, number: int) -> HttpResponse:
    actor = actor_of(request)
    try:
        rules = role_rules.worded(rows, by=actor)
        authority.of_actor(actor).require(*(rule.role for rule in rules))
    except Refusal as refusal:
        return _editor(request, rows, expected_version, wrong=refusal.message)
    found = role_rules.preview(rules, organization_id=actor.organization_id)
    context = {
        "title": "Save these role rules?",
        "page": Page.USERS,
        "rows": rows,
        "expected_version": expected_version,
        "rules": rules,
        "back": ROLE_RULES.address,
        "giving_admin": [rule for rule in rules if rule.role.is_admin],
        **_admin_givers(request),
        **_shown(request, found, number),
    }
    return render(request, "settings/role_rules/preview.html", context)


@dataclass(frozen=True, slots=True)
class _Line:
    """One person, or so many people, whose role would change."""

    former: Role
    role: Role
    rule: RoleRule | None
    people: int = 1
    user: User | None = None


def _shown(request: HttpRequest, found: Preview, number: int) -> Context:
    organization_id = found.rule_set.organization_id
    named = Role.objects.of(organization_id).in_bulk()
    last = max(1, -(-found.total // PER_PAGE))
    number = min(number, last)
    role_changed = found.page((number - 1) * PER_PAGE, PER_PAGE) if found.total else []
    users = User.objects.of(organization_id).in_bulk([change.user_id for change in role_changed])
    return {
        "preview": found,
        "sums": [_Line(named[each.from_id], each.role, each.rule, each.people) for each in found.count_changes],
        "people": [
            _Line(named[user.role_id], change.role, change.rule, user=user)
            for change in role_changed
            if (user := users.get(change.user_id)) and user.role_id
        ],
        "becoming_admin": sum(each.people for each in found.count_changes if each.role.is_admin),
        "by_provider": found.untouched[GivenBy.PROVIDER],
        "manual": found.untouched[GivenBy.MANUAL],
        "start": (number - 1) * PER_PAGE + 1,
        "end": (number - 1) * PER_PAGE + len(role_changed),
        "previous": number - 1,
        "following": number + 1 if number < last else 0,
        "may_see_people": user_of(request).has_perm("users.view"),
    }


def _saved(request: HttpRequest, rows: Sequence[RuleInput], expected_version: int) -> HttpResponse:
    actor = actor_of(request)
    try:
        role_rules.save(rows, expected_version=expected_version, by=actor)
    except StaleVersion:
        present = role_rules.set_of(actor.organization_id).version
        return _editor(request, rows, present, meanwhile=role_rules.in_force(actor.organization_id))
    except Refusal as refusal:
        return _editor(request, rows, expected_version, wrong=refusal.message)
    whole = _apply(request)
    message = "Saved. " + (_progress(whole) if whole.is_applying else f"{_changed(whole)} The rules hold from now on.")
    messages.success(request, message, extra_tags=ROLE_RULES.key)
    return redirect(ROLE_RULES.address)


def _editor(
    request: HttpRequest,
    rows: Sequence[RuleInput],
    expected_version: int,
    *,
    focus: int = 0,
    wrong: str = "",
    meanwhile: Sequence[RoleRule] | None = None,
) -> HttpResponse:
    context = {
        "title": "Role rules",
        "lead": "Who gets which role where your identity provider sends none. The first rule that fits gives the role.",
        "page": Page.USERS,
        "rows": rows,
        "expected_version": expected_version,
        "focus": focus,
        "wrong": wrong,
        "meanwhile": meanwhile,
        "attributes": RoleRule.Attribute.choices,
        "operators": RoleRule.Operator.choices,
        "roles": {str(role.pk): role for role in roles.offered_to(user_of(request))},
        "default": roles.default_role(organization_of(request).pk),
        "most": role_rules.MOST_RULES,
        "longest": role_rules.LONGEST_VALUE,
        "back": ROLE_RULES.address,
    }
    return render(request, "settings/role_rules/edit.html", context)


# Applying


@action(ROLE_RULES, "users/scim/role-rules/apply/", "apply-role-rules", permission="sign-in.edit")
def go_on(request: HttpRequest) -> Outcome:
    """Go on with applying the saved rules; the section, asked for again and again, shows how far that has come."""
    whole = _apply(request)
    if not whole.is_applying:
        return Saved(f"Done. {_changed(whole)}")
    if is_htmx(request):
        return Shown({})
    messages.success(request, _progress(whole), extra_tags=ROLE_RULES.key)
    return redirect(ROLE_RULES.address)


def _apply(request: HttpRequest) -> RoleRuleSet:
    """Apply saved rules until they are, or for as long as a request may take."""
    actor = actor_of(request)
    until = time.monotonic() + APPLIES_FOR
    whole = role_rules.apply_some(by=actor)
    while whole.is_applying and time.monotonic() < until:
        whole = role_rules.apply_some(by=actor)
    return whole


def _progress(whole: RoleRuleSet) -> str:
    return f"{whole.changed:,} of about {whole.expected:,} people have their new role."


def _changed(whole: RoleRuleSet) -> str:
    if not whole.changed:
        return "Nobody's role has changed."
    return f"{whole.changed:,} {'person has' if whole.changed == 1 else 'people have'} another role now."


# One person


def _of_person(request: HttpRequest, user: User) -> Context | None:
    """What the rules say of somebody about whom they don't decide; nothing where they do, or where there are none."""
    decision = one_user.decision_of(user) if one_user.may_leave(user) else None
    if decision is None:
        return None
    reach = authority.of(user_of(request))
    return {
        "person": user,
        "decision": decision,
        "address": ROLE_RULES.address,
        "may_see_rules": sections.may(request, ROLE_RULES.permission),
        "may_leave": sections.may(request, "users.edit") and reach.covers(user.role) and reach.covers(decision.role),
    }


@action(ROLE_RULES, "users/scim/people/<uuid:user_id>/role-rules/", "leave-to-role-rules", permission="users.edit")
def leave_to_rules(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Let the rules decide about one person from now on."""
    try:
        user = one_user.leave_to_rules(user_id, by=actor_of(request))
    except UserUnknown:
        raise
    except Refusal as refusal:
        messages.error(request, refusal.message, extra_tags=ACCESS_KEY)
    else:
        message = f"The role rules decide about {user} from now on. The role is {user.role}."
        messages.success(request, message, extra_tags=ACCESS_KEY)
    return redirect(f"{reverse('settings:person', args=[user_id])}#{ACCESS_KEY}")


# What forms say


def _typed(request: HttpRequest) -> list[RuleInput]:
    """The rules in a form, in their order. Raises Malformed."""
    columns = [request.POST.getlist(name) for name in _FIELDS]
    if len({len(column) for column in columns}) != 1:
        raise Malformed
    return [RuleInput(*row) for row in zip(*columns, strict=True)]


def _pressed(request: HttpRequest) -> tuple[str, int]:
    """What a button does, and with which rule or page: ``up.3``."""
    verb, _, number = request.POST.get("do", "").partition(".")
    return verb, number_of(number, 6) or 0


def _swapped(rows: Sequence[RuleInput], at: int) -> list[RuleInput]:
    return [*rows[:at], rows[at + 1], rows[at], *rows[at + 2 :]]


def _is_within(user: User, rules: Iterable[RoleRule]) -> bool:
    reach = authority.of(user)
    return all(reach.covers(rule.role) for rule in rules)


def _admin_givers(request: HttpRequest) -> Context:
    """The connections for whose people rules may give Admin, and whether these are all."""
    present = connections.of_organization(organization_of(request).pk)
    givers = [connection for connection in present if connection.manage_admins]
    return {"admin_givers": givers, "all_give_admin": givers == present}


RULES_OF_PERSON = Panel(
    place=PERSON,
    key="rules-of-person",
    title="Role rules",
    position=15,
    permission="users.view",
    template="settings/role_rules/of_user.html",
    context=_of_person,
)
