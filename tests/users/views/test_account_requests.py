"""Signing up as a stranger does, and the queue that an admin decides."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from organizations.models import Mail
from organizations.services import outbox
from tests.signed_in import PASSWORD, SignedIn, htmx, person
from tests.tenants import Tenant, confirmation_in, waiting_request
from users.models import AccountRequest, User
from users.permissions import BuiltIn
from users.services import account_requests

SIGN_UP = "/sign-in/acme/sign-up/"
APPROVE = "/settings/users/requests/approve/"
DECLINE = "/settings/users/requests/decline/"


@pytest.fixture(autouse=True)
def _no_attempt_so_far(db: None) -> None:
    cache.clear()


def ask(address: str, name: str = "Grace Hopper", where: str = SIGN_UP, **extra: Any) -> Any:
    return Client().post(where, {"name": name, "email": address}, **extra)


def expected_version(answer: Any) -> str:
    """The page without what differs from one request to the next."""
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())


def section(client: Client, query: str = "") -> str:
    answer = client.get(f"/settings/users/{query}", **htmx("user-requests"))
    assert answer.status_code == 200
    return str(answer.content.decode())


# The stranger


def test_signing_up_is_offered_where_a_domain_has_the_checkmark(acme: Tenant) -> None:
    assert f'href="{SIGN_UP}"' in Client().get("/sign-in/acme/").content.decode()
    acme.tick("acme.example", False)
    assert "Sign up" not in Client().get("/sign-in/acme/").content.decode()
    assert Client().get(SIGN_UP).status_code == 404
    assert ask("grace@acme.example").status_code == 404
    assert ask("grace@acme.example", where="/sign-in/nobody/sign-up/").status_code == 404


def test_an_address_leads_to_where_one_signs_up(acme: Tenant) -> None:
    assert 'href="/sign-up/"' in Client().get("/sign-in/").content.decode()
    client = Client()
    assert client.post("/sign-up/", {"email": "grace@acme.example"}).headers["Location"] == SIGN_UP
    assert 'value="grace@acme.example"' in client.get(SIGN_UP).content.decode()
    page = client.post("/sign-up/", {"email": "grace@elsewhere.example"}).content.decode()
    assert "Nobody can sign up with elsewhere.example." in page
    assert 'value="grace@elsewhere.example"' in page


def test_the_answer_is_the_same_whatever_is_known_of_an_address(acme: Tenant) -> None:
    acme.add("known")
    acme.update(acme.add("suspended"), active=False)
    waiting_request(acme, "waits")
    answers, costs = [], {}
    for address in (*(f"{login}@acme.example" for login in ("known", "suspended", "waits", "new")), "a@far.example"):
        with CaptureQueriesContext(connection) as queries:
            answers.append(ask(address))
        costs[address] = len(queries)
    assert {(answer.status_code, expected_version(answer)) for answer in answers} == {
        (200, expected_version(answers[0]))
    }
    assert "a mail is on its way" in expected_version(answers[0])
    del costs["a@far.example"]
    assert len(set(costs.values())) == 1
    assert Mail.objects.count() == 4


def test_a_refused_sign_in_offers_the_same_to_everybody(acme: Tenant) -> None:
    person(acme, BuiltIn.HR, "known")
    pages = [
        Client().post("/sign-in/acme/", {"login": f"{login}@acme.example", "password": "wrong"})
        for login in ("known", "nobody")
    ]
    assert len({expected_version(page).replace("nobody", "known") for page in pages}) == 1
    assert "No account yet?" in expected_version(pages[0])


@pytest.mark.parametrize(
    ("name", "address", "said"),
    [
        ("", "grace@acme.example", "Enter your name."),
        ("Grace", "", "Enter your e-mail address."),
        ("Grace", "grace", "Enter an address such as"),
        ("G" * 5000, "grace@acme.example", "at most 120 characters"),
        ("Grace", "g" * 80 + "@acme.example", "64 characters before the @"),
        ("Grace\x00", "grace@acme.example", "Null characters"),
        ("\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "grace@acme.example", "on one line"),
    ],
)
def test_what_is_wrong_is_said_beside_what_was_typed(name: str, address: str, said: str, acme: Tenant) -> None:
    answer = ask(address, name)
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert f'value="{address}"' in answer.content.decode() or not address
    assert not Mail.objects.exists()


def test_one_address_can_be_mailed_five_times_an_hour(acme: Tenant) -> None:
    answers = [ask("Grace@acme.example", REMOTE_ADDR=f"192.0.2.{number}") for number in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert "Wait an hour" in answers[-1].content.decode()
    assert Mail.objects.count() == 5
    assert ask("ada@acme.example").status_code == 200


def test_one_machine_can_ask_twenty_times_an_hour(acme: Tenant) -> None:
    answers = [ask(f"p{number}@acme.example", REMOTE_ADDR="192.0.2.9") for number in range(21)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429]


def test_one_organization_can_be_asked_so_often_in_an_hour(acme: Tenant, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {**settings.ACCOUNT_RATE_LIMITS, "ask_in_organization": "2/h/key"}
    answers = [ask(f"p{number}@acme.example", REMOTE_ADDR=f"192.0.2.{number}") for number in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


def test_looking_at_the_link_confirms_nothing_and_the_button_does(acme: Tenant) -> None:
    ask("grace@acme.example")
    address = f"/sign-up/confirm/{confirmation_in(Mail.objects.get().text)}/"
    for _ in range(2):
        assert "Confirm my address" in Client().get(address).content.decode()
    assert not account_requests.waiting(acme.id).exists()
    for _ in range(2):
        assert "Your request is with the admins" in Client().post(address).content.decode()
    assert account_requests.waiting(acme.id).count() == 1
    for wrong in ("x", "x" * 3000, "%00", "ü"):
        for answer in (Client().get(f"/sign-up/confirm/{wrong}/"), Client().post(f"/sign-up/confirm/{wrong}/")):
            assert answer.status_code == 404


# The queue


def test_the_queue_is_oldest_first_with_search_and_pages(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme)
    assert "No request waits" in section(client)
    for number in range(27):
        waiting_request(acme, f"p{number:02}", f"Person {number}")
    page = section(client)
    assert "27 requests wait." in page
    assert page.index("p00@acme.example") < page.index("p24@acme.example")
    assert "p25@" not in page
    assert "p26@acme.example" in section(client, "?requests-page=2")
    assert "p26@acme.example" in section(client, "?requests-page=999")
    found = section(client, "?request=PERSON+13")
    assert "p13@acme.example" in found
    assert "p14@" not in found
    assert "No request fits." in section(client, "?request=nobody%00")


def test_the_queue_costs_the_same_however_long_it_is(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme)
    costs = []
    for _ in range(2):
        for _ in range(3):
            waiting_request(acme, f"p{AccountRequest.objects.count()}")
        with CaptureQueriesContext(connection) as queries:
            section(client)
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_without_a_checkmark_the_queue_says_where_to_tick_one(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme)
    acme.tick("acme.example", False)
    page = section(client)
    assert "Nobody can ask yet" in page
    assert 'href="/settings/organization/#domains"' in page


def test_the_default_role_is_chosen_already(acme: Tenant, signed_in: SignedIn) -> None:
    waiting_request(acme)
    default = acme.role(BuiltIn.APP_MANAGEMENT)
    assert f'<option value="{default.pk}" selected>' in section(signed_in(acme))


def test_several_are_approved_at_once_and_one_refusal_leaves_the_others_alone(
    acme: Tenant, signed_in: SignedIn
) -> None:
    client = signed_in(acme)
    asked = [waiting_request(acme, login) for login in ("ann", "bea", "cyd")]
    acme.add("bea")
    form = {"asked": [str(each.pk) for each in asked], "role": str(acme.role(BuiltIn.IT).pk)}
    page = client.post(APPROVE, form, follow=True).content.decode()
    assert "2 requests were approved, with the role IT." in page
    assert "A user with the userName &#x27;bea@acme.example&#x27; exists already." in page
    assert User.objects.of(acme.id).filter(role__key=BuiltIn.IT).count() == 2
    assert "Closed, because an account was made meanwhile" in page
    again = client.post(APPROVE, {**form, "asked": str(asked[0].pk)}, follow=True).content.decode()
    assert "has been approved by admin@acme.example already." in again


def test_an_admin_is_made_only_when_the_warning_was_read(acme: Tenant, signed_in: SignedIn) -> None:
    client, asked = signed_in(acme), waiting_request(acme)
    form = {"asked": str(asked.pk), "role": str(acme.role(BuiltIn.ADMIN).pk)}
    page = client.post(APPROVE, form).content.decode()
    assert "Admin may do everything" in page
    assert account_requests.waiting(acme.id).exists()
    client.post(APPROVE, {**form, "confirmed": "read"})
    assert User.objects.of(acme.id).get(user_name=asked.email).role == acme.role(BuiltIn.ADMIN)


def test_declining_asks_for_the_reason_first_and_keeps_what_was_typed(acme: Tenant, signed_in: SignedIn) -> None:
    client, asked = signed_in(acme), waiting_request(acme)
    form = {"asked": str(asked.pk)}
    assert "Reason, which is mailed" in client.post(DECLINE, form).content.decode()
    too_long = "x" * 501
    page = client.post(DECLINE, {**form, "confirmed": "read", "reason": too_long}).content.decode()
    assert "Write a reason with at most 500 characters" in page
    assert too_long in page
    assert account_requests.waiting(acme.id).exists()
    page = client.post(DECLINE, {**form, "confirmed": "read", "reason": "No"}, follow=True).content.decode()
    assert "The request of hopper@acme.example was declined." in page
    assert Mail.objects.filter(name="account_request_declined").count() == 1


def test_a_domain_unticked_meanwhile_is_named_on_the_page(acme: Tenant, signed_in: SignedIn) -> None:
    client, asked = signed_in(acme), waiting_request(acme)
    acme.tick("acme.example", False)
    form = {"asked": str(asked.pk), "role": str(acme.role(BuiltIn.IT).pk)}
    page = client.post(APPROVE, form, follow=True).content.decode()
    assert "does not have the User requests checkmark" in page


@pytest.mark.parametrize("address", [APPROVE, DECLINE])
def test_forged_forms_change_nothing(address: str, acme: Tenant, globex: Tenant, signed_in: SignedIn) -> None:
    client, asked, foreign = signed_in(acme), waiting_request(acme), waiting_request(globex)
    role = {"role": str(acme.role(BuiltIn.IT).pk), "confirmed": "read", "reason": "No"}
    for request_id in (foreign.pk, uuid4()):
        assert client.post(address, {**role, "asked": str(request_id)}).status_code == 404
        assert client.post(address, {**role, "asked": str(request_id), "confirmed": ""}).status_code == 404
    for rubbish in (["no-uuid"], [str(uuid4()) for _ in range(101)]):
        assert client.post(address, {**role, "asked": rubbish}, **htmx()).status_code == 400
    page = client.post(address, role, follow=True).content.decode()
    assert "Tick the requests first" in page
    for wrong in (globex.role(BuiltIn.ADMIN).pk, "no-uuid", ""):
        assert client.post(APPROVE, {"asked": str(asked.pk), "role": str(wrong)}).status_code == 404
    assert account_requests.waiting(acme.id).get() == asked
    assert account_requests.waiting(globex.id).get() == foreign


def test_from_signing_up_to_the_first_sign_in(acme: Tenant, signed_in: SignedIn, mailoutbox: list[Any]) -> None:
    admin = signed_in(acme)
    ask("grace@acme.example")
    outbox.deliver()
    anonymous = Client()
    anonymous.post(f"/sign-up/confirm/{confirmation_in(mailoutbox[0].body)}/")
    asked = account_requests.waiting(acme.id).get()
    admin.post(APPROVE, {"asked": str(asked.pk), "role": str(acme.role(BuiltIn.READ_ONLY).pk)})
    outbox.deliver()
    link = re.search(r"https?://[^/]+(/new-password/\S+)", mailoutbox[-1].body)
    assert link
    form = anonymous.get(link[1], follow=True)
    password = {"password1": PASSWORD, "password2": PASSWORD}
    assert anonymous.post(form.redirect_chain[-1][0], password).status_code == 302
    answer = anonymous.post("/sign-in/acme/", {"login": "grace@acme.example", "password": PASSWORD})
    assert answer.status_code == 302
    assert anonymous.get("/settings/users/").status_code == 200
    assert anonymous.get(link[1], follow=True).content.decode().count("This link no longer works") > 0
