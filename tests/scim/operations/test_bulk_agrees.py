"""A bulk request comes to what its operations come to as requests of their own, whatever they are."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.models import AuditEvent
from tests.identity_provider import Idp, read
from tests.scim.operations.test_bulk import Operation, bulk, id_of, make, make_group, managed_by, patch
from users.models import Headcount, UserValue

NAMES = (
    *("ada@acme.example", "ADA@acme.example", "bob@acme.example", "cem@acme.test", "sam@acme.example"),
    *("Old@acme.example", "nonsense", "x@evil.example"),
)
ADDRESSES = ("ada@acme.example", "Cem@ACME.test", "team@acme.test", "old@acme.example", "x@evil.example", "nope")
GROUPS = ("Makers", "MAKERS", "Movers", "Oldies", "")
VERSIONS = (None, None, None, 'W/"1"', 'W/"2"')

# References are drawn as numbers, because what there is to refer to is only known when all operations are.
NUMBER = st.integers(0, 20)
USERS = st.fixed_dictionaries(
    {"userName": st.sampled_from(NAMES)},
    optional={
        "title": st.sampled_from(["Boss", "Ünal", 5]),
        "active": st.booleans(),
        "externalId": st.sampled_from(["e1", "e2"]),
        "roles": st.sampled_from([[{"value": "HR"}], [{"value": "nope"}], [{"value": "Admin"}]]),
        "emails": st.lists(st.fixed_dictionaries({"value": st.sampled_from(ADDRESSES)}), max_size=2),
    },
)
MEMBERS = st.lists(NUMBER, max_size=3)
WANTED = st.one_of(
    *[st.tuples(st.just("make user"), USERS, st.none() | NUMBER)] * 2,
    st.tuples(st.just("make group"), st.sampled_from(GROUPS), MEMBERS),
    st.tuples(st.sampled_from(["put user", "patch user", "delete user"]), USERS, NUMBER),
    st.tuples(st.sampled_from(["put group", "patch group", "delete group"]), st.sampled_from(GROUPS), MEMBERS),
)


class Plan:
    """Operations, drawn; resources that are made refer only to made ones of lower rank, and so in no circle."""

    def __init__(self, wanted: list[Any], ranks: list[int], versions: list[str | None], there: list[str]) -> None:
        self.makers = [at for at, (what, *_rest) in enumerate(wanted) if what.startswith("make")]
        self.wanted = wanted
        self.ranks = ranks
        self.there = there
        self.operations = [self.operation(at, versions[at]) for at in range(len(wanted))]

    def operation(self, at: int, version: str | None) -> Operation:
        what, value, references = self.wanted[at]
        more = {"version": version} if version else {}
        match what:
            case "make user":
                manager = {} if references is None else managed_by(self.reference(at, references))
                return make(
                    f"n{at}", value["userName"], **{k: v for k, v in value.items() if k != "userName"}, **manager
                )
            case "make group":
                return make_group(f"n{at}", *(self.reference(at, each) for each in references), displayName=value)
            case "put user":
                path = f"/Users/{self.reference(at, references, 'user')}"
                return {"method": "PUT", "path": path, "data": value, **more}
            case "patch user":
                return patch(
                    f"/Users/{self.reference(at, references, 'user')}", {"op": "replace", "value": value}, **more
                )
            case "delete user":
                return {"method": "DELETE", "path": f"/Users/{self.reference(at, references, 'user')}", **more}
        first = self.reference(at, sum(references), "group")
        others = [self.reference(at, each) for each in references]
        members = [{"value": each} for each in others]
        match what:
            case "put group":
                data = {"displayName": value, "members": members}
                return {"method": "PUT", "path": f"/Groups/{first}", "data": data, **more}
            case "patch group":
                return patch(f"/Groups/{first}", {"op": "add", "path": "members", "value": members}, **more)
        return {"method": "DELETE", "path": f"/Groups/{first}", **more}

    def reference(self, at: int, number: int, kind: str = "user or group") -> str:
        """What a number stands for to that operation: somebody there or to be made, mostly of that kind, or nobody."""
        made = [
            f"bulkId:n{each}"
            for each in self.makers
            if self.wanted[each][0].removeprefix("make ") in kind
            and (at not in self.makers or self.ranks[each] < self.ranks[at])
        ]
        old, sam, group = self.there
        first, last = ([group], [old]) if kind == "group" else ([old, sam], [group])
        candidates = [*first, *made, *last, "bulkId:nobody"]
        return candidates[number % len(candidates)]

    def in_order(self) -> Iterator[int]:
        """Each after what it refers to, else as they stand."""
        done: set[int] = set()

        def round(at: int) -> Iterator[int]:
            if at not in done:
                done.add(at)
                references = referred(self.operations[at])
                if "nobody" not in references:
                    for reference in sorted(int(each[1:]) for each in references):
                        yield from round(reference)
                yield at

        for at in range(len(self.operations)):
            yield from round(at)


def referred(operation: Operation) -> set[str]:
    return set(re.findall(r"bulkId:(\w+)", json.dumps(operation)))


# What was told of the operations (bulkId and status), and the ids of what was made.
Notice = tuple[list[tuple[str | None, str]], dict[str, str]]


def one_by_one(idp: Idp, plan: Plan, limit: int | None) -> Notice:
    """The operations as requests of their own."""
    statuses: dict[int, str] = {}
    made: dict[str, str] = {}
    for at in plan.in_order():
        if limit is not None and sum(status >= "400" for status in statuses.values()) >= limit:
            break
        operation = plan.operations[at]
        references = referred(operation)
        if "nobody" in references:
            statuses[at] = "400"
        elif not references <= made.keys():
            statuses[at] = "409"
        else:
            text = re.sub(r"bulkId:(\w+)", lambda found: made[found[1]], json.dumps(operation))
            sent = json.loads(text)
            headers = {"if_match": sent["version"]} if "version" in sent else {}
            response = idp.send(sent["method"], sent["path"], sent.get("data"), **headers)
            # A PATCH that is answered without a body is 204, which in the answer to a bulk request would say nothing.
            without_body = sent["method"] == "PATCH" and response.status_code == 204
            statuses[at] = "200" if without_body else str(response.status_code)
            if response.status_code == 201:
                made[operation["bulkId"]] = read(response)["id"]
    return [(plan.operations[at].get("bulkId"), statuses[at]) for at in sorted(statuses)], made


def at_once(idp: Idp, plan: Plan, limit: int | None) -> Notice:
    """The operations as one request."""
    told = bulk(idp, *plan.operations, failOnErrors=limit)
    made = {each["bulkId"]: id_of(each) for each in told if each["status"] == "201"}
    return [(each.get("bulkId"), each["status"]) for each in told], made


def state(idp: Idp, made: dict[str, str]) -> Any:
    """All that is stored, with the bulkIds in place of the ids that they came to, and without moments."""
    organization_id = idp.organization.pk
    stored = {
        "users": read(idp.get("/Users", {"count": 200}))["Resources"],
        "groups": read(idp.get("/Groups", {"count": 200}))["Resources"],
        "columns": [
            (user.user_name_key, user.email_key, user.external_id, user.name_key, user.is_active, user.search)
            for user in idp.users()
        ],
        "values": list(UserValue.objects.of(organization_id).values_list("user_id", "attribute", "type", "value_key")),
        "events": [
            (event.action, event.target_type, event.target_id, event.target_label, event.channel, event.changes)
            for event in AuditEvent.objects.filter(organization_id=organization_id)
        ],
        "headcount": [Headcount.objects.get(organization=idp.organization).users],
    }
    text = json.dumps(stored, default=str)
    for bulk_id, identifier in made.items():
        text = text.replace(identifier, bulk_id)
    text = re.sub(r'"\d{4}-\d\d-\d\dT[^"]+"', '"moment"', text)
    return {name: sorted(rows, key=json.dumps) for name, rows in json.loads(text).items()}


@pytest.mark.clause("7644-3.7-13", "7644-3.7.3-3")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_bulk_comes_to_the_same_as_one_by_one(idp: Idp, data: st.DataObject) -> None:
    wanted = data.draw(st.lists(WANTED, min_size=1, max_size=9), label="wanted")
    ranks = data.draw(st.permutations(range(len(wanted))), label="ranks")
    versions = data.draw(st.lists(st.sampled_from(VERSIONS), min_size=len(wanted), max_size=len(wanted)))
    limit = data.draw(st.none() | st.integers(1, 3), label="failOnErrors")
    came_to: list[Any] = []
    with transaction.atomic():
        old = idp.create("old@acme.example", externalId="e0")["id"]
        sam = idp.create("sam@acme.test")["id"]
        there = [old, sam, idp.create_group("Oldies", old)["id"]]
        plan = Plan(wanted, ranks, versions, there)
        for way in (one_by_one, at_once):
            with transaction.atomic():
                told, made = way(idp, plan, limit)
                came_to.append((told, made.keys(), state(idp, made)))
                transaction.set_rollback(True)
        transaction.set_rollback(True)
    assert came_to[1] == came_to[0]
