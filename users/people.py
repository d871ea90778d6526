"""Settings > Users: the list of users, searched, narrowed and sorted by the server."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from organizations import exports, pages
from organizations.pages import Context, Control, Page, Section
from users import inviting, listing, undo
from users.changing import PEOPLE_KEY, change
from users.export import export
from users.listing import PeopleForm
from users.models import Headcount, User
from users.person import person
from users.services import roles


def _people(request: HttpRequest) -> Context:
    user: Any = request.user
    organization_id = pages.organization_of(request).pk
    form = PeopleForm(request.GET, organization_id=organization_id)
    pending = inviting.pending(form, organization_id=organization_id)
    total = sum(Headcount.objects.filter(pk=organization_id).values_list("users", flat=True))
    chosen = pages.kept(request, PEOPLE_KEY)
    common = {
        "form": form,
        "ticked": chosen.ids("invitation" if form.asks_for_invited else "person"),
        "chosen_role": chosen.text("role"),
        "is_alone": total == 1,
        "total": total,
        "invited": pending.total,
        "pending": pending,
        "address_of_invited": inviting.address_of_list(),
        "here": request.GET.urlencode(),
        "may_edit": user.has_perm("users.edit"),
        "may_export": exports.is_open_to(request),
    }
    if form.asks_for_invited:
        return {**common, "lists_invited": True, **inviting.listed(request, form)}
    # The document is not read.
    people = User.objects.of(organization_id).select_related("role").only(
        "display_name", "name_key", "user_name", "user_name_key", "email", "is_active", "source", "last_login",
        "version", "organization_id", "role__name", "password_reset_blocked_until",
    )  # fmt: skip
    found = form.narrow(people)
    leaf = listing.leaf(found, form.order, request.GET)
    return {
        **common,
        "leaf": leaf,
        "count": listing.how_many(found, leaf) if form.narrows else f"{total:,}",
        "asked": listing.asked_of(request.GET).urlencode(),
        "roles": roles.offered_to(user),
    }


def whereabouts(organization_id: UUID, ids: Collection[str]) -> Mapping[str, str]:
    """The pages of people."""
    found = User.objects.of(organization_id).filter(pk__in=ids).values_list("pk", flat=True)
    return {str(user_id): reverse("settings:person", args=[user_id]) for user_id in found}


PEOPLE = Section(
    page=Page.USERS,
    key=PEOPLE_KEY,
    title="Users",
    position=10,
    permission="users.view",
    template="settings/sections/people.html",
    context=_people,
    controls=(
        Control("users/export/", "export-people", "users.view", export, reads=True),
        Control("users/change/", "change-people", "users.edit", change),
        Control("users/invite/", "invite", "users.edit", inviting.show_form, reads=True),
        Control("users/invitations/send/", "send-invitations", "users.edit", inviting.invite),
        Control("users/invitations/change/", "change-invitations", "users.edit", inviting.change),
        Control("users/changes/<uuid:event_id>/", "undo", "users.edit", undo.ask, reads=True),
        Control("users/changes/<uuid:event_id>/undo/", "undo-change", "users.edit", undo.undo),
        Control("users/<uuid:user_id>/", "person", "users.view", person, reads=True),
    ),
)
