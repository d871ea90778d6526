"""Settings > Users: the default role, and the heading under which single sign-on is set up."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.db.models import Count
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse

from console.actions import Outcome, Saved, Shown, action
from console.requests import actor_of, is_htmx
from console.sections import Context, Page, Section, shows
from core.actors import Actor
from core.refusals import Refusal
from organizations.views.current import organization_of
from users.models import Role, User
from users.services import roles
from users.views.current import user_of
from users.views.user_filters import DOMAIN

DEFAULT_ROLE = Section(
    page=Page.USERS,
    key="default-role",
    title="Default role",
    lead="New users get this role when your identity provider sends none.",
    position=20,
    permission="roles.view",
    template="settings/default_role/section.html",
)


@shows(DEFAULT_ROLE)
def _default_role(request: HttpRequest) -> Context:
    user = user_of(request)
    return {
        "roles": roles.offered_to(user),
        "current": roles.default_role(organization_of(request).pk),
        "may_edit": user.has_perm("roles.edit"),
        "unconfirmed_role": _unconfirmed_role(request.GET.get("default-role", ""), actor_of(request)),
    }


def _unconfirmed_role(role_id: str, by: Actor) -> Role | None:
    try:
        return roles.find_for(role_id, by=by) if role_id else None
    except Refusal:
        return None


@action(DEFAULT_ROLE, "users/default-role/", "default-role", permission="roles.edit")
def choose_default_role(request: HttpRequest) -> Outcome:
    """Make a role the default one; Admin only when the warning has been seen."""
    actor = actor_of(request)
    role = roles.find_for(request.POST.get("role", ""), by=actor)
    if role.is_admin and role != roles.default_role(actor.organization_id) and "confirmed" not in request.POST:
        if is_htmx(request):
            return Shown({"unconfirmed_role": role})
        return redirect(f"{reverse('settings:users')}?default-role={role.pk}#{DEFAULT_ROLE.key}")
    roles.make_default(role, by=actor)
    return Saved(f"Saved. New users get the role {role}.")


def users_per_domain(organization_id: UUID) -> Mapping[str, int]:
    """How many users have their userName in each domain."""
    counted = User.objects.of(organization_id).order_by().annotate(domain=DOMAIN).values("domain")
    return dict(counted.annotate(users=Count("*")).values_list("domain", "users"))


SINGLE_SIGN_ON = Section(
    page=Page.USERS,
    key="single-sign-on",
    title="Single Sign-On (SSO)",
    lead="Let your identity provider manage who has an account here.",
    position=40,
    permission="sign-in.view",
)
