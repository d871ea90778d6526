"""Somebody is invited once, by a link that works once, and becomes a user with the role that was chosen."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.actors import Actor, Channel
from core.refusals import StaleVersion
from organizations.models import Mail
from organizations.services import outbox
from tests.tenants import Tenant
from users.models import Invitation, Source, User
from users.permissions import BuiltIn
from users.services import accounts, invitations
from users.services.invitations import (
    HasAccount,
    InvitationOver,
    InvitationsOutcome,
    InvitationUnknown,
    Known,
    TooManyMails,
)

ANN = "ann@contractor.example"


def invite(tenant: Tenant, *addresses: str, role: BuiltIn = BuiltIn.HR) -> InvitationsOutcome:
    return invitations.invite(addresses, role=tenant.role(role), by=tenant.by)


def one(tenant: Tenant, address: str = ANN) -> Invitation:
    (invitation,) = invite(tenant, address).invited
    return invitation


def token_of(invitation: Invitation) -> str:
    """What the newest mail's link ends with."""
    mail = Mail.objects.get(pk=invitation.mail_id)
    return mail.text.partition("/invitation/")[2].partition("/")[0]


def invitee(tenant: Tenant) -> Actor:
    return Actor(tenant.id, ANN, Channel.SIGN_IN, address="192.0.2.77")


def accept(tenant: Tenant, token: str) -> User:
    return invitations.accept(token, name="Ann Lee", password="six-blue-boats", by=invitee(tenant))


def age(invitation: Invitation, **time: float) -> Invitation:
    """The invitation as it is when so much time has gone by."""
    invitation.refresh_from_db()
    for name in ("created_at", "expires_at", "accepted_at", "revoked_at"):
        if getattr(invitation, name):
            setattr(invitation, name, getattr(invitation, name) - timedelta(**time))
    invitation.save()
    return invitation


# Inviting


def test_an_outsider_is_invited_with_a_role_and_mailed(acme: Tenant, mailoutbox: list[Any]) -> None:
    invitation = one(acme)
    assert (invitation.role, invitation.invited_by, invitation.is_open) == (acme.role(BuiltIn.HR), "Ada Moreau", True)
    assert invitation.expires_at - invitation.created_at == timedelta(days=7)
    event = acme.last_event()
    assert str(event) == f"Ada Moreau invited {ANN}"
    assert event.changes == {"role": [None, "HR"]}
    assert outbox.deliver() == 1
    assert [mail.to for mail in mailoutbox] == [[ANN]]
    assert not User.objects.of(acme.id).exists(), "an invitation is no account"


def test_the_mail_has_the_link_in_text_and_html_and_says_who_and_what(acme: Tenant, mailoutbox: list[Any]) -> None:
    acme.organization.name = "Acme <b>& Sons"
    acme.organization.save()
    invitation = one(acme)
    link = f"http://testserver/invitation/{token_of(invitation)}/"
    outbox.deliver()
    (mail,) = mailoutbox
    html = mail.alternatives[0].content
    assert mail.subject == "Ada Moreau invites you to Acme <b>& Sons"
    assert mail.body.count(link) == 1
    assert f'href="{link}"' in html
    assert "<b>& Sons" not in html
    for text in (mail.body, html):
        assert "Ada Moreau" in text
        assert "as HR" in text
        assert ANN in text
        assert invitation.digest not in text


def test_nothing_but_the_mail_knows_the_link(acme: Tenant) -> None:
    invitation = one(acme)
    token = token_of(invitation)
    accept(acme, token)
    outbox.deliver()
    for model in (Invitation, Mail, User):
        assert token not in str(list(model.objects.values()))
    assert token not in str([(event.changes, event.target_label, event.actor_label) for event in acme.events()])


