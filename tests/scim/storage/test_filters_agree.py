"""A filter finds the same users and groups in the database as it does in memory (RFC 7644 section 3.4.2.2)."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.bearer_tokens import digest
from provisioning.services.connections.connections import base_url_at
from scim.protocol import schemas
from scim.protocol.attributes import Attribute, ResourceType, Returned, Type
from scim.protocol.errors import InvalidFilter
from scim.protocol.grammar import parse_filter
from scim.protocol.matching import matches
from scim.protocol.resolution import OPERATORS, resolve_filter
from scim.protocol.validation import read_resource
from scim.storage import repository
from scim.storage.credentials import Credentials
from scim.storage.resource_types import GROUP, USER, StoredType, check_bindings
from tests.identity_provider import Idp
from users import profile as profiles
from users.models import Group, Role, Source, User, UserValue

# Few texts, so that values meet: letter case, wildcards, quotes, blanks, what folds to two letters, far planes.
TEXTS = st.sampled_from([*"abABzZ%_\\\"' ßİé\uffff\U0001f600", "", "ab", "Ab", "aB", "a%", " a", "SS", "work", "home"])
LOCAL_PARTS = st.sampled_from(["a", "A", "b", "ab", "a.b", "z", "ä", "ß"])
ADDRESSES = st.builds("{}@{}".format, LOCAL_PARTS, st.sampled_from(["acme.example", "ACME.example", "bücher.example"]))


def values_of(attribute: Attribute) -> st.SearchStrategy[Any]:
    match attribute.type:
        case Type.BOOLEAN:
            return st.booleans()
        case Type.BINARY:
            return st.sampled_from(["YQ==", "YWI=", "QUI="])
        case Type.COMPLEX:
            members = {sub.name: values_of(sub) for sub in attribute.sub_attributes}
            whole = st.fixed_dictionaries({}, optional=members)
            if not attribute.multi_valued:
                return whole
            return st.lists(whole, max_size=3).map(one_primary)
    return ADDRESSES if attribute.address else TEXTS


def one_primary(values: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for value in values[1:]:
        value.pop("primary", None)
    return values


LITERALS: dict[Type, Any] = {Type.BOOLEAN: True, Type.BINARY: "YWI="}
WRITABLE = [a for a in schemas.USER.attributes if a.mutability == "readWrite" and a.name != "userName"]
RESOURCES = st.fixed_dictionaries({"userName": ADDRESSES}, optional={a.name: values_of(a) for a in WRITABLE})


MAX_USERS, MAX_GROUPS = 4, 4

# What users and groups have; members of groups as the name and number of whom they lead to, "Users/0".
World = dict[str, list[dict[str, Any]]]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Some users, and groups of some of them and of groups made before."""
    users = draw(st.lists(RESOURCES, min_size=1, max_size=MAX_USERS))
    groups: list[dict[str, Any]] = []
    for number in range(draw(st.integers(0, MAX_GROUPS))):
        others = [f"Users/{each}" for each in range(len(users))] + [f"Groups/{each}" for each in range(number)]
        members = draw(st.lists(st.sampled_from(others), unique=True, max_size=4))
        groups.append({"displayName": f"{number}{draw(TEXTS)}", "externalId": draw(TEXTS), "members": members})
    return {"Users": users, "Groups": groups}


def paths(resource_type: ResourceType) -> dict[str, Attribute]:
    found: dict[str, Attribute] = {}
    holders = [("", (*resource_type.common, *resource_type.schema.attributes))]
    holders += [(f"{schema.id}:", schema.attributes) for schema in resource_type.extensions]
    for prefix, attributes in holders:
        for attribute in attributes:
            if attribute.returned is not Returned.NEVER:
                found[prefix + attribute.name] = attribute
                found |= {f"{prefix}{attribute.name}.{sub.name}": sub for sub in attribute.sub_attributes}
    return found


Paths = dict[str, Attribute]
PATHS, GROUP_PATHS = paths(schemas.USER), paths(schemas.GROUP)
KNOWN = {"Users": PATHS, "Groups": GROUP_PATHS}
PLURAL = [name for name, attribute in PATHS.items() if attribute.multi_valued and attribute.sub_attributes]
INSTANTS = st.sampled_from(["2026-01-01T00:00:00Z", "2025-12-31T23:30:00.001-01:00", "1999-01-01T00:00:00"])

# Who is meant is known when the world is made: <Users/0> stands for an id.
NAMES = [*(f"Users/{each}" for each in range(MAX_USERS)), *(f"Groups/{each}" for each in range(MAX_GROUPS))]
IDS = st.sampled_from(NAMES).map("<{}>".format)
ADDRESSES_OF = st.sampled_from(NAMES).map(lambda name: f"{base_url_at('acme')}/{name.partition('/')[0]}/<{name}>")
OF_MEMBERSHIP = st.one_of(IDS, ADDRESSES_OF, st.sampled_from(["direct", "Indirect", "GROUP", "user", "0", "1a", "/"]))


