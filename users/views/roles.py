"""Settings > Users > Roles: the list, a role's permissions, and an organization's own roles."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import wraps
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from console import sections
from console.actions import Outcome, Saved, action
from console.forms import ActionForm, SwitchForm
from console.kept_choices import keep, kept
from console.requests import actor_of, is_htmx
from console.sections import Context, Page, Section, shows
from core.parsing import id_of
from core.refusals import Refusal, StaleVersion
from organizations.views.current import organization_of
from users.models import Role, User
from users.permissions import Area, Level
from users.services import authority, role_reassignment, roles
from users.services.roles import RoleInUse, RoleUnknown
from users.views import role_reassignment as progress
from users.views.current import user_of

AREAS: Mapping[Area, str] = {
    Area.USERS: "Users",
    Area.ROLES: "Roles",
    Area.SIGN_IN: "Sign-in and SCIM",
    Area.DOMAINS: "Domains",
    Area.ORGANIZATION: "Organization",
    Area.AUDIT_LOG: "Audit log",
}
LEVELS: Mapping[Level, str] = {Level.NONE: "None", Level.VIEW: "View", Level.EDIT: "Edit"}

# What a level comes to in an area, in words.
SUMMARIES: Mapping[tuple[Area, Level], str] = {
    (Area.USERS, Level.VIEW): "Sees everybody with role, status, profile and groups, and exports the list.",
    (Area.USERS, Level.EDIT): "Sees everybody, gives roles, and suspends, restores and removes people.",
    (Area.ROLES, Level.VIEW): "Sees the roles and which one is the default.",
    (Area.ROLES, Level.EDIT): "Makes, changes and deletes roles, and chooses the default one.",
    (Area.SIGN_IN, Level.VIEW): "Sees how SCIM is set up, and the latest requests of the identity provider.",
    (
        Area.SIGN_IN,
        Level.EDIT,
    ): "Sets up SCIM, and lets an identity provider in where that can give no role that may do more than theirs.",
    (Area.DOMAINS, Level.VIEW): "Sees the domains and which of them let people in.",
    (Area.DOMAINS, Level.EDIT): "Adds, verifies and removes domains, and decides which of them let people in.",
    (Area.ORGANIZATION, Level.VIEW): "Sees the name and the time zone of the organization.",
    (Area.ORGANIZATION, Level.EDIT): "Changes the name and the time zone of the organization.",
    (Area.AUDIT_LOG, Level.VIEW): "Reads who changed what, and exports it.",
    (Area.AUDIT_LOG, Level.EDIT): "Reads who changed what, and exports it. Nobody can change the audit log.",
}

# What has just become of a role is said on its page under this name.
ROLE_KEY = "role"


class RoleForm(forms.Form):
    """The name of a role and its level in each area; the levels that whoever fills it in may hand on."""

    name = forms.CharField(label="Name", max_length=60)
    expected_version = forms.IntegerField(required=False, min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, of: User, role: Role | None = None, **options: Any) -> None:
        levels = role.levels if role else {}
        initial = {area.value: levels.get(area, Level.NONE).name.lower() for area in Area}
        if role and not role._state.adding:
            initial |= {"name": role.name, "expected_version": str(role.version)}
        super().__init__(data, initial=initial, auto_id="role-%s", **options)
        for area, label in AREAS.items():
            choices = [
                (level.name.lower(), word)
                for level, word in LEVELS.items()
                if level is Level.NONE or of.has_perm(f"{area}.{level.name.lower()}")
            ]
            self.fields[area.value] = forms.ChoiceField(label=label, choices=choices)

    @property
    def areas(self) -> Iterable[forms.BoundField]:
        """The fields of the levels."""
        return [self[area.value] for area in AREAS]

    @property
    def levels(self) -> Mapping[Area, Level]:
        """The levels that were chosen."""
        return {area: Level[self.cleaned_data[area.value].upper()] for area in Area}

    def show_again(self, version: int) -> None:
        """Let the next attempt begin from what is so now, with all else as it was typed."""
        self.data = {**{name: self.data.get(name) for name in self.data}, "expected_version": str(version)}


def links(organization_id: UUID, ids: Collection[str]) -> Mapping[str, str]:
    """The pages of the roles."""
    found = Role.objects.of(organization_id).filter(pk__in=ids).values_list("pk", flat=True)
    return {str(role_id): _address(role_id) for role_id in found}


# The list


ROLES = Section(
    page=Page.USERS,
    key="roles",
    title="Roles",
    lead="What each role may see and change in Settings. Everybody may see their own profile.",
    position=30,
    permission="roles.view",
    template="settings/roles/section.html",
)


@shows(ROLES)
def _roles(request: HttpRequest) -> Context:
    user = user_of(request)
    reach = authority.of(user)
    # Counted by role alone, which an index does without the people.
    holders = User.objects.filter(role=OuterRef("pk")).order_by().values("role").annotate(number=Count("*"))
    people = Coalesce(Subquery(holders.values("number")), 0)
    return {
        "areas": AREAS.values(),
        "rows": [
            {
                "role": role,
                "levels": [LEVELS[role.levels.get(area, Level.NONE)] for area in AREAS],
                "may_switch": role.is_optional and user.has_perm("roles.edit") and reach.covers(role),
            }
            for role in Role.objects.of(organization_of(request).pk).annotate(people=people)
        ],
        "may_edit": user.has_perm("roles.edit"),
        "may_see_people": user.has_perm("users.view"),
    }


def _on_its_page(view: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """Let a refusal be said on the page of the role, with what was chosen there; the page's script says it itself."""

    @wraps(view)
    def guarded(request: HttpRequest, *sent: ActionForm, role_id: UUID) -> Outcome:
        try:
            return view(request, *sent, role_id=role_id)
        except RoleUnknown:
            raise
        except Refusal as refusal:
            if is_htmx(request):
                raise
            messages.error(request, refusal.message, extra_tags=ROLE_KEY)
            keep(request, ROLE_KEY)
            return redirect(_address(role_id))

    return guarded


