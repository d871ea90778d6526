"""Organizations in the operators' admin: their size, health, and what operators do about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin import SimpleListFilter, display, register
from django.db import transaction
from django.db.models import Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

import domains.services
import organizations.services.organizations
from audit.actions import Action
from audit.models import AuditEvent
from console.operator_admin import OperatorAdmin
from console.requests import operator_for
from console.templatetags import console
from core.actors import Actor
from core.ids import first_id_at
from core.parsing import id_of
from core.refusals import Refusal
from domains.models import Domain
from organizations.models import Organization
from organizations.services import slugs, support
from provisioning.models import Connection, RequestLog
from provisioning.services import onboarding
from provisioning.services.connections import connections
from saasmanager import operators
from signin.forms import AddressField
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


class RenameForm(forms.Form):
    """The name and slug of an organization, with those that the form was made from."""

    name = forms.CharField(label="Name", max_length=120)
    slug = forms.CharField(
        label="Slug", max_length=63, help_text="A slug that is given up leads to the organization for 90 days."
    )
    expected_name = forms.CharField(widget=forms.HiddenInput)
    expected_slug = forms.CharField(widget=forms.HiddenInput)


class FirstAdminForm(forms.Form):
    """Who administers an organization that has nobody for that."""

    admin_email = AddressField(
        label="First Admin's e-mail address", max_length=254, help_text="A first password is shown once."
    )


class VouchForm(forms.Form):
    """The domain that an organization is known to own."""

    domain = forms.CharField(
        label="E-mail domain",
        max_length=253,
        help_text="Verified by your word, without a DNS record. Only do this where you know that it is theirs.",
    )


@dataclass(frozen=True, slots=True)
class Step:
    """What changes whether an organization is active: its words, and the verb that does it."""

    verb: Callable[..., Organization]
    wanted: bool
    title: str
    done: str


class StateFilter(SimpleListFilter):
    """Whether organizations are active."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The words of the column."""
        return [("active", "Active"), ("suspended", "Suspended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those in one state."""
        return queryset.filter(is_active=self.value() == "active") if self.value() else queryset


class SupportFilter(SimpleListFilter):
    """Whether organizations request support now."""

    title = "Request support"
    parameter_name = "support"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """On and off."""
        return [("on", "On"), ("off", "Off")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those that do, or do not."""
        wanting = Q(support_until__gt=timezone.now())
        match self.value():
            case "on":
                return queryset.filter(wanting)
            case "off":
                return queryset.filter(~wanting | Q(support_until=None))
        return queryset


@register(Organization)
class OrganizationAdmin(OperatorAdmin[Organization]):
    """The list of organizations, and a page of each with what operators can do about it."""

    list_display = (
        "name", "slug", "state", "users", "groups", "domains", "scim", "last_request", "requests", "failures", "wants",
    )  # fmt: skip
    list_filter = (StateFilter, SupportFilter)
    ordering = ("name", "id")
    search_fields = ("name", "slug")
    search_help_text = "A name or slug, or a part of it"
    sortable_by = ("name", "slug")

    def get_urls(self) -> list[URLPattern]:
        """Django's addresses, and those of the buttons on an organization's page."""
        verbs: dict[str, View] = {
            "suspend": self.suspend,
            "reactivate": self.reactivate,
            "rename": self.rename,
            "first-admin": self.first_admin,
            "vouch": self.vouch,
            "enter": require_POST(self.enter),
        }
        wrap, prefix = self.admin_site.admin_view, "organizations_organization"
        own = [
            path(f"<uuid:organization_id>/{verb}/", wrap(view), name=f"{prefix}_{verb.replace('-', '_')}")
            for verb, view in verbs.items()
        ]
        return [*own, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        """Organizations with their counts, whatever their number in one statement."""
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

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Organization], search_term: str
    ) -> tuple[QuerySet[Organization], bool]:
        """Django's search in names and slugs: organizations are not that many."""
        return super(OperatorAdmin, self).get_search_results(request, queryset, search_term)

    def organization_id_of(self, row: Any) -> UUID | None:
        """Its own id."""
        found: UUID = row.pk
        return found

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

    @display(description="Failed")
    def failures(self, organization: Any) -> str:
        return console.number(organization.failures)

    @display(description="Support access", empty_value="no")
    def wants(self, organization: Organization) -> str | None:
        return (
            format_html("<span>until {}</span>", console.clock(organization.support_until))
            if organization.wants_support
            else None
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Yes: ``add_view`` asks the service."""
        return True

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, under its own name."""
        response: HttpResponse = super().changelist_view(request, {**(extra_context or {}), "title": "Organizations"})
        return response

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Make an organization; what its first Admin needs is shown once."""
        form = NewOrganizationForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            given = form.cleaned_data
            try:
                opened = onboarding.open_organization(
                    given["name"],
                    given["slug"],
                    domains_with_requests=[given["domain"]] if given["domain"] else [],
                    admin_email=given["admin_email"],
                    by=operator_for(request, UUID(int=0)),
                )
            except Refusal as refusal:
                form.add_error(None, refusal.message)
            else:
                message = "Organization created. Copy these details now; the password won’t be shown again."
                return self._credentials(request, opened.organization, opened.admin, opened.admin_password, message)
        context = {"title": "New organization", "form": form, "button": "Create organization", "leads": []}
        return self._page(request, "operator/form.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """What operators know of an organization, and what they can do about it."""
        organization = self._find(request, id_of(object_id))
        events = AuditEvent.objects.of(organization.pk).filter(action__in=SUSPENSIONS)[:SUSPENSIONS_SHOWN]
        context = {
            "title": str(organization),
            "organization": organization,
            "former": slugs.former(organization.pk),
            "has_admin": onboarding.has_admin(organization.pk),
            "operators_present": support.operators_present(organization),
            "base_url": connections.base_url(organization),
            "suspensions": [
                (event, event.action == Action.ORGANIZATION_SUSPENDED, event.changes.get("reason", [None, ""])[1])
                for event in events
            ],
        }
        return self._page(request, "operator/organization.html", context)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Lead to what operators did in the organization."""
        organization = self._find(request, id_of(object_id))
        events = reverse("admin:audit_auditevent_changelist")
        return redirect(f"{events}?{urlencode({'organization_id': organization.pk})}")

    def suspend(self, request: HttpRequest, organization_id: UUID) -> HttpResponse:
        """Let nobody of it in, once there is a reason."""
        return self._with_reason(request, organization_id, SUSPEND)

    def reactivate(self, request: HttpRequest, organization_id: UUID) -> HttpResponse:
        """Let its people in again, once there is a reason."""
        return self._with_reason(request, organization_id, REACTIVATE)

    def rename(self, request: HttpRequest, organization_id: UUID) -> HttpResponse:
        """Give it another name or slug."""
        organization = self._find(request, organization_id)
        names = {"name": organization.name, "slug": organization.slug}
        initial = {**names, **{f"expected_{field}": value for field, value in names.items()}}

        def save(given: dict[str, str], by: Actor) -> str:
            _rename(organization, given, by)
            return "Saved."

        leads = ["Its sign-in address and Base URL contain the slug. The former ones lead to the new for 90 days."]
        return self._act(request, organization, RenameForm, save, "Rename", leads, initial)

    def first_admin(self, request: HttpRequest, organization_id: UUID) -> HttpResponse:
        """Add an Admin to an organization that has none who can sign in."""
        organization = self._find(request, organization_id)

        def save(given: dict[str, str], by: Actor) -> HttpResponse:
            admin, password = onboarding.add_first_admin(given["admin_email"], by=by)
            message = "Admin added. Copy these details now; the password won’t be shown again."
            return self._credentials(request, organization, admin, password, message)

        leads = ["Only for an organization without an Admin who can sign in. Its Admins add all others."]
        return self._act(request, organization, FirstAdminForm, save, "Add the first Admin", leads)

    def vouch(self, request: HttpRequest, organization_id: UUID) -> HttpResponse:
        """Take a domain for verified."""
        organization = self._find(request, organization_id)

        def save(given: dict[str, str], by: Actor) -> str:
            domain = domains.services.add(given["domain"], verified=True, by=by)
            return f"{domain.readable} is verified for {organization}."

        leads = ["The organization’s Admins then decide on User requests for it."]
        return self._act(request, organization, VouchForm, save, "Vouch for a domain", leads)

    def enter(self, request: HttpRequest, organization_id: UUID) -> HttpResponse:
        """Begin to look at an organization that has asked for support."""
        self._find(request, organization_id)
        try:
            return operators.enter(request, organization_id)
        except Refusal as refusal:
            messages.error(request, refusal.message)
            return _to_page(organization_id)

    def _act(
        self,
        request: HttpRequest,
        organization: Organization,
        form_class: type[forms.Form],
        save: Callable[[dict[str, str], Actor], str | HttpResponse],
        button: str,
        leads: list[str],
        initial: dict[str, str] | None = None,
    ) -> HttpResponse:
        """Show a form, then do what it asks for; what a service refuses stays typed."""
        form = form_class(request.POST if request.method == "POST" else None, initial=initial)
        if form.is_valid():
            try:
                done = save(form.cleaned_data, operator_for(request, organization.pk))
            except Refusal as refusal:
                form.add_error(None, refusal.message)
            else:
                if isinstance(done, HttpResponse):
                    return done
                messages.success(request, done)
                return _to_page(organization.pk)
        context = {"title": f"{button}: {organization}", "organization": organization, "form": form}
        return self._page(request, "operator/form.html", {**context, "button": button, "leads": leads})

    def _with_reason(self, request: HttpRequest, organization_id: UUID, step: Step) -> HttpResponse:
        organization = self._find(request, organization_id)
        if organization.is_active == step.wanted:
            messages.info(request, f"{organization} is {step.done} already.")
            return _to_page(organization_id)
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                step.verb(form.cleaned_data["reason"], by=operator_for(request, organization_id))
            except Refusal as refusal:
                form.add_error("reason", refusal.message)
            else:
                messages.success(request, f"{organization} is {step.done}.")
                return _to_page(organization_id)
        title = f"{step.title} {organization}"
        context = {"title": f"{title}?", "button": title, "organization": organization, "step": step, "form": form}
        return self._page(request, "operator/suspension.html", context)

    def _credentials(
        self, request: HttpRequest, organization: Organization, admin: Any, password: str | None, message: str
    ) -> HttpResponse:
        context = {"title": str(organization), "organization": organization, "message": message}
        context |= {"admin": admin, "password": password, "base_url": connections.base_url(organization)}
        return self._page(request, "operator/credentials.html", context)

    def _find(self, request: HttpRequest, organization_id: UUID | None) -> Any:
        organization = self.get_queryset(request).filter(pk=organization_id).first() if organization_id else None
        if organization is None:
            raise Http404("There is no such organization.")
        return organization

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        return render(request, template, {**self.admin_site.each_context(request), "opts": self.opts, **context})


SUSPEND = Step(organizations.services.organizations.suspend, False, "Suspend", "suspended")
REACTIVATE = Step(organizations.services.organizations.reactivate, True, "Reactivate", "active")


@transaction.atomic
def _rename(organization: Organization, given: dict[str, str], by: Actor) -> None:
    """Change name and slug, or neither."""
    zone, style = organization.time_zone, organization.date_style
    if given["name"] != given["expected_name"]:
        expected = (given["expected_name"], zone, style)
        organizations.services.organizations.update(given["name"], zone, style, expected=expected, by=by)
    if given["slug"] != given["expected_slug"]:
        slugs.change(given["slug"], expected_slug=given["expected_slug"], by=by)


def _to_page(organization_id: UUID) -> HttpResponse:
    return redirect("admin:organizations_organization_change", organization_id)


def _count(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.order_by().values("organization").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
