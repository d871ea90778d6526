"""The mass-change brake: its own page with who has gone, who was kept, its switch, its answers."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string

from console import sections
from console.actions import Saved, Shown, action
from console.forms import SwitchForm, VersionForm
from console.requests import actor_of
from console.sections import Page
from core.parsing import number_of
from core.refusals import StaleVersion
from organizations.views.current import organization_of
from provisioning.models import Brake
from provisioning.services import brake as brakes
from provisioning.services.brake import PercentInvalid, ProvisioningPaused
from provisioning.services.connections import granted_permissions
from provisioning.views import which_connection
from provisioning.views.which_connection import SCIM
from users.services import authority
from users.services.authority import BeyondOwnRights
from users.views.current import user_of

PER_PAGE = 50

# Where messages about an answer belong.
OF_THE_BRAKE = "brake"


@action(SCIM, "users/scim/<uuid:connection_id>/brake/", "scim-brake", permission="sign-in.view", reads=True)
def brake_page(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """How the brake stands, and of whom it is."""
    connection = which_connection.chosen(request)
    brake = brakes.of(connection)
    gone = Paginator(brakes.departures(brake), PER_PAGE).get_page(request.GET.get("page"))
    refused = Paginator(brakes.refused(brake), PER_PAGE).get_page(request.GET.get("refused"))
    context = {
        "title": "Mass-change brake",
        "lead": "Who goes by SCIM within an hour, and who is held back because they are too many.",
        "page": Page.USERS,
        "brake": brake,
        "back": which_connection.address(connection),
        "gone": gone,
        "refused": refused,
        "cause": ProvisioningPaused.code,
        "least": brakes.LEAST,
        "may_edit": sections.may(request, "sign-in.edit"),
        "beyond": granted_permissions.beyond(connection, authority.of(user_of(request)), act=brakes.RESUMING),
        "notices": [each for each in messages.get_messages(request) if each.extra_tags == OF_THE_BRAKE],
    }
    return render(request, "settings/brake/brake.html", context)


@action(
    SCIM, "users/scim/<uuid:connection_id>/brake/release/", "resume-scim", permission="sign-in.edit", form=VersionForm
)
def resume(request: HttpRequest, form: VersionForm, connection_id: UUID) -> HttpResponse:
    """Let through what is held back, when it comes again."""
    return _answer(request, form, brakes.resume, "Released. Nothing is held back for an hour.")


@action(
    SCIM, "users/scim/<uuid:connection_id>/brake/keep/", "keep-scim-paused", permission="sign-in.edit", form=VersionForm
)
def keep(request: HttpRequest, form: VersionForm, connection_id: UUID) -> HttpResponse:
    """Go on refusing, and mail nobody about it any more."""
    return _answer(request, form, brakes.keep, "Kept held. You are not reminded by mail any more.")


def _answer(request: HttpRequest, form: VersionForm, verb: Callable[..., Brake], message: str) -> HttpResponse:
    connection = which_connection.chosen(request)
    try:
        verb(connection, expected_version=form.version, by=actor_of(request))
    except (StaleVersion, BeyondOwnRights) as refusal:
        messages.error(request, refusal.message, extra_tags=OF_THE_BRAKE)
    else:
        messages.success(request, message, extra_tags=OF_THE_BRAKE)
    return redirect("settings:scim-brake", connection.pk)


@action(
    SCIM,
    "users/scim/<uuid:connection_id>/brake/switch/",
    "scim-brake-switch",
    permission="sign-in.edit",
    form=SwitchForm,
)
def turn_brake(request: HttpRequest, form: SwitchForm, connection_id: UUID) -> Saved:
    """Turn the mass-change brake on or off."""
    brakes.set_enabled(which_connection.chosen(request), form.is_on, by=actor_of(request))
    return Saved("The brake is on." if form.is_on else "The brake is off, and holds nothing back.")


@action(SCIM, "users/scim/<uuid:connection_id>/brake/percent/", "scim-brake-percent", permission="sign-in.edit")
def set_brake_percent(request: HttpRequest, connection_id: UUID) -> Saved | Shown:
    """Say at which share of the people the brake holds back."""
    typed = request.POST.get("percent", "").strip()[:20]
    percent = number_of(typed, 20) or 0
    try:
        brakes.set_percent(which_connection.chosen(request), percent, by=actor_of(request))
    except (PercentInvalid, BeyondOwnRights) as refusal:
        return Shown({"percent_typed": typed, "percent_wrong": refusal.message})
    return Saved(f"The brake holds back what is more than {percent} percent.")


def banner(request: HttpRequest) -> str:
    """What the head of Settings > Users says while a brake holds."""
    paused = brakes.paused(organization_of(request).pk)
    if not paused:
        return ""
    own, may_edit = authority.of(user_of(request)), sections.may(request, "sign-in.edit")
    shown = [(brake, may_edit and not granted_permissions.beyond(brake.connection, own)) for brake in paused]
    return render_to_string("settings/brake/banner.html", {"paused": shown}, request)
