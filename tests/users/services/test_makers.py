"""What somebody has given out asks their rights again when it takes effect; the table of decision 46, walked."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from core.actors import Actor, Channel, operator_at_the_command_line
from organizations.models import Mail
from organizations.services import outbox
from provisioning.models import Token
from provisioning.services.connections import connections, orphaned_tokens, tokens
from provisioning.services.role_rules import rules
from provisioning.services.role_rules.rules import RuleInput
from tests.tenants import Tenant, waiting_request
from tests.users.services.test_invitations import accept, token_of
from tests.users.services.test_races import ROUNDS, at_once
from users import profile as profiles
from users.models import GivenBy, Invitation, PersonalToken, User
from users.permissions import BuiltIn, levels_of
from users.services import (
    account_requests,
    accounts,
    invitations,
    personal_tokens,
    role_reassignment,
    roles,
    undo,
    user_actions,
)
from users.services.authority import BeyondOwnRights
from users.services.invitations import InvitationOver
from users.services.personal_tokens import TokenScope
from users.services.user_actions import Chosen, Verb

HELPDESK = "users.edit roles.view"

Event = Callable[[Tenant, User], Any]


def acting(tenant: Tenant, user: User) -> Actor:
    return replace(tenant.by, user_id=user.pk, label=str(user))


def maker(tenant: Tenant, role: str = BuiltIn.ADMIN, login: str = "mona") -> User:
    """Somebody who may invite, beside an Admin who stays."""
    if not User.objects.of(tenant.id).active_admins().exists():
        tenant.add("root", BuiltIn.ADMIN)
    return tenant.add(login, role)


def invited(tenant: Tenant, by: User, role: str = BuiltIn.HR, address: str = "new@contractor.example") -> Invitation:
    (invitation,) = invitations.invite([address], role=tenant.role(role), by=acting(tenant, by)).invited
    return invitation


def transactional(event: Event) -> Event:
    """As the verbs of several steps are called."""
    return transaction.atomic(event)


def suspend(tenant: Tenant, user: User) -> None:
    accounts.set_active(user.pk, False, by=tenant.by)


def suspend_by_scim(tenant: Tenant, user: User) -> None:
    found = accounts.find(user.pk, organization_id=tenant.id)
    by = Actor(tenant.id, "SCIM connection Default", Channel.SCIM)
    accounts.update(found, {**profiles.read(found), "active": False}, by=by)


def suspend_in_bulk(tenant: Tenant, user: User) -> None:
    user.refresh_from_db()
    assert user_actions.apply(Verb.SUSPEND, [Chosen(user.pk, user.version)], by=tenant.by).done


def demote(tenant: Tenant, user: User) -> None:
    accounts.change_role(user.pk, tenant.role(BuiltIn.APP_MANAGEMENT), by=tenant.by)


def remove(tenant: Tenant, user: User) -> None:
    accounts.delete(accounts.find(user.pk, organization_id=tenant.id), by=tenant.by)


def award_less(tenant: Tenant, user: User) -> None:
    """As role rules do."""
    locked = role_reassignment.locked([user.pk], organization_id=tenant.id)
    role = tenant.role(BuiltIn.READ_ONLY)
    role_reassignment.award(
        [role_reassignment.Award(each, role, GivenBy.RULE, "rule 1") for each in locked], by=tenant.by
    )


def edit_role(tenant: Tenant, user: User) -> None:
    role = accounts.find(user.pk, organization_id=tenant.id).role
    assert role
    roles.update(role.pk, role.name, levels_of("", "roles.view"), expected_version=role.version, by=tenant.by)


def delete_role(tenant: Tenant, user: User) -> None:
    role = accounts.find(user.pk, organization_id=tenant.id).role
    assert role
    roles.delete(role.pk, replacement_id=tenant.role(BuiltIn.FINANCE).pk, expected_version=role.version, by=tenant.by)


def delete_role_in_steps(tenant: Tenant, user: User) -> None:
    role = accounts.find(user.pk, organization_id=tenant.id).role
    assert role
    for number in range(2):
        tenant.add(f"colleague{number}", HELPDESK)
    replacement = tenant.role(BuiltIn.FINANCE).pk
    assert roles.reassign(role.pk, replacement_id=replacement, expected_version=role.version, by=tenant.by)


OF_A_PERSON = [suspend, suspend_by_scim, suspend_in_bulk, demote, remove]
EVENTS: list[tuple[Event, str]] = [
    *((event, BuiltIn.ADMIN) for event in [*OF_A_PERSON, award_less]),
    *((event, HELPDESK) for event in [*OF_A_PERSON, award_less, edit_role, delete_role, delete_role_in_steps]),
]


# Invitations


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("event", "role"), EVENTS, ids=lambda each: getattr(each, "__name__", each))
def test_an_invitation_ends_with_the_rights_of_its_inviter(
    event: Event, role: str, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(role_reassignment, "TOGETHER", 1)
    user = maker(acme, role)
    invitation = invited(acme, user)
    token = token_of(invitation)
    transactional(event)(acme, user)
    invitation.refresh_from_db()
    assert invitation.ended_at and invitation.revoked_at
    assert invitation.mail
    assert (invitation.mail.state, invitation.mail.text) == (Mail.State.WITHDRAWN, "")
    told = next(each for each in acme.events() if each.action == "invitation.ended")
    assert told.target_id == str(invitation.pk) and told.changes == {"inviter": [str(user), None]}
    with pytest.raises(InvitationOver):
        accept(acme, token)
    assert not User.objects.of(acme.id).filter(email=invitation.email).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("event", [suspend, demote, remove])
def test_no_way_around_the_verbs_lets_an_invitation_outlive_its_inviter(event: Event, acme: Tenant) -> None:
    user = maker(acme)
    token = token_of(invited(acme, user))
    if event is suspend:
        User.objects.filter(pk=user.pk).update(is_active=False)
    elif event is demote:
        User.objects.filter(pk=user.pk).update(role=acme.role(BuiltIn.READ_ONLY))
    else:
        User.objects.filter(pk=user.pk).delete()
    for ask in (lambda: invitations.invitation_for(token), lambda: accept(acme, token)):
        with pytest.raises(InvitationOver):
            ask()


@pytest.mark.django_db
def test_a_demotion_leaves_what_may_still_be_given(acme: Tenant) -> None:
    user = maker(acme)
    admin = invited(acme, user, BuiltIn.ADMIN, "boss@x.example")
    hr = invited(acme, user, BuiltIn.HR, "hr@x.example")
    others = invited(acme, maker(acme, login="other"), BuiltIn.ADMIN, "other@x.example")
    accounts.change_role(user.pk, acme.role(HELPDESK), by=acme.by)
    assert set(Invitation.objects.of(acme.id).unanswered()) == {hr, others}
    admin.refresh_from_db()
    assert admin.ended_at
    assert accept(acme, token_of(hr)).role == acme.role(BuiltIn.HR)


@pytest.mark.django_db
def test_an_invitation_ends_when_its_role_becomes_more_than_its_inviter_may_give(acme: Tenant) -> None:
    role = acme.role("domains.view")
    invitation = invited(acme, maker(acme, HELPDESK + " domains.view"), "domains.view")
    roles.update(role.pk, role.name, levels_of("", "domains.edit"), expected_version=role.version, by=acme.by)
    invitation.refresh_from_db()
    assert invitation.ended_at


@pytest.mark.django_db
def test_reactivation_and_promotion_revive_nothing(acme: Tenant) -> None:
    user = maker(acme)
    token = token_of(invited(acme, user))
    suspend(acme, user)
    accounts.set_active(user.pk, True, by=acme.by)
    with pytest.raises(InvitationOver):
        accept(acme, token)


@pytest.mark.django_db
def test_who_is_removed_and_comes_back_has_no_invitations(acme: Tenant) -> None:
    user = maker(acme)
    token = token_of(invited(acme, user))
    found = accounts.find(user.pk, organization_id=acme.id)
    accounts.delete(found, by=Actor(acme.id, "SCIM connection Default", Channel.SCIM))
    removal = next(each for each in acme.events() if each.action == "user.deleted")
    undo.revert(removal.pk, by=acme.by)
    assert User.objects.filter(pk=user.pk).exists()
    with pytest.raises(InvitationOver):
        accept(acme, token)


@pytest.mark.django_db
def test_the_organizations_own_invitations_have_no_inviter_to_lose(acme: Tenant) -> None:
    by = operator_at_the_command_line(acme.id)
    (invitation,) = invitations.invite(["new@x.example"], role=acme.role(BuiltIn.ADMIN), by=by).invited
    user = maker(acme, HELPDESK)
    edit_role(acme, user)
    suspend(acme, user)
    assert accept(acme, token_of(invitation)).role == acme.role(BuiltIn.ADMIN)


@pytest.mark.django_db
def test_an_operators_invitation_ends_with_the_operator(acme: Tenant) -> None:
    operator = User.objects.create_superuser("op", "op@operators.example", "x")
    by = Actor(acme.id, "op", Channel.OPERATOR, user_id=operator.pk)
    (invitation,) = invitations.invite(["new@x.example"], role=acme.role(BuiltIn.ADMIN), by=by).invited
    assert invitations.invitation_for(token_of(invitation)) == invitation
    User.objects.filter(pk=operator.pk).update(is_active=False)
    with pytest.raises(InvitationOver):
        accept(acme, token_of(invitation))


@pytest.mark.django_db
def test_an_ended_invitation_is_sent_again_only_by_who_may_and_is_theirs_then(acme: Tenant) -> None:
    user, desk = maker(acme), maker(acme, HELPDESK, "desk")
    other = maker(acme, BuiltIn.ADMIN, "other")
    invitation = invited(acme, user, BuiltIn.ADMIN)
    suspend(acme, user)
    with pytest.raises(BeyondOwnRights):
        invitations.resend(invitation.pk, expected_version=1, by=acting(acme, desk))
    with pytest.raises(BeyondOwnRights):
        invitations.resend(invitation.pk, expected_version=1, by=acting(acme, user))
    again = invitations.resend(invitation.pk, expected_version=1, by=acting(acme, other))
    assert (again.invited_by_id, again.ended_at, again.is_open) == (other.pk, None, True)
    token = token_of(again)
    suspend(acme, other)
    with pytest.raises(InvitationOver):
        accept(acme, token)


@pytest.mark.django_db
def test_an_open_invitation_that_is_sent_again_is_whose_who_sent_it(acme: Tenant) -> None:
    user, other = maker(acme), maker(acme, login="other")
    again = invitations.resend(invited(acme, user).pk, expected_version=1, by=acting(acme, other))
    suspend(acme, user)
    assert accept(acme, token_of(again)).is_active


@pytest.mark.django_db
def test_an_ended_invitation_goes_when_the_address_is_invited_anew_or_it_is_revoked(acme: Tenant) -> None:
    user, other = maker(acme), maker(acme, login="other")
    first, second = invited(acme, user), invited(acme, user, address="second@x.example")
    suspend(acme, user)
    assert set(Invitation.objects.of(acme.id).listed()) == {first, second}
    anew = invited(acme, other)
    assert invitations.revoke(second.pk, expected_version=1, by=acting(acme, other))[1]
    assert list(Invitation.objects.of(acme.id).listed()) == [anew]


@pytest.mark.django_db
def test_an_expired_invitation_only_expires(acme: Tenant) -> None:
    user = maker(acme)
    invitation = invited(acme, user)
    Invitation.objects.filter(pk=invitation.pk).update(expires_at=timezone.now())
    suspend(acme, user)
    invitation.refresh_from_db()
    assert not invitation.ended_at


@pytest.mark.django_db
@pytest.mark.parametrize("event", [suspend, demote])
def test_nobody_invites_whose_rights_are_gone_though_the_page_was_still_open(event: Event, acme: Tenant) -> None:
    user = maker(acme)
    event(acme, user)
    for role in (BuiltIn.APP_MANAGEMENT, BuiltIn.ADMIN):
        with pytest.raises(BeyondOwnRights):
            invited(acme, user, role)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("event", [suspend, demote, remove, edit_role, delete_role])
def test_of_the_end_of_an_inviter_and_the_acceptance_one_comes_first(event: Event, acme: Tenant) -> None:
    for number in range(ROUNDS):
        user = maker(acme, HELPDESK, f"m{number}")
        invitation = invited(acme, user, address=f"new{number}@x.example")
        token = token_of(invitation)
        refusals = at_once(lambda: transactional(event)(acme, user), lambda: accept(acme, token))  # noqa: B023
        assert refusals[0] is None and isinstance(refusals[1], InvitationOver | None), f"round {number}"
        invitation.refresh_from_db()
        came = User.objects.of(acme.id).filter(email=invitation.email).exists()
        assert came is (refusals[1] is None) is (invitation.ended_at is None), f"round {number}"
        if event in (edit_role, delete_role):
            acme.own_roles(HELPDESK).exclude(users__isnull=False).delete()
            for role in acme.own_roles(HELPDESK):
                roles.update(role.pk, f"Former {number}", {}, expected_version=role.version, by=acme.by)


@pytest.mark.django_db(transaction=True)
def test_of_the_end_of_an_inviter_and_inviting_one_comes_first(acme: Tenant) -> None:
    for number in range(ROUNDS):
        user = maker(acme, HELPDESK, f"m{number}")
        address = f"new{number}@x.example"
        refusals = at_once(
            lambda: suspend(acme, user),  # noqa: B023
            lambda: invited(acme, user, address=address),  # noqa: B023
        )
        assert refusals[0] is None
        assert not Invitation.objects.of(acme.id).unanswered().filter(email=address).exists(), f"round {number}"


# Account requests


@pytest.mark.django_db
@pytest.mark.parametrize("event", [suspend, demote, remove])
def test_an_approval_takes_effect_at_once_and_asks_the_rights_then(event: Event, acme: Tenant) -> None:
    user = maker(acme)
    before, after = waiting_request(acme, "before"), waiting_request(acme, "after")
    account_requests.approve(before.pk, acme.role(BuiltIn.HR), by=acting(acme, user))
    event(acme, user)
    approved = User.objects.get(email=before.email)
    assert (approved.is_active, approved.role) == (True, acme.role(BuiltIn.HR)), "The account is there since then."
    with pytest.raises(BeyondOwnRights):
        account_requests.approve(after.pk, acme.role(BuiltIn.APP_MANAGEMENT), by=acting(acme, user))
    assert not User.objects.filter(email=after.email).exists()


# Links to set a password


def ask_for_link(tenant: Tenant, user: User) -> str:
    """What a mail says that somebody asked for who has forgotten the password."""
    Client().post(f"/sign-in/{tenant.organization.slug}/password/", {"email": user.email})
    return link_of("password_reset_key")


def approved(tenant: Tenant, user: User) -> str:
    """What a mail says to somebody whose request was approved; the user comes in the place of the one who is there."""
    accounts.delete(accounts.find(user.pk, organization_id=tenant.id), by=tenant.by)
    account_requests.approve(waiting_request(tenant, "pat").pk, tenant.role(BuiltIn.HR), by=tenant.by)
    return link_of("account_request_approved")


def link_of(name: str) -> str:
    mail = Mail.objects.filter(name__startswith=name).latest("id")
    return "/new-password/" + mail.text.partition("/new-password/")[2].split()[0]


def opens(link: str) -> bool:
    """Whether a form for a new password is behind a link, without using it."""
    return Client().get(link).status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("ask", [ask_for_link, approved])
def test_a_link_to_set_a_password_ends_with_a_suspension_for_good(ask: Callable[..., str], acme: Tenant) -> None:
    link = ask(acme, acme.add("pat"))
    assert opens(link)
    pat = User.objects.get(email="pat@acme.example")
    suspend(acme, pat)
    assert not opens(link)
    accounts.set_active(pat.pk, True, by=acme.by)
    assert not opens(link), "Reactivation revives nothing."
    assert opens(ask_for_link(acme, pat))


@pytest.mark.django_db
def test_a_link_to_set_a_password_ends_with_a_removal_for_good(acme: Tenant) -> None:
    pat = acme.add("pat", password="six-blue-boats")
    link = ask_for_link(acme, pat)
    accounts.delete(accounts.find(pat.pk, organization_id=acme.id), by=Actor(acme.id, "SCIM", Channel.SCIM))
    assert not opens(link)
    undo.revert(acme.last_event().pk, by=acme.by)
    assert User.objects.filter(pk=pat.pk).exists()
    assert not opens(link)


@pytest.mark.django_db
def test_a_suspension_ends_a_form_for_a_new_password_that_is_open(acme: Tenant) -> None:
    pat = acme.add("pat")
    browser = Client()
    form = browser.get(ask_for_link(acme, pat)).headers["Location"]
    suspend(acme, pat)
    accounts.set_active(pat.pk, True, by=acme.by)
    browser.post(form, {"password1": "six-blue-boats", "password2": "six-blue-boats"})
    pat.refresh_from_db()
    assert not pat.has_usable_password()


# Personal tokens


@pytest.mark.django_db
@pytest.mark.parametrize("event", [suspend, demote, remove])
def test_a_personal_token_does_no_more_than_its_owner_may(event: Event, acme: Tenant, client: Any) -> None:
    user = maker(acme)
    token, text = personal_tokens.make(user.pk, "logs", [TokenScope.READ_AUDIT_LOG], by=acme.by)
    ask = lambda: client.get("/api/audit/v1/logs", headers={"Authorization": f"Bearer {text}"})  # noqa: E731
    assert ask().status_code == 200
    event(acme, user)
    assert ask().status_code == (403 if event is demote else 401)
    if event is suspend:
        accounts.set_active(user.pk, True, by=acme.by)
        assert ask().status_code == 401, "Reactivation revives nothing."
    assert not PersonalToken.objects.live().filter(pk=token.pk).exists() or event is demote


# Role rules


@pytest.mark.django_db
@pytest.mark.parametrize("event", [suspend, demote, remove])
def test_role_rules_are_the_organizations_and_outlive_their_maker(event: Event, acme: Tenant) -> None:
    user = maker(acme)
    wanted = [RuleInput("department", "is", "Staff", str(acme.role(BuiltIn.HR).pk))]
    rules.save(wanted, expected_version=0, by=acting(acme, user))
    event(acme, user)
    assert [str(rule.role) for rule in rules.in_force(acme.id)] == ["HR"]
    more = [RuleInput("department", "is", "Staff", str(acme.role(BuiltIn.ADMIN).pk))]
    with pytest.raises(BeyondOwnRights):
        rules.save(more, expected_version=1, by=acting(acme, user))


@pytest.mark.django_db
@pytest.mark.parametrize("event", [suspend, demote, remove])
@pytest.mark.parametrize("saved", [True, False], ids=["a rule", "no rule any more"])
def test_each_step_of_applying_role_rules_asks_the_actors_rights_anew(
    saved: bool, event: Event, acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "LOCKED_TOGETHER", 1)
    user = maker(acme)
    for number in range(3):
        department = {"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Staff"}}
        acme.add(f"p{number}", profile=department, given_by=GivenBy.DEFAULT)
    rule = [RuleInput("department", "is", "Staff", str(acme.role(BuiltIn.HR).pk))]
    rules.save(rule, expected_version=0, by=acme.by)
    if not saved:
        while rules.apply_some(by=acme.by).is_applying:
            pass
        rules.save([], expected_version=1, by=acting(acme, user))
    whole = rules.apply_some(by=acting(acme, user))
    assert (whole.changed, whole.is_applying) == (1, True)
    event(acme, user)
    with pytest.raises(BeyondOwnRights):
        rules.apply_some(by=acting(acme, user))
    while (whole := rules.apply_some(by=acme.by)).is_applying:
        pass
    assert whole.changed == 3, "Somebody else goes on."


@pytest.mark.django_db
def test_a_step_of_applying_role_rules_takes_no_role_beyond_the_actors(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "LOCKED_TOGETHER", 1)
    user = maker(acme, "sign-in.edit")
    for number in range(2):
        acme.add(f"p{number}", given_by=GivenBy.DEFAULT)
    rule = [RuleInput("domain", "is", acme.domain, str(acme.role(BuiltIn.HR).pk))]
    rules.save(rule, expected_version=0, by=acting(acme, user))
    assert rules.apply_some(by=acting(acme, user)).is_applying
    User.objects.filter(role_given_by=GivenBy.DEFAULT, email__startswith="p").update(role=acme.role(BuiltIn.READ_ONLY))
    with pytest.raises(BeyondOwnRights):
        rules.apply_some(by=acting(acme, user))


# Connections' tokens


LOST = {
    suspend: "who can no longer sign in",
    demote: "who may no longer make tokens of this connection",
    remove: "who is no longer a user",
}


def outlived(tenant: Tenant) -> dict[str, str]:
    """The tokens that the checklist advises to rotate, and what it says about who made them."""
    found = orphaned_tokens.outlived(tenant.connection, connections.live_tokens(tenant.connection))
    return {each.token.name: each.maker for each in found}


@pytest.mark.django_db
@pytest.mark.parametrize("event", LOST)
def test_a_connections_token_outlives_its_maker_and_is_to_be_rotated(event: Event, acme: Tenant, client: Any) -> None:
    user, other = maker(acme), maker(acme, login="other")
    token, text = connections.generate_token(acme.connection, by=acting(acme, user), name="Leaver's")
    connections.generate_token(acme.connection, by=acting(acme, other), name="Other's")
    connections.generate_token(acme.connection, by=operator_at_the_command_line(acme.id), name="Command's")
    connections.set_enabled(acme.connection, True, by=acme.by)
    assert outlived(acme) == {}
    event(acme, user)
    answer = client.get("/scim/acme/v2/Users", headers={"Authorization": f"Bearer {text}"})
    assert answer.status_code == 200, "It belongs to the organization."
    assert outlived(acme) == {"Leaver's": f"{user}, {LOST[event]}"}
    tokens.rotate_token(token.pk, by=acting(acme, other))
    assert outlived(acme) == {}, "Somebody has begun to replace it."
    Token.objects.filter(pk=token.pk).update(retires_by_itself=False)
    assert list(outlived(acme)) == ["Leaver's"], "It would stay for ever beside the new one."


@pytest.mark.django_db
def test_a_token_is_to_be_rotated_whose_maker_has_less_than_the_connection_gives(acme: Tenant) -> None:
    user = maker(acme)
    connections.generate_token(acme.connection, by=acting(acme, user), name="First")
    accounts.change_role(user.pk, acme.role("sign-in.edit domains.edit organization.view"), by=acme.by)
    assert outlived(acme) == {"First": f"{user}, who may no longer make tokens of this connection"}
    accounts.change_role(user.pk, acme.role(BuiltIn.ADMIN), by=acme.by)
    assert outlived(acme) == {}


@pytest.mark.django_db
def test_another_organizations_user_is_no_maker(acme: Tenant, globex: Tenant) -> None:
    anonymous = globex.add("anonymous", BuiltIn.ADMIN)
    token, _text = connections.generate_token(acme.connection, by=acme.by, name="First")
    Token.objects.filter(pk=token.pk).update(created_by=anonymous, created_by_label=str(anonymous))
    assert outlived(acme) == {"First": f"{anonymous}, who is no longer a user"}


# Work that goes on step by step


@pytest.mark.django_db
def test_each_step_on_several_people_asks_the_actors_rights_anew(acme: Tenant) -> None:
    user = maker(acme, HELPDESK)
    first, second = acme.add("first"), acme.add("second")
    chosen = [Chosen(user.pk, user.version), Chosen(first.pk, first.version), Chosen(second.pk, second.version)]
    report = user_actions.apply(Verb.SUSPEND, chosen, by=acting(acme, user))
    assert report.done == [str(user)]
    assert [type(refusal) for refusal in report.refused] == [BeyondOwnRights] * 2
    assert User.objects.filter(pk__in=[first.pk, second.pk], is_active=True).count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("event", [suspend, demote, remove])
def test_an_undo_asks_the_actors_rights_anew(event: Event, acme: Tenant) -> None:
    user, person = maker(acme), acme.add("person")
    suspend_by_scim(acme, person)
    suspension = acme.last_event()
    event(acme, user)
    report = undo.revert_many([suspension], by=acting(acme, user))
    assert [type(refusal) for refusal in report.refused] == [BeyondOwnRights]
    person.refresh_from_db()
    assert not person.is_active


@pytest.mark.django_db
def test_mails_of_ended_invitations_do_not_leave(acme: Tenant, mailoutbox: list[Any]) -> None:
    user = maker(acme)
    invited(acme, user)
    suspend(acme, user)
    outbox.deliver()
    assert mailoutbox == []
