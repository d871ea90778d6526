"""Rounds in which many clients act on one organization at once, with what must be true after each.

A round is a function of a ``Round``, which sends the requests and remembers what was wrong. ``ROUNDS`` lists them.
The server is a real one, and Django is set up on its database, so that rows can be counted.
"""

import http.client
import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from django.db.models import Q

from provisioning.models import Brake, Connection
from provisioning.services.onboarding import open_organization
from users.models import Group, GroupMember, Headcount, User, UserValue

CLIENTS = 20
TIMEOUT = 60

# A client that was told to come again does so, this often.
MOST_TRIES = 30

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

# As many attributes as there are clients.
PATHS = (
    *("displayName", "nickName", "title", "userType", "locale", "timezone", "preferredLanguage", "profileUrl"),
    *(f"name.{part}" for part in ("formatted", "familyName", "givenName", "middleName", "honorificPrefix")),
    "name.honorificSuffix",
    *(f"{ENTERPRISE}:{name}" for name in ("employeeNumber", "costCenter", "organization", "division", "department")),
    "externalId",
)


@dataclass(frozen=True, slots=True)
class Request:
    """What one client asks; the path goes below the Base URL."""

    method: str
    path: str
    body: Any = None
    if_match: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back in the end, and how often the server had said 503 before."""

    status: int
    body: Any
    unavailable: int


@dataclass(slots=True)
class Idp:
    """An identity provider of an organization of its own, where SCIM may do everything."""

    base_url: str
    token: str
    organization_id: UUID
    domain: str
    admins: list[str] = field(default_factory=list)
    crew: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, server_url: str) -> "Idp":
        """Make the organization; ``server_url`` has no slash at its end."""
        slug = f"race-{uuid.uuid4().hex[:12]}"
        domain = f"{slug}.example"
        opened = open_organization("Race", slug, domains_with_requests=[domain], enable_scim=True)
        Connection.objects.filter(pk=opened.connection.pk).update(manage_admins=True)
        # Rounds suspend and delete more than a company would put up with.
        Brake.objects.filter(connection=opened.connection.pk).update(enabled=False)
        return cls(f"{server_url}/scim/{slug}/v2", opened.bearer_token or "", opened.organization.pk, domain)

    def ask(self, request: Request) -> Answer:
        """Send a request until the server is there to answer it."""
        for tries in range(MOST_TRIES):
            status, headers, body = self._ask_once(request)
            if status != 503:
                return Answer(status, body, tries)
            time.sleep(int(headers["Retry-After"]))
        return Answer(status, body, tries)

    def _ask_once(self, request: Request) -> tuple[int, http.client.HTTPMessage, Any]:
        address = urlsplit(self.base_url)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"}
        if request.if_match:
            headers["If-Match"] = request.if_match
        body = None if request.body is None else json.dumps(request.body)
        client = http.client.HTTPConnection(address.netloc, timeout=TIMEOUT)
        try:
            client.request(request.method, address.path + request.path, body, headers)
            answer = client.getresponse()
            content = answer.read()
            return answer.status, answer.headers, json.loads(content) if content else None
        finally:
            client.close()


@dataclass(slots=True)
class Round:
    """One round of a race, and what came of it."""

    idp: Idp
    number: int
    requests: int = 0
    unavailable: int = 0
    wrong: list[str] = field(default_factory=list)

    def at_once(self, requests: Sequence[Request]) -> list[Answer]:
        """The answers to requests that different clients send in the same moment."""
        start = Barrier(len(requests))

        def run(request: Request) -> Answer:
            start.wait()
            return self.idp.ask(request)

        with ThreadPoolExecutor(len(requests)) as pool:
            answers = list(pool.map(run, requests))
        for request, answer in zip(requests, answers, strict=True):
            self._count(request, answer)
        return answers

    def send(self, method: str, path: str, body: Any = None, *, expect: int = 200) -> Any:
        """The body of the answer to one request, which nobody disturbs."""
        request = Request(method, path, body)
        answer = self.idp.ask(request)
        self._count(request, answer)
        self.expect(f"{method} {path}", answer.status, expect)
        return answer.body

    def expect(self, what: str, found: object, wanted: object) -> None:
        """Remember it if something is not as it must be."""
        if found != wanted:
            self.wrong.append(f"round {self.number}: {what}: {found}, not {wanted}")

    def address(self, login: str) -> str:
        """An e-mail address in the organization's domain."""
        return f"{login}@{self.idp.domain}"

    def user(self, login: str, **attributes: Any) -> Any:
        """A new user."""
        return self.send("POST", "/Users", {"userName": self.address(login), **attributes}, expect=201)

    def group(self, name: str, members: Sequence[str] = ()) -> Any:
        """A new group."""
        body = {"displayName": f"{name} {self.number}", "members": [{"value": member} for member in members]}
        return self.send("POST", "/Groups", body, expect=201)

    def crew(self) -> list[str]:
        """The ids of as many users as there are clients, who are there in every round."""
        if not self.idp.crew:
            self.idp.crew = [self.user(f"crew{number}")["id"] for number in range(CLIENTS)]
        return self.idp.crew

    def total(self, condition: str = "") -> int:
        """How many users a list counts: all, or those who satisfy a filter."""
        query = f"&filter={quote(condition)}" if condition else ""
        total: int = self.send("GET", f"/Users?count=0{query}")["totalResults"]
        return total

    def members(self, group_id: str) -> Counter[str]:
        """The ids of a group's members; Counter, as nobody may be there twice."""
        return Counter(member["value"] for member in self.send("GET", f"/Groups/{group_id}").get("members", ()))

    def _count(self, request: Request, answer: Answer) -> None:
        self.requests += 1 + answer.unavailable
        self.unavailable += answer.unavailable
        if answer.status >= 500:
            self.wrong.append(f"round {self.number}: {request.method} {request.path}: {answer.status} {answer.body}")


