"""The progress page of a role change: how many of its users are done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from console.requests import actor_of, is_htmx
from console.sections import Page
from core.parsing import number_of
from users.models import Role, User
from users.services import roles

# What the script of the page replaces at each step.
CARD = "moving"

# How many steps the button takes, for those whose browser does not go on by itself.
STEPS_OF_A_PRESS = 10


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: ``done`` of ``total`` people, in words, and what becomes of the others if nobody goes on.

    ``form`` is what the next step is asked for with, at ``address``.
    """

    title: str
    done: int
    total: int
    progress: str
    meanwhile: str
    if_left: str
    address: str
    form: Mapping[str, str | int]


def steps(request: HttpRequest) -> int:
    """How many steps to take: one, or what a press of the button is worth."""
    return STEPS_OF_A_PRESS if request.POST.get("press") else 1


def move(request: HttpRequest, role_id: UUID, replacement: Role, *, expected_version: int | None) -> int:
    """Take the next step, or what one press of the button is worth, see ``roles.reassign``; tells how many people."""
    moved = 0
    for _ in range(steps(request)):
        now = roles.reassign(
            role_id, replacement_id=replacement.pk, expected_version=expected_version, by=actor_of(request)
        )
        if not now:
            break
        moved += now
    return moved


def reassigning(role: Role, replacement: Role, moved: int, *, expected_version: int | None) -> Progress:
    """So many people of a role that goes have the other one already; ``expected_version`` is None for switching off."""
    total = moved + people_of(role)
    form: dict[str, str | int] = {"replacement": str(replacement.pk), "moved": moved, "confirmed": "read"}
    return Progress(
        title=f"{replacement} in place of {role}",
        done=moved,
        total=total,
        progress=f"{moved:,} of {total:,} people have the role {replacement} now",
        meanwhile=f"The others have the role {role} until it is their turn.",
        if_left="everybody keeps the role that they have by then",
        address=reverse("settings:switch-role" if expected_version is None else "settings:delete-role", args=[role.pk]),
        form=form | ({"wanted": "off"} if expected_version is None else {"expected_version": expected_version}),
    )


def renaming(role: Role, done: int | None = None) -> Progress:
    """How many profiles of a role's people say its new name; they are counted, unless it is known."""
    total = people_of(role)
    if done is None:
        people = User.objects.of(role.organization_id).filter(role=role)
        done = people.filter(pk__lte=role.reached).count() if role.reached else 0
    return Progress(
        title=f"{role} in place of {role.former_name}",
        done=done,
        total=total,
        progress=f"{done:,} of {total:,} people's profiles say {role} now",
        meanwhile=f"The others say {role.former_name} until it is their turn. All have the role with the same rights.",
        if_left="every profile keeps the name that it has by then",
        address=reverse("settings:rename-role", args=[role.pk]),
        form={"moved": done},
    )


def people_of(role: Role) -> int:
    """How many people have a role; asked of the role alone, which an index answers without the people."""
    return User.objects.filter(role=role).count()


def show(request: HttpRequest, role: Role, progress: Progress) -> HttpResponse:
    """The page, or to its script what it replaces."""
    context = {
        "title": progress.title,
        "page": Page.USERS,
        "card": CARD,
        "role": role,
        "progress": progress,
        "back": reverse("settings:role", args=[role.pk]),
    }
    template = "settings/roles/progress_card.html" if is_htmx(request) else "settings/roles/progress.html"
    return render(request, template, context)


def before(request: HttpRequest) -> int:
    """How many people former steps have come to, as the page says."""
    return number_of(request.POST.get("moved", "")) or 0
