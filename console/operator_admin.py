"""OperatorAdmin: the base of models that operators look up in Django's admin, without writing them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol
from uuid import UUID

from django.contrib.admin import ModelAdmin, ShowFacets, display
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from console.requests import operator_for
from console.templatetags.console import moment
from core.actors import Actor, Channel
from core.tenancy import Row

# Where a list ends: counting all rows of a long table would cost more than the page.
MOST_LISTED = 10_000


@dataclass(frozen=True, slots=True)
class OrganizationSummary:
    """What a list shows of the organization that a row belongs to.

    ``is_open``: it has Request support on, so operators may read names and addresses of its people.
    """

    name: str
    is_open: bool


class Directory(Protocol):
    """Where this room finds organizations, which are a room of their own above it."""

    def summaries(self, ids: Iterable[UUID]) -> Mapping[UUID, OrganizationSummary]:
        """Those that exist of some organizations; costs one statement."""

    def id_named(self, text: str) -> UUID | None:
        """The id of the organization with that slug or id."""

    def record_view(self, address: str, *, by: Actor) -> None:
        """Keep in the actor's organization's trail that an operator opened a page with names or addresses."""


_directories: list[Directory] = []


def register_directory(directory: Directory) -> None:
    """Let the pages of operators name organizations."""
    _directories.append(directory)


def directory() -> Directory:
    """The one that was registered."""
    return _directories[-1]


def moment_column(field: str, label: str) -> Callable[[Any, Any], str]:
    """Make a column or line that shows a point in time as all other pages do, in UTC."""

    @display(description=label)
    def shown(_admin: Any, row: Any) -> str:
        value: datetime | None = getattr(row, field)
        return moment(value) or "never"

    shown.__name__ = field
    return shown


class BoundedPaginator(Paginator[Any]):
    """Pages of the first rows only, so that neither counting nor the last page reads a whole table."""

    @cached_property
    def count(self) -> int:
        """How many rows there are, up to the bound."""
        rows: Any = self.object_list[:MOST_LISTED]
        return int(rows.count())


class OperatorAdmin(ModelAdmin[Row]):
    """A tenant's model to look at: list, search, filters and a page for each row, no form.

    The page shows ``fields``, and ``personal_fields`` only while the organization of the row has Request support on.
    The list takes no filter beside ``list_filter`` and ``lookups``, so that nobody guesses at what it hides.
    """

    fields: ClassVar[Any] = ()
    personal_fields: ClassVar[Sequence[str]] = ()
    lookups: ClassVar[Sequence[str]] = ()
    actions: Any = None
    change_form_template = "operator/record.html"
    list_max_show_all = 0
    list_per_page = 50
    ordering: ClassVar[Any] = ("-id",)
    paginator = BoundedPaginator
    search_fields: ClassVar[Any] = ("organization",)
    search_help_text = "The slug or id of an organization"
    show_facets = ShowFacets.NEVER
    show_full_result_count = False
    sortable_by: ClassVar[Any] = ()

    @display(description="Organization")
    def tenant(self, row: Any) -> str:
        """The organization, as a link to its page."""
        organization_id, summary = self.organization_id_of(row), self.summary_of(row)
        if summary is None:
            return str(organization_id or "none")
        address = reverse("admin:organizations_organization_change", args=[organization_id])
        return format_html('<a href="{}">{}</a>', address, summary.name)

    def label(self, row: Any) -> str:
        """What a row is called on pages of operators; override it where ``str()`` would name a person."""
        return str(row)

    def organization_id_of(self, row: Any) -> UUID | None:
        """The id of the organization that a row belongs to."""
        found: UUID | None = row.organization_id
        return found

    def is_personal(self, row: Any) -> bool:
        """Whether the personal fields of this row name people."""
        return bool(self.personal_fields)

    def find(self, queryset: QuerySet[Row], term: str) -> QuerySet[Row]:
        """Find rows by a text that is no organization's slug or id."""
        return queryset.none()

    def summary_of(self, row: Any) -> OrganizationSummary | None:
        """The organization of a row, asked for once; a list asks for all of its rows together."""
        if not hasattr(row, "organization_summary"):
            organization_id = self.organization_id_of(row)
            found = directory().summaries([organization_id]) if organization_id else {}
            row.organization_summary = found.get(organization_id) if organization_id else None
        summary: OrganizationSummary | None = row.organization_summary
        return summary

    def is_open(self, row: Any) -> bool:
        """Whether operators may read names and addresses of the row's organization."""
        summary = self.summary_of(row)
        return summary is not None and summary.is_open

    # What Django asks

    def has_add_permission(self, request: HttpRequest) -> bool:
        """No: services write."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No: services write."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No: services write."""
        return False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Whether the list may be narrowed by that: it would tell what it does not show by what it finds."""
        # A filter is a class with a parameter, the name of a field, or that with the class of its filter.
        filters = (each[0] if isinstance(each, tuple) else each for each in self.list_filter)
        offered = {getattr(each, "parameter_name", each) for each in filters}
        return lookup.partition("__")[0] in offered.union(self.lookups) and "\x00" not in str(value)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The lines of a page, without those that name people while that is not wanted."""
        if obj is None or (self.is_personal(obj) and not self.is_open(obj)):
            return [*self.fields]
        return [*self.fields, *self.personal_fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """All of them."""
        return self.get_fields(request, obj)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Row], search_term: str
    ) -> tuple[QuerySet[Row], bool]:
        """Find the rows of an organization by index, else what ``find`` finds."""
        term = search_term.strip()
        if not term:
            return queryset, False
        organization_id = directory().id_named(term)
        if organization_id is None:
            return self.find(queryset, term), False
        return self.of_organization(queryset, organization_id), False

    def of_organization(self, queryset: QuerySet[Row], organization_id: UUID) -> QuerySet[Row]:
        """The rows of one organization."""
        return queryset.filter(organization_id=organization_id)

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """The list, with the organizations of all its rows by one statement."""
        changelist = super().get_changelist_instance(request)
        rows: list[Any] = list(changelist.result_list)
        wanted = {organization_id for row in rows if (organization_id := self.organization_id_of(row))}
        found = directory().summaries(wanted) if wanted else {}
        for row in rows:
            organization_id = self.organization_id_of(row)
            row.organization_summary = found.get(organization_id) if organization_id else None
        changelist.result_list = rows
        return changelist

    @display(description="")
    def action_checkbox(self, obj: Any) -> SafeString:
        """The box that selects a row, under the name that operators may read."""
        return format_html(
            '<input type="checkbox" name="_selected_action" value="{}" class="action-select" aria-label="Select {}">',
            obj.pk,
            self.label(obj),
        )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show a row; that names or addresses were shown is an event of its organization."""
        row: Any = kwargs.get("obj")
        context |= {"title": self.label(row), "subtitle": None, "hides_people": False}
        if self.is_personal(row):
            context["hides_people"] = not self.is_open(row)
            if self.is_open(row) and request.method == "GET" and IS_POPUP_VAR not in request.GET:
                organization_id = self.organization_id_of(row)
                assert organization_id is not None  # noqa: S101  (only an organization opens itself)
                by = operator_for(request, organization_id, Channel.SUPPORT)
                directory().record_view(request.path, by=by)
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Lead to what operators did to the row, which is in the audit trail."""
        events = reverse("admin:audit_auditevent_changelist")
        return redirect(f"{events}?{urlencode({'target_id': object_id})}")
