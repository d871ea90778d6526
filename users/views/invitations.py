"""Settings > Users > Invite people: the form and the list of pending invitations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Case, Count, Q, When
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse

from console.kept_choices import keep
from console.requests import actor_of
from console.sections import Context, Page
from core.addresses import AddressError, Respelling, check_mailable, is_respelled
from core.refusals import Malformed, Refusal
from core.search_keys import sought
from organizations.views.current import organization_of
from users.models import Invitation, Role, Source, User
from users.services import authority, invitations, pasted_addresses, roles
from users.services.authority import BeyondOwnRights
from users.services.invitations import InvitationsOutcome, TooManyMails
from users.views.current import user_of
from users.views.user_actions import MOST_AT_ONCE, PEOPLE_KEY, ticked
from users.views.user_filters import INVITED, PER_PAGE, PeopleForm, Sort

MOST_ADDRESSES = 500
LONGEST_TEXT = 100_000

# Who was invited has no name yet.
ORDERS: Mapping[Sort, str] = {
    Sort.ADDRESS: "email_key",
    Sort.NAME: "email_key",
    Sort.NEWEST: "-id",
    Sort.OLDEST: "id",
}


# Inviting


@dataclass(frozen=True, slots=True)
class Typed:
    """The form as it came: the text, and the role if there is such a one."""

    text: str = ""
    role: Role | None = None


def show_form(request: HttpRequest) -> HttpResponse:
    """The empty form."""
    return _form(request, Typed())


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
    messages.success(request, _were_invited(outcome), extra_tags=PEOPLE_KEY)
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


# The list


@dataclass(frozen=True, slots=True)
class Listed:
    """An invitation of the list. ``account`` is the id of the user who has the address by now.

    ``why_ended``: what became of its inviter's right to give the role, empty for one that has not ended; ``may_again``:
    whoever looks at the list may give it.
    """

    invitation: Invitation
    account: UUID | None
    why_ended: str
    may_again: bool


@dataclass(frozen=True, slots=True)
class Pending:
    """How many invitations were neither accepted nor revoked by hand, and how many of them fit what is searched for.

    ``address`` is where those are listed.
    """

    total: int
    matching: int
    address: str


def pending(form: PeopleForm, *, organization_id: UUID) -> Pending:
    """The invitations beside a list of people; one statement."""
    rows = Invitation.objects.of(organization_id).listed()
    if not (text := form.given.get("q")) or form.asks_for_invited:
        return Pending(rows.count(), 0, "")
    # Not the ``filter`` of Count: a condition that nothing can meet would leave the total empty, too.
    matching = Count(Case(When(_condition(form.given), then="pk")))
    asked = {
        name: str(getattr(form.given[name], "pk", form.given[name]))
        for name in ("role", "domain")
        if name in form.given
    }
    return Pending(**rows.aggregate(total=Count("pk"), matching=matching), address=address_of_list(q=text, **asked))


def listed(request: HttpRequest, form: PeopleForm) -> Context:
    """A page of the invitations that fit the filters."""
    organization_id = organization_of(request).pk
    found = Invitation.objects.of(organization_id).listed().filter(_condition(form.given))
    ordered = found.select_related("role", "mail").order_by(ORDERS[Sort(form.given.get("sort", Sort.ADDRESS))])
    page = Paginator(ordered, PER_PAGE).get_page(request.GET.get("page"))
    shown = list(page)
    people = invitations.accounts_of(shown, organization_id=organization_id) if shown else {}
    ended = _why_ended(shown, organization_id)
    user = user_of(request)
    own = authority.of(user)
    return {
        "invitations": [
            Listed(each, people.get(each.email_key), ended.get(each.pk, ""), own.may_invite_as(each.role))
            for each in shown
        ],
        "list_page": page,
        "before": _page_of(request, page.previous_page_number()) if page.has_previous() else "",
        "after": _page_of(request, page.next_page_number()) if page.has_next() else "",
    }


def _why_ended(shown: Sequence[Invitation], organization_id: UUID) -> dict[UUID, str]:
    """Why invitations have ended, by their ids: those that a verb ended, and those that acceptance would refuse."""
    made_by = {each: each.invited_by_id for each in shown if each.invited_by_id and (each.ended_at or each.is_open)}
    makers = authority.makers(made_by.values(), organization_id=organization_id) if made_by else {}
    found = {}
    for each, user_id in made_by.items():
        if why := _lost(each, makers.get(user_id)):
            found[each.pk] = why
        elif each.ended_at:
            found[each.pk] = f"{each.invited_by} could not give the role {each.role} then"
    return found


def _lost(invitation: Invitation, inviter: User | None) -> str:
    """Why the inviter can't give the role now; empty if they can."""
    if inviter is None:
        return f"{invitation.invited_by} was removed"
    if not inviter.is_active:
        return f"{invitation.invited_by} was suspended"
    if authority.of(inviter).may_invite_as(invitation.role):
        return ""
    return f"{invitation.invited_by} may no longer give the role {invitation.role}"


