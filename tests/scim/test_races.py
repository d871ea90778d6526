"""Several writers at once: nothing is lost, nothing is doubled, nobody gets a fault."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from scim.models import Connection
from tests.scim.conftest import Idp, read
from users.models import Headcount, User

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS = 4
ROUNDS = 5


def at_once(idp: Idp, act: Callable[[Idp, int], Any]) -> list[Any]:
    """What each of several clients gets that act in the same moment, each on a connection of its own."""
    barrier = Barrier(WRITERS)

    def run(number: int) -> Any:
        try:
            barrier.wait()
            return act(Idp(idp.organization, idp.token), number)
        finally:
            connection.close()

    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(run, range(WRITERS)))


def test_of_equal_creations_one_succeeds_and_the_others_are_told(idp: Idp) -> None:
    for number in range(ROUNDS):
        body = {"userName": f"ada{number}@acme.example"}
        answers = at_once(idp, lambda client, _number, body=body: client.send("POST", "/Users", body))
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: WRITERS - 1}
        assert {read(answer)["scimType"] for answer in answers if answer.status_code == 409} == {"uniqueness"}
    assert len(idp.users()) == Headcount.objects.get(organization=idp.organization).users == ROUNDS


def test_changes_of_different_attributes_all_survive(idp: Idp) -> None:
    names = ["title", "nickName", "locale", "userType"]
    for number in range(ROUNDS):
        user = idp.create(f"ada{number}@acme.example")
        operations = [{"op": "replace", "path": name, "value": name} for name in names]
        answers = at_once(idp, lambda client, n, u=user["id"], ops=operations: client.patch(u, ops[n]))
        assert [answer.status_code for answer in answers] == [200] * WRITERS
        after = read(idp.get(f"/Users/{user['id']}"))
        assert [after[name] for name in names] == names
        assert after["meta"]["version"] == f'W/"{1 + WRITERS}"'


def test_of_writers_with_the_same_version_in_mind_one_succeeds(idp: Idp) -> None:
    user = idp.create()
    for _round in range(ROUNDS):
        version = read(idp.get(f"/Users/{user['id']}"))["meta"]["version"]
        answers = at_once(
            idp,
            lambda client, n, v=version: client.patch(
                user["id"], {"op": "replace", "path": "title", "value": f"{v}{n}"}, if_match=v
            ),
        )
        assert Counter(answer.status_code for answer in answers) == {200: 1, 412: WRITERS - 1}


def test_as_many_admins_as_there_are_cannot_all_leave_at_once(idp: Idp) -> None:
    Connection.objects.update(manage_admins=True)
    admins = [idp.create(f"root{n}@acme.example", roles=[{"value": "Admin"}])["id"] for n in range(WRITERS)]
    answers = at_once(idp, lambda client, n: client.send("DELETE", f"/Users/{admins[n]}"))
    assert Counter(answer.status_code for answer in answers) == {204: WRITERS - 1, 403: 1}
    assert User.objects.of(idp.organization.pk).active_admins().count() == 1


def test_a_user_deleted_twice_at_once_is_gone_once(idp: Idp) -> None:
    user = idp.create()
    answers = at_once(idp, lambda client, _n: client.send("DELETE", f"/Users/{user['id']}"))
    assert Counter(answer.status_code for answer in answers) == {204: 1, 404: WRITERS - 1}
    assert Headcount.objects.get(organization=idp.organization).users == 0