def replace(path: str, value: Any) -> dict[str, Any]:
    """The body of a PATCH of one attribute."""
    return {"Operations": [{"op": "replace", "path": path, "value": value}]}


def change_members(op: str, *members: str) -> dict[str, Any]:
    """The body of a PATCH that adds or removes members."""
    return {"Operations": [{"op": op, "path": "members", "value": [{"value": member} for member in members]}]}


def statuses(answers: Sequence[Answer]) -> dict[int, int]:
    return dict(sorted(Counter(answer.status for answer in answers).items()))


def one_name_is_given_once(race: Round) -> None:
    """20 users of one userName in differing case: one 201, nineteen 409, one row"""
    name = race.address(f"anna-{race.number}")
    spellings = [
        "".join(letter.upper() if number >> place & 1 else letter for place, letter in enumerate(name))
        for number in range(CLIENTS)
    ]
    answers = race.at_once([Request("POST", "/Users", {"userName": spelling}) for spelling in spellings])
    race.expect("answers", statuses(answers), {201: 1, 409: CLIENTS - 1})
    reasons = {answer.body.get("scimType") for answer in answers if answer.status == 409}
    race.expect("reasons", reasons, {"uniqueness"})
    race.expect("found", race.total(f'userName eq "{name}"'), 1)
    race.expect("rows", User.objects.of(race.idp.organization_id).filter(user_name_key=name).count(), 1)


def one_new_name_is_given_once(race: Round) -> None:
    """20 users are given one new userName in differing case: one 200, nineteen 409"""
    name = race.address(f"same{race.number}")
    answers = race.at_once(
        [
            Request("PATCH", f"/Users/{member}", replace("userName", name.upper() if number % 2 else name))
            for number, member in enumerate(race.crew())
        ]
    )
    race.expect("answers", statuses(answers), {200: 1, 409: CLIENTS - 1})
    race.expect("found", race.total(f'userName eq "{name}"'), 1)


