"""The page that previews an undo, then applies it once confirmed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from audit.models import AuditEvent
from audit.views.changes import FieldChange, lines
from console import sections
from console.actions import action
from console.forms import AsTypedField, VersionForm
from console.kept_choices import keep, kept
from console.requests import actor_of
from console.sections import Page
from core.refusals import Refusal
from organizations.views.current import organization_of
from users.models import Role, Source, User
from users.services import authority
from users.services import undo as undoing
from users.services.authority import Authority
from users.services.undo import ChangedAttribute, UndoKind, UndoOutcome, UndoPlan, UndoState
from users.views.current import user_of
from users.views.user import HISTORY_KEY, facts, words
from users.views.users import PEOPLE

# What was refused is said under this name on the page that asks.
UNDO_KEY = "undo"

AUDIT_LOG_KEY = "audit-log"

TITLES: Mapping[UndoKind, str] = {
    UndoKind.CHANGE: "Undo a change of {person}?",
    UndoKind.CREATION: "Remove {person} again?",
    UndoKind.REMOVAL: "Bring {person} back?",
}
MESSAGES: Mapping[UndoKind, str] = {
    UndoKind.CHANGE: "The change of {person} is undone.",
    UndoKind.CREATION: "{person} was removed.",
    UndoKind.REMOVAL: "{person} is here again.",
}

_EXTENSION = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

# Attributes that are called otherwise than by their own names.
NAMED: Mapping[str, str] = {_EXTENSION: "Work", "active": "Status", "roles": "Role", "source": "Source"}

NOT_KEPT = "The audit log does not keep what it was before. Set it by hand."


@dataclass(frozen=True, slots=True)
class Choice:
    """One attribute that can go back, as the page shows it: from what it is now to what it was.

    ``since`` is how it differs from what the change had made of it, where somebody has changed it again; ``obstacle``
    says why it can't go back.
    """

    part: ChangedAttribute
    label: str
    lines: list[FieldChange]
    since: list[FieldChange]
    obstacle: str = ""


def address(event: AuditEvent, back: str = "") -> str:
    """Where somebody is asked whether to undo an event; from there they come to the address ``back``."""
    query = f"?{urlencode({'back': back})}" if back else ""
    return f"{reverse('settings:undo', args=[event.pk])}{query}"


def addresses(organization_id: UUID, events: Collection[AuditEvent]) -> Mapping[UUID, str]:
    """Where each event is undone of which there is anything left to undo; from there back to the audit log."""
    people = undoing.people_of(events, organization_id=organization_id)
    back = reverse("settings:audit-log")
    return {
        plan.event.pk: address(plan.event, back)
        for plan in undoing.plans(events, people=people)
        if plan.state is UndoState.OPEN
    }


@action(PEOPLE, "users/changes/<uuid:event_id>/", "undo", permission="users.edit", reads=True)
def ask(request: HttpRequest, event_id: UUID) -> HttpResponse:
    """What undoing a change comes to; nothing has happened yet."""
    organization_id = organization_of(request).pk
    event = undoing.find(event_id, organization_id=organization_id)
    (plan,) = undoing.plans([event], people=undoing.people_of([event], organization_id=organization_id))
    name, role = undoing.role_before(event, organization_id=organization_id)
    asker = user_of(request)
    reach = authority.of(asker)
    person = plan.user.display_name if plan.user else undoing.person_of(event)
    no_role = _why_not(name, role, reach)
    obstacle = no_role if plan.kind is UndoKind.REMOVAL else ""
    if plan.user and not reach.covers(plan.user.role):
        obstacle = f"{person} has the role {plan.user.role}, which may do more than yours. An Admin can undo this."
    context = {
        "title": TITLES[plan.kind].format(person=person),
        "page": Page.USERS,
        "plan": plan,
        "event": event,
        "person": person,
        "obstacle": obstacle,
        "choices": [_choice(part, no_role) for part in plan.parts if not part.is_back],
        "access": _access(plan),
        "managed": plan.user is not None and plan.user.source == Source.SCIM,
        "oneself": plan.user is not None and plan.user.pk == asker.pk,
        "role": role,
        "groups": [entry["display"] for entry in (event.changes.get("groups") or [[]])[0] or []],
        "keeps_groups": "created" in event.changes,
        "facts": list(facts(event.changes["profile"][0])) if plan.kind is UndoKind.REMOVAL else [],
        "back": _back(request.GET.get("back", ""), event, plan.user),
        "notices": sections.notices(request, UNDO_KEY),
        "kept": kept(request, UNDO_KEY),
        "kept_parts": kept(request, UNDO_KEY).fields.getlist("part"),
    }
    return render(request, "settings/undo/undo.html", context)


class UndoForm(VersionForm):
    """An undo of the person in the version that the page has shown, and from where somebody came."""

    back = AsTypedField()


@action(PEOPLE, "users/changes/<uuid:event_id>/undo/", "undo-change", permission="users.edit", form=UndoForm)
def undo(request: HttpRequest, form: UndoForm, event_id: UUID) -> HttpResponse:
    """Undo a change as the page that asked has said."""
    actor = actor_of(request)
    event = undoing.find(event_id, organization_id=actor.organization_id)
    back, ticked = form.cleaned_data["back"], request.POST.getlist("part")
    if not ticked and undoing.kind_of(event) is UndoKind.CHANGE:
        return _not_done(request, event, "Tick what is to go back to what it was.", back)
    try:
        outcome = undoing.revert(event.pk, names=ticked, expected_version=form.version, by=actor)
    except Refusal as refusal:
        return _not_done(request, event, refusal.message, back)
    return _done(request, event, outcome, back)


def _not_done(request: HttpRequest, event: AuditEvent, reason: str, back: str) -> HttpResponse:
    messages.error(request, reason, extra_tags=UNDO_KEY)
    keep(request, UNDO_KEY)
    return redirect(address(event, back))


def _done(request: HttpRequest, event: AuditEvent, outcome: UndoOutcome, back: str) -> HttpResponse:
    user = User.objects.of(organization_of(request).pk).filter(pk=event.target_id).first()
    leads_to = _back(back, event, user)
    message = MESSAGES[outcome.kind].format(person=outcome.label) if outcome.changed else "Nothing is left to undo."
    if outcome.groups_gone:
        message += f" These groups are no longer here: {', '.join(outcome.groups_gone)}."
    key = {reverse("settings:users"): PEOPLE.key, reverse("settings:audit-log"): AUDIT_LOG_KEY}.get(
        urlsplit(leads_to).path, HISTORY_KEY
    )
    messages.success(request, message, extra_tags=key)
    return redirect(f"{leads_to}#{key}")


def _back(asked: str, event: AuditEvent, user: User | None) -> str:
    """The page of Settings from where somebody came; else the person's, and where there is none the list."""
    person = reverse("settings:person", args=[event.target_id])
    path = urlsplit(asked).path if url_has_allowed_host_and_scheme(asked, None) else ""
    if path.startswith(reverse("settings:index")) and (path != person or user):
        return asked
    return person if user else reverse("settings:users")


def _why_not(name: str, role: Role | None, reach: Authority) -> str:
    """Why the role of before can't be given back; empty if it can, or if there is none to give."""
    if role is None:
        return f"The role “{name}” can't be given any more: it is gone or switched off." if name else ""
    return "" if reach.covers(role) else f"The role {role} may do more than yours. An Admin can give it back."


def _access(plan: UndoPlan) -> str:
    """Whether the person would be let in again ("restored") or "suspended"; empty for neither."""
    for part in plan.parts:
        if part.name == "active" and not part.is_back:
            before, _after, now = part.fields["active"]
            if (before is False) is not (now is False):
                return "suspended" if before is False else "restored"
    return ""


def _choice(part: ChangedAttribute, no_role: str) -> Choice:
    going, since = {}, {}
    for name, values in part.fields.items():
        if name == "managed_by":
            continue
        before, after, now = (Source(each).label if name == "source" and each else each for each in values)
        going[name] = now, before
        since[name] = now, after
    return Choice(
        part,
        NAMED.get(part.name) or words(part.name),
        lines(going),
        lines(since) if part.has_moved else [],
        NOT_KEPT if part.is_lost else no_role if part.name == "roles" else "",
    )
