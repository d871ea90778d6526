"""Settings > Users > Account request notifications: who is mailed when somebody asks for an account."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse

from console.actions import Outcome, Saved, action
from console.forms import ActionForm, AsTypedField, IdField
from console.requests import actor_of, is_htmx
from console.sections import Context, Page, Section, shows
from organizations.views.current import organization_of
from users.models import User
from users.services import request_notifications
from users.services.request_notifications import NotificationsFull, NotMailed
from users.views.current import user_of
from users.views.user_filters import named

MOST_FOUND = 10
LONGEST_TYPED = 254

# Without the profile: only the columns that are shown are read.
_UNREAD = ("document", "search")


class PersonForm(ActionForm):
    """Who is put on the list or taken off it, and what was searched for when they were found."""

    person = IdField()
    notify = AsTypedField()


REQUEST_NOTIFICATIONS = Section(
    page=Page.USERS,
    key="account-request-notifications",
    title="Account request notifications",
    position=50,
    permission="users.view",
    template="settings/request_notifications/section.html",
)


@shows(REQUEST_NOTIFICATIONS)
def _context(request: HttpRequest) -> Context:
    user = user_of(request)
    organization_id = organization_of(request).pk
    may_edit = user.has_perm("users.edit")
    listed = list(request_notifications.listed(organization_id).select_related("role").defer(*_UNREAD))
    typed = _typed(request.GET.get("notify", "")) if may_edit else ""
    found = _found(typed, organization_id)
    on_list = {person.pk for person in listed}
    return {
        "listed": [(person, person.has_perm("users.edit")) for person in listed],
        "nobody_active": not any(person.is_active for person in listed),
        "may_edit": may_edit,
        "typed": typed,
        "found": [(person, person.has_perm("users.edit"), person.pk in on_list) for person in found[:MOST_FOUND]],
        "more": len(found) > MOST_FOUND,
        "most_found": MOST_FOUND,
    }


def _found(typed: str, organization_id: UUID) -> list[User]:
    """The first whose name or address has in it what was typed, and one more if there are more."""
    if not typed:
        return []
    people = User.objects.of(organization_id).filter(named(typed)).select_related("role").defer(*_UNREAD)
    return list(people.order_by("user_name_key")[: MOST_FOUND + 1])


@action(
    REQUEST_NOTIFICATIONS,
    "users/request-notices/add/",
    "add-request-notification",
    permission="users.edit",
    form=PersonForm,
)
def add(request: HttpRequest, form: PersonForm) -> Outcome:
    """Have somebody mailed; where a rule forbids it, what was searched for stays."""
    actor = actor_of(request)
    try:
        person, is_news = request_notifications.add(form.cleaned_data["person"], by=actor)
    except (NotMailed, NotificationsFull) as refusal:
        if is_htmx(request):
            raise
        messages.error(request, refusal.message, extra_tags=REQUEST_NOTIFICATIONS.key)
        query = urlencode({"notify": _typed(form.cleaned_data["notify"])})
        return redirect(f"{reverse('settings:users')}?{query}#{REQUEST_NOTIFICATIONS.key}")
    message = f"{person} is mailed about account requests{'' if is_news else ' already'}."
    return Saved(message)


@action(
    REQUEST_NOTIFICATIONS,
    "users/request-notices/remove/",
    "remove-request-notification",
    permission="users.edit",
    form=PersonForm,
)
def remove(request: HttpRequest, form: PersonForm) -> Saved:
    """Let somebody be mailed no longer."""
    person, is_news = request_notifications.remove(form.cleaned_data["person"], by=actor_of(request))
    message = (
        f"{person} is no longer mailed about account requests." if is_news else f"{person} was off the list already."
    )
    return Saved(message)


def _typed(text: str) -> str:
    return text.replace("\x00", "").strip()[:LONGEST_TYPED]
