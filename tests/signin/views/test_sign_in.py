"""The way in and out: an address leads to an organization, a password opens one account, and nobody learns more."""

import re
import time
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import NoReverseMatch, reverse

import organizations.services.organizations
from audit.actions import Action
from core.actors import Channel
from organizations.services import outbox, slugs
from tests.signed_in import PASSWORD, SignedIn, person, sign_in
from tests.tenants import Tenant, set_password
from users.models import User
from users.permissions import BuiltIn
from users.services import accounts

WRONG = "This e-mail address and password don&#x27;t open an account here."
TOO_MANY = "There were too many attempts."


@pytest.fixture(autouse=True)
def _no_attempt_so_far(db: None) -> None:
    cache.clear()


def attempt(tenant: Tenant, login: str, password: str = PASSWORD, **extra: Any) -> Any:
    """One attempt from a browser of its own."""
    address = f"/sign-in/{tenant.organization.slug}/"
    return Client().post(address, {"login": login, "password": password}, **extra)


def expected_version(answer: Any) -> str:
    """The page without what differs from one request to the next."""
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())


def user_of(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


# From the address to the organization


def test_an_address_leads_to_the_organization_that_verified_its_domain(acme: Tenant) -> None:
    client = Client()
    answer = client.post("/sign-in/", {"email": "Anybody@ACME.example"})
    assert answer.headers["Location"] == "/sign-in/acme/"
    assert 'value="Anybody@acme.example"' in client.get("/sign-in/acme/").content.decode()


def test_the_first_page_never_looks_at_accounts(acme: Tenant) -> None:
    person(acme, BuiltIn.ADMIN, "ada")
    known, unknown = (Client().post("/sign-in/", {"email": f"{name}@acme.example"}) for name in ("ada", "nobody"))
    assert (known.status_code, known.headers["Location"]) == (unknown.status_code, unknown.headers["Location"])


@pytest.mark.parametrize("state", ["unknown", "unverified"])
def test_a_domain_that_opens_nothing_gets_one_answer_that_says_what_to_do(state: str, acme: Tenant) -> None:
    if state == "unverified":
        import domains.services

        domains.services.add("new.example", by=acme.by)
    domain = {"unknown": "elsewhere.example", "unverified": "new.example"}[state]
    answer = Client().post("/sign-in/", {"email": f"ada@{domain}"})
    assert answer.status_code == 200
    assert f"No organization signs in with {domain}." in answer.content.decode()
    assert "ask your Admin" in answer.content.decode()


@pytest.mark.parametrize("text", ["", "ada", "ada@", "a" * 300 + "@acme.example", "ada\x00@acme.example", "<b>@x.y"])
def test_what_is_no_address_is_said_beside_the_field(text: str, acme: Tenant) -> None:
    answer = Client().post("/sign-in/", {"email": text})
    assert answer.status_code == 200
    assert 'class="errors"' in answer.content.decode()


def test_where_one_wanted_to_go_is_kept_through_both_pages(acme: Tenant) -> None:
    ada = person(acme, BuiltIn.ADMIN, "ada")
    client = Client()
    first = client.post("/sign-in/", {"email": ada.email, "next": "/settings/organization/"})
    assert first.headers["Location"] == "/sign-in/acme/?next=%2Fsettings%2Forganization%2F"
    assert 'value="/settings/organization/"' in client.get(first.headers["Location"]).content.decode()
    answer = sign_in(client, ada, QUERY_STRING="next=/settings/organization/")
    assert answer.headers["Location"] == "/settings/organization/"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\\\\evil.example"]
)
def test_nobody_is_sent_to_another_site(elsewhere: str, acme: Tenant) -> None:
    ada = person(acme, BuiltIn.ADMIN, "ada")
    client = Client()
    assert "evil" not in client.post("/sign-in/", {"email": ada.email, "next": elsewhere}).headers["Location"]
    answer = client.post("/sign-in/acme/", {"login": ada.email, "password": PASSWORD, "next": elsewhere})
    assert answer.headers["Location"] == "/settings/"


# The password


