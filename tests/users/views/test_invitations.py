"""Settings > Users > Invite people, and the list of who was invited."""

import re
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.actors import Actor
from organizations.models import Mail
from organizations.services import outbox
from tests.signed_in import SignedIn
from tests.tenants import Tenant
from tests.users.services.test_invitations import ANN, age, invite, one, token_of
from users.models import Invitation, User
from users.permissions import BuiltIn
from users.services import accounts, invitations

FORM = "/settings/users/invite/"
SEND = "/settings/users/invitations/send/"
CHANGE = "/settings/users/invitations/change/"
LIST = "/settings/users/?status=invited"


@pytest.fixture
def client(acme: Tenant, signed_in: SignedIn) -> Client:
    return signed_in(acme)


def post(client: Client, tenant: Tenant, addresses: str, role: BuiltIn | None = BuiltIn.HR, **more: str) -> Any:
    form = {"addresses": addresses, "role": str(tenant.role(role).pk) if role else "", **more}
    return client.post(SEND, form)


def text_of(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def invited(tenant: Tenant) -> list[str]:
    return sorted(Invitation.objects.of(tenant.id).values_list("email", flat=True))


# The form


def test_no_role_is_chosen_beforehand(acme: Tenant, client: Client) -> None:
    html = client.get(FORM).content.decode()
    assert "selected" not in html
    assert 'href="/settings/users/invite/"' in client.get("/settings/users/").content.decode()


def test_people_are_invited_and_the_list_shows_them(acme: Tenant, client: Client) -> None:
    answer = post(client, acme, f"Ann <{ANN}>, bob@x.example")
    assert answer.status_code == 302
    page = client.get(answer.headers["Location"])
    assert "2 people were invited." in text_of(page)
    assert ANN in text_of(page)
    assert "2 invited" in text_of(client.get("/settings/users/"))
    assert invited(acme) == [ANN, "bob@x.example"]


@pytest.mark.parametrize("role", ["", "no-uuid", "0198c0de-0000-7000-8000-000000000001"])
def test_without_a_role_nobody_is_invited_and_what_was_typed_stays(role: str, acme: Tenant, client: Client) -> None:
    answer = client.post(SEND, {"addresses": ANN, "role": role})
    assert "Choose the role that they are to get." in text_of(answer)
    assert f">\n{ANN}</textarea>" in answer.content.decode()
    assert invited(acme) == []


def test_another_organizations_role_is_none(acme: Tenant, globex: Tenant, client: Client) -> None:
    assert "Choose the role" in text_of(post(client, globex, ANN))
    assert invited(acme) == invited(globex) == []


@pytest.mark.parametrize("text", ["", " \r\n", ",;,"])
def test_an_empty_text_is_told(text: str, acme: Tenant, client: Client) -> None:
    assert "Type or paste at least one e-mail address." in text_of(post(client, acme, text))


def test_an_admin_is_invited_only_when_the_warning_was_read(acme: Tenant, client: Client) -> None:
    answer = post(client, acme, ANN, BuiltIn.ADMIN)
    assert "Admin may do everything" in text_of(answer)
    assert ANN in answer.content.decode()
    assert invited(acme) == []
    post(client, acme, ANN, BuiltIn.ADMIN, confirmed=str(acme.role(BuiltIn.HR).pk))
    assert invited(acme) == [], "the warning was of another role"
    assert post(client, acme, ANN, BuiltIn.ADMIN, confirmed=str(acme.role(BuiltIn.ADMIN).pk)).status_code == 302
    assert invited(acme) == [ANN]


def test_what_is_no_address_comes_back_and_who_is_known_is_linked(acme: Tenant, client: Client) -> None:
    grace = acme.add("grace")
    invite(acme, "bob+x@x.example")
    answer = post(client, acme, f"{ANN}\nnonsense\ngrace@acme.example\nbob+x@x.example\n<script>@x")
    html, text = answer.content.decode(), text_of(answer)
    assert f"{ANN} was invited." in text
    assert f'href="/settings/users/{grace.pk}/">grace@acme.example</a> has an account' in html
    assert 'href="/settings/users/?status=invited&amp;q=bob%2Bx%40x.example#users">bob+x@x.example</a>' in html
    assert ">\nnonsense\n&lt;script&gt;@x</textarea>" in html
    assert "<script>@x" not in html
    again = post(client, acme, "nonsense")
    assert "Nobody new was invited." in text_of(again)


def test_five_hundred_are_invited_at_once(acme: Tenant, client: Client) -> None:
    assert post(client, acme, "\n".join(f"p{each}@x.example" for each in range(500))).status_code == 302
    assert len(invited(acme)) == 500


def test_five_thousand_are_refused_with_the_limit(acme: Tenant, client: Client) -> None:
    many = "\n".join(f"p{each}@x.example" for each in range(5000))
    answer = post(client, acme, many)
    assert "These are 5,000 addresses. Invite at most 500 people at once. Nobody was invited." in text_of(answer)
    assert "p4999@x.example" in answer.content.decode(), "what was typed stays"
    assert invited(acme) == []


def test_a_very_long_text_is_refused_and_not_sent_back(acme: Tenant, client: Client) -> None:
    answer = post(client, acme, "x" * 2_000_000)
    assert "These are 2,000,000 characters." in text_of(answer)
    assert len(answer.content) < 20_000


def test_ten_megabytes_are_answered_by_a_page_that_says_so(acme: Tenant, client: Client) -> None:
    client.raise_request_exception = False
    answer = post(client, acme, "p@x.example\n" * 900_000)
    assert answer.status_code == 413
    assert "This is too much at once" in text_of(answer)
    assert invited(acme) == []


def test_a_form_sent_twice_invites_once(acme: Tenant, client: Client) -> None:
    post(client, acme, ANN)
    assert "is invited; you can send that again" in text_of(post(client, acme, ANN))
    assert Mail.objects.filter(organization_id=acme.id).count() == 1


def test_the_limit_of_a_day_is_told_and_what_was_typed_stays(acme: Tenant, client: Client, settings: Any) -> None:
    settings.INVITATION_MAILS_PER_DAY = 1
    answer = post(client, acme, f"{ANN} bob@x.example")
    assert "can send 1 invitations within 24 hours, and 1 is left. Nothing was sent." in text_of(answer)
    assert f"{ANN} bob@x.example</textarea>" in answer.content.decode()
    assert invited(acme) == []


# The list


def test_the_list_says_how_each_invitation_and_its_mail_stand(acme: Tenant, client: Client) -> None:
    waiting = one(acme)
    assert "Waiting" in text_of(client.get(LIST))
    outbox.deliver()
    assert "Sent" in text_of(client.get(LIST))
    Mail.objects.update(state=Mail.State.FAILED, failure="550 No such mailbox")
    assert "Could not be delivered 550 No such mailbox" in text_of(client.get(LIST))
    age(waiting, days=8)
    assert "Expired" in text_of(client.get(LIST))


def test_who_has_an_account_meanwhile_is_shown_so(acme: Tenant, client: Client) -> None:
    one(acme, "grace@acme.example")
    grace = acme.add("grace")
    answer = client.get(LIST)
    assert "Has an account meanwhile" in text_of(answer)
    assert f'href="/settings/users/{grace.pk}/"' in answer.content.decode()


def by(tenant: Tenant, user: User) -> Actor:
    return replace(tenant.by, user_id=user.pk, label=str(user))


@pytest.mark.parametrize("how", ["suspended", "suspended in the database", "demoted in the database"])
def test_an_invitation_whose_inviter_lost_the_rights_is_shown_as_ended(how: str, acme: Tenant, client: Client) -> None:
    mona = acme.add("mona", BuiltIn.ADMIN)
    (invitation,) = invitations.invite([ANN], role=acme.role(BuiltIn.HR), by=by(acme, mona)).invited
    assert "Invited until" in text_of(client.get(LIST))
    match how:
        case "suspended":
            accounts.set_active(mona.pk, False, by=acme.by)
        case "suspended in the database":
            User.objects.filter(pk=mona.pk).update(is_active=False)
        case _:
            User.objects.filter(pk=mona.pk).update(role=acme.role(BuiltIn.READ_ONLY))
    page = client.get(LIST)
    why = "may no longer give the role HR" if how.startswith("demoted") else "was suspended"
    when = r"\d+ s ago ?: " if how == "suspended" else ""
    assert re.search(rf"Ended {when}{re.escape(str(mona))} {why} Invite again", text_of(page))
    found = re.search(r'name="again" value="([^"]+)"', page.content.decode())
    assert found
    assert client.post(CHANGE, {"again": found[1]}).status_code == 302
    told = text_of(client.get(LIST))
    assert f"The invitation of {ANN} was sent again." in told
    assert "Ended" not in told
    invitation.refresh_from_db()
    assert invitation.is_open
    assert invitation.invited_by == "admin@acme.example"
    assert invitations.invitation_for(token_of(invitation)) == invitation


def test_who_may_not_give_the_role_is_not_offered_to_invite_again(
    acme: Tenant, client: Client, signed_in: SignedIn
) -> None:
    mona = acme.add("mona", BuiltIn.ADMIN)
    invitations.invite([ANN], role=acme.role(BuiltIn.ADMIN), by=by(acme, mona))
    accounts.set_active(mona.pk, False, by=acme.by)
    for role, may in (("users.edit", False), (BuiltIn.READ_ONLY, False), (BuiltIn.ADMIN, True)):
        page = text_of(signed_in(acme, role).get(LIST))
        assert re.search(rf"Ended \d+ s ago ?: {re.escape(str(mona))} was suspended", page)
        assert ("Invite again" in page) is may, role


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (lambda mona, acme: accounts.set_active(mona.pk, True, by=acme.by), "could not give the role HR then"),
        (lambda mona, acme: User.objects.filter(pk=mona.pk).delete(), "was removed"),
    ],
    ids=["reactivated", "removed"],
)
def test_the_list_tells_no_reason_that_is_no_longer_so(after: Any, why: str, acme: Tenant, client: Client) -> None:
    mona = acme.add("mona", BuiltIn.ADMIN)
    invitations.invite([ANN], role=acme.role(BuiltIn.HR), by=by(acme, mona))
    accounts.set_active(mona.pk, False, by=acme.by)
    after(mona, acme)
    assert re.search(rf"Ended \d+ s ago ?: {re.escape(str(mona))} {why}", text_of(client.get(LIST)))


