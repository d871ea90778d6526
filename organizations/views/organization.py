"""Settings > Organization > Your organization: name, time zone and language of dates."""

from collections.abc import Collection, Mapping
from itertools import groupby
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest

from console.actions import Saved, Shown, action
from console.requests import actor_of, member_of
from console.sections import Context, Page, Section, shows
from core.dates import DateStyle
from core.refusals import StaleVersion
from organizations.models import Organization, time_zones
from organizations.services import organizations
from organizations.services.organizations import OrganizationInvalid
from organizations.views.current import organization_of

# The regions of the time zone database that people live in; what stands beside them are old and technical names.
REGIONS = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
)  # fmt: skip


class OrganizationForm(forms.Form):
    """What can be changed, and what it was when the page was made."""

    name = forms.CharField(label="Name", max_length=120)
    time_zone = forms.ChoiceField(label="Time zone")
    date_style = forms.ChoiceField(label="Language of dates", choices=DateStyle.choices)
    expected_name = forms.Field(widget=forms.HiddenInput, required=False)
    expected_time_zone = forms.Field(widget=forms.HiddenInput, required=False)
    expected_date_style = forms.Field(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any = None, *, organization: Organization) -> None:
        now = {field: getattr(organization, field) for field in organizations.DETAILS}
        super().__init__(data, initial=now | _expected(organization), auto_id="organization-%s")
        self.fields["time_zone"].choices = _zones(organization.time_zone)  # type: ignore[attr-defined]

    def show_again(self, organization: Organization) -> None:
        """Let the next attempt begin from what is so now, with all else as it was typed."""
        typed = {name: self.data.get(name) for name in self.data}
        self.data = typed | _expected(organization)


def _expected(organization: Organization) -> dict[str, str]:
    return {f"expected_{field}": getattr(organization, field) for field in organizations.DETAILS}


def _zones(current: str) -> list[Any]:
    names = sorted(name for name in time_zones() if name.partition("/")[0] in REGIONS)
    regions = groupby(names, key=lambda name: name.partition("/")[0])
    listed = [(region, [(name, name.replace("_", " ")) for name in inside]) for region, inside in regions]
    others = [("UTC", "UTC")] if current == "UTC" or current in names else [("UTC", "UTC"), (current, current)]
    return [*others, *listed]


YOUR_ORGANIZATION = Section(
    page=Page.ORGANIZATION,
    key="your-organization",
    title="Your organization",
    position=10,
    permission="organization.view",
    template="settings/organization/section.html",
)


@shows(YOUR_ORGANIZATION)
def _context(request: HttpRequest) -> Context:
    user = member_of(request)
    organization = organization_of(request)
    return {
        "organization": organization,
        "form": OrganizationForm(organization=organization),
        "may_edit": user.has_perm("organization.edit"),
    }


@action(YOUR_ORGANIZATION, "organization/details/", "organization-details", permission="organization.edit")
def save(request: HttpRequest) -> Saved | Shown:
    """Change name, time zone and language of dates; what was typed stays where that can't be."""
    actor = actor_of(request)
    form = OrganizationForm(request.POST, organization=organization_of(request))
    if form.is_valid():
        given = form.cleaned_data
        try:
            organizations.update(
                given["name"],
                given["time_zone"],
                given["date_style"],
                expected=(given["expected_name"], given["expected_time_zone"], given["expected_date_style"]),
                by=actor,
            )
        except OrganizationInvalid as refusal:
            form.add_error(None, refusal.message)
        except StaleVersion as refusal:
            form.add_error(None, refusal.message)
            form.show_again(Organization.objects.get(pk=actor.organization_id))
        else:
            return Saved("Saved.")
    return Shown({"form": form})


def links(organization_id: UUID, ids: Collection[str]) -> Mapping[str, str]:
    """Where the organization is shown."""
    return dict.fromkeys(ids, YOUR_ORGANIZATION.address)
