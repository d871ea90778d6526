"""An address whose domain is written otherwise than it was typed: the page shows that before anything is done."""

import re
from html import unescape
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from domains.models import Domain
from organizations.models import Mail
from organizations.services import outbox
from tests.mailserver import MailServer, mailserver, over_smtp
from tests.signed_in import PASSWORD, SignedIn
from tests.tenants import Tenant
from users.models import AccountRequest, Invitation, User
from users.permissions import BuiltIn

__all__ = ["mailserver", "over_smtp"]

RESET, SIGN_UP = "/sign-in/acme/password/", "/sign-in/acme/sign-up/"
STRASSE = "xn--strae-oqa.example"

# What stands in the form beside the address.
FORMS = {
    RESET: {},
    SIGN_UP: {"name": "Grace Hopper"},
    "/sign-in/": {},
    "/sign-up/": {},
}


@pytest.fixture(autouse=True)
def _no_attempt_so_far(db: None) -> None:
    cache.clear()


@pytest.fixture
def strasse(acme: Tenant) -> Tenant:
    """An organization with the checkmark at straße.example too, while strasse.example is somebody else's."""
    acme.tick("straße.example")
    return acme


def expected_version(answer: Any) -> str:
    """The page without what differs from one request to the next."""
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())


def question(answer: Any) -> str:
    """The question of a page, as people read it."""
    found = re.search(r'id="id_email_error".*?<p>(.*?)</p>', answer.content.decode(), re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", "", found[1])) if found else ""


def confirmed(address: str, answer: Any) -> dict[str, str]:
    """The form as the button of the question sends it."""
    found = re.search(r'name="confirmed" value="([^"]*)"', answer.content.decode())
    assert found
    return {"email": address, "confirmed": unescape(found[1])}


def link_in(message: Any) -> str:
    text = next(part for part in message.walk() if part.get_content_type() == "text/plain")
    found = re.search(r"http://testserver(/\S+)", text.get_payload(decode=True).decode())
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("typed", "stored", "envelope"),
    [
        ("admin2@ᴬcme.example", "admin2@acme.example", "admin2@acme.example"),
        ("admin2@ACMᴱ.example", "Admin2@ACME.example", "Admin2@acme.example"),
        ("admin@straße.example", "admin@straße.example", f"admin@{STRASSE}"),
        ("ADMIN@Straße.example", f"Admin@{STRASSE}", f"Admin@{STRASSE}"),
    ],
)
def test_a_link_goes_to_the_account_s_own_address_after_a_question(
    typed: str, stored: str, envelope: str, strasse: Tenant, over_smtp: MailServer
) -> None:
    user = strasse.add(stored, BuiltIn.ADMIN)
    client = Client()
    asked = client.post(RESET, {"email": typed})
    canonical = f"{typed.partition('@')[0]}@{envelope.partition('@')[2]}"
    readable = " (straße.example)" if STRASSE in envelope else ""
    assert question(asked) == (
        f"You typed {typed}. The mail goes to {canonical}{readable}. "
        "If it is yours, continue; if not, correct it above."
    )
    assert f'value="{typed}"' in asked.content.decode(), "what was typed can be corrected"
    assert not Mail.objects.exists()
    assert "If this address has an account" in client.post(RESET, confirmed(typed, asked)).content.decode()
    assert outbox.deliver() == 1
    assert over_smtp.envelopes == [over_smtp.received[0]["To"]] == [envelope]
    form = client.get(link_in(over_smtp.received[0])).headers["Location"]
    client.post(form, {"password1": PASSWORD, "password2": PASSWORD})
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize("typed", ["mallory@acᵐe.example", "mallory@straße.example", "mallory@acme。example"])
def test_a_sign_up_proves_the_address_in_its_canonical_form(typed: str, strasse: Tenant, over_smtp: MailServer) -> None:
    wanted = f"mallory@{STRASSE}" if "ß" in typed else "mallory@acme.example"
    asked = Client().post(SIGN_UP, {"name": "Mallory", "email": typed})
    assert question(asked).startswith(f"You typed {typed}. The mail goes to {wanted}")
    assert not AccountRequest.objects.exists()
    answer = Client().post(SIGN_UP, {"name": "Mallory", **confirmed(typed, asked)})
    assert "a mail is on its way" in answer.content.decode()
    outbox.deliver()
    assert over_smtp.envelopes == [wanted]
    Client().post(link_in(over_smtp.received[0]))
    assert AccountRequest.objects.get(state=AccountRequest.State.WAITING).email == wanted


