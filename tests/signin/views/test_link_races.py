"""Links that are good for one use, followed by several people in the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse

from audit.actions import Action
from organizations.services.organizations import reactivate, suspend
from tests.tenants import Tenant
from tests.users.services.test_invitations import one, token_of
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

SESSIONS, ROUNDS = 4, 8


def answers(*deeds: Callable[[], Any]) -> list[Any]:
    """What the deeds return, each in a thread of its own, all started together."""
    start = Barrier(len(deeds))

    def run(deed: Callable[[], Any]) -> Any:
        try:
            start.wait()
            return deed()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


def link_for(user: User) -> str:
    key = default_token_generator.make_token(User.objects.get(pk=user.pk))
    return reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(user), "key": key})


def test_of_four_sessions_with_one_link_one_sets_the_password(acme: Tenant) -> None:
    ann = acme.add("ann")
    for number in range(ROUNDS):
        cache.clear()
        link, clients = link_for(ann), [Client() for _ in range(SESSIONS)]
        forms = [client.get(link).headers["Location"] for client in clients]
        passwords = [f"horse-battery-{number}-{session}" for session in range(SESSIONS)]
        said = answers(
            *(
                lambda client=client, form=form, word=word: client.post(form, {"password1": word, "password2": word})
                for client, form, word in zip(clients, forms, passwords, strict=True)
            )
        )
        won = [word for answer, word in zip(said, passwords, strict=True) if answer.status_code == 302]
        assert len(won) == 1, f"round {number}"
        lost = [answer for answer in said if answer.status_code != 302]
        assert all("This link no longer works" in answer.content.decode() for answer in lost)
        ann.refresh_from_db()
        assert ann.check_password(won[0])
        changed = [event for event in acme.events() if event.action == Action.USER_PASSWORD_CHANGED]
        assert len(changed) == number + 1


def test_no_link_sets_a_password_while_the_organization_is_suspended(acme: Tenant) -> None:
    ann, client = acme.add("ann"), Client()
    form = client.get(link_for(ann)).headers["Location"]
    words = {"password1": "horse-battery-7", "password2": "horse-battery-7"}
    suspend("It did not pay.", by=acme.by)
    for link in (form, link_for(ann)):
        assert "This link no longer works" in client.get(link, follow=True).content.decode()
    assert "This link no longer works" in client.post(form, words).content.decode()
    reactivate("It has paid.", by=acme.by)
    assert client.post(form, words).status_code == 302


def test_of_four_sessions_with_one_invitation_one_has_the_account(acme: Tenant) -> None:
    for number in range(ROUNDS):
        cache.clear()
        address = reverse("invitation", args=[token_of(one(acme, f"p{number}@acme.example"))])
        given = [{"name": f"P {session}", "password": f"horse-battery-{session}"} for session in range(SESSIONS)]
        said = answers(*(lambda data=data, address=address: Client().post(address, data) for data in given))
        assert sorted(answer.status_code for answer in said) == [302, 410, 410, 410], f"round {number}"
        user = User.objects.of(acme.id).get(user_name=f"p{number}@acme.example")
        assert sum(user.check_password(data["password"]) for data in given) == 1
