"""The page of one person: the profile and who owns it, role and status, groups, and what was changed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from audit.models import AppendOnlyQuerySet, AuditEvent
from audit.views.changes import WITHIN, lines
from audit.views.log import channel_name
from console import sections
from console.actions import action
from console.kept_choices import kept
from console.sections import Context, Page, Panel
from organizations.views.current import organization_of
from users import profile as profiles
from users.models import User
from users.services import authority, groups, roles, undo
from users.services.accounts import UserUnknown
from users.services.undo import UNDOES, UndoState
from users.views.current import user_of
from users.views.user_actions import ACCESS_KEY
from users.views.users import PEOPLE

# The page on which apps further up show what they know of a person.
PERSON = "person"

LATEST_EVENTS = 10

# The piece that says what became of an undo.
HISTORY_KEY = "history"

# Role and status have a place of their own on the page.
_ELSEWHERE = ("active", "roles")


@action(PEOPLE, "users/<uuid:user_id>/", "person", permission="users.view", reads=True)
def person(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """Everything that the role of whoever asks may see of a person."""
    user = User.objects.of(organization_of(request).pk).select_related("role").filter(pk=user_id).first()
    if user is None:
        raise UserUnknown("There is nobody here of that id.")
    context = {
        "title": user.display_name,
        "lead": user.email if user.email != user.display_name else "",
        "page": Page.USERS,
        "panels": sections.panels(PERSON, request, user),
    }
    return render(request, "settings/users/user.html", context)


def facts(profile: profiles.Profile) -> Iterator[tuple[str, list[str]]]:
    """The attributes of a profile in words: what each is called, and its values."""
    for name, value in profile.items():
        if name in _ELSEWHERE:
            continue
        if isinstance(value, dict):
            for inner, part in value.items():
                yield (words(inner) if name.startswith("urn:") else words(name, inner)), list(_texts(part))
        else:
            yield words(name), list(_texts(value))


def words(*names: str) -> str:
    """Attribute names as people read them: ``("name", "givenName")`` is "Name: given name"."""
    spaced = ": ".join(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower() for name in names)
    return spaced[:1].upper() + spaced[1:]


def _texts(value: Any) -> Iterator[str]:
    match value:
        case list():
            for entry in value:
                yield from _texts(entry)
        case dict():
            rest = {name: part for name, part in value.items() if not name.startswith("$")}
            kind, primary = rest.pop("type", ""), rest.pop("primary", False)
            shown = rest.get("display") or rest.get("displayName") or rest.get("value") or rest.get("formatted")
            text = shown or ", ".join(text for part in rest.values() for text in _texts(part))
            marks = ", ".join(filter(None, [kind, "primary" if primary else ""]))
            yield f"{text} ({marks})" if marks else str(text)
        case bool():
            yield "Yes" if value else "No"
        case _:
            yield str(value)


def _access(request: HttpRequest, user: User) -> Context:
    asker = user_of(request)
    may_edit = asker.has_perm("users.edit")
    within = authority.of(asker).covers(user.role)
    return {
        "person": user,
        "roles": roles.offered_to(asker) if may_edit and within else (),
        "may_edit": may_edit and within,
        "is_beyond": may_edit and not within,
        "oneself": asker.pk == user.pk,
        "chosen_role": kept(request, ACCESS_KEY).text("role", str(user.role_id)),
    }


def _profile(request: HttpRequest, user: User) -> Context:
    return {"person": user, "facts": list(facts(profiles.read(user)))}


def _groups(request: HttpRequest, user: User) -> Context:
    return {"person": user, "groups": groups.memberships_of(user)}


def _events(request: HttpRequest, user: User) -> Context:
    organization_id = organization_of(request).pk
    events = AuditEvent.objects.of(organization_id).filter(target_id=str(user.pk))[:LATEST_EVENTS]
    return {
        "person": user,
        "events": [(event, ", ".join(_changed(event)), channel_name(event.channel)) for event in events],
        "undo": _undo(request, user, events),
    }


def _changed(event: AuditEvent) -> list[str]:
    """What the fields of an event are called; those of an extension by their own names, as in the audit log."""
    found: dict[str, None] = {}
    for name, change in event.changes.items():
        if name.startswith("urn:"):
            inner = [line.field.partition(WITHIN)[0] for line in lines({name: change})]
            found |= dict.fromkeys(field if field == name else words(field) for field in inner)
        elif name != UNDOES:
            found[words(name)] = None
    return list(found)


def _undo(request: HttpRequest, user: User, events: AppendOnlyQuerySet) -> Collection[UUID]:
    """Those of the events of which there is something left to undo, if whoever asks may do so."""
    asker = user_of(request)
    if not asker.has_perm("users.edit") or not authority.of(asker).covers(user.role):
        return ()
    return [plan.event.pk for plan in undo.plans(events, people=[user]) if plan.state is UndoState.OPEN]


PANELS = (
    Panel(PERSON, ACCESS_KEY, "Role and status", 10, "users.view", "settings/users/access.html", _access),
    Panel(PERSON, "profile", "Profile", 20, "users.view", "settings/users/profile.html", _profile),
    Panel(PERSON, "groups", "Groups", 30, "users.view", "settings/users/groups.html", _groups),
    Panel(
        PERSON,
        HISTORY_KEY,
        "History",
        50,
        "audit-log.view",
        "settings/users/history.html",
        _events,
        lead=f"What was changed of this person, and by whom; the last {LATEST_EVENTS} entries of the audit log.",
    ),
)
