"""The page that shows how far a role's people have been given another one, and goes on by itself until all have."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from organizations import pages
from organizations.pages import Page
from users.models import Role, User
from users.services import roles

# What the script of the page replaces at each step.
CARD = "moving"

# How many steps the button takes, for those whose browser does not go on by itself.
STEPS_OF_A_PRESS = 10


def move(request: HttpRequest, role_id: UUID, heir: Role, *, seen: int | None) -> int:
    """Take the next step, or what one press of the button is worth, see ``roles.hand_over``; tells how many people."""
    steps = STEPS_OF_A_PRESS if request.POST.get("press") else 1
    moved = 0
    for _ in range(steps):
        now = roles.hand_over(role_id, heir_id=heir.pk, seen=seen, by=pages.actor_of(request))
        if not now:
            break
        moved += now
    return moved


def show(request: HttpRequest, role: Role, heir: Role, moved: int, *, seen: int | None) -> HttpResponse:
    """The page, or to its script what it replaces: so many have the other role, and so many are left."""
    left = User.objects.of(role.organization_id).filter(role=role).count()
    address = reverse("settings:role", args=[role.pk])
    context = {
        "title": f"{heir} in place of {role}",
        "page": Page.USERS,
        "card": CARD,
        "role": role,
        "heir": heir,
        "moved": moved,
        "total": moved + left,
        "how_far": f"{moved:,} of {moved + left:,} people have the role {heir} now",
        "seen": seen,
        "address": f"{address}switch/" if seen is None else f"{address}delete/",
        "back": address,
    }
    template = "settings/roles/moving_card.html" if pages.is_htmx(request) else "settings/roles/moving.html"
    return render(request, template, context)


def before(request: HttpRequest) -> int:
    """How many people former steps have moved, as the page says."""
    text = request.POST.get("moved", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
