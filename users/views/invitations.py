"""Settings > Users > Invite people: the form, with what can be done to invitations on the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse

from console.actions import action
from console.kept_choices import keep
from console.requests import actor_of
from console.sections import Page
from core.addresses import AddressError, Respelling, check_mailable, is_respelled
from core.refusals import Malformed, Refusal
from organizations.views.current import organization_of
from users.models import Invitation, Role
from users.services import invitations, pasted_addresses, roles
from users.services.authority import BeyondOwnRights
from users.services.invitations import InvitationsOutcome, TooManyMails
from users.views.current import user_of
from users.views.pending_invitations import address_of_list
from users.views.user_actions import MOST_AT_ONCE, ticked
from users.views.users import PEOPLE

MOST_ADDRESSES = 500
LONGEST_TEXT = 100_000


# Inviting


@dataclass(frozen=True, slots=True)
class Typed:
    """The form as it came: the text, and the role if there is such a one."""

    text: str = ""
    role: Role | None = None


@action(PEOPLE, "users/invite/", "invite", permission="users.edit", reads=True)
def show_form(request: HttpRequest) -> HttpResponse:
    """The empty form."""
    return _form(request, Typed())


@action(PEOPLE, "users/invitations/send/", "send-invitations", permission="users.edit")
def invite(request: HttpRequest) -> HttpResponse:
    """Invite everybody whose address is in the text; what is to be fixed comes back in the form."""
    actor = actor_of(request)
    text = request.POST.get("addresses", "")
    if len(text) > LONGEST_TEXT:
        return _form(request, Typed(role=_role(request)), text_error=_too_long(f"{len(text):,} characters"))
    typed = Typed(text, _role(request))
    addresses = pasted_addresses.addresses(text)
    errors: dict[str, Any] = {}
    if not addresses:
        errors["text_error"] = "Type or paste at least one e-mail address."
    elif len(addresses) > MOST_ADDRESSES:
        errors["text_error"] = _too_long(f"{len(addresses):,} addresses")
    if typed.role is None:
        errors["role_error"] = "Choose the role that they are to get."
    if errors or typed.role is None:
        return _form(request, typed, **errors)
    respellings = _respellings(addresses)
    unconfirmed_admins = (
        len(addresses) if typed.role.is_admin and request.POST.get("confirmed") != str(typed.role.pk) else 0
    )
    if unconfirmed_admins or not {each.address for each in respellings} <= {*request.POST.getlist("respelled")}:
        return _form(request, typed, unconfirmed_admins=unconfirmed_admins, respellings=respellings)
    try:
        outcome = invitations.invite(addresses, role=typed.role, by=actor)
    except TooManyMails as refusal:
        return _form(request, typed, text_error=refusal.message)
    except (roles.RoleUnknown, BeyondOwnRights) as refusal:
        return _form(request, typed, role_error=refusal.message)
    if outcome.known or outcome.malformed:
        rest = "\n".join(address for address, _reason in outcome.malformed)
        return _form(request, Typed(rest, typed.role), outcome=outcome, message=_were_invited(outcome))
    messages.success(request, _were_invited(outcome), extra_tags=PEOPLE.key)
    return redirect(address_of_list())


def _respellings(addresses: Sequence[str]) -> list[Respelling]:
    """The addresses whose domain is written otherwise than it was typed, which somebody should see before mail goes."""
    found = []
    for typed in filter(is_respelled, addresses):
        try:
            check_mailable(typed)
        except AddressError:
            # Said with the others that can't be invited.
            continue
        found.append(Respelling.of(typed))
    return found


def _too_long(what: str) -> str:
    return f"These are {what}. Invite at most {MOST_ADDRESSES} people at once. Nobody was invited."


def _form(request: HttpRequest, typed: Typed, outcome: InvitationsOutcome | None = None, **more: Any) -> HttpResponse:
    user = user_of(request)
    context = {
        "title": "Invite people",
        "lead": "They get a mail with a link, by which they choose a password. It works once, for seven days.",
        "page": Page.USERS,
        "typed": typed,
        "roles": roles.offered_to(user),
        "most": MOST_ADDRESSES,
        "outcome": outcome,
        **more,
    }
    return render(request, "settings/invitations/invite.html", context)


def _role(request: HttpRequest) -> Role | None:
    """The role that was chosen; None for none, or one that nobody can be given."""
    try:
        return roles.find_for(request.POST.get("role", ""), by=actor_of(request))
    except roles.RoleUnknown:
        return None


def _were_invited(outcome: InvitationsOutcome) -> str:
    count = len(outcome.invited)
    if not count:
        return "Nobody new was invited."
    return f"{outcome.invited[0]} was invited." if count == 1 else f"{count} people were invited."


# What can be done to those on the list


@action(PEOPLE, "users/invitations/change/", "change-invitations", permission="users.edit")
def change(request: HttpRequest) -> HttpResponse:
    """Send the invitations that are ticked again, or revoke them once the person is sure."""
    actor = actor_of(request)
    verb, chosen = request.POST.get("action", ""), ticked(request, "invitation")
    if again := ticked(request, "again"):
        # The button of a line, which is about that line alone.
        verb, chosen = "resend", again
    if verb not in ("resend", "revoke"):
        raise Malformed("Choose what to do with the invitations, then try again.")
    if not chosen:
        return _back(request, "Tick the invitations first, then choose what to do with them.")
    if len(chosen) > MOST_AT_ONCE:
        return _back(request, f"Tick at most {MOST_AT_ONCE} invitations at once.")
    if verb == "revoke" and request.POST.get("confirmed") != "read":
        return _ask(request, chosen)
    done: list[Invitation] = []
    already: list[Invitation] = []
    refused: list[Refusal] = []
    left: list[UUID] = []
    for invitation_id, expected_version in chosen.items():
        try:
            if verb == "resend":
                done.append(invitations.resend(invitation_id, expected_version=expected_version, by=actor))
            else:
                invitation, changed = invitations.revoke(invitation_id, expected_version=expected_version, by=actor)
                (done if changed else already).append(invitation)
        except Refusal as refusal:
            refused.append(refusal)
            left.append(invitation_id)
    if len(refused) == len(chosen) and all(isinstance(each, invitations.InvitationUnknown) for each in refused):
        raise refused[0]
    words = "sent again" if verb == "resend" else "revoked"
    if done:
        messages.success(request, f"{_whose(done)} {words}.", extra_tags=PEOPLE.key)
    if already:
        messages.success(request, f"{_whose(already)} {words} already.", extra_tags=PEOPLE.key)
    for sentence in dict.fromkeys(refusal.message for refusal in refused):
        messages.error(request, sentence, extra_tags=PEOPLE.key)
    if left:
        keep(request, PEOPLE.key, invitation=left)
    return redirect(_list(request))


def _ask(request: HttpRequest, chosen: Mapping[UUID, int]) -> HttpResponse:
    """The page that says what revoking means; nothing has happened yet."""
    rows = list(Invitation.objects.of(organization_of(request).pk).listed().filter(pk__in=chosen))
    if not rows:
        raise invitations.InvitationUnknown("This invitation is no longer here. Reload the page.")
    whose = f"the invitation of {rows[0]}" if len(rows) == 1 else f"{len(rows)} invitations"
    context = {
        "title": f"Revoke {whose}?",
        "page": Page.USERS,
        "whose": whose,
        "rows": [(invitation, f"{invitation.pk}.{chosen[invitation.pk]}") for invitation in rows],
        "list": request.POST.get("list", ""),
        "back": _list(request),
    }
    return render(request, "settings/invitations/revoke.html", context)


def _whose(done: list[Invitation]) -> str:
    return f"The invitation of {done[0]} was" if len(done) == 1 else f"{len(done)} invitations were"


def _back(request: HttpRequest, reason: str) -> HttpResponse:
    messages.error(request, reason, extra_tags=PEOPLE.key)
    keep(request, PEOPLE.key)
    return redirect(_list(request))


def _list(request: HttpRequest) -> str:
    query = QueryDict(request.POST.get("list", "")[:4000])
    return f"{reverse('settings:users')}?{query.urlencode()}#{PEOPLE.key}" if query else address_of_list()