def test_who_signs_up_with_another_spelling_of_an_account_does_not_get_its_mail(
    acme: Tenant, over_smtp: MailServer
) -> None:
    acme.add("strasse@acme.example")
    Client().post(SIGN_UP, {"name": "Mallory", "email": "straße@acme.example"})
    outbox.deliver()
    assert over_smtp.envelopes == []


@pytest.mark.parametrize("where", FORMS)
def test_the_question_is_the_same_for_everybody(where: str, strasse: Tenant) -> None:
    strasse.add("known@straße.example")
    strasse.update(strasse.add("sleep@straße.example"), active=False)
    pages, statements = set(), set()
    for login in ("known", "sleep", "nobod"):
        # The first attempt of a machine is counted by another statement than its later ones.
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            answer = Client().post(where, {**FORMS[where], "email": f"{login}@straße.example"})
        pages.add((answer.status_code, expected_version(answer).replace(login, "LOGIN")))
        statements.add(tuple(re.sub(r"'[^']*'|s\d+_x\d+", "", query["sql"]) for query in queries))
        assert question(answer)
    assert len(pages) == len(statements) == 1
    assert not [sql for each in statements for sql in each if "users_user" in sql], "nobody is looked up"
    assert not Mail.objects.exists()


@pytest.mark.parametrize("where", FORMS)
def test_the_question_has_the_only_button_and_the_focus(where: str, strasse: Tenant) -> None:
    html = expected_version(Client().post(where, {**FORMS[where], "email": "grace@straße.example"}))
    assert re.findall(r"<button[^>]*>([^<]*)</button>", html) == ["Continue with this address"]
    assert 'class="button first"' in html
    assert re.findall(r"<(\w+)[^>]* autofocus", html) == ["button"]


@pytest.mark.parametrize("where", ["/sign-in/", "/sign-up/"])
def test_an_unknown_domain_is_written_as_it_was_typed(where: str, acme: Tenant) -> None:
    asked = Client().post(where, {"email": "grace@straße.example"})
    answer = Client().post(where, confirmed("grace@straße.example", asked))
    assert f"with straße.example ({STRASSE})." in answer.content.decode()
    answer = Client().post(where, {"email": "grace@nowhere.example"})
    assert "with nowhere.example." in answer.content.decode()


@pytest.mark.parametrize("where", [RESET, SIGN_UP])
def test_an_address_that_no_mail_reaches_is_refused_alike_for_everybody(where: str, acme: Tenant) -> None:
    acme.add("known@acme.example")
    User.objects.filter(user_name="known@acme.example").update(user_name="künown@acme.example")
    pages = set()
    for login in ("künown", "nöbody"):
        answer = Client().post(where, {**FORMS[where], "email": f"{login}@acme.example"})
        pages.add(unescape(expected_version(answer)).replace(login, "LOGIN"))
    (page,) = pages
    assert "has letters beyond ASCII before the @, and mail to those is not supported." in page
    assert "on its way" not in page and "If this address has an account" not in page
    assert not Mail.objects.exists() and not AccountRequest.objects.exists()


def test_an_invitation_that_no_mail_reaches_is_refused_before_it_is_stored(acme: Tenant, signed_in: SignedIn) -> None:
    client, role = signed_in(acme), acme.role(BuiltIn.HR)
    for typed in ("ünn@acme.example", "ünn@straße.example"):
        answer = client.post("/settings/users/invitations/send/", {"addresses": typed, "role": role.pk})
        page = unescape(answer.content.decode())
        assert "Nobody new was invited." in page and "no mail can be sent to these" in page
        assert f"'{typed}' has letters beyond ASCII before the @" in page
    assert not Invitation.objects.exists() and not Mail.objects.exists()


@pytest.mark.parametrize("where", FORMS)
def test_ascii_case_and_a_labels_are_nothing_to_ask_about(where: str, strasse: Tenant) -> None:
    for address in ("Grace@ACME.example", f"grace@{STRASSE.upper()}"):
        answer = Client().post(where, {**FORMS[where], "email": address})
        assert not (answer.content and question(answer))


def test_a_confirmation_of_another_address_confirms_nothing(strasse: Tenant) -> None:
    for other in ("admin@strasse.example", f"other@{STRASSE}", "", "1"):
        answer = Client().post(RESET, {"email": "admin@straße.example", "confirmed": other})
        assert question(answer)