def one_group_name_is_given_once(race: Round) -> None:
    """20 groups of one displayName in differing case: one 201, nineteen 409"""
    names = [f"Team {race.number}".upper() if number % 2 else f"team {race.number}" for number in range(CLIENTS)]
    answers = race.at_once([Request("POST", "/Groups", {"displayName": name}) for name in names])
    race.expect("answers", statuses(answers), {201: 1, 409: CLIENTS - 1})


def changes_of_different_attributes_all_survive(race: Round) -> None:
    """20 PATCHes of different attributes of one user: all are there"""
    path = f"/Users/{race.user(f'ada{race.number}')['id']}"
    # No two users of a connection have one externalId.
    values = {name: f"https://{name}.{race.number}.example" for name in PATHS}
    answers = race.at_once([Request("PATCH", path, replace(name, value)) for name, value in values.items()])
    race.expect("answers", statuses(answers), {200: CLIENTS})
    after = race.send("GET", path)
    race.expect("values", {name: _at(after, name) for name in PATHS}, values)
    race.expect("version", after["meta"]["version"], f'W/"{1 + CLIENTS}"')


def a_suspension_sticks(race: Round) -> None:
    """A suspension among PATCHes and PUTs that leave `active` out: it sticks"""
    user = race.user(f"ada{race.number}")
    path = f"/Users/{user['id']}"
    others = [Request("PATCH", path, replace(name, "x")) for name in PATHS[:11]]
    others += [Request("PUT", path, {"userName": user["userName"], "title": str(number)}) for number in range(7)]
    others += [Request("PATCH", path, {"Operations": [{"op": "remove", "path": "active"}]})]
    answers = race.at_once(_with(Request("PATCH", path, replace("active", False)), others, race.number))
    race.expect("answers", statuses(answers), {200: CLIENTS})
    race.expect("active", race.send("GET", path).get("active"), False)
    race.expect("row", User.objects.get(pk=user["id"]).is_active, False)


def of_writers_with_one_version_in_mind_one_succeeds(race: Round) -> None:
    """20 PATCHes and PUTs with one ETag, of a user or a group: one wins, nineteen 412"""
    if race.number % 2:
        made, attribute = race.user(f"ada{race.number}"), "title"
        path, rest = f"/Users/{made['id']}", {"userName": made["userName"]}
    else:
        made, attribute = race.group("Engineering"), "displayName"
        path, rest = f"/Groups/{made['id']}", {}
    values = [f"{race.number}-{number}" for number in range(CLIENTS)]
    version = made["meta"]["version"]
    answers = race.at_once(
        [
            Request("PUT", path, {**rest, attribute: value}, if_match=version)
            if number % 2
            else Request("PATCH", path, replace(attribute, value), if_match=version)
            for number, value in enumerate(values)
        ]
    )
    race.expect("answers", statuses(answers), {200: 1, 412: CLIENTS - 1})
    winners = [value for value, answer in zip(values, answers, strict=True) if answer.status == 200]
    after = race.send("GET", path)
    race.expect("value", [after.get(attribute)], winners)
    race.expect("version", after["meta"]["version"], 'W/"2"')


def all_new_members_are_there(race: Round) -> None:
    """20 clients add a member of their own and one that all add: all are there, nobody twice"""
    crew, common = race.crew(), race.user(f"common{race.number}")["id"]
    group_id = race.group("Engineering")["id"]
    adds = [Request("PATCH", f"/Groups/{group_id}", change_members("add", common, member)) for member in crew]
    race.expect("answers", statuses(race.at_once(adds)), {200: CLIENTS})
    race.expect("members", race.members(group_id), Counter([common, *crew]))


