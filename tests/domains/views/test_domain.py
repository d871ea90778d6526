"""Adding a domain, and the page of one domain: its record, Check now, and what removing it would mean."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from core.actors import Channel
from domains import services
from domains.models import Domain
from provisioning.models import RequestLog
from tests.nameserver import NameServer
from tests.signed_in import SignedIn, htmx
from tests.tenants import Tenant
from users.permissions import BuiltIn

PAGE = "/settings/organization/"
ADD = f"{PAGE}domains/add/"


def words(html: bytes) -> str:
    """What a page says, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", "", html.decode()).split())


def add(client: Client, name: str, **form: str) -> Any:
    return client.post(ADD, {"name": name, **form})


def address(domain: Domain, deed: str = "") -> str:
    return f"{PAGE}domains/{domain.pk}/{deed and f'{deed}/'}"


@pytest.fixture(params=[BuiltIn.ADMIN, BuiltIn.DOMAIN_MANAGER])
def client(request: pytest.FixtureRequest, acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme, request.param)


@pytest.fixture
def new(acme: Tenant) -> Domain:
    return services.add("new.example", by=acme.by)


# Adding


def test_adding_leads_to_the_record_that_verifies_the_domain(acme: Tenant, client: Client) -> None:
    answer = add(client, " New.Example ")
    domain = Domain.objects.of(acme.id).get(name="new.example")
    assert (answer.status_code, answer.headers["Location"]) == (302, address(domain))
    assert (domain.is_verified, domain.user_requests) == (False, False)
    event = acme.last_event()
    assert (event.action, event.channel, event.target_label) == ("domain.added", Channel.PAGE, "new.example")
    html = client.get(address(domain)).content.decode()
    assert "Added new.example. Now show that it is yours." in html
    assert 'value="_saasmanager-challenge.new.example" readonly' in html
    assert f'value="saas-manager-verification={domain.challenge}" readonly' in html
    assert 'data-copy="record-name"' in html and 'data-copy="record-value"' in html


def test_an_international_name_is_read_as_people_write_it_beside_its_form_in_dns(acme: Tenant, client: Client) -> None:
    question = client.get(add(client, "Bücher.Example").headers["Location"]).content.decode()
    assert "You typed “Bücher.Example”. DNS knows this domain as xn--bcher-kva.example." in question
    assert "Nothing is added yet." in question
    added = add(client, "Bücher.Example", confirmed="xn--bcher-kva.example")
    html = client.get(added.headers["Location"]).content.decode()
    assert "<h1>bücher.example</h1>" in html
    assert "<code>xn--bcher-kva.example</code>" in html
    assert 'value="_saasmanager-challenge.xn--bcher-kva.example"' in html
    html = client.get(PAGE).content.decode()
    assert "<b>bücher.example</b>" in html and "<small>xn--bcher-kva.example</small>" in html


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("no domain", "&#x27;no domain&#x27; is not a valid domain name: it has a blank or an invisible character."),
        ("localhost", "is not a full domain name such as example.com."),
        ("", "Type the domain that you want to add"),
        ("acme.example", "acme.example is registered already."),
        ("globex.example", "globex.example can&#x27;t be registered here. Ask support if it is yours."),
        ('"><script>alert(1)</script>', "is not a valid domain name."),
        ("x" * 5000 + ".example", "is not a valid domain name."),
        ("a\x00b.example", "is registered already."),
    ],
    ids=["blank", "no dot", "nothing", "here already", "verified elsewhere", "markup", "endless", "NUL"],
)
def test_a_name_that_can_t_be_added_says_why_and_is_still_there(
    acme: Tenant, globex: Tenant, client: Client, typed: str, reason: str
) -> None:
    services.add("ab.example", by=acme.by)
    before = list(Domain.objects.values())
    answer = add(client, typed)
    assert answer.status_code == 302
    html = client.get(answer.headers["Location"]).content.decode()
    assert reason in html
    assert 'aria-invalid="true"' in html
    assert "<script>alert" not in html
    assert "Globex" not in html
    if typed.isprintable() and 0 < len(typed) < 20:
        assert f'name="name" value="{typed}"' in html
    assert list(Domain.objects.values()) == before


@pytest.mark.parametrize(
    ("typed", "warning"),
    [
        ("gmail.com", "gmail.com is a public mail service"),
        ("acrne.example", "acrne.example looks like acme.example, but is another domain."),
        ("аcme.example", "mixes letters of several alphabets"),
    ],
)
def test_a_domain_that_should_be_looked_at_twice_is_added_when_its_warning_was_seen(
    acme: Tenant, client: Client, typed: str, warning: str
) -> None:
    answer = add(client, typed)
    assert Domain.objects.of(acme.id).count() == 1
    html = client.get(answer.headers["Location"]).content.decode()
    assert warning in html and "Nothing is added yet." in html
    name = re.search(r'name="confirmed" value="([^"]+)"', html)
    assert name
    assert f'name="name" value="{typed}"' in html
    # Being sure of one domain is not being sure of another.
    add(client, "outlook.com", confirmed=name[1])
    assert Domain.objects.of(acme.id).count() == 1
    add(client, typed, confirmed=name[1])
    assert Domain.objects.of(acme.id).filter(name=name[1]).exists()


