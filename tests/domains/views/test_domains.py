"""Settings > Organization > Domains: the checkmark that is saved at once, undone, refused and kept in the trail."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

import domains.services
from audit.actions import Action
from core.actors import Channel
from domains.models import Domain
from tests.signed_in import SignedIn, htmx
from tests.tenants import Tenant
from users.permissions import BuiltIn

PAGE = "/settings/organization/"


def switch(client: Client, domain: Domain, wanted: str, **extra: Any) -> Any:
    return client.post(f"/settings/organization/domains/{domain.pk}/user-requests/", {"wanted": wanted}, **extra)


@pytest.fixture(params=[BuiltIn.ADMIN, BuiltIn.DOMAIN_MANAGER])
def client(request: pytest.FixtureRequest, acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme, request.param)


def test_the_page_shows_each_domain_with_what_is_known_of_it(acme: Tenant, client: Client) -> None:
    domains.services.add("new.example", by=acme.by)
    for name in ("grace", "ivo"):
        acme.add(name)
    html = client.get(PAGE).content.decode()
    row = html[html.index("<b>acme.example</b>") :].partition("</tr>")[0]
    assert "Verified" in row and "by operator" in row
    assert 'aria-label="User requests for acme.example"' in row and 'aria-checked="true"' in row
    assert 'class="number">3<' in row
    assert "by Operator (command line)" in row
    row = html[html.index("<b>new.example</b>") :].partition("</tr>")[0]
    assert "Not verified" in row and 'aria-checked="false"' in row and 'class="number">0<' in row
    assert "everybody who is here already stays" in " ".join(html.split())


def test_one_click_saves_and_answers_with_the_row_and_a_way_back(acme: Tenant, domain: Domain, client: Client) -> None:
    answer = switch(client, domain, "off", **htmx())
    html = answer.content.decode()
    assert answer.status_code == 200
    assert html.strip().startswith(f'<tr id="domain-{domain.pk}"')
    assert 'aria-checked="false"' in html
    assert "User requests are off for acme.example." in html
    assert ">Undo</button>" in html
    domain.refresh_from_db()
    assert domain.user_requests is False
    event = acme.last_event()
    assert (event.action, event.channel, event.target_label) == (Action.DOMAIN_DISALLOWED, Channel.PAGE, "acme.example")
    assert event.changes == {"user_requests": [True, False]}
    assert event.actor_label.endswith("@acme.example")


def test_undo_is_the_state_before(acme: Tenant, domain: Domain, client: Client) -> None:
    switch(client, domain, "off", **htmx())
    html = switch(client, domain, "on", **htmx()).content.decode()
    assert "User requests are on for acme.example." in html
    domain.refresh_from_db()
    assert domain.user_requests is True
    assert acme.last_event().action == Action.DOMAIN_ALLOWED


def test_asking_twice_for_one_state_changes_it_once(acme: Tenant, domain: Domain, client: Client) -> None:
    switch(client, domain, "off", **htmx())
    events = len(acme.events())
    assert switch(client, domain, "off", **htmx()).status_code == 200
    domain.refresh_from_db()
    assert domain.user_requests is False
    assert len(acme.events()) == events


def test_without_script_the_page_comes_back_with_the_way_back(domain: Domain, client: Client) -> None:
    answer = switch(client, domain, "off")
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"{PAGE}?changed={domain.pk}#domain-{domain.pk}"
    html = client.get(answer.headers["Location"]).content.decode()
    assert "User requests are off for acme.example." in html
    assert ">Undo</button>" in html


def test_an_unverified_domain_says_what_is_missing(acme: Tenant, client: Client) -> None:
    new = domains.services.add("new.example", by=acme.by)
    answer = switch(client, new, "on", **htmx())
    assert answer.status_code == 409
    assert answer.content.decode() == "Verify new.example before you allow User requests for it."
    assert answer.headers["Content-Type"].startswith("text/plain")
    html = client.get(switch(client, new, "on").headers["Location"]).content.decode()
    assert "Verify new.example before you allow User requests for it." in html
    new.refresh_from_db()
    assert new.user_requests is False


def test_taking_the_checkmark_away_leaves_people_alone(acme: Tenant, domain: Domain, client: Client) -> None:
    grace = acme.add("grace")
    switch(client, domain, "off")
    grace.refresh_from_db()
    assert grace.is_active is True


def test_search_narrows_the_list_whatever_is_typed(acme: Tenant, client: Client) -> None:
    for number in range(6):
        domains.services.add(f"team{number}.example", verified=True, by=acme.by)
    domains.services.add("müller.example", verified=True, by=acme.by)

    def found(text: str) -> list[str]:
        html = client.get(PAGE, {"domain": text}).content.decode()
        return re.findall(r'<th scope="row">\s*<a [^>]+><b>([^<]+)</b>', html)

    assert found("TEAM3") == ["team3.example"]
    assert found("müller.example") == found("MÜLL") == found("mller-kva") == ["müller.example"]
    assert len(found("")) == 8
    for text in ("%", "_", "\x00", "'; --", "x" * 5000, "\ud800"):
        assert found(text.encode("utf-8", "replace").decode()) in ([], found(""))
    assert "No domain has “nothing” in its name." in client.get(PAGE, {"domain": "nothing"}).content.decode()


def test_an_organization_without_domains_is_told_what_to_do(acme: Tenant, domain: Domain, client: Client) -> None:
    domains.services.remove(domain, by=acme.by)
    assert "No domains yet" in client.get(PAGE).content.decode()


def test_moments_are_told_in_the_organizations_time_zone(acme: Tenant, domain: Domain, client: Client) -> None:
    acme.organization.time_zone = "Asia/Tokyo"
    acme.organization.save()
    Domain.objects.update(created_at="2025-01-31T20:30:00Z")
    html = client.get(PAGE).content.decode()
    assert (
        '<time datetime="2025-02-01T05:30:00+09:00" title="Saturday 1 February 2025, 05:30:00 JST">1 Feb 2025</time>'
        in html
    )


def test_the_page_costs_the_same_however_many_domains_there_are(
    acme: Tenant, client: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        domains.services.add(f"team{number}.example", verified=True, by=acme.by)
    # Session, user, former slugs, domains, how many, users and refusals per domain.
    with django_assert_max_num_queries(7):
        client.get(PAGE)


@pytest.mark.parametrize("typed", ["https://www.initech.example/", "Ivan <i@initech.example>", "www.initech.example"])
def test_the_domain_in_a_web_or_mail_address_is_shown_back_before_it_is_added(
    typed: str, acme: Tenant, client: Client
) -> None:
    shown = client.post(f"{PAGE}domains/add/", {"name": typed}, follow=True).content.decode()
    assert f"You typed “{escape(typed)}”. The domain in it is initech.example." in shown
    assert ">Add initech.example</button>" in shown
    assert f'value="{escape(typed)}"' in shown, "what was typed stays"
    assert not Domain.objects.filter(name__contains="initech").exists()
    client.post(f"{PAGE}domains/add/", {"name": typed, "confirmed": "initech.example"})
    assert Domain.objects.of(acme.id).get(name__contains="initech").name == "initech.example"