def test_whom_the_organization_knows_is_named_and_not_invited(acme: Tenant, globex: Tenant) -> None:
    grace = acme.add("grace", profile={"emails": [{"value": "Grace.H@acme.example", "primary": True}]})
    invitation = one(acme)
    globex.add("gabriel")
    outcome = invite(acme, "GRACE@ACME.example", "grace.h@acme.example", ANN.upper(), "gabriel@globex.example")
    assert outcome.known == [
        Known("GRACE@acme.example", grace.pk, None),
        Known("grace.h@acme.example", grace.pk, None),
        Known("ANN@contractor.example", None, invitation),
    ]
    assert [str(each) for each in outcome.invited] == ["gabriel@globex.example"]
    assert Invitation.objects.of(acme.id).count() == 2


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("Ann Lee", "@"),
        ("ann@", "domain"),
        ("ann@nowhere", "domain"),
        ("a b@x.example", "invisible character before the @"),
        ("ann@x.example\x00", "domain"),
        ("ünn@x.example", "mail to those is not supported"),
        ("x" * 65 + "@x.example", "more than 64"),
        ("ann@" + "x" * 300 + ".example", "longer"),
    ],
)
def test_what_is_no_address_is_refused_with_the_reason_and_hinders_nobody(
    address: str, reason: str, acme: Tenant
) -> None:
    outcome = invite(acme, address, ANN)
    ((refused, why),) = outcome.malformed
    assert refused == address
    assert reason in why
    assert [str(each) for each in outcome.invited] == [ANN]


def test_two_spellings_of_an_address_are_one_invitation(acme: Tenant) -> None:
    assert len(invite(acme, ANN, ANN.upper(), f" {ANN}").invited) == 1


def statements(tenant: Tenant, number: int) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        outcome = invite(tenant, *(f"p{number}-{each}@x.example" for each in range(number)))
    assert len(outcome.invited) == number
    return len(queries)


def test_five_hundred_cost_the_statements_of_ten(acme: Tenant) -> None:
    assert statements(acme, 500) == statements(acme, 10) <= 13
    assert Mail.objects.filter(organization_id=acme.id).count() == 510


def test_there_is_a_limit_a_day_and_beyond_it_nobody_is_invited(acme: Tenant, globex: Tenant, settings: Any) -> None:
    settings.INVITATION_MAILS_PER_DAY = 3
    invite(acme, "a@x.example", "b@x.example")
    with pytest.raises(TooManyMails, match="3 invitations within 24 hours, and 1 is left"):
        invite(acme, "c@x.example", "d@x.example")
    assert Invitation.objects.of(acme.id).count() == 2
    invitation = one(acme)
    with pytest.raises(TooManyMails, match="0 are left"):
        invitations.resend(invitation.pk, expected_version=1, by=acme.by)
    assert len(invite(globex, "c@x.example").invited) == 1, "each organization has its own"
    Mail.objects.update(created_at=timezone.now() - timedelta(hours=25))
    invitations.resend(invitation.pk, expected_version=1, by=acme.by)


# Sending again, and revoking


def test_a_new_link_replaces_the_old_one_and_the_time_begins_anew(acme: Tenant) -> None:
    invitation = age(one(acme), days=8)
    former = token_of(invitation)
    again = invitations.resend(invitation.pk, expected_version=1, by=acme.by)
    assert str(acme.last_event()) == f"Ada Moreau sent the invitation of {ANN} again"
    assert again.sent_count == 2
    assert again.is_open
    with pytest.raises(InvitationUnknown):
        accept(acme, former)
    assert accept(acme, token_of(again)).user_name == ANN


def test_who_sends_again_what_was_sent_again_meanwhile_is_told(acme: Tenant) -> None:
    invitation = one(acme)
    invitations.resend(invitation.pk, expected_version=1, by=acme.by)
    for verb in (invitations.resend, invitations.revoke):
        with pytest.raises(StaleVersion, match="since you opened the page"):
            verb(invitation.pk, expected_version=1, by=acme.by)
    assert Mail.objects.filter(organization_id=acme.id).count() == 2


def test_a_revoked_invitation_opens_nothing_and_is_revoked_once(acme: Tenant) -> None:
    invitation = one(acme)
    token = token_of(invitation)
    assert invitations.revoke(invitation.pk, expected_version=1, by=acme.by)[1] is True
    assert str(acme.last_event()) == f"Ada Moreau revoked the invitation of {ANN}"
    events = len(acme.events())
    assert invitations.revoke(invitation.pk, expected_version=1, by=acme.by)[1] is False
    assert len(acme.events()) == events
    with pytest.raises(InvitationOver):
        accept(acme, token)
    with pytest.raises(InvitationOver, match="Invite the address anew"):
        invitations.resend(invitation.pk, expected_version=1, by=acme.by)
    assert one(acme).is_open


