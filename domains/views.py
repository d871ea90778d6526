"""Settings > Organization > Your organization > Domains: the list and each domain's User requests."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from console import reauthentication, sections
from console.actions import Saved, action
from console.forms import SwitchForm
from console.requests import actor_of, is_htmx, member_of
from console.sections import Context, Page, Section, shows
from core.addresses import AddressError, check_domain, readable_domain
from core.refusals import Refusal
from domains import services
from domains.dns_verification import LABEL, PATIENCE_SECONDS, Finding
from domains.models import Domain
from organizations.views.current import organization_of

# The names under which the apps that know offer how many users there are in each domain, and how many creates were
# refused for each domain lately.
USERS_PER_DOMAIN = "users-per-domain"
REFUSED_PER_DOMAIN = "refused-per-domain"

PER_PAGE = 50
OTHER_DOMAINS_SHOWN = 3
LONGEST_TYPED = 300

# What the message on a domain's own page is marked with.
OF_A_DOMAIN = "domain"

# What to do about what a look in DNS found; the level is the look of the notice.
RECORD_HINTS: Mapping[Finding, tuple[str, str]] = {
    Finding.MISSING: (
        "warn",
        "If you have just made it, give DNS some time: most providers need minutes, some an hour. Otherwise compare "
        "its name with the one above. Some providers add the domain by themselves, and then it stands there twice.",
    ),
    Finding.WRONG: (
        "warn",
        "Add a record with the value above; other records may stay. If you have changed it just now, DNS may show the "
        "old value for up to an hour.",
    ),
    Finding.NO_SUCH_DOMAIN: (
        "bad",
        "Compare the spelling. If it is right, the domain is not registered, has expired, or is so new that DNS does "
        "not know it yet.",
    ),
    Finding.UNREACHABLE: (
        "bad",
        "The domain's name servers did not answer in time, or can't be reached from here. Try again in some minutes. "
        "If it stays so, show this to whoever looks after your DNS.",
    ),
    Finding.TAKEN: ("bad", "Ask support if the domain is yours."),
}


# The list


DOMAINS = Section(
    page=Page.ORGANIZATION,
    key="domains",
    title="Domains",
    position=20,
    permission="domains.view",
    within="your-organization",
    template="settings/domains/section.html",
)


@shows(DOMAINS)
def _context(request: HttpRequest) -> Context:
    organization_id = organization_of(request).pk
    search = _typed(request.GET.get("domain", ""))
    domains = Domain.objects.of(organization_id)
    paginator = Paginator(services.search(search, organization_id=organization_id), PER_PAGE)
    total = domains.count()
    if not search:
        # A cached property, and this is its cache.
        paginator.count = total
    page = paginator.get_page(request.GET.get("domains-page"))
    users = sections.counts(USERS_PER_DOMAIN, organization_id)
    refused = sections.counts(REFUSED_PER_DOMAIN, organization_id)
    changed = request.GET.get("changed", "")
    may_edit = _may_edit(request)
    return {
        "page": page,
        "rows": [_row(domain, users, refused, changed=str(domain.pk) == changed) for domain in page],
        "total": total,
        "search": search,
        "previous": _page_of(search, page.previous_page_number()) if page.has_previous() else "",
        "following": _page_of(search, page.next_page_number()) if page.has_next() else "",
        "may_edit": may_edit,
        "other_domains": _other_domains(refused, domains),
        **(_form(request) if may_edit else {}),
    }


def _page_of(search: str, number: int) -> str:
    """The query of a page of the list."""
    return urlencode({**({"domain": search} if search else {}), "domains-page": number})


def _row(domain: Domain, users: Mapping[str, int], refused: Mapping[str, int], *, changed: bool) -> dict[str, Any]:
    """``changed``: the switch has just been used, so the row says what that means and offers to undo it."""
    return {
        "domain": domain,
        "users": users.get(domain.name, 0),
        "refused": refused.get(domain.name, 0),
        "changed": changed,
    }


def _other_domains(refused: Mapping[str, int], domains: Any) -> list[tuple[str, str, int]]:
    """The domains that are not here, and for which most creates were refused: name, readable name, how many."""
    if not refused:
        return []
    here = set(domains.filter(name__in=list(refused)[:1000]).values_list("name", flat=True))
    often = sorted(((count, name) for name, count in refused.items() if name not in here), reverse=True)
    names = [(name, readable_domain(name), count) for count, name in often if _is_domain(name)]
    return names[:OTHER_DOMAINS_SHOWN]


def _is_domain(text: str) -> bool:
    try:
        return check_domain(text) == text
    except AddressError:
        return False


def _may_edit(request: HttpRequest) -> bool:
    return member_of(request).has_perm("domains.edit")


def _typed(text: str) -> str:
    return text.replace("\x00", "").strip()[:LONGEST_TYPED]


# Adding


def _form(request: HttpRequest) -> dict[str, Any]:
    """The form as it was typed, with what is wrong with it or should be read before it is sent again."""
    if "add" not in request.GET:
        return {}
    typed = _typed(request.GET["add"])
    try:
        return {"typed": typed, "proposal": _propose(request, typed)}
    except Refusal as refusal:
        return {"typed": typed, "wrong": refusal.message}


def _propose(request: HttpRequest, typed: str) -> services.Proposal:
    if not typed:
        raise services.DomainInvalid("Type the domain that you want to add, such as example.com.")
    return services.propose(typed, organization_id=organization_of(request).pk)


@action(DOMAINS, "organization/domains/add/", "add-domain", permission="domains.edit")
def add_domain(request: HttpRequest) -> HttpResponse:
    """Add a domain; one that should be looked at twice only when its warnings have been seen."""
    typed = _typed(request.POST.get("name", ""))
    try:
        proposal = _propose(request, typed)
        if not (proposal.notes or proposal.warnings) or request.POST.get("confirmed") == proposal.name:
            domain = services.add(proposal.name, by=actor_of(request))
            messages.success(request, f"Added {domain.readable}. Now show that it is yours.", extra_tags=OF_A_DOMAIN)
            return redirect(address_of(domain))
    except Refusal:
        # The page that is shown next finds the same fault, and says so beside the field.
        pass
    # Without a fragment, which would keep the browser from putting the focus where it is needed.
    return redirect(f"{reverse('settings:organization')}?{urlencode({'add': typed})}")


# One domain


def address_of(domain: Domain) -> str:
    """The page of a domain."""
    return reverse("settings:domain", args=[domain.pk])


@action(DOMAINS, "organization/domains/<uuid:domain_id>/", "domain", permission="domains.view", reads=True)
def show_domain(request: HttpRequest, domain_id: UUID) -> HttpResponse:
    """A page about one domain: how to verify it, what is known of it, what removing it would mean."""
    domain = services.get(domain_id, organization_id=organization_of(request).pk)
    return render(request, "settings/domains/domain.html", _about(request, domain))


def _about(request: HttpRequest, domain: Domain) -> dict[str, Any]:
    organization_id = domain.organization_id
    level, record_hint = RECORD_HINTS.get(Finding(domain.finding), ("", "")) if domain.finding else ("", "")
    return {
        "title": domain.readable,
        "page": Page.ORGANIZATION,
        "domain": domain,
        "users": sections.counts(USERS_PER_DOMAIN, organization_id).get(domain.name, 0),
        "refused": sections.counts(REFUSED_PER_DOMAIN, organization_id).get(domain.name, 0),
        "may_edit": _may_edit(request),
        "level": level,
        "record_hint": record_hint,
        "label": LABEL,
        "patience": int(PATIENCE_SECONDS),
        "notices": [each for each in messages.get_messages(request) if each.extra_tags == OF_A_DOMAIN],
    }


@action(DOMAINS, "organization/domains/<uuid:domain_id>/verify/", "verify-domain", permission="domains.edit")
def verify_domain(request: HttpRequest, domain_id: UUID) -> HttpResponse:
    """Look in DNS now, and show what was found."""
    actor = actor_of(request)
    domain = services.get(domain_id, organization_id=actor.organization_id)
    reauthentication.require(request, f"verify {domain.readable}", back=address_of(domain))
    try:
        domain = services.verify(domain_id, by=actor)
    except services.CheckedTooOften as refusal:
        if is_htmx(request):
            raise
        messages.error(request, refusal.message, extra_tags=OF_A_DOMAIN)
    if is_htmx(request):
        return render(request, "settings/domains/verification.html", {**_about(request, domain), "checked_now": True})
    return redirect(f"{address_of(domain)}#verification")


@action(DOMAINS, "organization/domains/<uuid:domain_id>/remove/", "remove-domain", permission="domains.edit")
def remove_domain(request: HttpRequest, domain_id: UUID) -> Saved:
    """Take a domain off the list."""
    actor = actor_of(request)
    domain = services.get(domain_id, organization_id=actor.organization_id)
    back = f"{address_of(domain)}#remove"
    reauthentication.require(request, f"remove {domain.readable}", back=back)
    services.remove(domain, by=actor)
    return Saved(f"Removed {domain.readable}. Its people stay.")


@action(
    DOMAINS,
    "organization/domains/<uuid:domain_id>/user-requests/",
    "user-requests",
    permission="domains.edit",
    form=SwitchForm,
)
def set_user_requests(request: HttpRequest, form: SwitchForm, domain_id: UUID) -> HttpResponse:
    """Tick or un-tick User requests of one domain."""
    actor = actor_of(request)
    domain = services.set_user_requests(domain_id, form.is_on, by=actor)
    if not is_htmx(request):
        before = Domain.objects.of(actor.organization_id).filter(name__lt=domain.name).count()
        page = {"domains-page": before // PER_PAGE + 1} if before >= PER_PAGE else {}
        query = urlencode({"changed": str(domain.pk), **page})
        return redirect(f"{reverse('settings:organization')}?{query}#domain-{domain.pk}")
    users, refused = (sections.counts(name, actor.organization_id) for name in (USERS_PER_DOMAIN, REFUSED_PER_DOMAIN))
    context = {"row": _row(domain, users, refused, changed=True), "may_edit": True}
    return render(request, "settings/domains/row.html", context)


def links(organization_id: UUID, ids: Collection[str]) -> Mapping[str, str]:
    """Where each of the domains is shown."""
    found = Domain.objects.of(organization_id).filter(pk__in=ids).values_list("pk", flat=True)
    return {str(pk): f"{reverse('settings:organization')}#domain-{pk}" for pk in found}
