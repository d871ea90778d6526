"""Domains come, go and have their checkmark switched; only checkmarked ones let addresses in."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.actors import operator_at_the_command_line
from domains import services
from domains.models import Domain
from domains.services import AddressRefused, DomainInvalid, DomainTaken, DomainUnknown, DomainUnverified
from tests.tenants import Tenant


def test_a_domain_that_an_operator_vouches_for_is_verified(acme: Tenant) -> None:
    domain = services.add(" New.Example ", verified=True, by=acme.by)
    assert (domain.name, domain.is_verified, domain.verified_by, domain.user_requests, domain.created_by) == (
        "new.example", True, "operator", False, "Ada Moreau",
    )  # fmt: skip
    event = acme.last_event()
    assert (event.action, event.target_label) == ("domain.added", "new.example")
    assert str(event) == "Ada Moreau added the domain new.example"


def test_a_domain_is_unverified_until_somebody_proves_it(acme: Tenant) -> None:
    domain = services.add("new.example", by=acme.by)
    assert not domain.is_verified
    with pytest.raises(DomainUnverified, match=r"Verify new\.example"):
        services.set_user_requests(domain.pk, True, by=acme.by)
    assert not Domain.objects.get(pk=domain.pk).user_requests
    assert acme.last_event().action == "domain.added"


@pytest.mark.parametrize("name", ["", "localhost", "no domain", "127.0.0.1", "a..example", "-a.example", "x" * 300])
def test_what_is_no_domain_is_refused(acme: Tenant, name: str) -> None:
    with pytest.raises(DomainInvalid):
        services.add(name, by=acme.by)
    assert Domain.objects.of(acme.id).count() == 1


@pytest.mark.parametrize("name", ["acme.example", "ACME.Example"])
def test_a_domain_is_registered_once(acme: Tenant, name: str) -> None:
    with pytest.raises(DomainTaken, match="registered already"):
        services.add(name, verified=True, by=acme.by)


def test_a_domain_is_verified_in_one_organization_only_and_nobody_learns_which(acme: Tenant, globex: Tenant) -> None:
    for verified in (True, False):
        with pytest.raises(DomainTaken) as refused:
            services.add("globex.example", verified=verified, by=acme.by)
        assert "Globex" not in refused.value.message
    services.add("new.example", by=globex.by)
    assert services.add("new.example", by=acme.by).is_verified is False


def test_the_checkmark_is_audited_both_ways(acme: Tenant) -> None:
    domain = services.find("acme.example", organization_id=acme.id)
    services.set_user_requests(domain.pk, False, by=acme.by)
    assert acme.last_event().action == "domain.disallowed"
    assert acme.last_event().changes == {"user_requests": [True, False]}
    services.set_user_requests(domain.pk, True, by=acme.by)
    assert acme.last_event().action == "domain.allowed"
    assert acme.last_event().changes == {"user_requests": [False, True]}
    assert str(acme.last_event()) == "Ada Moreau allowed User requests for acme.example"


def test_asking_for_the_checkmark_that_is_there_leaves_no_trace(acme: Tenant) -> None:
    events = len(acme.events())
    domain = services.find("acme.example", organization_id=acme.id)
    assert services.set_user_requests(domain.pk, True, by=acme.by).user_requests is True
    assert len(acme.events()) == events


def test_removing_is_audited_and_frees_the_domain(acme: Tenant, globex: Tenant) -> None:
    services.remove(services.find("acme.example", organization_id=acme.id), by=acme.by)
    assert (acme.last_event().action, acme.last_event().target_label) == ("domain.removed", "acme.example")
    assert services.add("acme.example", verified=True, by=globex.by).is_verified


def test_people_stay_when_their_domain_goes(acme: Tenant) -> None:
    ann = acme.add("ann")
    services.remove(services.find("acme.example", organization_id=acme.id), by=acme.by)
    ann.refresh_from_db()
    assert ann.is_active


def test_another_organizations_domain_does_not_exist(acme: Tenant, globex: Tenant) -> None:
    theirs = services.find("globex.example", organization_id=globex.id)
    with pytest.raises(DomainUnknown):
        services.find("globex.example", organization_id=acme.id)
    with pytest.raises(DomainUnknown):
        services.set_user_requests(theirs.pk, False, by=acme.by)
    theirs.refresh_from_db()
    assert theirs.user_requests


def test_addresses_are_let_in_by_exact_domain_in_any_spelling(acme: Tenant) -> None:
    acme.tick("bücher.example")
    services.check_addresses(
        ["ann@acme.example", "ANN@ACME.EXAMPLE", "ben@Bücher.example", "ben@xn--bcher-kva.example"],
        organization_id=acme.id,
    )


@pytest.mark.parametrize(
    ("address", "reason", "fix"),
    [
        ("ann@elsewhere.example", "domain-unknown", "Add it in"),
        ("ann@sub.acme.example", "domain-unknown", "Add it in"),
        ("ann@unticked.example", "domain-without-user-requests", "tick User requests"),
        ("ann@unproven.example", "domain-unverified", "verify it and tick User requests"),
        ("ann", "domain-unknown", "Add it in"),
    ],
)
def test_a_refusal_names_domain_page_and_mend(acme: Tenant, address: str, reason: str, fix: str) -> None:
    acme.tick("unticked.example", False)
    services.add("unproven.example", by=acme.by)
    with pytest.raises(AddressRefused) as refused:
        services.check_addresses(["ok@acme.example", address], organization_id=acme.id)
    assert refused.value.reason == reason
    assert fix in refused.value.message
    assert services.DOMAINS_PAGE in refused.value.message
    assert f"'{refused.value.domain}'" in refused.value.message


def test_many_addresses_cost_one_query_and_none_costs_none(acme: Tenant) -> None:
    with CaptureQueriesContext(connection) as statements:
        services.check_addresses([f"p{number}@acme.example" for number in range(100)], organization_id=acme.id)
    assert len(statements) == 1
    with CaptureQueriesContext(connection) as statements:
        services.check_addresses([], organization_id=acme.id)
    assert len(statements) == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "acme.example"},
        {"name": "globex.example", "verified_at": timezone.now()},
        {"name": "unproven.example", "user_requests": True},
    ],
    ids=["twice in an organization", "verified twice", "checkmark without proof"],
)
def test_the_database_refuses_what_no_service_would_write(
    acme: Tenant, globex: Tenant, fields: dict[str, object]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Domain.objects.create(organization=acme.organization, created_by="nobody", **fields)


def test_an_operator_vouches_for_a_domain_that_an_admin_has_added(acme: Tenant, globex: Tenant) -> None:
    by = operator_at_the_command_line(acme.id)
    added = services.add("new.example", by=acme.by)
    domain = services.add("NEW.example", verified=True, by=by)
    assert (domain.pk, domain.is_verified, domain.verified_by, domain.created_by) == (
        added.pk,
        True,
        "operator",
        "Ada Moreau",
    )
    event = acme.last_event()
    assert (event.action, event.changes, event.actor_label) == (
        "domain.verified", {"verified_by": ["", "operator"]}, "Operator (command line)",
    )  # fmt: skip
    with pytest.raises(DomainTaken, match="registered already"):
        services.add("new.example", verified=True, by=by)
    theirs = services.add("other.example", by=globex.by)
    services.add("other.example", verified=True, by=by)
    with pytest.raises(DomainTaken, match="can't be registered here"):
        services.add("other.example", verified=True, by=globex.by)
    assert not Domain.objects.get(pk=theirs.pk).is_verified


@pytest.mark.parametrize("typed", ["https://www.initech.example/", "ivan@initech.example", "www.initech.example/x"])
def test_a_domain_within_something_else_is_proposed_and_not_added_by_itself(acme: Tenant, typed: str) -> None:
    proposal = services.propose(typed, organization_id=acme.id)
    assert (proposal.name, proposal.warnings) == ("initech.example", [])
    assert proposal.notes == [f"You typed “{typed}”. The domain in it is initech.example."]
    if "/" in typed or "@" in typed:
        with pytest.raises(DomainInvalid, match=r"Do you mean initech\.example\?"):
            services.add(typed, by=acme.by)


def test_a_lookalike_within_a_web_address_is_warned_of(acme: Tenant) -> None:
    proposal = services.propose("https://асme.example/", organization_id=acme.id)
    assert proposal.notes and proposal.warnings