def test_who_is_no_longer_invited_and_whose_link_is_no_longer_good_is_not_mailed(
    acme: Tenant, mailoutbox: list[Any]
) -> None:
    ann, bob, zoe = one(acme), one(acme, "bob@contractor.example"), one(acme, "zoe@contractor.example")
    invitations.revoke(ann.pk, expected_version=1, by=acme.by)
    again = invitations.resend(bob.pk, expected_version=1, by=acme.by)
    link = token_of(again)
    outbox.deliver()
    assert sorted(address for mail in mailoutbox for address in mail.to) == [bob.email, zoe.email]
    assert any(link in mail.body for mail in mailoutbox)


def test_another_organizations_invitation_is_not_there(acme: Tenant, globex: Tenant) -> None:
    foreign = one(globex)
    for pk in (foreign.pk, uuid4()):
        for verb in (invitations.resend, invitations.revoke):
            with pytest.raises(InvitationUnknown):
                verb(pk, expected_version=1, by=acme.by)
    foreign.refresh_from_db()
    assert foreign.is_open


# Accepting


def test_who_accepts_is_a_user_with_the_role_and_the_password(acme: Tenant) -> None:
    user = accept(acme, token_of(one(acme)))
    found = User.objects.get(pk=user.pk)
    assert (found.user_name, found.email, found.display_name) == (ANN, ANN, "Ann Lee")
    assert (found.role, found.source, found.is_active) == (acme.role(BuiltIn.HR), Source.MANUAL, True)
    assert found.check_password("six-blue-boats")
    assert [(event.action, event.actor_label, event.channel) for event in acme.events()[:2]] == [
        ("invitation.accepted", ANN, "sign-in"),
        ("user.created", ANN, "sign-in"),
    ]


def test_a_link_works_once(acme: Tenant) -> None:
    token = token_of(one(acme))
    accept(acme, token)
    with pytest.raises(InvitationOver):
        accept(acme, token)
    assert User.objects.of(acme.id).count() == 1


def test_an_old_link_does_not_work_and_the_address_can_be_invited_again(acme: Tenant) -> None:
    invitation = age(one(acme), days=7, minutes=1)
    with pytest.raises(InvitationOver):
        accept(acme, token_of(invitation))
    assert accept(acme, token_of(one(acme))).user_name == ANN


def test_nobody_enters_an_organization_that_is_held(acme: Tenant) -> None:
    token = token_of(one(acme))
    acme.organization.is_active = False
    acme.organization.save()
    with pytest.raises(InvitationOver):
        accept(acme, token)


def test_an_account_made_meanwhile_closes_the_invitation(acme: Tenant) -> None:
    invitation = one(acme, "grace@acme.example")
    acme.add("grace")
    with pytest.raises(HasAccount):
        accept(acme, token_of(invitation))
    with pytest.raises(HasAccount, match="has an account meanwhile"):
        invitations.resend(invitation.pk, expected_version=1, by=acme.by)
    assert User.objects.of(acme.id).count() == 1


def test_who_left_can_be_invited_again(acme: Tenant) -> None:
    user = accept(acme, token_of(one(acme)))
    accounts.delete(user, by=acme.by)
    assert accept(acme, token_of(one(acme))).pk != user.pk


# Forgetting


def test_the_timer_forgets_what_was_over_long_ago_and_nothing_else(acme: Tenant, capsys: Any) -> None:
    accepted, revoked, expired, recent, still_open = invite(acme, *(f"p{each}@x.example" for each in range(5))).invited
    accept(acme, token_of(accepted))
    invitations.revoke(revoked.pk, expected_version=1, by=acme.by)
    for invitation in (accepted, revoked):
        age(invitation, days=31)
    age(expired, days=38)
    age(recent, days=36)
    call_command("prune_invitations")
    assert capsys.readouterr().out == "3 invitations forgotten.\n"
    assert set(Invitation.objects.of(acme.id)) == {recent, still_open}
