"""Invitations on the list of Settings > Users: those that were neither accepted nor revoked by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Case, Count, Q, When
from django.http import HttpRequest
from django.urls import reverse

from console.sections import Context
from core.search_keys import sought
from organizations.views.current import organization_of
from users.models import Invitation, Source, User
from users.services import authority, invitations
from users.views.current import user_of
from users.views.user_filters import INVITED, PEOPLE_KEY, PER_PAGE, PeopleForm, Sort

# Who was invited has no name yet.
ORDERS: Mapping[Sort, str] = {
    Sort.ADDRESS: "email_key",
    Sort.NAME: "email_key",
    Sort.NEWEST: "-id",
    Sort.OLDEST: "id",
}


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
