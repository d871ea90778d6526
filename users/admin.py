"""Settings > Users: the list of people, the default role, and the heading under which single sign-on is set up."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet, Value
from django.db.models.functions import StrIndex, Substr
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from domains.addresses import fold
from organizations import pages
from organizations.pages import Context, Control, Page, Section
from users.models import Headcount, Role, Source, User
from users.permissions import RIGHTS, Area, BuiltIn, Level
from users.services import roles

PER_PAGE = 25

AREAS: Mapping[Area, str] = {
    Area.USERS: "Users",
    Area.ROLES: "Roles",
    Area.SIGN_IN: "Sign-in and SCIM",
    Area.DOMAINS: "Domains",
    Area.ORGANIZATION: "Organization",
    Area.AUDIT_LOG: "Audit log",
}
LEVELS: Mapping[Level, str] = {Level.NONE: "None", Level.VIEW: "View", Level.EDIT: "Edit"}

STATUSES = {"active": Q(is_active=True), "suspended": Q(is_active=False)}


class PeopleForm(forms.Form):
    """What the list of people is narrowed to; a value that makes no sense narrows nothing."""

    q = forms.CharField(label="Search", required=False, max_length=254)
    role = forms.ModelChoiceField(Role.objects.none(), required=False, empty_label="All roles")
    status = forms.ChoiceField(
        choices=[("", "All statuses"), ("active", "Active"), ("suspended", "Suspended")], required=False, label="Status"
    )
    source = forms.ChoiceField(choices=[("", "All sources"), *Source.choices], required=False, label="Source")

    def __init__(self, data: Any, *, organization_id: UUID) -> None:
        super().__init__(data, auto_id="people-%s")
        self.fields["role"].queryset = Role.objects.of(organization_id)  # type: ignore[attr-defined]

    def narrow(self, people: QuerySet[User]) -> QuerySet[User]:
        """The people who fit every value given."""
        self.is_valid()
        given = {name: value for name, value in self.cleaned_data.items() if value}
        if text := given.get("q"):
            part = fold(text)
            people = people.filter(
                Q(name_key__contains=part) | Q(user_name_key__contains=part) | Q(email_key__contains=part)
            )
        if status := given.get("status"):
            people = people.filter(STATUSES[status])
        return people.filter(**{name: given[name] for name in ("role", "source") if name in given})

    @property
    def narrows(self) -> bool:
        """Whether anything is asked for."""
        return any(self.cleaned_data.values())


def _people(request: HttpRequest) -> Context:
    organization_id = pages.organization_of(request).pk
    form = PeopleForm(request.GET, organization_id=organization_id)
    # By userName, for that order has an index; the document is not read.
    people = User.objects.of(organization_id).select_related("role").order_by("user_name_key")
    found = form.narrow(people).only(
        "display_name", "user_name", "email", "is_active", "source", "last_login", "organization_id", "role__name"
    )
    total = sum(Headcount.objects.filter(pk=organization_id).values_list("users", flat=True))
    paginator = Paginator(found, PER_PAGE)
    if not form.narrows:
        # A cached property, and this is its cache.
        paginator.count = total
    query = request.GET.copy()
    for name in ("page", "changed"):
        query.pop(name, None)
    return {
        "form": form,
        "total": total,
        "people": paginator.get_page(request.GET.get("page")),
        "query": f"{query.urlencode()}&" if query else "",
    }


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


def whereabouts_of_people(organization_id: UUID, ids: Collection[str]) -> Mapping[str, str]:
    """Where each of the people is shown."""
    found = User.objects.of(organization_id).filter(pk__in=ids).values_list("pk", "user_name")
    return {str(pk): f"{reverse('settings:users')}?{urlencode({'q': name})}#{PEOPLE.key}" for pk, name in found}


def whereabouts_of_roles(organization_id: UUID, ids: Collection[str]) -> Mapping[str, str]:
    """Where the roles are shown."""
    return dict.fromkeys(ids, ROLES.address)


def users_per_domain(organization_id: UUID) -> Mapping[str, int]:
    """How many users have their userName in each domain."""
    domain = Substr("user_name_key", StrIndex("user_name_key", Value("@")) + 1)
    counted = User.objects.of(organization_id).order_by().annotate(domain=domain).values("domain")
    return dict(counted.annotate(users=Count("*")).values_list("domain", "users"))


def _roles(request: HttpRequest) -> Context:
    organization_id = pages.organization_of(request).pk
    rights = {role: RIGHTS[BuiltIn(role.key)] for role in Role.objects.of(organization_id)}
    return {
        "areas": AREAS.values(),
        "rows": [(role, [LEVELS[levels.get(area, Level.NONE)] for area in AREAS]) for role, levels in rights.items()],
    }


PEOPLE = Section(
    page=Page.USERS,
    key="users",
    title="Users",
    position=10,
    permission="users.view",
    template="settings/sections/people.html",
    context=_people,
)
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
