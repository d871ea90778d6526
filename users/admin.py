"""Settings > Users: the default role, the roles, and the heading under which single sign-on is set up."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from organizations import pages
from organizations.pages import Context, Control, Page, Section
from users.listing import DOMAIN
from users.models import Role, User
from users.permissions import RIGHTS, Area, BuiltIn, Level
from users.services import roles

AREAS: Mapping[Area, str] = {
    Area.USERS: "Users",
    Area.ROLES: "Roles",
    Area.SIGN_IN: "Sign-in and SCIM",
    Area.DOMAINS: "Domains",
    Area.ORGANIZATION: "Organization",
    Area.AUDIT_LOG: "Audit log",
}
LEVELS: Mapping[Level, str] = {Level.NONE: "None", Level.VIEW: "View", Level.EDIT: "Edit"}


def _default_role(request: HttpRequest) -> Context:
    user: Any = request.user
    return {
        "roles": Role.objects.of(user.organization_id).filter(is_enabled=True),
        "current": roles.default_role(user.organization_id),
        "may_edit": user.has_perm("roles.edit"),
        "to_confirm": _role(request.GET.get("default-role", ""), user.organization_id),
    }


def _role(text: str, organization_id: UUID) -> Role | None:
    try:
        return roles.find(UUID(text), organization_id=organization_id)
    except (ValueError, roles.RoleUnknown):
        return None


def choose_default_role(request: HttpRequest) -> HttpResponse:
    """Make a role the default one; Admin only when the warning has been seen."""
    actor = pages.actor_of(request)
    role = _role(request.POST.get("role", ""), actor.organization_id)
    if role is None:
        raise roles.RoleUnknown("This role no longer exists. Reload the page and choose another.")
    if role.is_admin and role != roles.default_role(actor.organization_id) and "sure" not in request.POST:
        if pages.is_htmx(request):
            return HttpResponse(DEFAULT_ROLE.render(request, {"to_confirm": role}))
        return redirect(f"{reverse('settings:users')}?default-role={role.pk}#{DEFAULT_ROLE.key}")
    roles.make_default(role, by=actor)
    return pages.done(request, DEFAULT_ROLE, f"Saved. New users get the role {role}.")


def whereabouts_of_roles(organization_id: UUID, ids: Collection[str]) -> Mapping[str, str]:
    """Where the roles are shown."""
    return dict.fromkeys(ids, ROLES.address)


def users_per_domain(organization_id: UUID) -> Mapping[str, int]:
    """How many users have their userName in each domain."""
    counted = User.objects.of(organization_id).order_by().annotate(domain=DOMAIN).values("domain")
    return dict(counted.annotate(users=Count("*")).values_list("domain", "users"))


def _roles(request: HttpRequest) -> Context:
    organization_id = pages.organization_of(request).pk
    rights = {role: RIGHTS[BuiltIn(role.key)] for role in Role.objects.of(organization_id)}
    return {
        "areas": AREAS.values(),
        "rows": [(role, [LEVELS[levels.get(area, Level.NONE)] for area in AREAS]) for role, levels in rights.items()],
    }


DEFAULT_ROLE = Section(
    page=Page.USERS,
    key="default-role",
    title="Default role",
    lead="New users get this role when your identity provider sends none.",
    position=20,
    permission="roles.view",
    template="settings/sections/default_role.html",
    context=_default_role,
    controls=(Control("users/default-role/", "default-role", "roles.edit", choose_default_role),),
)
ROLES = Section(
    page=Page.USERS,
    key="roles",
    title="Roles",
    lead="What each role may see and change in Settings. Everybody may see their own profile.",
    position=30,
    permission="roles.view",
    template="settings/sections/roles.html",
    context=_roles,
)
SINGLE_SIGN_ON = Section(
    page=Page.USERS,
    key="single-sign-on",
    title="Single Sign-On (SSO)",
    lead="Let your identity provider manage who has an account here.",
    position=40,
    permission="sign-in.view",
)