@pytest.mark.parametrize("login", ["ada@acme.example", "ADA@Acme.Example", "  ada@acme.example ", "ada.m@acme.example"])
def test_user_name_and_e_mail_address_open_the_account_in_any_case(login: str, acme: Tenant) -> None:
    ada = acme.add(
        "ada", BuiltIn.ADMIN, password=PASSWORD, profile={"emails": [{"value": "ada.m@acme.example", "primary": True}]}
    )
    client = Client()
    answer = client.post("/sign-in/acme/", {"login": login, "password": PASSWORD})
    assert answer.headers["Location"] == "/settings/"
    assert user_of(client) == str(ada.pk)


def test_a_sign_in_is_kept_in_the_trail(acme: Tenant) -> None:
    ada = person(acme, BuiltIn.ADMIN, "ada")
    sign_in(Client(), ada, REMOTE_ADDR="192.0.2.77")
    event = acme.last_event()
    assert event.action == Action.USER_SIGNED_IN
    assert (event.channel, event.actor_id, event.target_id) == (Channel.SIGN_IN, ada.pk, str(ada.pk))
    assert event.address == "192.0.2.77"
    assert str(event) == "ada@acme.example signed in"


def test_every_wrong_attempt_gets_the_same_bytes(acme: Tenant, globex: Tenant) -> None:
    person(acme, BuiltIn.ADMIN, "ada")
    suspended = person(acme, BuiltIn.HR, "sue")
    acme.update(suspended, active=False)
    acme.add("scim")  # made by SCIM, without a password
    person(globex, BuiltIn.ADMIN, "gus")
    attempts = {
        "wrong password": ("ada@acme.example", "wrong"),
        "unknown name": ("nil@acme.example", PASSWORD),
        "suspended, right password": ("sue@acme.example", PASSWORD),
        "no password": ("scim@acme.example", PASSWORD),
        "another organization's": ("gus@globex.example", PASSWORD),
    }
    pages = {
        case: expected_version(attempt(acme, login, password)).replace(login, "LOGIN")
        for case, (login, password) in attempts.items()
    }
    assert WRONG in pages["wrong password"]
    assert set(pages.values()) == {pages["wrong password"]}


def test_the_same_address_in_two_organizations_is_two_accounts(acme: Tenant, globex: Tenant) -> None:
    for tenant, password in ((acme, "first-long-password"), (globex, "second-long-password")):
        tenant.add("both@shared.example", BuiltIn.ADMIN, password=password, outsider=True)
    assert attempt(acme, "both@shared.example", "first-long-password").status_code == 302
    assert attempt(globex, "both@shared.example", "second-long-password").status_code == 302
    assert attempt(acme, "both@shared.example", "second-long-password").status_code == 200
    assert attempt(globex, "both@shared.example", "first-long-password").status_code == 200


def test_the_technical_key_of_an_account_opens_nothing(acme: Tenant, globex: Tenant) -> None:
    ada = person(acme, BuiltIn.ADMIN, "ada")
    ada.refresh_from_db()
    assert WRONG in attempt(globex, ada.sign_in_key).content.decode()
    assert WRONG in attempt(acme, ada.sign_in_key).content.decode()


def test_an_operator_does_not_come_in_through_an_organization(acme: Tenant) -> None:
    User.objects.create_superuser("root", "root@acme.example", PASSWORD)
    assert WRONG in attempt(acme, "root").content.decode()
    assert WRONG in attempt(acme, "root@acme.example").content.decode()


SUSPENDED = ("/sign-in/acme/", "/sign-in/ACME/", "/sign-in/acme/password/", "/sign-in/acme/sign-up/")


@pytest.mark.parametrize("address", SUSPENDED)
def test_a_suspended_organization_says_so_and_whom_to_ask_and_nothing_else(
    address: str, acme: Tenant, settings: Any
) -> None:
    settings.OPERATOR_CONTACT = "support@saas.example"
    user = person(acme, BuiltIn.ADMIN, "ada")
    organizations.services.organizations.suspend("Unpaid since June", by=acme.by)
    form = {"login": user.user_name, "email": user.user_name, "password": PASSWORD, "name": "Ada"}
    answers = [Client().get(address), Client().post(address, form), Client().post(address, {**form, "password": "no"})]
    pages = {re.sub(r'nonce="[^"]*"', "", answer.content.decode()) for answer in answers}
    assert {answer.status_code for answer in answers} == {403}
    (page,) = pages
    assert "This organization is suspended" in page
    assert "support@saas.example" in page
    assert "Acme" not in page and "Unpaid" not in page
    assert "no-store" in answers[0].headers["Cache-Control"]