def literal(attribute: Attribute) -> st.SearchStrategy[str]:
    match attribute.type:
        case Type.BOOLEAN:
            return st.sampled_from(["true", "false", '"True"'])
        case Type.DATETIME:
            return INSTANTS.map(json.dumps)
        case Type.COMPLEX:
            return st.just("null")
    known = ["acme", "User", "https://", "Users/", 'W/"1"', schemas.CORE_USER.id, base_url_at("acme")]
    return st.one_of(TEXTS, ADDRESSES, st.sampled_from(known), OF_MEMBERSHIP).map(json.dumps)


@st.composite
def comparisons(draw: st.DrawFn, kind: str, names: list[str], shortened: bool = False) -> str:
    known = KNOWN[kind]
    name = draw(st.sampled_from(names))
    path = name.rpartition(".")[2] if shortened else name
    allowed = OPERATORS.get(known[name].type, set())
    operator = draw(st.sampled_from(["pr", "eq", "ne", *sorted(allowed)]))
    return f"{path} pr" if operator == "pr" else f"{path} {operator} {draw(literal(known[name]))}"


def combined(simple: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.recursive(
        simple,
        lambda inner: st.one_of(
            st.builds("({}) and ({})".format, inner, inner),
            st.builds("({}) or ({})".format, inner, inner),
            st.builds("not ({})".format, inner),
        ),
        max_leaves=4,
    )


@st.composite
def value_paths(draw: st.DrawFn, kind: str, names: list[str]) -> str:
    name = draw(st.sampled_from(names))
    subs = [path for path in KNOWN[kind] if path.startswith(f"{name}.")]
    return f"{name}[{draw(combined(comparisons(kind, subs, shortened=True)))}]"


def filters_over(kind: str, membership: str) -> st.SearchStrategy[str]:
    known = KNOWN[kind]
    names = [name for name, attribute in known.items() if attribute.multi_valued and attribute.sub_attributes]
    of_membership = [name for name in known if name.startswith(membership)]
    return combined(
        st.one_of(
            comparisons(kind, list(known)),
            comparisons(kind, of_membership),
            value_paths(kind, names),
            value_paths(kind, [membership]),
        )
    )


FILTERS, GROUP_FILTERS = filters_over("Users", "groups"), filters_over("Groups", "members")


def store(idp: Idp, resource: dict[str, Any], number: int, role: Role) -> User:
    """A user with that profile, put into the database without asking whether such a person may exist."""
    read, _notices = read_resource({**resource, "userName": f"{number}{resource['userName']}"}, schemas.USER)
    profile = {name: value for name, value in read.items() if name != "schemas"}
    if not profile.get("externalId"):
        profile.pop("externalId", None)
    user = User(organization=idp.organization, role=role, source=Source.SCIM)
    profiles.write(user, profile)
    user.email = ""
    user.save(force_insert=True)
    UserValue.objects.bulk_create(profiles.value_rows(user))
    return user


def make(idp: Idp, world: World) -> tuple[list[User], list[Group]]:
    """Put a world into the database."""
    role = Role.objects.of(idp.organization.pk).get(is_default=True)
    users = [store(idp, resource, number, role) for number, resource in enumerate(world["Users"])]
    ids = {f"Users/{number}": str(user.pk) for number, user in enumerate(users)}
    for number, group in enumerate(world["Groups"]):
        more = {"externalId": group["externalId"]} if group["externalId"] else {}
        made = idp.create_group(group["displayName"], *(ids[name] for name in group["members"]), **more)
        ids[f"Groups/{number}"] = made["id"]
    return users, list(Group.objects.of(idp.organization.pk))


def shown(world: World, users: list[User], groups: list[Group]) -> dict[str, list[dict[str, Any]]]:
    """The resources as clients see them, told by the world and not by the rows of members."""
    base_url = base_url_at("acme")
    people = [json.loads(repository.represent(user.document, base_url)) for user in users]
    sets = [json.loads(repository.represent(group.document, base_url)) for group in groups]
    by_name = {f"Users/{number}": person for number, person in enumerate(people)}
    by_name |= {f"Groups/{number}": one for number, one in enumerate(sets)}
    names = {f"Users/{number}": user.display_name for number, user in enumerate(users)}
    names |= {f"Groups/{number}": group.display_name for number, group in enumerate(groups)}

    def link(name: str, **more: str) -> dict[str, str]:
        resource = by_name[name]
        return {"value": resource["id"], "$ref": resource["meta"]["location"], "display": names[name], **more}

    def everybody_in(number: int) -> Iterator[str]:
        for name in world["Groups"][number]["members"]:
            yield name
            if name.startswith("Groups"):
                yield from everybody_in(int(name.partition("/")[2]))

    for number, group in enumerate(world["Groups"]):
        members = [link(name, type=name.partition("s/")[0]) for name in group["members"]]
        if members:
            by_name[f"Groups/{number}"]["members"] = members
        for name in dict.fromkeys(everybody_in(number)):
            if name.startswith("Users"):
                kind = "direct" if name in group["members"] else "indirect"
                by_name[name].setdefault("groups", []).append(link(f"Groups/{number}", type=kind))
    return {"Users": people, "Groups": sets}


EVERYTHING = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.mark.django_db
@settings(suppress_health_check=EVERYTHING)
@given(
    world=worlds(),
    of_users=st.lists(FILTERS, min_size=1, max_size=12),
    of_groups=st.lists(GROUP_FILTERS, max_size=12),
)
def test_the_database_and_memory_agree_on_every_filter(
    idp: Idp, world: World, of_users: list[str], of_groups: list[str]
) -> None:
    # Each round has a savepoint of its own, so that the first failure is the one that is reported.
    with transaction.atomic():
        agree(idp, world, of_users, of_groups)
        transaction.set_rollback(True)


def agree(idp: Idp, world: World, of_users: list[str], of_groups: list[str]) -> None:
    resources = shown(world, *make(idp, world))
    ids = {f"<{kind}/{number}>": each["id"] for kind in resources for number, each in enumerate(resources[kind])}
    for stored, filters in ((USER, of_users), (GROUP, of_groups)):
        for text in filters:
            agree_on(idp, stored, resources, re.sub(r"<\w+/\d>", lambda name: ids.get(name[0], "nobody"), text))


def agree_on(idp: Idp, stored: StoredType, resources: World, text: str) -> None:
    try:
        condition = resolve_filter(parse_filter(text), stored.resource_type)
    except InvalidFilter:
        return
    credentials = Credentials(digest(idp.token), "acme")
    page = repository.matching(condition, credentials, offset=0, limit=200, base_url=base_url_at("acme"), stored=stored)
    found = {json.loads(document)["id"] for document in page.documents}
    of_type = resources[stored.resource_type.endpoint[1:]]
    assert found == {each["id"] for each in of_type if matches(condition, each)}, text
    assert page.total == len(found)


RICH: dict[str, Any] = {
    "userName": "ab@acme.example",
    "externalId": "Ab",
    "active": True,
    **{name: "Ab" for name in ("displayName", "nickName", "profileUrl", "title", "userType", "locale", "timezone")},
    "preferredLanguage": "Ab",
    "name": {sub.name: "Ab" for sub in PATHS["name"].sub_attributes},
    **{
        name: [{sub.name: LITERALS.get(sub.type, "Ab") for sub in PATHS[name].sub_attributes}]
        for name in PLURAL
        if name not in ("emails", "groups")
    },
    "emails": [{"value": "ab@acme.example", "type": "Ab", "primary": True}, {"type": "home"}],
    schemas.ENTERPRISE_USER.id: {
        "department": "Ab",
        "manager": {"value": "Ab", "$ref": "Ab"},
        **{name: "Ab" for name in ("employeeNumber", "costCenter", "organization", "division")},
    },
}


RICH_WORLD: World = {
    "Users": [RICH, {"userName": "b@acme.example"}],
    "Groups": [
        {"displayName": "Ab", "externalId": "Ab", "members": ["Users/0"]},
        {"displayName": "b", "externalId": "", "members": ["Users/0", "Users/1", "Groups/0"]},
        {"displayName": "c", "externalId": "", "members": ["Groups/0"]},
        {"displayName": "a", "externalId": "", "members": ["Users/0", "Groups/2"]},
        {"displayName": "empty", "externalId": "", "members": []},
    ],
}


def every_comparison(known: Paths) -> list[str]:
    filters = []
    for name, attribute in known.items():
        for operator in sorted(OPERATORS.get(attribute.type, ())):
            texts = {Type.BOOLEAN: ["true", "false"], Type.DATETIME: ['"2026-01-01T00:00:00Z"']}
            values = ['"ab"', '"Ab"', '"b"', '"A"', '""']
            if name.startswith(("members", "groups")):
                values += ['"<Users/0>"', '"<Groups/0>"', '"/Groups/"', '"user"', '"Direct"']
            for value in texts.get(attribute.type, values):
                filters += [f"{name} {operator} {value}", f"not ({name} {operator} {value})"]
                whole, _dot, last = name.rpartition(".")
                if whole in known and known[whole].multi_valued:
                    filters.append(f"{whole}[{last} {operator} {value} and not (type pr)]")
                    filters.append(f'{whole}[{last} {operator} {value} and type ne "direct"]')
        filters += [f"{name} pr", f"not ({name} pr)", f"{name} eq null"]
    return filters


@pytest.mark.django_db
def test_every_operator_on_every_attribute(idp: Idp) -> None:
    agree(idp, RICH_WORLD, every_comparison(PATHS), every_comparison(GROUP_PATHS))


def test_schema_and_bindings_name_the_same_attributes() -> None:
    assert check_bindings() == []
