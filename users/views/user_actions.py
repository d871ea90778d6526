"""Change one or several users: preview, confirmation and report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse

from console import sections
from console.actions import action
from console.kept_choices import keep
from console.requests import actor_of
from console.sections import Context
from core.parsing import id_of
from core.refusals import Malformed
from organizations.views.current import organization_of
from users.models import Role, Source, User
from users.services import roles, user_actions
from users.services.accounts import UserUnknown
from users.services.authority import BeyondOwnRights
from users.services.user_actions import ActionReport, Chosen, Verb
from users.views.users import PEOPLE

# The piece on a person's page that says what became of a change.
ACCESS_KEY = "access"

MOST_AT_ONCE = 100

_TICKED = re.compile(r"([0-9a-f-]{36})\.([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Wording:
    """How a verb reads: on its button, and of people to whom it was done. ``harms``: it takes something away."""

    button: str
    done: str
    harms: bool = False


WORDINGS: Mapping[Verb, Wording] = {
    Verb.SUSPEND: Wording("Suspend", "suspended", harms=True),
    Verb.RESTORE: Wording("Restore", "restored"),
    Verb.REMOVE: Wording("Remove", "removed", harms=True),
    Verb.GIVE_ROLE: Wording("Change the role of", "given the role {role}"),
    Verb.ALLOW_RESET: Wording("Allow password reset for", "allowed to set a password by mail"),
}


@action(PEOPLE, "users/change/", "change-users", permission="users.edit")
def change(request: HttpRequest) -> HttpResponse:
    """Do what a form asks for once the person is sure, else say what it would do."""
    actor = actor_of(request)
    verb, chosen, role = _verb(request), _chosen(request), None
    if verb is Verb.GIVE_ROLE:
        if not request.POST.get("role"):
            return _back(request, "Choose the role that they are to get, then try again.")
        try:
            role = roles.find_for(request.POST["role"], by=actor)
        except BeyondOwnRights as refusal:
            return _back(request, refusal.message)
    if not chosen:
        return _back(request, "Tick the people first, then choose what to do with them.")
    if len(chosen) > MOST_AT_ONCE:
        return _back(request, f"Tick at most {MOST_AT_ONCE} people at once.")
    if not _is_confirmed(request, role):
        return _ask(request, verb, chosen, role)
    report = user_actions.apply(verb, chosen, role=role, by=actor)
    unknown_users = [refusal for refusal in report.refused if isinstance(refusal, UserUnknown)]
    if len(unknown_users) == len(chosen):
        raise unknown_users[0]
    _message(request, report, WORDINGS[verb].done.format(role=role), _tag(request, verb))
    if report.left:
        keep(request, _tag(request, verb), person=report.left)
    return redirect(_address(request, verb))


def _ask(request: HttpRequest, verb: Verb, chosen: list[Chosen], role: Role | None) -> HttpResponse:
    """The page that says what will happen; nothing has happened yet."""
    versions = {each.user_id: each.version for each in chosen}
    people = list(
        User.objects.of(organization_of(request).pk)
        .select_related("role")
        .filter(pk__in=versions)
        .order_by("user_name_key")
    )
    if not people:
        raise UserUnknown("This person is no longer here. Reload the page.")
    found = len(people)
    if verb is Verb.ALLOW_RESET:
        people = [user for user in people if user.is_password_reset_blocked]
        if not people:
            return _back(request, "Password reset is not blocked for the selected users, so there is nothing to allow.")
    whom = people[0].display_name if len(people) == 1 else f"{len(people)} people"
    context = {
        "title": f"{WORDINGS[verb].button} {whom}?",
        "page": sections.Page.USERS,
        "verb": verb,
        "wording": WORDINGS[verb],
        "rows": [(user, f"{user.pk}.{versions[user.pk]}") for user in people],
        "whom": whom,
        "gone": len(versions) - found,
        "untouched": found - len(people),
        "role": role,
        "managed": sum(user.source == Source.SCIM for user in people),
        "admins": any(user.role and user.role.is_admin for user in people),
        "oneself": any(user.pk == request.user.pk for user in people),
        "back": _address(request),
        **_where_from(request),
    }
    return render(request, "settings/users/confirm.html", context)


def _message(request: HttpRequest, report: ActionReport, done: str, tag: str) -> None:
    sentences = []
    if report.done:
        sentences.append(f"{_were(report.done)} {done}.")
    if report.already:
        sentences.append(f"{_were(report.already)} {done} already.")
    if sentences and report.refused:
        sentences.append(f"{len(report.refused)} {'was' if len(report.refused) == 1 else 'were'} refused:")
    if sentences:
        messages.success(request, " ".join(sentences), extra_tags=tag)
    for refusal in report.refused:
        messages.error(request, refusal.message, extra_tags=tag)


def _were(people: list[str]) -> str:
    return f"{people[0]} was" if len(people) == 1 else f"{len(people)} people were"


def _verb(request: HttpRequest) -> Verb:
    try:
        return Verb(request.POST.get("action", ""))
    except ValueError:
        raise Malformed("Choose what to do with the people, then try again.") from None


def _is_confirmed(request: HttpRequest, role: Role | None) -> bool:
    """Whether there is nothing to be told first: it was read, or the form needs no warning, as that for a role."""
    match request.POST.get("confirmed"):
        case "read":
            return True
        case "needless":
            return role is None or not role.is_admin
    return False


def _chosen(request: HttpRequest) -> list[Chosen]:
    return [Chosen(user_id, version) for user_id, version in ticked(request, "person").items()]


def ticked(request: HttpRequest, name: str) -> dict[UUID, int]:
    """What a form is about: the ids in its fields of that name, each with the version in which it was seen.

    A field is ``id.version``. Raises Malformed for anything else.
    """
    chosen = {}
    for text in request.POST.getlist(name):
        match = _TICKED.fullmatch(text)
        if match is None:
            raise Malformed
        chosen[sections.parsed_id(match[1])] = int(match[2])
    return chosen


# The way back: to the person's page, or to the list as it was


def _back(request: HttpRequest, reason: str) -> HttpResponse:
    messages.error(request, reason, extra_tags=_tag(request))
    keep(request, _tag(request))
    return redirect(_address(request))


def _where_from(request: HttpRequest) -> Context:
    return {"of_person": _person(request), "list": request.POST.get("list", "")}


def _person(request: HttpRequest) -> str:
    """The id of the person on whose page the form stood, empty if it was the list."""
    return str(id_of(request.POST.get("of_person", "")) or "")


def _tag(request: HttpRequest, verb: Verb | None = None) -> str:
    return ACCESS_KEY if _person(request) and verb is not Verb.REMOVE else PEOPLE.key


def _address(request: HttpRequest, verb: Verb | None = None) -> str:
    tag = _tag(request, verb)
    if tag == ACCESS_KEY:
        return f"{reverse('settings:person', args=[_person(request)])}#{tag}"
    query = QueryDict(request.POST.get("list", "")[:4000]).urlencode()
    return f"{reverse('settings:users')}{'?' if query else ''}{query}#{tag}"