@pytest.mark.parametrize("start", ["/sign-in/", "/sign-up/"])
def test_an_address_of_a_suspended_organization_leads_to_what_says_so(start: str, acme: Tenant) -> None:
    organizations.services.organizations.suspend("Unpaid", by=acme.by)
    answer = Client().post(start, {"email": "ada@acme.example"}, follow=True)
    assert answer.status_code == 403
    assert "This organization is suspended" in answer.content.decode()


def test_a_former_slug_of_a_suspended_organization_leads_to_what_says_so(acme: Tenant) -> None:
    slugs.change("acme-new", expected_slug="acme", by=acme.by)
    organizations.services.organizations.suspend("Unpaid", by=acme.by)
    assert "This organization is suspended" in Client().get("/sign-in/acme/", follow=True).content.decode()


def test_whose_session_ended_with_the_organization_is_told_why(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme)
    organizations.services.organizations.suspend("Unpaid", by=acme.by)
    assert "This organization is suspended" in client.get("/settings/users/", follow=True).content.decode()
    organizations.services.organizations.reactivate("Paid", by=acme.by)
    assert client.get("/settings/users/").status_code == 200


def test_an_unknown_organization_is_a_404(acme: Tenant) -> None:
    answer = Client().get("/sign-in/nobody/")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"login": "ada@acme.example"},
        {"login": "ada\x00@acme.example", "password": PASSWORD},
        {"login": "a" * 10_000, "password": PASSWORD},
        {"login": "ada@acme.example", "password": "p" * 100_000},
        {"login": "\ud800", "password": "\udfff"},
        {"login": "İSTANBUL ß ﬁ Σ", "password": "İ"},
    ],
)
def test_whatever_is_typed_is_answered_with_the_form(form: dict[str, str], acme: Tenant) -> None:
    body = "&".join(f"{name}={_quoted(value)}" for name, value in form.items())
    answer = Client().post("/sign-in/acme/", body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200
    assert "Sign in to Acme" in answer.content.decode()


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "surrogatepass"))


# Limits


def test_five_wrong_attempts_lock_one_account_whatever_name_is_typed(acme: Tenant, globex: Tenant) -> None:
    acme.add(
        "ada", BuiltIn.ADMIN, password=PASSWORD, profile={"emails": [{"value": "ada.m@acme.example", "primary": True}]}
    )
    globex.add("ada@acme.example", BuiltIn.ADMIN, password=PASSWORD, outsider=True)
    for number in range(5):
        login = ("ada@acme.example", "ada.m@acme.example", "ADA@acme.example")[number % 3]
        assert WRONG in attempt(acme, login, "wrong").content.decode()
    assert TOO_MANY in attempt(acme, "ada.m@acme.example").content.decode()
    assert attempt(globex, "ada@acme.example").status_code == 302, "a namesake elsewhere is not locked out"


def test_unknown_names_are_limited_like_known_ones(acme: Tenant) -> None:
    answers = [attempt(acme, "nobody@acme.example", "wrong").content.decode() for _ in range(6)]
    assert [TOO_MANY in answer for answer in answers] == [False] * 5 + [True]


@pytest.mark.clause("7644-7.7-2")
def test_one_address_may_fail_ten_times_a_minute(acme: Tenant) -> None:
    person(acme, BuiltIn.ADMIN, "ada")
    for number in range(10):
        attempt(acme, f"nobody{number}@acme.example", "wrong", REMOTE_ADDR="192.0.2.1")
    assert TOO_MANY in attempt(acme, "ada@acme.example", REMOTE_ADDR="192.0.2.1").content.decode()
    assert attempt(acme, "ada@acme.example", REMOTE_ADDR="192.0.2.2").status_code == 302