def _condition(given: Mapping[str, Any]) -> Q:
    """The condition on the invitations that fit what a list of people is narrowed to."""
    # Who accepts is a user of this source.
    condition = Q() if given.get("source", Source.MANUAL) == Source.MANUAL else Q(pk__in=())
    if text := given.get("q"):
        condition &= sought(text, "search_key")
    if role := given.get("role"):
        condition &= Q(role=role)
    if domain := given.get("domain"):
        condition &= Q(email_key__endswith=f"@{domain}")
    return condition


def _page_of(request: HttpRequest, number: int) -> str:
    query = request.GET.copy()
    query["page"] = str(number)
    return query.urlencode()


def address_of_list(**narrowed: str) -> str:
    """Where those who were invited are listed."""
    return f"{reverse('settings:users')}?{urlencode({'status': INVITED, **narrowed})}#{PEOPLE_KEY}"


def links(organization_id: UUID, ids: Any) -> Mapping[str, str]:
    """Where each of the invitations is listed."""
    found = Invitation.objects.of(organization_id).listed().filter(pk__in=ids).values_list("pk", "email")
    return {str(pk): address_of_list(q=email) for pk, email in found}


# What can be done to those on the list


def change(request: HttpRequest) -> HttpResponse:
    """Send the invitations that are ticked again, or revoke them once the person is sure."""
    actor = actor_of(request)
    action, chosen = request.POST.get("action", ""), ticked(request, "invitation")
    if again := ticked(request, "again"):
        # The button of a line, which is about that line alone.
        action, chosen = "resend", again
    if action not in ("resend", "revoke"):
        raise Malformed("Choose what to do with the invitations, then try again.")
    if not chosen:
        return _back(request, "Tick the invitations first, then choose what to do with them.")
    if len(chosen) > MOST_AT_ONCE:
        return _back(request, f"Tick at most {MOST_AT_ONCE} invitations at once.")
    if action == "revoke" and request.POST.get("confirmed") != "read":
        return _ask(request, chosen)
    done: list[Invitation] = []
    already: list[Invitation] = []
    refused: list[Refusal] = []
    left: list[UUID] = []
    for invitation_id, expected_version in chosen.items():
        try:
            if action == "resend":
                done.append(invitations.resend(invitation_id, expected_version=expected_version, by=actor))
            else:
                invitation, changed = invitations.revoke(invitation_id, expected_version=expected_version, by=actor)
                (done if changed else already).append(invitation)
        except Refusal as refusal:
            refused.append(refusal)
            left.append(invitation_id)
    if len(refused) == len(chosen) and all(isinstance(each, invitations.InvitationUnknown) for each in refused):
        raise refused[0]
    words = "sent again" if action == "resend" else "revoked"
    if done:
        messages.success(request, f"{_whose(done)} {words}.", extra_tags=PEOPLE_KEY)
    if already:
        messages.success(request, f"{_whose(already)} {words} already.", extra_tags=PEOPLE_KEY)
    for sentence in dict.fromkeys(refusal.message for refusal in refused):
        messages.error(request, sentence, extra_tags=PEOPLE_KEY)
    if left:
        keep(request, PEOPLE_KEY, invitation=left)
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
    messages.error(request, reason, extra_tags=PEOPLE_KEY)
    keep(request, PEOPLE_KEY)
    return redirect(_list(request))


def _list(request: HttpRequest) -> str:
    query = QueryDict(request.POST.get("list", "")[:4000])
    return f"{reverse('settings:users')}?{query.urlencode()}#{PEOPLE_KEY}" if query else address_of_list()
