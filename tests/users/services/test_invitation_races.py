"""What invitations promise holds also when two people act in the same moment."""

import pytest

from core.refusals import StaleVersion
from tests.tenants import Tenant
from tests.users.services.test_invitations import ANN, accept, invite, one, token_of
from tests.users.services.test_races import ROUNDS, at_once
from users.models import Invitation, User
from users.services import accounts, invitations
from users.services.invitations import HasAccount, InvitationOver

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_link_used_twice_in_the_same_moment_makes_one_account(acme: Tenant) -> None:
    for number in range(ROUNDS):
        token = token_of(one(acme))
        refusals = at_once(lambda: accept(acme, token), lambda: accept(acme, token))  # noqa: B023
        assert [type(refusal) for refusal in refusals if refusal] == [InvitationOver], f"round {number}"
        (user,) = User.objects.of(acme.id)
        accounts.delete(user, by=acme.by)


def test_of_an_invitation_and_the_identity_provider_one_makes_the_account(acme: Tenant) -> None:
    for number in range(ROUNDS):
        token = token_of(one(acme, f"p{number}@acme.example"))
        refusals = at_once(lambda: accept(acme, token), lambda: acme.add(f"p{number}"))  # noqa: B023
        assert [type(refusal) for refusal in refusals if refusal] in ([HasAccount], [accounts.NameTaken])
        assert User.objects.of(acme.id).count() == number + 1


def test_one_address_invited_twice_in_the_same_moment_gets_one_mail(acme: Tenant) -> None:
    for number in range(ROUNDS):
        addresses = [f"p{number}@x.example", f"q{number}@x.example"]
        send = lambda: invite(acme, *addresses)  # noqa: B023, E731
        assert at_once(send, send) == [None, None]
        assert Invitation.objects.of(acme.id).count() == 2 * (number + 1)


def test_of_two_who_send_again_in_the_same_moment_the_second_is_told(acme: Tenant) -> None:
    invitation = one(acme, ANN)
    for number in range(ROUNDS):
        send = lambda: invitations.resend(invitation.pk, expected_version=number + 1, by=acme.by)  # noqa: B023, E731
        refusals = at_once(send, send)
        assert [type(refusal) for refusal in refusals if refusal] == [StaleVersion], f"round {number}"