@pytest.mark.parametrize(
    ("logins", "wait"),
    [([f"nobody{number}@acme.example" for number in range(10)], 60), (["ada@acme.example"] * 5, 300)],
    ids=["one address, many accounts", "one account"],
)
def test_the_page_says_how_long_to_wait(
    logins: list[str], wait: int, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(acme, BuiltIn.ADMIN, "ada")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    for login in logins:
        attempt(acme, login, "wrong")
    answer = attempt(acme, "ada@acme.example").content.decode()
    assert "Try again in a minute, or in five if they were all for one account." in answer
    now += wait - 1
    assert TOO_MANY in attempt(acme, "ada@acme.example").content.decode()
    now += 2
    assert attempt(acme, "ada@acme.example").status_code == 302


def test_a_forged_header_does_not_move_the_counter(acme: Tenant) -> None:
    for number in range(11):
        forged = f"198.51.100.{number}"
        answer = attempt(acme, f"nobody{number}@acme.example", "wrong", HTTP_X_FORWARDED_FOR=forged)
    assert TOO_MANY in answer.content.decode()


def test_the_first_page_is_limited_with_a_page_of_ours(acme: Tenant) -> None:
    answers = [Client().post("/sign-in/", {"email": "a@elsewhere.example"}) for _ in range(31)]
    assert answers[-1].status_code == 429
    assert "Too many attempts" in answers[-1].content.decode()


# Sessions


@pytest.mark.parametrize("how", ["suspended", "held", "deleted", "new password"])
def test_a_session_ends_at_the_next_request(how: str, acme: Tenant, signed_in: SignedIn) -> None:
    signed_in(acme, BuiltIn.ADMIN)
    client = signed_in(acme, BuiltIn.READ_ONLY)
    user = User.objects.of(acme.id).get(role__key=BuiltIn.READ_ONLY)
    assert client.get("/settings/profile/").status_code == 200
    if how == "suspended":
        acme.update(user, active=False)
    elif how == "deleted":
        accounts.delete(accounts.find(user.pk, organization_id=acme.id), by=acme.by)
    elif how == "new password":
        set_password(user, "another-long-password", by=acme.by)
    else:
        acme.organization.is_active = False
        acme.organization.save()
    assert client.get("/settings/profile/").headers["Location"].startswith("/sign-in/")


def test_restoring_an_account_revives_no_session(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme, BuiltIn.HR)
    user = User.objects.of(acme.id).get(role__key=BuiltIn.HR)
    acme.update(user, active=False)
    acme.update(user, active=True)
    assert client.get("/settings/profile/").status_code == 302


def test_signing_in_gives_the_session_a_new_key(acme: Tenant) -> None:
    ada = person(acme, BuiltIn.ADMIN, "ada")
    client = Client()
    client.post("/sign-in/", {"email": ada.email})
    before = client.cookies["sessionid"].value
    sign_in(client, ada)
    assert client.cookies["sessionid"].value != before


@pytest.mark.parametrize(("remember", "kept"), [({"remember": "on"}, True), ({}, False)])
def test_the_session_outlives_the_browser_only_when_asked_to(
    remember: dict[str, str], kept: bool, acme: Tenant
) -> None:
    person(acme, BuiltIn.ADMIN, "ada")
    client = Client()
    client.post("/sign-in/acme/", {"login": "ada@acme.example", "password": PASSWORD, **remember})
    cookie = client.cookies["sessionid"]
    assert bool(cookie["max-age"]) == kept
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_signing_out_leads_back_to_where_one_signs_in(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme)
    assert client.get("/sign-out/").status_code == 200, "a link that somebody else made asks first"
    assert user_of(client)
    assert client.post("/sign-out/").headers["Location"] == "/sign-in/acme/"
    assert not user_of(client)
    assert client.get("/sign-out/").headers["Location"] == "/sign-in/"


def test_who_is_signed_in_is_not_asked_again(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme)
    assert client.get("/sign-in/").headers["Location"] == "/settings/"
    assert client.get("/sign-in/acme/").headers["Location"] == "/settings/"


# Once more, before something that matters


def test_the_password_counts_as_proof_for_a_quarter_of_an_hour(
    acme: Tenant, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(acme)
    generate = f"/settings/users/scim/{acme.connection.pk}/generate-token/"
    assert client.post(generate, {"once": ""}).headers["Location"] == "/settings/users/#scim"
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 901)
    ask = client.post(generate, {"once": ""}).headers["Location"]
    assert ask.startswith("/confirm/?next=%2Fsettings%2Fusers%2F%23scim&form=")
    assert client.post(ask, {"password": "wrong"}).status_code == 200
    assert client.post(ask, {"password": PASSWORD}).headers["Location"] == "/settings/users/#scim"
    assert client.post(generate, {"once": ""}).headers["Location"] == "/settings/users/#scim"


def test_wrong_passwords_here_do_not_lock_out_a_namesake(acme: Tenant, globex: Tenant) -> None:
    ada = person(acme, BuiltIn.ADMIN, "ada")
    globex.add("ada@acme.example", BuiltIn.ADMIN, password=PASSWORD, outsider=True)
    client = Client()
    sign_in(client, ada)
    for _ in range(6):
        client.post("/confirm/", {"password": "wrong"})
    assert attempt(globex, "ada@acme.example").status_code == 302


# What stays closed


@pytest.mark.parametrize("name", ["account_signup", "account_email", "account_set_password", "account_change_password"])
def test_nobody_signs_up_or_changes_an_address_through_the_library(name: str) -> None:
    with pytest.raises(NoReverseMatch):
        reverse(name)


# A new password by mail


def link_in_the_mail() -> str:
    outbox.deliver()
    found = re.search(r"http://testserver(/new-password/\S+)", mail.outbox[-1].body)
    assert found
    return found[1]


def ask_for_a_link(tenant: Tenant, address: str) -> Any:
    return Client().post(f"/sign-in/{tenant.organization.slug}/password/", {"email": address})


def test_who_was_made_by_scim_can_set_a_first_password(acme: Tenant) -> None:
    user = acme.add("grace")
    ask_for_a_link(acme, "Grace@acme.example")
    link = link_in_the_mail()
    assert mail.outbox[-1].to == ["grace@acme.example"]
    assert str(acme.id) not in mail.outbox[-1].body and acme.id.hex not in mail.outbox[-1].body
    client = Client()
    form = client.get(link).headers["Location"]
    assert "too short" in client.post(form, {"password1": "short", "password2": "short"}).content.decode()
    answer = client.post(form, {"password1": PASSWORD, "password2": PASSWORD})
    assert answer.headers["Location"] == "/new-password/set/"
    assert not user_of(client), "setting a password signs nobody in"
    event = acme.last_event()
    assert (event.action, event.target_id) == (Action.USER_PASSWORD_CHANGED, str(user.pk))
    assert PASSWORD not in str(event.changes)
    assert attempt(acme, "grace@acme.example").status_code == 302


def test_a_link_works_once(acme: Tenant) -> None:
    acme.add("grace")
    ask_for_a_link(acme, "grace@acme.example")
    link = link_in_the_mail()
    client = Client()
    client.post(client.get(link).headers["Location"], {"password1": PASSWORD, "password2": PASSWORD})
    again = Client().get(link)
    assert "This link no longer works" in again.content.decode()


@pytest.mark.parametrize("link", ["/new-password/zzz-abc/", "/new-password/0-0/", "/new-password/aaaa-set-password/"])
def test_a_link_that_nobody_mailed_is_refused(link: str, db: None) -> None:
    answer = Client().get(link)
    assert answer.status_code == 200
    assert "This link no longer works" in answer.content.decode()


def test_only_the_account_of_this_organization_is_mailed(acme: Tenant, globex: Tenant) -> None:
    for tenant in (acme, globex):
        tenant.add("both@shared.example", outsider=True)
    ask_for_a_link(globex, "both@shared.example")
    link = link_in_the_mail()
    assert len(mail.outbox) == 1
    user = User.objects.of(globex.id).get(user_name_key="both@shared.example")
    assert user.pk.hex in link


def test_asking_for_a_link_tells_nobody_who_has_an_account(acme: Tenant) -> None:
    acme.add("grace")
    suspended = acme.add("sue")
    acme.update(suspended, active=False)
    pages = {expected_version(ask_for_a_link(acme, f"{name}@acme.example")) for name in ("grace", "nobody", "sue")}
    assert len(pages) == 1
    assert "If this address has an account" in pages.pop()
    link_in_the_mail()
    assert [message.to for message in mail.outbox] == [["grace@acme.example"]]
