"""The list of people as a CSV file: written while it is read, so that its length costs no memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from audit.actions import Action
from audit.views import exports
from console.actions import action
from organizations.views.current import organization_of
from users.models import User
from users.views.user_filters import PeopleForm, Place, UserOrder
from users.views.users import PEOPLE

AT_ONCE = 1000

HEADINGS = ("Name", "User name", "E-mail", "Role", "Status", "Source", "Last sign-in", "Added", "Id")


@action(PEOPLE, "users/export/", "export-users", permission="users.view", reads=True)
def export(request: HttpRequest) -> StreamingHttpResponse:
    """All people whom the list shows, on all its pages and in its order."""
    organization = organization_of(request)
    form = PeopleForm(request.GET, organization_id=organization.pk)
    people = User.objects.of(organization.pk).select_related("role").only(
        "display_name", "name_key", "user_name", "user_name_key", "email", "is_active", "source", "last_login",
        "created_at", "organization_id", "role__name",
    )  # fmt: skip
    zone = ZoneInfo(organization.time_zone)
    today = timezone.localtime(timezone=zone).date()
    rows = (_cells(user, zone) for batch in _batches(form.narrow(people), form.order) for user in batch)
    taken = exports.Export(Action.USERS_EXPORTED, form.given)
    return exports.csv_file(request, taken, f"users-{organization.slug}-{today}.csv", HEADINGS, rows)


def _batches(found: QuerySet[User], order: UserOrder) -> Iterator[list[User]]:
    """The people in parts, each read by a statement of its own: nothing stays open while a client takes its time."""
    ordered = order.of(found)
    batch = list(ordered[:AT_ONCE])
    while batch:
        yield batch
        batch = list(ordered.filter(order.beyond(Place.at(batch[-1], order)))[:AT_ONCE])


def _cells(user: User, zone: ZoneInfo) -> tuple[str, ...]:
    return (
        user.display_name,
        user.user_name,
        user.email,
        str(user.role),
        "Active" if user.is_active else "Suspended",
        user.get_source_display(),
        _moment(user.last_login, zone),
        _moment(user.created_at, zone),
        str(user.pk),
    )


def _moment(value: datetime | None, zone: ZoneInfo) -> str:
    return value.astimezone(zone).isoformat(sep=" ", timespec="seconds") if value else ""
