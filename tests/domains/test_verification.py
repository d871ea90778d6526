"""A domain is verified by a record in DNS, in one organization only, and each look is kept."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from audit.models import AuditEvent
from domains import dns_verification, services
from domains.dns_verification import Finding, LookupResult
from domains.models import Domain
from domains.services import CheckedTooOften, DomainInvalid, DomainTaken, DomainUnknown, TooManyUnverified
from tests.nameserver import NameServer
from tests.tenants import Tenant
from tests.users.services.test_races import ROUNDS, at_once

FOUND = LookupResult(Finding.FOUND)


@pytest.fixture
def new(acme: Tenant) -> Domain:
    """A domain of Acme that nobody has verified yet."""
    return services.add("new.example", by=acme.by)


def test_the_record_verifies_the_domain_and_the_trail_tells_who_asked(
    acme: Tenant, new: Domain, nameserver: NameServer
) -> None:
    nameserver.know(new.record_name, new.record_value)
    domain = services.verify(new.pk, by=acme.by)
    assert (domain.is_verified, domain.verified_by, domain.finding) == (True, "dns", Finding.FOUND)
    assert Domain.objects.get(pk=new.pk).verified_at is not None
    event = acme.last_event()
    assert str(event) == "Ada Moreau verified the domain new.example"
    assert event.changes == {"verified_by": ["", "dns"]}
    assert services.set_user_requests(new.pk, True, by=acme.by).user_requests


def test_what_was_found_is_kept_and_changes_nothing_else(acme: Tenant, new: Domain, nameserver: NameServer) -> None:
    nameserver.know(new.record_name, "saas-manager-verification=old", "hello")
    events = len(acme.events())
    domain = services.verify(new.pk, by=acme.by)
    kept = Domain.objects.get(pk=new.pk)
    for each in (domain, kept):
        assert (each.is_verified, each.finding) == (False, Finding.WRONG)
        assert each.found == ["saas-manager-verification=old", "hello"]
    assert kept.checked_at is not None
    assert len(acme.events()) == events


def test_each_organization_and_domain_has_a_record_of_its_own(acme: Tenant, globex: Tenant, new: Domain) -> None:
    theirs = services.add("new.example", by=globex.by)
    other = services.add("newer.example", by=acme.by)
    assert theirs.record_name == new.record_name
    assert len({new.record_value, theirs.record_value, other.record_value}) == 3


def test_another_organizations_record_proves_nothing(
    acme: Tenant, globex: Tenant, new: Domain, nameserver: NameServer
) -> None:
    theirs = services.add("new.example", by=globex.by)
    nameserver.know(new.record_name, theirs.record_value)
    assert services.verify(new.pk, by=acme.by).finding == Finding.WRONG
    assert services.verify(theirs.pk, by=globex.by).is_verified


def test_the_record_of_a_removed_domain_is_worth_nothing(acme: Tenant, new: Domain, nameserver: NameServer) -> None:
    nameserver.know(new.record_name, new.record_value)
    services.remove(new, by=acme.by)
    again = services.add("new.example", by=acme.by)
    assert services.verify(again.pk, by=acme.by).finding == Finding.WRONG


def test_a_domain_verified_elsewhere_is_refused_and_nobody_learns_where(
    acme: Tenant, globex: Tenant, new: Domain, nameserver: NameServer
) -> None:
    theirs = services.add("new.example", by=globex.by)
    nameserver.know(new.record_name, new.record_value, theirs.record_value)
    assert services.verify(theirs.pk, by=globex.by).is_verified
    domain = services.verify(new.pk, by=acme.by)
    assert (domain.is_verified, domain.verified_by, domain.finding) == (False, "", Finding.TAKEN)
    assert Domain.objects.get(pk=new.pk).finding == Finding.TAKEN
    assert acme.last_event().action == "domain.added"
    for refused in (services.add, lambda name, by: services.propose(name, organization_id=by.organization_id)):
        with pytest.raises(DomainTaken, match="Ask support") as refusal:
            refused("globex.example", by=acme.by)  # type: ignore[operator]
        assert "Globex" not in refusal.value.message


def test_a_domain_is_asked_for_again_only_after_a_while(acme: Tenant, new: Domain, nameserver: NameServer) -> None:
    nameserver.know("new.example")
    services.verify(new.pk, by=acme.by)
    asked = len(nameserver.asked)
    with pytest.raises(CheckedTooOften, match="Wait some seconds"):
        services.verify(new.pk, by=acme.by)
    assert len(nameserver.asked) == asked
    with time_machine.travel(timezone.now() + services.CHECK_EVERY + timedelta(seconds=1)):
        services.verify(new.pk, by=acme.by)
    assert len(nameserver.asked) > asked


def test_an_organization_asks_so_often_a_minute_and_others_do_not_notice(
    acme: Tenant, globex: Tenant, new: Domain, nameserver: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "CHECKS_A_MINUTE", 3)
    with time_machine.travel("2026-11-24T12:00:10Z", tick=False):
        for number in range(3):
            services.verify(services.add(f"new{number}.example", by=acme.by).pk, by=acme.by)
        with pytest.raises(CheckedTooOften, match="Wait a minute"):
            services.verify(new.pk, by=acme.by)
        services.verify(services.add("new.example", by=globex.by).pk, by=globex.by)
    with time_machine.travel("2026-11-24T12:01:00Z", tick=False):
        services.verify(new.pk, by=acme.by)


def test_a_verified_domain_is_not_asked_for(acme: Tenant, nameserver: NameServer) -> None:
    domain = services.find("acme.example", organization_id=acme.id)
    assert services.verify(domain.pk, by=acme.by).verified_by == "operator"
    assert nameserver.asked == []


def test_what_is_not_here_can_be_neither_verified_nor_removed(acme: Tenant, globex: Tenant, new: Domain) -> None:
    for verb in (services.verify, lambda pk, by: services.conclude(pk, FOUND, by=by)):
        with pytest.raises(DomainUnknown):
            verb(new.pk, by=globex.by)  # type: ignore[operator]
    with pytest.raises(DomainUnknown):
        services.remove(new, by=globex.by)
    services.remove(new, by=acme.by)
    events = len(acme.events())
    with pytest.raises(DomainUnknown, match="no longer in the list"):
        services.remove(new, by=acme.by)
    assert len(acme.events()) == events


def test_no_more_domains_may_wait_than_the_limit(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MAX_UNVERIFIED", 2)
    services.add("one.example", by=acme.by)
    services.add("two.example", by=acme.by)
    with pytest.raises(TooManyUnverified, match="Verify or remove some"):
        services.add("three.example", by=acme.by)
    assert services.add("three.example", verified=True, by=acme.by).is_verified


def test_a_name_that_leaves_no_room_for_the_record_is_refused(acme: Tenant) -> None:
    name = ".".join(["x" * 60] * 4)
    assert dns_verification.LONGEST_DOMAIN < len(name) <= 253
    with pytest.raises(DomainInvalid, match="no room"):
        services.add(name, by=acme.by)
    assert services.add(name, verified=True, by=acme.by).is_verified
    longest = name[-dns_verification.LONGEST_DOMAIN :].lstrip(".")
    assert len(services.add(longest, by=acme.by).record_name) <= 253


def test_an_international_name_is_kept_as_dns_has_it_and_read_as_people_write_it(acme: Tenant) -> None:
    domain = services.add("Bücher.example", by=acme.by)
    assert (domain.name, domain.readable) == ("xn--bcher-kva.example", "bücher.example")
    assert domain.record_name == "_saasmanager-challenge.xn--bcher-kva.example"
    for text in ("büch", "BÜCHER.example", "xn--bcher", "bcher-kva"):
        assert list(services.search(text, organization_id=acme.id)) == [domain]


def test_a_proposal_adds_nothing_and_warns_of_what_should_be_read(acme: Tenant) -> None:
    before = Domain.objects.count()
    plain = services.propose("Plain.Example", organization_id=acme.id)
    assert plain == services.Proposal("plain.example", "plain.example", [], [])
    (warning,) = services.propose("gmail.com", organization_id=acme.id).warnings
    assert "public mail" in warning
    assert "looks like acme.example" in services.propose("acrne.example", organization_id=acme.id).warnings[0]
    assert Domain.objects.count() == before


@pytest.mark.django_db(transaction=True)
def test_when_two_organizations_prove_a_domain_in_the_same_moment_one_has_it(acme: Tenant, globex: Tenant) -> None:
    for number in range(ROUNDS):
        name = f"new{number}.example"
        claims = [(services.add(name, by=tenant.by), tenant) for tenant in (acme, globex)]
        deeds: list[Any] = [
            lambda claim=claim: services.conclude(claim[0].pk, FOUND, by=claim[1].by) for claim in claims
        ]
        assert at_once(*deeds) == [None, None], f"round {number}"
        findings = sorted(Domain.objects.filter(name=name).values_list("finding", flat=True))
        assert findings == ["found", "taken"], f"round {number}"
        assert Domain.objects.filter(name=name, verified_at__isnull=False).count() == 1
        assert AuditEvent.objects.filter(action="domain.verified", target_label=name).count() == 1