@action(ROLES, "users/roles/<uuid:role_id>/switch/", "switch-role", permission="roles.edit", form=SwitchForm)
@_on_its_page
def switch_role(request: HttpRequest, form: SwitchForm, role_id: UUID) -> Outcome:
    """Offer one of the optional roles, or stop that; where people have it, ask which one they get first."""
    actor, wanted = actor_of(request), form.is_on
    replacement = _replacement(request)
    if not wanted and replacement and not _is_confirmed(request):
        return _ask(request, _found(request, role_id), "off", replacement)
    before = progress.before(request)
    if not wanted and replacement and (now := progress.move(request, role_id, replacement, expected_version=None)):
        role = _found(request, role_id)
        return progress.show(
            request, role, progress.reassigning(role, replacement, before + now, expected_version=None)
        )
    try:
        role, moved = roles.set_enabled(
            role_id, wanted, replacement_id=replacement.pk if replacement else None, by=actor
        )
    except RoleInUse:
        if replacement:
            raise
        address = f"{_address(role_id)}#offered"
        return _lead(request, address)
    message = f"The role {role} can be given again." if wanted else f"The role {role} is off."
    return _done(request, message + _moved(before + moved, replacement))


@action(ROLES, "users/roles/<uuid:role_id>/delete/", "delete-role", permission="roles.edit")
@_on_its_page
def delete_role(request: HttpRequest, role_id: UUID) -> Outcome:
    """Take a role away once the person is sure, and give its people another."""
    replacement = _replacement(request)
    if not _is_confirmed(request):
        return _ask(request, _found(request, role_id), "delete", replacement)
    before, expected_version = progress.before(request), sections.expected_version(request)
    if replacement and (now := progress.move(request, role_id, replacement, expected_version=expected_version)):
        role = _found(request, role_id)
        return progress.show(
            request,
            role,
            progress.reassigning(role, replacement, before + now, expected_version=expected_version),
        )
    role, moved = roles.delete(
        role_id,
        replacement_id=replacement.pk if replacement else None,
        expected_version=expected_version,
        by=actor_of(request),
    )
    return _done(request, f"Deleted the role {role}." + _moved(before + moved, replacement))


def _lead(request: HttpRequest, address: str) -> HttpResponse:
    return HttpResponse(headers={"HX-Redirect": address}) if is_htmx(request) else redirect(address)


def _done(request: HttpRequest, message: str) -> Outcome:
    """Back to the list with the news, also from the page that shows how far people have been given another role."""
    if is_htmx(request) and request.headers.get("HX-Target") == progress.CARD:
        messages.success(request, message, extra_tags=ROLES.key)
        return HttpResponse(headers={"HX-Redirect": ROLES.address})
    return Saved(message)


def _ask(request: HttpRequest, role: Role, verb: str, replacement: Role | None) -> HttpResponse:
    """The page that says what will happen; nothing has happened yet."""
    people = progress.people_of(role)
    if replacement is None and role_reassignment.is_in_use(role):
        raise RoleInUse(f"People have the role {role}. Choose the role that they get instead.")
    context = {
        "title": f"Delete the role {role}?" if verb == "delete" else f"Switch the role {role} off?",
        "page": Page.USERS,
        "role": role,
        "verb": verb,
        "replacement": replacement,
        "people": people,
        "takes_steps": people > role_reassignment.TOGETHER,
        "expected_version": sections.expected_version(request) if verb == "delete" else 0,
        "back": _address(role.pk),
    }
    return render(request, "settings/roles/confirm.html", context)


def _moved(people: int, replacement: Role | None) -> str:
    if not people:
        return ""
    return f" {people:,} {'person has' if people == 1 else 'people have'} the role {replacement} now."


# One role


@action(ROLES, "users/roles/<uuid:role_id>/", "role", permission="roles.view", reads=True)
def show_role(request: HttpRequest, role_id: UUID) -> HttpResponse:
    """What a role may do, in words, who has it, and what can be done to it."""
    return _page(request, _found(request, role_id))


