"""Settings > Users > Single Sign-On (SSO) > "Would this address be accepted?"."""

import pytest

from domains import services as domains
from domains.models import Domain
from provisioning.services.connections import connections
from tests.signed_in import SignedIn, htmx
from tests.tenants import Tenant
from users.models import Source
from users.permissions import BuiltIn

PAGE = "/settings/users/"


@pytest.fixture
def ready(acme: Tenant) -> Tenant:
    connections.generate_token(acme.connection, by=acme.by)
    connections.set_enabled(acme.connection, True, by=acme.by)
    return acme


def box(tenant: Tenant, address: str, signed_in: SignedIn, role: BuiltIn = BuiltIn.ADMIN) -> str:
    answer = signed_in(tenant, role).get(PAGE, {"accepted": address}, **htmx("scim-address"))
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_an_empty_box_asks_for_an_address_and_says_nothing(ready: Tenant, signed_in: SignedIn) -> None:
    page = box(ready, "", signed_in)
    assert "Would this address be accepted?" in page
    assert "badge" not in page


def test_an_address_that_would_be_created_says_yes_to_every_rule(ready: Tenant, signed_in: SignedIn) -> None:
    page = box(ready, "test.user@acme.example", signed_in)
    assert "SCIM would create <b>test.user@acme.example</b>." in page
    assert page.count(">Yes</span>") == 6


@pytest.mark.parametrize(
    ("address", "words", "leads_to"),
    [
        ("x@unknown.example", "Add unknown.example", "/settings/organization/?add=unknown.example"),
        ("x@new.example", "Verify new.example", "/settings/organization/domains/{new}/"),
        (
            "x@bare.example",
            "Allow bare.example for User requests",
            "/settings/organization/?domain=bare.example#domains",
        ),
        ("grace@acme.example", "Show the user", "/settings/users/{grace}/"),
    ],
)
def test_a_no_leads_to_where_it_is_mended(
    address: str, words: str, leads_to: str, ready: Tenant, signed_in: SignedIn
) -> None:
    grace = ready.add("grace", source=Source.MANUAL)
    new = domains.add("new.example", by=ready.by)
    domains.add("bare.example", verified=True, by=ready.by)
    page = box(ready, address, signed_in)
    assert f"SCIM would not create <b>{address}</b> now." in page
    assert f'href="{leads_to.format(new=new.pk, grace=grace.pk)}">{words}</a>' in page
    client = signed_in(ready)
    assert client.get(leads_to.format(new=new.pk, grace=grace.pk).partition("#")[0]).status_code == 200


def test_scim_that_is_off_leads_to_its_switch(acme: Tenant, signed_in: SignedIn) -> None:
    assert 'href="/settings/users/#scim">Generate a token</a>' in box(acme, "x@acme.example", signed_in)
    connections.generate_token(acme.connection, by=acme.by)
    assert 'href="/settings/users/#scim">Enable SCIM</a>' in box(acme, "x@acme.example", signed_in)


def test_who_may_only_read_sees_why_and_no_way_to_mend_it(ready: Tenant, signed_in: SignedIn) -> None:
    page = box(ready, "x@unknown.example", signed_in, BuiltIn.READ_ONLY)
    assert "is not registered in this organization" in page
    assert "Add unknown.example" not in page


def test_rubbish_is_no_error_and_comes_back_harmless(ready: Tenant, signed_in: SignedIn) -> None:
    for text in ("<script>@acme.example", "a\x00b@acme.example", "@", "x" * 5000, "a@b@c", "🙂@acme.example"):
        page = box(ready, text, signed_in)
        assert "<script>@" not in page


def test_without_script_the_whole_page_answers(ready: Tenant, signed_in: SignedIn) -> None:
    page = signed_in(ready).get(PAGE, {"accepted": "x@unknown.example"}).content.decode()
    assert "Add unknown.example" in page
    assert Domain.objects.filter(name="unknown.example").count() == 0
