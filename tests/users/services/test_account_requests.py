"""Asking for an account, proving the address, and what becomes of the request."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent
from domains.services import AddressRefused
from organizations.models import Mail
from organizations.services import outbox
from tests.tenants import Tenant, confirmation_in, waiting_request
from tests.users.services.test_races import at_once
from users.models import AccountRequest, Source, User
from users.permissions import BuiltIn
from users.services import account_requests
from users.services.account_requests import LinkInvalid, RequestInvalid, RequestSettled, RequestUnknown
from users.services.accounts import NameTaken

State = AccountRequest.State


def ask(tenant: Tenant, address: str, name: str = "Grace Hopper") -> None:
    account_requests.ask(name, address, organization=tenant.organization)


def confirm(token: str) -> AccountRequest:
    return account_requests.confirm(token, address="192.0.2.7", request_id="r-7")


def names_of_mails(to: str) -> list[str]:
    return list(Mail.objects.filter(to=to).order_by("id").values_list("name", flat=True))


def age(request: AccountRequest, **changes: Any) -> None:
    AccountRequest.objects.filter(pk=request.pk).update(**changes)


def test_nobody_is_bothered_before_the_address_is_proven(acme: Tenant, mailoutbox: list[Any]) -> None:
    ada = acme.add("ada", BuiltIn.ADMIN)
    ask(acme, "grace@acme.example")
    assert not account_requests.waiting(acme.id).exists()
    outbox.deliver()
    (mail,) = mailoutbox
    assert (mail.to, mail.subject) == (["grace@acme.example"], "Confirm your address for Acme")
    request = confirm(confirmation_in(mail.body))
    assert list(account_requests.waiting(acme.id)) == [request]
    outbox.deliver()
    assert mailoutbox[1].to == [ada.email]
    assert "Grace Hopper (grace@acme.example)" in mailoutbox[1].body
    assert "/settings/users/#user-requests" in mailoutbox[1].body
    event = acme.last_event()
    assert (str(event), event.address) == ("grace@acme.example asked for an account", "192.0.2.7")


def test_a_link_confirms_once_and_again_changes_nothing(acme: Tenant) -> None:
    acme.add("ada", BuiltIn.ADMIN)
    ask(acme, "grace@acme.example")
    token = confirmation_in(Mail.objects.get().text)
    first, events = confirm(token), len(acme.events())
    again = confirm(token)
    assert (again.pk, again.confirmed_at) == (first.pk, first.confirmed_at)
    assert len(acme.events()) == events
    assert names_of_mails("ada@acme.example") == ["account_requested"]


@pytest.mark.parametrize("trouble", ["old", "replaced", "declined", "held", "forged"])
def test_a_link_that_is_not_good_any_more_says_how_to_get_another(trouble: str, acme: Tenant) -> None:
    ask(acme, "grace@acme.example")
    token, request = confirmation_in(Mail.objects.get().text), AccountRequest.objects.get()
    match trouble:
        case "old":
            age(request, expires_at=timezone.now())
        case "replaced":
            ask(acme, "Grace@acme.example")
        case "declined":
            confirm(token)
            account_requests.decline(request.pk, "No", by=acme.by)
        case "held":
            acme.organization.is_active = False
            acme.organization.save()
        case "forged":
            token += "x"
    for use in (confirm, account_requests.read):
        with pytest.raises(LinkInvalid, match="Sign up again"):
            use(token)


def test_an_address_has_one_open_request_however_it_is_spelled(acme: Tenant) -> None:
    for address in ("grace@acme.example", "Grace@ACME.example"):
        ask(acme, address)
    assert AccountRequest.objects.count() == 1
    confirm(confirmation_in(Mail.objects.order_by("-id")[0].text))
    ask(acme, "grace@acme.example", name="Somebody Else")
    assert account_requests.waiting(acme.id).get().name == "Grace Hopper"
    assert names_of_mails("Grace@acme.example") == ["confirm_address", "account_request_waits"]


def test_who_has_an_account_is_told_so_by_mail_and_gets_no_link_to_confirm(acme: Tenant) -> None:
    acme.add("grace")
    ask(acme, "grace@acme.example")
    (mail,) = Mail.objects.all()
    assert (mail.name, mail.to) == ("account_exists", "grace@acme.example")
    assert "/sign-in/acme/" in mail.text
    assert "confirm" not in mail.text + mail.html


def test_every_address_of_a_domain_costs_the_same_statements(acme: Tenant) -> None:
    acme.add("known")
    waiting_request(acme, "waits")
    ask(acme, "unconfirmed@acme.example")
    shapes = []
    for login in ("known", "waits", "unconfirmed", "new"):
        with CaptureQueriesContext(connection) as queries:
            ask(acme, f"{login}@acme.example")
        shapes.append(len(queries))
    assert len(set(shapes)) == 1


@pytest.mark.parametrize("address", ["grace@elsewhere.example", "grace@sub.acme.example", "grace@unticked.example"])
def test_strangers_outside_the_checkmarked_domains_are_never_mailed(address: str, acme: Tenant) -> None:
    acme.tick("unticked.example", False)
    ask(acme, address)
    assert not Mail.objects.exists()
    assert not AccountRequest.objects.exists()


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("", "grace@acme.example"),
        ("G" * 121, "grace@acme.example"),
        ("Grace\nBcc: x", "grace@acme.example"),
        ("Grace\x00", "grace@acme.example"),
        ("Grace", "grace"),
        ("Grace", "grace@acme.example\n"),
        ("Grace", "gr ace@acme.example"),
    ],
)
def test_names_and_addresses_that_are_none_are_refused(name: str, address: str, acme: Tenant) -> None:
    with pytest.raises(RequestInvalid):
        ask(acme, address, name=name)
    assert not Mail.objects.exists()


def test_a_name_whose_letters_unfold_into_many_is_a_name_too(acme: Tenant) -> None:
    name = "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 120
    ask(acme, "grace@acme.example", name)
    assert AccountRequest.objects.get().name == name
    assert len(AccountRequest.objects.get().name_key) == account_requests.LONGEST_NAME_KEY


def test_an_approved_request_is_a_user_who_can_set_a_password(acme: Tenant, mailoutbox: list[Any]) -> None:
    request = waiting_request(acme)
    account_requests.approve(request.pk, acme.role(BuiltIn.HR), by=acme.by)
    user = User.objects.of(acme.id).get(user_name="hopper@acme.example")
    assert (user.display_name, user.source, user.role) == ("Grace Hopper", Source.REQUEST, acme.role(BuiltIn.HR))
    assert str(acme.last_event()) == "Ada Moreau approved the account request of hopper@acme.example"
    outbox.deliver()
    assert "/new-password/" in mailoutbox[0].body
    assert not account_requests.waiting(acme.id).exists()


def test_a_declined_request_is_answered_with_the_reason_and_can_be_made_again(
    acme: Tenant, mailoutbox: list[Any]
) -> None:
    request = waiting_request(acme)
    account_requests.decline(request.pk, "  We don't <know> you.\n", by=acme.by)
    outbox.deliver()
    assert "We don't <know> you." in mailoutbox[0].body
    assert "<know>" not in mailoutbox[0].alternatives[0][0]
    assert waiting_request(acme).pk != request.pk


@pytest.mark.parametrize("reason", ["", " \n", "x" * 501, "\x00"])
def test_nobody_is_declined_without_a_reason(reason: str, acme: Tenant) -> None:
    request = waiting_request(acme)
    with pytest.raises(RequestInvalid, match="Write a reason"):
        account_requests.decline(request.pk, reason, by=acme.by)
    assert account_requests.waiting(acme.id).get() == request


def test_the_second_admin_is_told_what_the_first_did(acme: Tenant) -> None:
    request = waiting_request(acme)
    account_requests.decline(request.pk, "No", by=acme.by)
    with pytest.raises(RequestSettled, match="declined by Ada Moreau already"):
        account_requests.approve(request.pk, acme.role(BuiltIn.HR), by=acme.by)


def test_a_domain_that_was_unticked_meanwhile_lets_nobody_in(acme: Tenant) -> None:
    request = waiting_request(acme)
    acme.tick("acme.example", False)
    with pytest.raises(AddressRefused, match="'acme.example' does not have the User requests checkmark"):
        account_requests.approve(request.pk, acme.role(BuiltIn.HR), by=acme.by)
    assert account_requests.waiting(acme.id).get() == request
    assert not Mail.objects.exists()


def test_a_request_closes_by_itself_when_an_account_is_made_elsewhere(acme: Tenant) -> None:
    request = waiting_request(acme)
    acme.add("hopper")
    assert not account_requests.waiting(acme.id).exists()
    assert list(account_requests.closed(acme.id)) == [request]
    with pytest.raises(NameTaken):
        account_requests.approve(request.pk, acme.role(BuiltIn.HR), by=acme.by)


def test_another_organizations_requests_and_unconfirmed_ones_are_not_there(acme: Tenant, globex: Tenant) -> None:
    ask(acme, "grace@acme.example")
    for request_id in (waiting_request(globex).pk, AccountRequest.objects.of(acme.id).get().pk, uuid4()):
        with pytest.raises(RequestUnknown):
            account_requests.approve(request_id, acme.role(BuiltIn.HR), by=acme.by)
        with pytest.raises(RequestUnknown):
            account_requests.decline(request_id, "No", by=acme.by)


def test_many_requests_are_one_more_mail_in_a_quarter_of_an_hour(acme: Tenant) -> None:
    acme.add("ada", BuiltIn.ADMIN)
    suspended = acme.add("bob", BuiltIn.ADMIN)
    acme.update(suspended, active=False)
    for number in range(4):
        ask(acme, f"p{number}@acme.example")
        confirm(confirmation_in(Mail.objects.filter(name="confirm_address").order_by("-id")[0].text))
        outbox.deliver()
    assert not names_of_mails("bob@acme.example")
    sent, waits = Mail.objects.filter(name="account_requested").order_by("id")
    assert (sent.state, waits.state) == ("sent", "waiting")
    assert waits.due_at - sent.created_at == timedelta(minutes=15)


def test_what_came_to_nothing_and_what_was_settled_long_ago_is_forgotten(acme: Tenant) -> None:
    now = timezone.now()
    kept, old = waiting_request(acme, "kept"), waiting_request(acme, "old")
    account_requests.decline(old.pk, "No", by=acme.by)
    ask(acme, "forgot@acme.example")
    call_command("prune_account_requests")
    assert AccountRequest.objects.count() == 3
    age(old, settled_at=now - timedelta(days=91))
    age(AccountRequest.objects.get(email="forgot@acme.example"), expires_at=now - timedelta(seconds=1))
    age(kept, confirmed_at=now - timedelta(days=91))
    call_command("prune_account_requests")
    assert list(AccountRequest.objects.all()) == [kept]


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_approve_in_the_same_moment_make_one_user_and_one_mail(acme: Tenant) -> None:
    for number in range(10):
        request, role = waiting_request(acme, f"p{number}"), acme.role(BuiltIn.HR)
        refusals = at_once(
            lambda: account_requests.approve(request.pk, role, by=acme.by),  # noqa: B023
            lambda: account_requests.approve(request.pk, role, by=acme.by),  # noqa: B023
        )
        assert [type(refusal) for refusal in refusals if refusal] == [RequestSettled], f"round {number}"
        assert names_of_mails(request.email) == ["account_request_approved"]


@pytest.mark.django_db(transaction=True)
def test_approving_while_the_identity_provider_creates_the_user_makes_one(acme: Tenant) -> None:
    for number in range(10):
        request, role = waiting_request(acme, f"p{number}"), acme.role(BuiltIn.HR)
        refusals = at_once(
            lambda: account_requests.approve(request.pk, role, by=acme.by),  # noqa: B023
            lambda: acme.add(f"p{number}"),  # noqa: B023
        )
        assert [type(refusal) for refusal in refusals if refusal] == [NameTaken], f"round {number}"
        assert User.objects.of(acme.id).filter(user_name_key=request.email_key).count() == 1
        assert not account_requests.waiting(acme.id).exists()
    assert AuditEvent.objects.filter(action="user.created").count() == 10


@pytest.mark.django_db(transaction=True)
def test_asking_twice_in_the_same_moment_is_one_request(acme: Tenant) -> None:
    for number in range(10):
        address = f"p{number}@acme.example"
        assert at_once(lambda: ask(acme, address), lambda: ask(acme, address)) == [None, None]  # noqa: B023
        assert AccountRequest.objects.filter(email_key=address).count() == 1