def test_sending_the_form_twice_adds_one_domain(acme: Tenant, client: Client) -> None:
    add(client, "new.example")
    answer = add(client, "new.example")
    assert "new.example is registered already." in client.get(answer.headers["Location"]).content.decode()
    assert Domain.objects.of(acme.id).filter(name="new.example").count() == 1


def test_opening_a_link_adds_nothing(acme: Tenant, client: Client) -> None:
    html = client.get(PAGE, {"add": "new.example"}).content.decode()
    assert 'name="name" value="new.example"' in html
    assert client.get(ADD).status_code == 302
    assert Domain.objects.of(acme.id).count() == 1


# Check now


def check(client: Client, domain: Domain, **extra: Any) -> Any:
    return client.post(address(domain, "verify"), **extra)


def test_check_now_verifies_and_says_what_comes_next(
    acme: Tenant, new: Domain, client: Client, nameserver: NameServer
) -> None:
    nameserver.know(new.record_name, new.record_value)
    answer = check(client, new)
    assert answer.headers["Location"] == f"{address(new)}#verification"
    html = client.get(address(new)).content.decode()
    assert "was verified by DNS record" in html
    assert "Turn on User requests" in html
    assert "Check now" not in html
    event = acme.last_event()
    assert (event.action, event.channel) == ("domain.verified", Channel.PAGE)
    client.post(address(new, "user-requests"), {"wanted": "on"})
    new.refresh_from_db()
    assert new.user_requests
    assert "Turn on User requests" not in client.get(address(new)).content.decode()


def test_the_script_gets_the_card_alone(new: Domain, client: Client, nameserver: NameServer) -> None:
    nameserver.know("new.example")
    html = check(client, new, **htmx("verification")).content.decode()
    assert html.strip().startswith('<section class="card" id="verification"')
    assert "The record is not there yet." in html


@pytest.mark.parametrize(
    ("state", "found", "record_hint"),
    [
        ("missing", "The record is not there yet.", "give DNS some time"),
        ("wrong", "There is a record, but with another value.", "Add a record with the value above"),
        ("no such domain", "DNS knows no such domain.", "Compare the spelling"),
        ("trouble", "DNS gave no answer.", "Try again in some minutes"),
        ("taken", "can't be verified here.", "Ask support if the domain is yours."),
    ],
)
def test_the_page_says_what_was_found_and_what_to_do(
    state: str, found: str, record_hint: str, globex: Tenant, new: Domain, client: Client, nameserver: NameServer
) -> None:
    if state != "no such domain":
        nameserver.know("new.example")
    if state == "wrong":
        nameserver.know(new.record_name, "saas-manager-verification=<old>")
    if state == "trouble":
        nameserver.trouble = 2  # type: ignore[assignment]
    if state == "taken":
        theirs = services.add("new.example", by=globex.by)
        nameserver.know(new.record_name, new.record_value, theirs.record_value)
        assert services.verify(theirs.pk, by=globex.by).is_verified
    check(client, new)
    html = client.get(address(new)).content.decode().replace("&#x27;", "'")
    assert found in html and record_hint in html
    assert "Globex" not in html
    assert ("saas-manager-verification=&lt;old&gt;" in html) == (state == "wrong")
    # Who comes later, or without script, finds the same.
    assert found in client.get(address(new)).content.decode().replace("&#x27;", "'")
    new.refresh_from_db()
    assert not new.is_verified


def test_checking_again_at_once_is_told_to_wait(new: Domain, client: Client, nameserver: NameServer) -> None:
    nameserver.know("new.example")
    check(client, new)
    asked = len(nameserver.asked)
    answer = check(client, new, **htmx())
    assert (answer.status_code, answer.content) == (
        409,
        b"DNS was asked a moment ago. Wait some seconds, then check again.",
    )
    check(client, new)
    assert "DNS was asked a moment ago." in client.get(address(new)).content.decode()
    assert len(nameserver.asked) == asked


@pytest.mark.parametrize("deed", ["verify", "remove"])
def test_what_matters_asks_for_the_password_of_who_signed_in_long_ago(
    deed: str, new: Domain, client: Client, nameserver: NameServer
) -> None:
    nameserver.know(new.record_name, new.record_value)
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        answer = client.post(address(new, deed))
        assert answer.headers["Location"].startswith("/confirm/?next=%2Fsettings%2Forganization%2Fdomains%2F")
        assert client.post(address(new, deed), **htmx()).headers["HX-Redirect"].startswith("/confirm/")
        new.refresh_from_db()
        assert not new.is_verified
        client.post(answer.headers["Location"], {"password": "correct-horse-battery"})
    assert not Domain.objects.filter(pk=new.pk, verified_at=None).exists()


