"""The creates that were refused for their domain lately are counted from the request log, in few bounded queries."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from core.ids import first_id_at
from domains import services
from domains.services import AddressRefused, check_addresses
from provisioning.models import RequestLog
from provisioning.services.request_log import refused_domains
from provisioning.services.request_log.refused_domains import refused_creates
from tests.identity_provider import Idp
from tests.tenants import Tenant


def test_each_domain_has_the_creates_that_it_was_refused(idp: Idp, anonymous: Idp) -> None:
    for login in ("ada", "ben"):
        assert idp.send("POST", "/Users", {"userName": f"{login}@acme-unchecked.example"}).status_code == 400
    assert idp.send("POST", "/Users", {"userName": "ada@Elsewhere.example"}).status_code == 400
    assert idp.send("POST", "/Users", {"userName": "ada@bücher.example"}).status_code == 400
    ada = idp.create("ada@acme.example")
    # Neither changes, nor creates refused for another reason, nor those of somebody else count.
    assert idp.send("PUT", f"/Users/{ada['id']}", {"userName": "ada@elsewhere.example"}).status_code == 400
    assert idp.send("POST", "/Users", {"userName": "ada@acme.example"}).status_code == 409
    assert anonymous.send("POST", "/Users", {"userName": "gus@elsewhere.example"}).status_code == 400
    idp.log()
    assert refused_creates(idp.organization.pk) == {
        "acme-unchecked.example": 2, "elsewhere.example": 1, "xn--bcher-kva.example": 1,
    }  # fmt: skip


def refuse(tenant: Tenant | Idp, days_ago: float = 0) -> RequestLog:
    """A refused create in the log."""
    moment = timezone.now() - timedelta(days=days_ago)
    number = RequestLog.objects.count()
    return RequestLog.objects.create(
        id=UUID(int=first_id_at(moment).int + number),
        organization=tenant.organization, created_at=moment, request_id="r",
        method="POST", path="/Users", status=400, cause="domain-unknown", duration_us=1, token_label="t",
        result="Refused: the e-mail domain is not registered.", arguments={"domain": "new.example"},
    )  # fmt: skip


def test_what_is_longer_ago_than_a_week_does_not_count(acme: Tenant) -> None:
    refuse(acme, days_ago=6.9)
    refuse(acme, days_ago=7.1)
    assert refused_creates(acme.id) == {"new.example": 1}


def test_only_the_newest_refusals_of_each_reason_are_looked_at_in_one_query(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(refused_domains, "LATEST", 2)
    for _ in range(3):
        refuse(acme)
    with django_assert_num_queries(1):
        assert refused_creates(acme.id) == {"new.example": 2}


def test_strangers_push_no_refusal_out_of_sight(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused_domains, "LATEST", 2)
    refuse(idp)
    for _ in range(5):
        idp.http.get(idp.base + "/Users")
    idp.log()
    assert refused_creates(idp.organization.pk) == {"new.example": 1}


@pytest.mark.parametrize("name", ["elsewhere.example", "unticked.example", "unproven.example"])
def test_every_refusal_names_its_domain_for_the_log(acme: Tenant, name: str) -> None:
    acme.tick("unticked.example", False)
    services.add("unproven.example", by=acme.by)
    with pytest.raises(AddressRefused) as refused:
        check_addresses([f"ada@{name}"], organization_id=acme.id)
    assert refused.value.about == {"domain": name}
    assert refused.value.reason in refused_domains.CAUSES