def members_come_and_go(race: Round) -> None:
    """10 clients add members while 10 remove others: those who came are there, those who went are not"""
    crew = race.crew()
    stay, come = crew[: CLIENTS // 2], crew[CLIENTS // 2 :]
    group_id = race.group("Engineering", stay)["id"]
    requests = []
    for leaver, new_user in zip(stay, come, strict=True):
        requests.append(Request("PATCH", f"/Groups/{group_id}", change_members("add", new_user)))
        requests.append(Request("PATCH", f"/Groups/{group_id}", change_members("remove", leaver)))
    race.expect("answers", statuses(race.at_once(requests)), {200: CLIENTS})
    race.expect("members", race.members(group_id), Counter(come))


def a_deleted_user_stays_deleted(race: Round) -> None:
    """Two DELETEs of a user among PATCHes, PUTs and adds to a group: one 204, and nothing is left"""
    user = race.user(f"ada{race.number}", emails=[{"value": race.address(f"countess{race.number}")}])
    group = race.group("Engineering", race.crew()[:1])["id"]
    path, whole = f"/Users/{user['id']}", {"userName": user["userName"]}
    writes = [Request("PATCH", path, replace(attribute, "x")) for attribute in PATHS[:7]]
    writes += [Request("PUT", path, {**whole, "title": str(number)}) for number in range(5)]
    _delete_among(race, path, writes, [Request("PATCH", f"/Groups/{group}", change_members("add", user["id"]))] * 6)
    race.expect("found", race.total(f'userName eq "{user["userName"]}"'), 0)
    race.expect("members", race.members(group), Counter(race.crew()[:1]))
    race.expect("rows", User.objects.filter(pk=user["id"]).count(), 0)
    race.expect("rows of values", UserValue.objects.filter(user_id=user["id"]).count(), 0)
    race.expect("rows of members", GroupMember.objects.filter(user_id=user["id"]).count(), 0)


def a_deleted_group_stays_deleted(race: Round) -> None:
    """Two DELETEs of a group among PATCHes, PUTs and adds to another one: one 204, and nothing is left"""
    group, other = race.group("Engineering"), race.group("Everybody", race.crew()[:1])
    path, crew = f"/Groups/{group['id']}", race.crew()
    writes = [Request("PATCH", path, change_members("add", member)) for member in crew[:8]]
    writes += [Request("PUT", path, {"displayName": f"{race.number} {number}"}) for number in range(4)]
    adds = [Request("PATCH", f"/Groups/{other['id']}", change_members("add", group["id"]))] * 6
    was_added = _delete_among(race, path, writes, adds)
    race.expect("members", race.members(other["id"]), Counter(crew[:1]))
    version = race.send("GET", f"/Groups/{other['id']}")["meta"]["version"]
    race.expect("version of the other group", version, 'W/"3"' if was_added else 'W/"1"')
    race.expect("rows", Group.objects.filter(pk=group["id"]).count(), 0)
    rows = GroupMember.objects.filter(Q(group_id=group["id"]) | Q(member_group_id=group["id"]))
    race.expect("rows of members", rows.count(), 0)


def _delete_among(race: Round, path: str, writes: Sequence[Request], adds: Sequence[Request]) -> bool:
    """Send two DELETEs among writes to the resource and adds to a group; whether any of the adds was in time."""
    deletes = [Request("DELETE", path)] * 2
    requests = [("write", each) for each in writes] + [("add", each) for each in adds]
    # Who is asked first tends to be answered first: so all begin elsewhere in each round.
    first, place = race.number % len(requests), race.number * 7 % len(requests)
    requests = [*requests[first:], *requests[:first]]
    requests[place:place] = [("delete", each) for each in deletes]
    answers = race.at_once([request for _kind, request in requests])
    by_kind: dict[str, list[Answer]] = {}
    for (kind, _request), answer in zip(requests, answers, strict=True):
        by_kind.setdefault(kind, []).append(answer)
    race.expect("answers to DELETE", statuses(by_kind["delete"]), {204: 1, 404: 1})
    race.expect("other answers to writes", statuses(by_kind["write"]).keys() - {200, 404}, set())
    race.expect("other answers to adds", statuses(by_kind["add"]).keys() - {200, 400}, set())
    race.send("GET", path, expect=404)
    return 200 in statuses(by_kind["add"])


def groups_never_contain_each_other(race: Round) -> None:
    """Two groups are made members of each other: one way only"""
    one, two = race.group("One")["id"], race.group("Two")["id"]
    forth = Request("PATCH", f"/Groups/{one}", change_members("add", two))
    back = Request("PATCH", f"/Groups/{two}", change_members("add", one))
    answers = race.at_once([forth, back] * (CLIENTS // 2))
    ways = sorted([statuses(answers[0::2]), statuses(answers[1::2])], key=str)
    race.expect("answers", ways, [{200: CLIENTS // 2}, {400: CLIENTS // 2}])
    links = [race.members(one)[two], race.members(two)[one]]
    race.expect("links", sorted(links), [0, 1])


def one_admin_stays(race: Round) -> None:
    """The last two Admins are suspended: one stays"""
    admin = [{"value": "Admin"}]
    if not race.idp.admins:
        race.idp.admins = [race.user(f"admin{number}", roles=admin)["id"] for number in range(2)]
    one, two = (f"/Users/{each}" for each in race.idp.admins)
    suspend = replace("active", False)
    answers = race.at_once([Request("PATCH", one, suspend), Request("PATCH", two, suspend)] * (CLIENTS // 2))
    ways = sorted([statuses(answers[0::2]), statuses(answers[1::2])], key=str)
    race.expect("answers", ways, [{200: CLIENTS // 2}, {403: CLIENTS // 2}])
    race.expect("Admins left", User.objects.of(race.idp.organization_id).active_admins().count(), 1)
    for path in (one, two):
        race.send("PATCH", path, replace("active", True))


def the_headcount_is_right(race: Round) -> None:
    """20 users are created, then deleted: the number of users is right both times"""
    before = race.total()
    answers = race.at_once(
        [Request("POST", "/Users", {"userName": race.address(f"p{number}")}) for number in range(CLIENTS)]
    )
    race.expect("answers", statuses(answers), {201: CLIENTS})
    race.expect("users", race.total(), before + CLIENTS)
    made = [answer.body["id"] for answer in answers if answer.status == 201]
    answers = race.at_once([Request("DELETE", f"/Users/{user_id}") for user_id in made])
    race.expect("answers to DELETE", statuses(answers), {204: len(made)})
    rows = User.objects.of(race.idp.organization_id).count()
    race.expect("users", (race.total(), rows), (before, before))
    race.expect("headcount", Headcount.objects.get(organization=race.idp.organization_id).users, before)


ROUNDS: tuple[Callable[[Round], None], ...] = (
    one_name_is_given_once,
    one_new_name_is_given_once,
    one_group_name_is_given_once,
    changes_of_different_attributes_all_survive,
    a_suspension_sticks,
    of_writers_with_one_version_in_mind_one_succeeds,
    all_new_members_are_there,
    members_come_and_go,
    a_deleted_user_stays_deleted,
    a_deleted_group_stays_deleted,
    groups_never_contain_each_other,
    one_admin_stays,
    the_headcount_is_right,
)


@dataclass(slots=True)
class Outcome:
    """What all rounds of one kind came to; ``wrong`` is what was not as it must be."""

    title: str
    rounds: int = 0
    requests: int = 0
    unavailable: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


def run_rounds(kind: Callable[[Round], None], server_url: str, rounds: int) -> Outcome:
    """Run rounds of one kind, in an organization of their own."""
    outcome = Outcome(kind.__doc__ or kind.__name__)
    idp, started = Idp.open(server_url), time.monotonic()
    for number in range(1, rounds + 1):
        race = Round(idp, number)
        kind(race)
        outcome.rounds += 1
        outcome.requests += race.requests
        outcome.unavailable += race.unavailable
        outcome.wrong += race.wrong
    outcome.seconds = time.monotonic() - started
    return outcome


def _with(request: Request, others: Sequence[Request], place: int) -> list[Request]:
    """The requests with one more among them, at another place in each round."""
    place %= CLIENTS
    return [*others[:place], request, *others[place:]]


def _at(resource: Any, path: str) -> Any:
    """The value at one of PATHS."""
    if path.startswith("urn:"):
        return resource.get(ENTERPRISE, {}).get(path.rpartition(":")[2])
    holder, _dot, name = path.rpartition(".")
    return (resource.get(holder, {}) if holder else resource).get(name)