def test_the_list_is_searched_narrowed_and_paged(acme: Tenant, client: Client) -> None:
    invite(acme, *(f"p{each:02}@x.example" for each in range(30)))
    invite(acme, ANN, role=BuiltIn.IT)
    assert "1–25 of 31" in text_of(client.get(LIST))
    assert "26–31 of 31" in text_of(client.get(f"{LIST}&page=2"))
    for query in ("&q=CONTRACTOR", f"&role={acme.role(BuiltIn.IT).pk}"):
        page = text_of(client.get(LIST + query))
        assert "1–1 of 1" in page
        assert ANN in page
    assert "1–25 of 31" in text_of(client.get(f"{LIST}&page=rubbish"))
    assert "1–25 of 31" in text_of(client.get(f"{LIST}&source=manual"))
    assert "Nobody fits" in text_of(client.get(f"{LIST}&source=scim"))
    assert "Nobody fits. Show all 31 invited" in text_of(client.get(f"{LIST}&q=nobody"))


@pytest.mark.parametrize(
    ("sort", "order"),
    [("", "abc"), ("address", "abc"), ("name", "abc"), ("newest", "acb"), ("oldest", "bca"), ("rubbish", "abc")],
)
def test_the_list_is_sorted(sort: str, order: str, acme: Tenant, client: Client) -> None:
    for letter in "bca":
        one(acme, f"{letter}@x.example")
    html = client.get(f"{LIST}&sort={sort}").content.decode()
    assert "".join(re.findall(r"Tick ([abc])@x.example", html)) == order


