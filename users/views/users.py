"""Settings > Users: the list of users, searched, narrowed and sorted by the server."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from console import csv_download
from console.kept_choices import kept
from console.sections import Context, Page, Section, shows
from organizations.views.current import organization_of
from users.models import Headcount, User
from users.services import roles
from users.views import pending_invitations, user_filters
from users.views.current import user_of
from users.views.user_filters import PEOPLE_KEY, PeopleForm

PEOPLE = Section(
    page=Page.USERS,
    key=PEOPLE_KEY,
    title="Users",
    position=10,
    permission="users.view",
    template="settings/users/section.html",
)


@shows(PEOPLE)
def _people(request: HttpRequest) -> Context:
    user = user_of(request)
    organization_id = organization_of(request).pk
    form = PeopleForm(request.GET, organization_id=organization_id)
    pending = pending_invitations.pending(form, organization_id=organization_id)
    total = sum(Headcount.objects.filter(pk=organization_id).values_list("users", flat=True))
    chosen = kept(request, PEOPLE_KEY)
    common = {
        "form": form,
        "ticked": chosen.ids("invitation" if form.asks_for_invited else "person"),
        "chosen_role": chosen.text("role"),
        "is_alone": total == 1,
        "total": total,
        "invited": pending.total,
        "pending": pending,
        "address_of_invited": pending_invitations.address_of_list(),
        "here": request.GET.urlencode(),
        "may_edit": user.has_perm("users.edit"),
        "may_export": csv_download.is_open_to(request),
    }
    if form.asks_for_invited:
        return {**common, "lists_invited": True, **pending_invitations.listed(request, form)}
    # The document is not read.
    people = User.objects.of(organization_id).select_related("role").only(
        "display_name", "name_key", "user_name", "user_name_key", "email", "is_active", "source", "last_login",
        "version", "organization_id", "role__name", "password_reset_blocked_until",
    )  # fmt: skip
    found = form.narrow(people)
    list_page = user_filters.list_page(found, form.order, request.GET)
    return {
        **common,
        "list_page": list_page,
        "count": user_filters.how_many(found, list_page) if form.narrows else f"{total:,}",
        "asked": user_filters.asked_of(request.GET).urlencode(),
        "roles": roles.offered_to(user),
    }


def links(organization_id: UUID, ids: Collection[str]) -> Mapping[str, str]:
    """The pages of people."""
    found = User.objects.of(organization_id).filter(pk__in=ids).values_list("pk", flat=True)
    return {str(user_id): reverse("settings:person", args=[user_id]) for user_id in found}
