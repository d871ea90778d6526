"""The operators' pages: Django's admin over organizations, with their size and health."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite, ModelAdmin, display
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, IntegerField, Model, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, URLResolver, path, re_path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

import organizations.services.organizations
from audit.actions import Action
from audit.models import AuditEvent
from console.requests import actor_for
from console.templatetags import console
from core.actors import Actor, Channel
from core.ids import first_id_at
from core.refusals import Refusal
from domains.models import Domain
from organizations.models import Organization, SupportAccess
from organizations.services import slugs, support
from provisioning.models import Connection, RequestLog
from provisioning.services import onboarding
from provisioning.services.connections import connections
from signin.forms import AddressField
from signin.middleware import SUPPORT_ACCESS, label_of
from signin.views.sign_in import OperatorSignIn
from users.models import Group, Headcount

LATELY = timedelta(hours=24)

View = Callable[..., HttpResponseBase]

# The events that say why an organization is or was suspended.
SUSPENSIONS = (Action.ORGANIZATION_SUSPENDED, Action.ORGANIZATION_REACTIVATED)
SUSPENSIONS_SHOWN = 5


class NewOrganizationForm(forms.Form):
    """What an organization begins with."""

    name = forms.CharField(label="Name", max_length=120)
    slug = forms.CharField(label="Slug", max_length=63, help_text="Part of its Base URL and sign-in address.")
    domain = forms.CharField(
        label="E-mail domain",
        max_length=253,
        required=False,
        help_text="Taken for verified, with the User requests checkmark. More can be added in its Settings.",
    )
    admin_email = AddressField(
        label="First Admin's e-mail address", max_length=254, help_text="A first password is shown once."
    )


class ReasonForm(forms.Form):
    """Why an organization is suspended or reactivated."""

    reason = forms.CharField(
        label="Reason",
        max_length=organizations.services.organizations.LONGEST_REASON,
        widget=forms.TextInput(attrs={"autofocus": True}),
        help_text="Kept in the audit log of the organization, where its people read it, and shown here.",
    )


@dataclass(frozen=True, slots=True)
class Step:
    """What changes whether an organization is active: its words, and the verb that does it."""

    verb: Callable[..., Organization]
    wanted: bool
    title: str
    done: str


class OrganizationAdmin(ModelAdmin[Organization]):
    """The list of organizations, and a page of each with what operators can do about it."""

    list_display = (
        "name", "slug", "state", "users", "groups", "domains", "scim", "last_request", "requests", "failures", "wants",
    )  # fmt: skip
    list_per_page = 50
    search_fields = ("name", "slug")
    sortable_by = ("name", "slug")
    actions = None
    change_list_template = "operator/organizations.html"

    def get_urls(self) -> list[URLPattern]:
        """The list, the form for a new one, the page of each and its buttons; nothing else of Django's."""
        wrap, name = self.admin_site.admin_view, "organizations_organization"
        return [
            path("", wrap(self.changelist_view), name=f"{name}_changelist"),
            path("add/", wrap(self.add_view), name=f"{name}_add"),
            path("<uuid:organization_id>/", wrap(self.show), name=f"{name}_change"),
            path("<uuid:organization_id>/suspend/", wrap(self.suspend), name="suspend"),
            path("<uuid:organization_id>/reactivate/", wrap(self.reactivate), name="reactivate"),
            path("<uuid:organization_id>/enter/", wrap(require_POST(self.enter)), name="enter"),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        """Organizations with their figures, whatever their number in one statement."""
        lately = RequestLog.objects.filter(id__gte=first_id_at(timezone.now() - LATELY))
        own = {"organization": OuterRef("pk")}
        return (
            super()
            .get_queryset(request)
            .annotate(
                users=Coalesce(Subquery(Headcount.objects.filter(**own).values("users")), 0),
                groups=_count(Group.objects.filter(**own)),
                domains=_count(Domain.objects.filter(**own)),
                scim=Exists(Connection.objects.filter(enabled=True, **own)),
                last_request=Subquery(RequestLog.objects.filter(**own).order_by("-id").values("created_at")[:1]),
                requests=_count(lately.filter(**own)),
                failures=_count(lately.filter(status__gte=400, **own)),
            )
        )

    @display(description="State")
    def state(self, organization: Organization) -> str:
        return "Active" if organization.is_active else "Suspended"

    @display(description="Users")
    def users(self, organization: Any) -> str:
        return console.number(organization.users)

    @display(description="Groups")
    def groups(self, organization: Any) -> str:
        return console.number(organization.groups)

    @display(description="Domains")
    def domains(self, organization: Any) -> str:
        return console.number(organization.domains)

    @display(description="SCIM")
    def scim(self, organization: Any) -> str:
        return "On" if organization.scim else "Off"

    @display(description="Last request", empty_value="never")
    def last_request(self, organization: Any) -> str | None:
        return console.moment(organization.last_request) or None

    @display(description="Requests in 24 h")
    def requests(self, organization: Any) -> str:
        return console.number(organization.requests)

    @display(description="Failed of them")
    def failures(self, organization: Any) -> str:
        return console.number(organization.failures)

    @display(description="Asks for support", empty_value="no")
    def wants(self, organization: Organization) -> str | None:
        return (
            format_html("<span>until {}</span>", console.clock(organization.support_until))
            if organization.wants_support
            else None
        )

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes an organization by a click."""
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, under its own name."""
        response: HttpResponse = super().changelist_view(request, {**(extra_context or {}), "title": "Organizations"})
        return response

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Make an organization; what its first Admin needs is shown once."""
        form = NewOrganizationForm(request.POST or None)
        opened = None
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            try:
                opened = onboarding.open_organization(
                    given["name"],
                    given["slug"],
                    domains_with_requests=[given["domain"]] if given["domain"] else [],
                    admin_email=given["admin_email"],
                    by=_actor(request, UUID(int=0)),
                )
            except Refusal as refusal:
                form.add_error(None, refusal.message)
        context = {"title": "New organization", "form": form, "opened": opened}
        if opened:
            context |= {"title": str(opened.organization), "base_url": connections.base_url(opened.organization)}
        return self._page(request, "operator/new.html", context)

    def show(self, request: HttpRequest, organization_id: UUID) -> HttpResponse:
        """What operators know of an organization, and what they can do about it."""
        organization = self._find(request, organization_id)
        events = AuditEvent.objects.of(organization_id).filter(action__in=SUSPENSIONS)[:SUSPENSIONS_SHOWN]
        context = {
            "title": str(organization),
            "organization": organization,
            "former": slugs.former(organization_id),
            "operators_present": support.operators_present(organization),
            "base_url": connections.base_url(organization),
            "suspensions": [
                (event, event.action == Action.ORGANIZATION_SUSPENDED, event.changes.get("reason", [None, ""])[1])
                for event in events
            ],
        }
        return self._page(request, "operator/organization.html", context)

    def suspend(self, request: HttpRequest, organization_id: UUID) -> HttpResponse:
        """Let nobody of it in, once there is a reason."""
        return self._with_reason(request, organization_id, SUSPEND)

    def reactivate(self, request: HttpRequest, organization_id: UUID) -> HttpResponse:
        """Let its people in again, once there is a reason."""
        return self._with_reason(request, organization_id, REACTIVATE)

    def enter(self, request: HttpRequest, organization_id: UUID) -> HttpResponse:
        """Begin to look at an organization that has asked for support."""
        self._find(request, organization_id)
        end_support_access(request)
        actor = replace(_actor(request, organization_id), channel=Channel.SUPPORT)
        try:
            support_access = support.enter(operator=str(request.user), by=actor)
        except Refusal as refusal:
            messages.error(request, refusal.message)
            return redirect("admin:organizations_organization_change", organization_id)
        request.session[SUPPORT_ACCESS] = str(support_access.pk)
        return redirect("settings:index")

    def _with_reason(self, request: HttpRequest, organization_id: UUID, step: Step) -> HttpResponse:
        organization = self._find(request, organization_id)
        there = redirect("admin:organizations_organization_change", organization_id)
        if organization.is_active == step.wanted:
            messages.info(request, f"{organization} is {step.done} already.")
            return there
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                step.verb(form.cleaned_data["reason"], by=_actor(request, organization_id))
            except Refusal as refusal:
                form.add_error("reason", refusal.message)
            else:
                messages.success(request, f"{organization} is {step.done}.")
                return there
        title = f"{step.title} {organization}"
        context = {"title": f"{title}?", "button": title, "organization": organization, "step": step, "form": form}
        return self._page(request, "operator/suspension.html", context)

    def _find(self, request: HttpRequest, organization_id: UUID) -> Any:
        organization = self.get_queryset(request).filter(pk=organization_id).first()
        if organization is None:
            raise Http404("There is no such organization.")
        return organization

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        return render(request, template, {**self.admin_site.each_context(request), "opts": self.opts, **context})


SUSPEND = Step(organizations.services.organizations.suspend, False, "Suspend", "suspended")
REACTIVATE = Step(organizations.services.organizations.reactivate, True, "Reactivate", "active")


class OperatorSite(AdminSite):
    """Django's admin for operators: superusers, who belong to no organization."""

    site_header = site_title = "SaaS Manager, operators"
    site_url = None
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether an operator is signed in."""
        user: Any = request.user
        return bool(user.is_active and user.is_superuser and user.organization_id is None)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """List the addresses of every registered model, the ways in and out, and what Django's own pages link to."""
        wrap = self.admin_view
        labels = "|".join(sorted({model._meta.app_label for model in self._registry}))
        return [
            path("", wrap(self.index), name="index"),
            path("login/", OperatorSignIn.as_view(), name="login"),
            path("logout/", self.logout, name="logout"),
            path("leave/", wrap(require_POST(leave)), name="leave"),
            path("autocomplete/", wrap(self.autocomplete_view), name="autocomplete"),
            path("jsi18n/", wrap(self.i18n_javascript, cacheable=True), name="jsi18n"),
            *(path(_place(model), (admin.urls, None, None)) for model, admin in self._registry.items()),
            re_path(rf"^(?P<app_label>{labels})/$", wrap(self.app_index), name="app_list"),
        ]

    def admin_view(self, view: View, cacheable: bool = False) -> View:  # type: ignore[override]
        """Wrap a view for operators; to anybody else who is signed in, there is nothing here."""
        inside = super().admin_view(view, cacheable)

        def signed_in_only(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if self.has_permission(request):
                return inside(request, *args, **kwargs)
            if request.user.is_authenticated:
                raise Http404("There is nothing here.")
            return redirect(f"{reverse('admin:login')}?{urlencode({'next': request.get_full_path()})}")

        return signed_in_only

    def index(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        """Go to the list."""
        return redirect("admin:organizations_organization_changelist")

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:  # type: ignore[override]
        """Our own sign-out."""
        return redirect("account_logout")


def _place(model: type[Model]) -> str:
    """Return where the pages of a model are: organizations, the entrance, at a shorter address than Django's."""
    options = model._meta
    return "organizations/" if model is Organization else f"{options.app_label}/{options.model_name}/"


def leave(request: HttpRequest) -> HttpResponse:
    """End the visit that the operator is on."""
    support_access = end_support_access(request)
    if support_access is None:
        return redirect("admin:index")
    messages.success(request, f"You have left {support_access.organization}.")
    return redirect("admin:organizations_organization_change", support_access.organization_id)


def end_support_access(request: HttpRequest) -> SupportAccess | None:
    """Forget the visit of this session, and end it if it goes on."""
    support_access = support.current(request.session.pop(SUPPORT_ACCESS, ""), operator_id=_operator(request).pk)
    if support_access is not None:
        support.leave(
            support_access, by=replace(_actor(request, support_access.organization_id), channel=Channel.SUPPORT)
        )
    return support_access


def _count(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.order_by().values("organization").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _operator(request: HttpRequest) -> Any:
    user: Any = request.user
    if not user.is_superuser:
        raise PermissionDenied("Only operators do this.")
    return user


def _actor(request: HttpRequest, organization_id: UUID) -> Actor:
    """The operator, acting on an organization from outside."""
    operator = _operator(request)
    actor = actor_for(operator, request, Channel.OPERATOR)
    return replace(actor, organization_id=organization_id, label=label_of(str(operator)))


operators = OperatorSite(name="operator")
operators.register(Organization, OrganizationAdmin)