def test_those_who_were_invited_are_no_users_of_the_export(acme: Tenant, client: Client) -> None:
    one(acme)
    answer: Any = client.get("/settings/users/export/?status=invited")
    assert len(b"".join(answer.streaming_content).splitlines()) == 1
    assert "Export CSV" not in text_of(client.get(LIST))


def test_an_empty_list_says_what_to_do(acme: Tenant, client: Client) -> None:
    assert "Nobody is invited at the moment. Invite people" in text_of(client.get(LIST))


def test_a_long_list_costs_the_statements_of_a_short_one(acme: Tenant, client: Client) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(LIST)
        return len(queries)

    makers = [acme.add(f"m{each}", BuiltIn.ADMIN) for each in range(3)]
    invitations.invite(["p@x.example"], role=acme.role(BuiltIn.HR), by=by(acme, makers[0]))
    few = statements()
    for number, maker in enumerate(makers):
        addresses = [f"p{number}.{each}@x.example" for each in range(70)]
        invitations.invite(addresses, role=acme.role(BuiltIn.HR), by=by(acme, maker))
    assert statements() == few


def test_nothing_of_another_organizations_invitations_is_shown(acme: Tenant, globex: Tenant, client: Client) -> None:
    foreign = one(globex)
    assert ANN not in client.get(LIST).content.decode()
    for action in ("resend", "revoke"):
        for confirmed in ("read", ""):
            form = {"action": action, "invitation": f"{foreign.pk}.1", "confirmed": confirmed}
            assert client.post(CHANGE, form).status_code == 404
    foreign.refresh_from_db()
    assert (foreign.sent_count, foreign.revoked_at) == (1, None)