# Removing


def test_removing_names_what_will_happen_first(acme: Tenant, domain: Domain, client: Client) -> None:
    said = words(client.get(address(domain)).content)
    assert "1 user has an address in it, who stays and can go on signing in" in said
    acme.add("grace")
    said = words(client.get(address(domain)).content)
    assert "2 users have an address in it. They stay" in said
    assert "The User requests checkmark goes with it." in said
    assert "SCIM can't create people with an address in acme.example any more" in said
    assert "Another organization may verify it." in said


def test_removing_takes_the_domain_off_and_leaves_its_people(acme: Tenant, domain: Domain, client: Client) -> None:
    grace = acme.add("grace")
    answer = client.post(address(domain, "remove"))
    assert answer.headers["Location"] == f"{PAGE}#domains"
    html = client.get(PAGE).content.decode()
    assert "Removed acme.example. Its people stay." in html
    assert not Domain.objects.of(acme.id).exists()
    grace.refresh_from_db()
    assert grace.is_active
    event = acme.last_event()
    assert (event.action, event.channel, event.target_label) == ("domain.removed", Channel.PAGE, "acme.example")
    # Somebody who still has the page open is told that it is gone.
    events = len(acme.events())
    for deed in ("", "remove", "verify", "user-requests"):
        method = client.post if deed else client.get
        assert method(address(domain, deed), {"wanted": "on"}).status_code == 404
    assert len(acme.events()) == events


# Who may


def test_who_may_only_read_sees_the_record_and_no_button(acme: Tenant, new: Domain, signed_in: SignedIn) -> None:
    html = signed_in(acme, BuiltIn.READ_ONLY).get(address(new)).content.decode()
    main = html[html.index("<main") :]
    assert new.record_value in main
    assert 'method="post"' not in main


def test_another_organizations_domain_has_no_page(globex: Tenant, new: Domain, signed_in: SignedIn) -> None:
    client = signed_in(globex)
    assert client.get(address(new)).status_code == 404
    for deed in ("verify", "remove"):
        assert client.post(address(new, deed)).status_code == 404
        assert client.post(address(new, deed), **htmx()).status_code == 404
    new.refresh_from_db()
    assert new.checked_at is None


# What was refused lately


def refuse(tenant: Tenant, name: str, times: int) -> None:
    for _ in range(times):
        RequestLog.objects.create(
            organization=tenant.organization, created_at=timezone.now(), request_id="r", method="POST", path="/Users",
            status=400, cause="domain-unknown", duration_us=1, token_label="t",
            result="Refused: the e-mail domain is not registered.", arguments={"domain": name},
        )  # fmt: skip


def test_the_page_shows_how_many_creates_each_domain_refused(acme: Tenant, new: Domain, client: Client) -> None:
    refuse(acme, "new.example", 3)
    html = client.get(PAGE).content.decode()
    row = html[html.index("<b>new.example</b>") :].partition("</tr>")[0]
    assert 'data-label="Refused" class="number">3<' in row
    row = html[html.index("<b>acme.example</b>") :].partition("</tr>")[0]
    assert 'data-label="Refused" class="number">0<' in row
    assert "Creates refused lately 3 " in words(client.get(address(new)).content)


def test_a_domain_that_is_missing_from_the_list_is_one_click_from_it(
    acme: Tenant, client: Client, signed_in: SignedIn
) -> None:
    refuse(acme, "often.example", 3)
    refuse(acme, "xn--bcher-kva.example", 2)
    refuse(acme, "<b>no domain</b>", 9)
    html = client.get(PAGE).content.decode()
    assert "often.example: 3 lately" in words(html.encode())
    assert "bücher.example: 2 lately" in words(html.encode())
    assert "no domain" not in html
    assert f'href="{PAGE}?{urlencode({"add": "often.example"})}#domains"' in html
    assert "Add it" not in signed_in(acme, BuiltIn.READ_ONLY).get(PAGE).content.decode()


# Many


def test_a_long_list_is_shown_in_pages_and_what_was_switched_is_on_the_one_shown(acme: Tenant, client: Client) -> None:
    for number in range(60):
        services.add(f"team{number:02}.example", verified=True, by=acme.by)

    def names(**query: Any) -> list[str]:
        return re.findall(r'<th scope="row">\s*<a [^>]+><b>([^<]+)</b>', client.get(PAGE, query).content.decode())

    assert len(names()) == 50
    assert names(**{"domains-page": 2}) == [f"team{number}.example" for number in range(49, 60)]
    assert names(**{"domains-page": "rubbish"}) == names()
    assert names(domain="team4") == [f"team{number}.example" for number in range(40, 50)]
    last = services.find("team59.example", organization_id=acme.id)
    shown = client.post(address(last, "user-requests"), {"wanted": "on"}).headers["Location"]
    assert "User requests are on for team59.example." in client.get(shown).content.decode()