@action(ROLES, "users/roles/<uuid:role_id>/save/", "save-role", permission="roles.edit")
def save_role(request: HttpRequest, role_id: UUID) -> HttpResponse:
    """Change a role; what was typed stays where that can't be."""
    user = user_of(request)
    role = _found(request, role_id)
    form = RoleForm(request.POST, of=user, role=role)
    if form.is_valid():
        expected_version = form.cleaned_data["expected_version"] or 0
        try:
            saved = roles.update(
                role_id, form.cleaned_data["name"], form.levels, expected_version=expected_version, by=actor_of(request)
            )
        except RoleUnknown:
            raise
        except StaleVersion as refusal:
            form.add_error(None, refusal.message)
            form.show_again(role.version)
        except Refusal as refusal:
            form.add_error(None, refusal.message)
        else:
            if saved.former_name and saved.name != role.name:
                return progress.show(request, saved, progress.renaming(saved, 0))
            messages.success(request, "Saved.", extra_tags=ROLE_KEY)
            return redirect(_address(role_id))
    return _page(request, role, form)


@action(ROLES, "users/roles/<uuid:role_id>/rename/", "rename-role", permission="roles.edit")
def rename_role(request: HttpRequest, role_id: UUID) -> HttpResponse:
    """Let more profiles say the new name of a role; the page shows how far it is, until all of them do."""
    done = progress.before(request)
    for _ in range(progress.steps(request)):
        role, now = roles.rename_some(role_id, by=actor_of(request))
        done += now
        if not role.former_name:
            messages.success(request, f"The profiles of all its people say {role} now.", extra_tags=ROLE_KEY)
            return _lead(request, _address(role_id))
    return progress.show(request, role, progress.renaming(role, done))


def _page(request: HttpRequest, role: Role, form: RoleForm | None = None) -> HttpResponse:
    user = user_of(request)
    may_edit = user.has_perm("roles.edit") and authority.of(user).covers(role)
    may_change, may_switch = may_edit and not role.is_built_in, may_edit and role.is_optional
    people = progress.people_of(role)
    context = {
        "title": role.name,
        "page": Page.USERS,
        "role": role,
        "summary": [
            (AREAS[area], LEVELS[level], SUMMARIES[area, level])
            for area in AREAS
            if (level := role.levels.get(area, Level.NONE))
        ],
        "people": people,
        "takes_steps": people > role_reassignment.TOGETHER,
        "renaming": progress.renaming(role) if role.former_name else None,
        "needs_heir": role_reassignment.is_in_use(role),
        "may_see_people": user.has_perm("users.view"),
        "may_change": may_change,
        "may_switch": may_switch,
        "may_make": user.has_perm("roles.edit"),
        "is_beyond": user.has_perm("roles.edit") and not may_edit,
        "replacements": [each for each in roles.offered_to(user) if each != role] if may_change or may_switch else (),
        "form": (form or RoleForm(of=user, role=role)) if may_change else None,
        "notices": sections.notices(request, ROLE_KEY),
        "kept": kept(request, ROLE_KEY),
    }
    return render(request, "settings/roles/role.html", context)


# A new role


@action(ROLES, "users/roles/new/", "new-role", permission="roles.edit", reads=True)
def new_role(request: HttpRequest) -> HttpResponse:
    """The form of a new role, empty or like another role."""
    user = user_of(request)
    model = _model(request)
    start = Role(rights=" ".join(sorted(model.permissions & authority.of(user).permissions))) if model else None
    return _new(request, RoleForm(of=user, role=start), model)


@action(ROLES, "users/roles/add/", "add-role", permission="roles.edit")
def add_role(request: HttpRequest) -> HttpResponse:
    """Make a role; what was typed stays where that can't be."""
    user = user_of(request)
    form = RoleForm(request.POST, of=user)
    if form.is_valid():
        try:
            role = roles.create(form.cleaned_data["name"], form.levels, by=actor_of(request))
        except Refusal as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, f"Made the role {role}. It can be given now.", extra_tags=ROLE_KEY)
            return redirect(_address(role.pk))
    return _new(request, form, None)


def _new(request: HttpRequest, form: RoleForm, model: Role | None) -> HttpResponse:
    context = {
        "title": "New role",
        "lead": "What its people may see and change in Settings.",
        "page": Page.USERS,
        "form": form,
        "model": model,
        "models": Role.objects.of(organization_of(request).pk),
    }
    return render(request, "settings/roles/new.html", context)


def _model(request: HttpRequest) -> Role | None:
    wanted = id_of(request.GET.get("from", ""))
    return Role.objects.of(organization_of(request).pk).filter(pk=wanted).first() if wanted else None


# What forms say


def _found(request: HttpRequest, role_id: UUID) -> Role:
    role = Role.objects.of(organization_of(request).pk).filter(pk=role_id).first()
    if role is None:
        raise RoleUnknown("There is no role of that id here.")
    return role


def _replacement(request: HttpRequest) -> Role | None:
    text = request.POST.get("replacement", "")
    return roles.find_for(text, by=actor_of(request)) if text else None


def _is_confirmed(request: HttpRequest) -> bool:
    return request.POST.get("confirmed") == "read"


def _address(role_id: UUID) -> str:
    return reverse("settings:role", args=[role_id])
