"""Several bulk requests at once: every name is taken once, and each client is told what is so."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from audit.models import AuditEvent
from tests.identity_provider import Idp, read
from tests.scim.operations.test_bulk import make, make_group, managed_by, statuses
from users.models import Headcount

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 5
WRITERS = 4
PEOPLE = 12


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


def test_the_same_people_are_made_once_whatever_the_order(idp: Idp) -> None:
    for round_number in range(ROUNDS):
        people = [make(f"r{round_number}u{at}") for at in range(PEOPLE)]

        def send(client: Idp, number: int, people: list[dict[str, Any]] = people) -> Any:
            return client.send("POST", "/Bulk", {"Operations": people[:: 1 if number % 2 else -1]})

        told = [status for answer in at_once(idp, send) for status in statuses(read(answer)["Operations"])]
        assert Counter(told) == {"201": PEOPLE, "409": PEOPLE * (WRITERS - 1)}
    people_there = PEOPLE * ROUNDS
    assert len(idp.users()) == Headcount.objects.get(organization=idp.organization).users == people_there
    assert AuditEvent.objects.filter(action="user.created").count() == people_there


def test_a_bulk_request_and_single_ones_for_the_same_people(idp: Idp) -> None:
    def send(client: Idp, number: int) -> list[str]:
        if number:
            return [
                str(client.send("POST", "/Users", {"userName": f"u{at}@acme.example"}).status_code)
                for at in range(PEOPLE)
            ]
        people = [make(f"u{at}", **(managed_by(f"bulkId:u{at - 1}") if at else {})) for at in range(PEOPLE)]
        answer = client.send("POST", "/Bulk", {"Operations": [*people, make_group("All", f"bulkId:u{PEOPLE - 1}")]})
        told = statuses(read(answer)["Operations"])
        # Who fails because of a manager who was made by somebody else is 409, as is the group.
        assert told[PEOPLE] in ("201", "409")
        return told[:PEOPLE]

    told = Counter(status for answers in at_once(idp, send) for status in answers)
    assert told["201"] == PEOPLE
    assert told["201"] + told["409"] == PEOPLE * WRITERS
    assert len(idp.users()) == Headcount.objects.get(organization=idp.organization).users == PEOPLE
