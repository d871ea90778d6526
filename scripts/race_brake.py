"""The round in which many clients let more people go than the mass-change brake lets them."""

from collections import Counter
from datetime import timedelta

from django.utils import timezone

from provisioning.models import Brake, Departure
from scripts.race_rounds import CLIENTS, Request, Round, replace, statuses
from users.models import User

HUNDRED = 100

# So many go before the clients begin, so that the line lies in the midst of what they ask at once.
TENTH = 10


def the_brake_lets_twenty_of_a_hundred_go(race: Round) -> None:
    """100 people, and 20 clients suspend or delete them all: 20 go, 80 are refused with 429 and stay as they are"""
    organization_id = race.idp.organization_id
    brakes = Brake.objects.of(organization_id)
    brakes.update(enabled=False)
    people = User.objects.of(organization_id).filter(is_active=True)
    new_users = [
        {
            "method": "POST",
            "path": "/Users",
            "bulkId": f"n{number}",
            "data": {"userName": race.address(f"{race.number}-{number}")},
        }
        for number in range(HUNDRED - people.count())
    ]
    race.send("POST", "/Bulk", {"Operations": new_users})
    # Whoever was made within the day could be a try-out's test user.
    people.update(created_at=timezone.now() - timedelta(days=2))
    brakes.update(enabled=True, paused_since=None, counts_from=timezone.now())
    requests = [
        Request("PATCH", f"/Users/{pk}", replace("active", False)) if number % 2 else Request("DELETE", f"/Users/{pk}")
        for number, pk in enumerate(people.values_list("pk", flat=True))
    ]
    race.expect("people", len(requests), HUNDRED)
    answers = race.at_once(requests[:TENTH])
    for start in range(TENTH, HUNDRED, CLIENTS):
        answers += race.at_once(requests[start : start + CLIENTS])
    went = Counter(answer.status == 429 for answer in answers)
    race.expect("refused with 429", went, {True: 80, False: 20})
    race.expect("other answers", statuses(answers).keys() - {200, 204, 429}, set())
    race.expect("people left", people.count(), 80)
    (brake,) = brakes
    race.expect("held at", (brake.gone, brake.people, brake.paused_since is not None), (20, HUNDRED, True))
    departures = Departure.objects.of(organization_id).filter(at__gt=brake.counts_from, refused=False)
    race.expect("departures", departures.count(), 20)


ROUNDS = (the_brake_lets_twenty_of_a_hundred_go,)