def test_the_first_stage_of_signing_in_goes_on_with_the_canonical_form(strasse: Tenant) -> None:
    client = Client()
    asked = client.post("/sign-in/", {"email": "admin@straße.example"})
    assert question(asked) == (
        f"You typed admin@straße.example. This address is also written admin@{STRASSE} (straße.example). "
        "If it is yours, continue; if not, correct it above."
    )
    answer = client.post("/sign-in/", confirmed("admin@straße.example", asked))
    assert answer.headers["Location"] == "/sign-in/acme/"
    assert f'value="admin@{STRASSE}"' in client.get("/sign-in/acme/").content.decode()


@pytest.mark.parametrize("where", FORMS)
@pytest.mark.parametrize(
    "address", ["ann@ac\u200bme.example", "ann@ac\u00adme.example", "an\u200bn@acme.example", "ªnn@acme.example"]
)
def test_what_cannot_be_seen_or_is_another_letter_is_refused_in_words(where: str, address: str, acme: Tenant) -> None:
    answer = Client().post(where, {**FORMS[where], "email": address})
    assert answer.status_code == 200
    assert not question(answer)
    assert re.search(r"invisible character|special form of a letter", answer.content.decode())
    assert not Mail.objects.exists()


# Inviting, and adding a domain


def test_an_invitation_shows_where_mail_would_go_before_it_goes(
    acme: Tenant, signed_in: SignedIn, over_smtp: MailServer
) -> None:
    client, role = signed_in(acme), acme.role(BuiltIn.HR)
    typed = "ann@straße.example\nbob@acme.example"
    asked = client.post("/settings/users/invitations/send/", {"addresses": typed, "role": role.pk})
    page = asked.content.decode()
    said = re.findall(r"<li>(.*?)</li>", page)
    assert f"You typed ann@straße.example. The mail goes to ann@{STRASSE} (straße.example)." in [
        unescape(re.sub(r"<[^>]+>", "", each)) for each in said
    ]
    assert typed in page
    assert not Invitation.objects.exists()
    data = {"addresses": typed, "role": role.pk, "respelled": re.findall(r'name="respelled" value="([^"]*)"', page)}
    client.post("/settings/users/invitations/send/", data)
    assert sorted(Invitation.objects.values_list("email", flat=True)) == [f"ann@{STRASSE}", "bob@acme.example"]
    texts = [Mail.objects.get(to=to).text for to in (f"ann@{STRASSE}", "bob@acme.example")]
    outbox.deliver()
    assert sorted(over_smtp.envelopes) == [f"ann@{STRASSE}", "bob@acme.example"]
    listed = client.get("/settings/users/?status=invited").content.decode()
    assert "<bdi>ann@straße.example</bdi>" in listed and f"<small>ann@{STRASSE}</small>" in listed
    assert "<small>bob@acme.example</small>" not in listed
    assert f"The link is for ann@straße.example (ann@{STRASSE})." in texts[0]
    assert "The link is for bob@acme.example." in texts[1]


def test_to_make_an_admin_both_questions_are_asked_at_once(acme: Tenant, signed_in: SignedIn) -> None:
    client, role = signed_in(acme), acme.role(BuiltIn.ADMIN)
    data = {"addresses": "ann@straße.example", "role": role.pk}
    for more in ({}, {"confirmed": role.pk}, {"respelled": f"ann@{STRASSE}"}):
        client.post("/settings/users/invitations/send/", {**data, **more})
        assert not Invitation.objects.exists()
    client.post("/settings/users/invitations/send/", {**data, "confirmed": role.pk, "respelled": f"ann@{STRASSE}"})
    assert Invitation.objects.get().email == f"ann@{STRASSE}"


def test_a_domain_that_dns_writes_otherwise_is_added_after_a_look(acme: Tenant, signed_in: SignedIn) -> None:
    client = signed_in(acme)
    answer = client.post("/settings/organization/domains/add/", {"name": "Straße.example"}, follow=True)
    page = unescape(answer.content.decode())
    assert f"You typed “Straße.example”. DNS knows this domain as {STRASSE}." in page
    assert ">Add straße.example</button>" in page and "all the same" not in page
    assert not Domain.objects.filter(name=STRASSE).exists()
    client.post("/settings/organization/domains/add/", {"name": "Straße.example", "confirmed": STRASSE})
    assert Domain.objects.filter(name=STRASSE).exists()


@pytest.mark.parametrize("name", ["ac\u200bme.example", "ac\u00adme2.example"])
def test_a_domain_with_a_character_that_cannot_be_seen_is_not_added(
    name: str, acme: Tenant, signed_in: SignedIn
) -> None:
    client, count = signed_in(acme), Domain.objects.count()
    answer = client.post("/settings/organization/domains/add/", {"name": name}, follow=True)
    assert "invisible character" in answer.content.decode()
    assert Domain.objects.count() == count
