"""Settings > Organization > Your organization > Slug: change it, and see the former ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from console import reauthentication, responses
from console.requests import actor_of, member_of
from console.sections import Context, Page, PageAction, Section
from core.refusals import Refusal
from organizations.models import Organization
from organizations.services import slugs
from organizations.views.current import organization_of

LONGEST_TYPED = 200

# What has the slug in it. The paths are written out: the apps that answer there lie further up.
ADDRESSES: Mapping[str, str] = {
    "SCIM Base URL": "{base}/scim/{slug}/v2",
    "Sign-in address": "{base}/sign-in/{slug}/",
}


def _context(request: HttpRequest) -> Context:
    organization = organization_of(request)
    user = member_of(request)
    return {
        "organization": organization,
        "former": slugs.former(organization.pk),
        "may_edit": user.has_perm("organization.edit"),
    }


def ask(request: HttpRequest) -> HttpResponse:
    """The page on which a slug is typed and, once one is, what it will change."""
    return _page(request, request.GET.get("slug"))


def change(request: HttpRequest) -> HttpResponse:
    """Take another slug, which the page has shown the consequences of."""
    actor = actor_of(request)
    typed = request.POST.get("slug", "")[:LONGEST_TYPED]
    back = f"{reverse('settings:slug')}?{urlencode({'slug': typed})}"
    if (question := reauthentication.ask_to_reauthenticate(request, back, "change the slug")) is not None:
        return question
    try:
        organization = slugs.change(typed, expected_slug=request.POST.get("expected_slug", ""), by=actor)
    except Refusal as refusal:
        return _page(request, typed, wrong=refusal.message)
    return responses.done(
        request, SLUG, f"The slug is {organization.slug} now. Give the new Base URL to your identity provider."
    )


def _page(request: HttpRequest, typed: str | None, wrong: str = "") -> HttpResponse:
    organization = Organization.objects.get(pk=organization_of(request).pk)
    slug = ""
    if typed is not None:
        typed = typed.replace("\x00", "")[:LONGEST_TYPED]
        try:
            slug = slugs.check(typed, organization)
        except slugs.SlugRefused as refusal:
            wrong = wrong or refusal.message
    context = {
        "title": "Change the slug",
        "page": Page.ORGANIZATION,
        "organization": organization,
        "typed": organization.slug if typed is None else typed,
        "slug": slug,
        "wrong": wrong,
        "changes": [(name, _at(text, organization.slug), _at(text, slug)) for name, text in ADDRESSES.items()],
        "until": timezone.now() + slugs.GRACE,
        "days": slugs.GRACE.days,
        "back": SLUG.address,
    }
    return render(request, "settings/slug/slug.html", context)


def _at(address: str, slug: str) -> str:
    return address.format(base=settings.BASE_URL, slug=slug)


def extend(request: HttpRequest, former_id: UUID) -> HttpResponse:
    """Let a former slug work for longer."""
    former = slugs.extend(former_id, by=actor_of(request))
    return responses.done(request, SLUG, f"The former slug {former.slug} works for {slugs.GRACE.days} days from now.")


def end(request: HttpRequest, former_id: UUID) -> HttpResponse:
    """Let a former slug lead nowhere from now on."""
    if (question := reauthentication.ask_to_reauthenticate(request, SLUG.address, "end the former slug")) is not None:
        return question
    former = slugs.end(former_id, by=actor_of(request))
    return responses.done(request, SLUG, f"The former slug {former.slug} leads nowhere any more.")


def links(organization_id: UUID, ids: Collection[str]) -> Mapping[str, str]:
    """Where former slugs are shown."""
    found = slugs.former(organization_id)
    return {str(row.pk): SLUG.address for row in found if str(row.pk) in ids}


SLUG = Section(
    page=Page.ORGANIZATION,
    key="slug",
    title="Slug",
    lead="The word that stands for your organization in addresses.",
    position=12,
    permission="organization.view",
    within="your-organization",
    template="settings/slug/section.html",
    context=_context,
    actions=(
        PageAction("organization/slug/", "slug", "organization.edit", ask, reads=True),
        PageAction("organization/slug/change/", "change-slug", "organization.edit", change),
        PageAction("organization/slug/<uuid:former_id>/extend/", "extend-slug", "organization.edit", extend),
        PageAction("organization/slug/<uuid:former_id>/end/", "end-slug", "organization.edit", end),
    ),
)