# Sending again and revoking


def change(client: Client, action: str, *chosen: Invitation, **more: str) -> Any:
    values = [f"{invitation.pk}.{invitation.sent_count}" for invitation in chosen]
    return client.post(CHANGE, {"action": action, "invitation": values, "list": "status=invited&q=x", **more})


def test_those_who_are_ticked_are_mailed_again(acme: Tenant, client: Client) -> None:
    both = invite(acme, "a@x.example", "b@x.example").invited
    answer = change(client, "resend", *both)
    assert answer.headers["Location"] == "/settings/users/?status=invited&q=x#users"
    assert "2 invitations were sent again." in text_of(client.get(LIST))
    assert "a@x.example has been sent again since you opened the page" in text_of(
        client.get(change(client, "resend", *both).headers["Location"])
    )
    assert Mail.objects.filter(organization_id=acme.id).count() == 4


def test_revoking_is_asked_about_first(acme: Tenant, client: Client) -> None:
    invitation = one(acme)
    answer = change(client, "revoke", invitation)
    assert "The link in the mail opens nothing any more." in text_of(answer)
    invitation.refresh_from_db()
    assert invitation.is_open
    change(client, "revoke", invitation, confirmed="read")
    assert f"The invitation of {ANN} was revoked." in text_of(client.get(LIST))
    change(client, "revoke", invitation, confirmed="read")
    assert f"The invitation of {ANN} was revoked already." in text_of(client.get(LIST))


def test_who_accepted_meanwhile_is_told_of(acme: Tenant, client: Client) -> None:
    invitation, other = invite(acme, ANN, "b@x.example").invited
    invitations.accept(token_of(invitation), name="Ann", password="six-blue-boats", by=acme.by)
    change(client, "revoke", invitation, other, confirmed="read")
    text = text_of(client.get(LIST))
    assert "The invitation of b@x.example was revoked." in text
    assert f"{ANN} has accepted the invitation and is a user now." in text


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"action": "resend"},
        {"action": "resend", "invitation": "rubbish"},
        {"action": "resend", "invitation": f"{'-' * 36}.1"},
        {"action": "delete", "invitation": f"{uuid4()}.1"},
        {"action": "revoke", "confirmed": "read", "invitation": [f"{uuid4()}.1" for _ in range(101)]},
        {"action": "resend", "list": "status=%00&page=%FF"},
    ],
)
def test_a_forged_form_changes_nothing(form: dict[str, Any], acme: Tenant, client: Client) -> None:
    invitation = one(acme)
    answer = client.post(CHANGE, form)
    assert answer.status_code == 302
    assert client.get(answer.headers["Location"]).status_code == 200
    invitation.refresh_from_db()
    assert (invitation.sent_count, invitation.is_open) == (1, True)


def test_the_audit_log_leads_to_an_invitation_that_is_open(acme: Tenant, client: Client) -> None:
    one(acme)
    html = client.get("/settings/audit-log/").content.decode()
    assert "/settings/users/?status=invited&amp;q=ann%40contractor.example#users" in html
