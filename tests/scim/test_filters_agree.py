"""A filter finds the same users in the database as it does in memory (RFC 7644 section 3.4.2.2)."""

import json
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from organizations.tokens import digest
from scim.protocol import schemas
from scim.protocol.attributes import Attribute, Returned, Type
from scim.protocol.errors import InvalidFilter
from scim.protocol.grammar import parse_filter
from scim.protocol.matching import matches
from scim.protocol.resolution import OPERATORS, resolve_filter
from scim.protocol.validation import read_resource
from scim.services.connections import base_url_at
from scim.storage import repository
from scim.storage.principals import Credentials
from scim.storage.resource_types import check_bindings
from tests.scim.conftest import Idp
from users import profile as profiles
from users.models import Role, Source, User, UserValue

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


def paths() -> dict[str, Attribute]:
    found: dict[str, Attribute] = {}
    for prefix, attributes in (
        ("", (*schemas.USER.common, *schemas.CORE_USER.attributes)),
        (f"{schemas.ENTERPRISE_USER.id}:", schemas.ENTERPRISE_USER.attributes),
    ):
        for attribute in attributes:
            # Groups are rows that no profile holds: test_groups.py shows what can be asked of them.
            if attribute.returned is not Returned.NEVER and attribute.name != "groups":
                found[prefix + attribute.name] = attribute
                found |= {f"{prefix}{attribute.name}.{sub.name}": sub for sub in attribute.sub_attributes}
    return found


PATHS = paths()
PLURAL = [name for name, attribute in PATHS.items() if attribute.multi_valued and attribute.sub_attributes]
INSTANTS = st.sampled_from(["2026-01-01T00:00:00Z", "2025-12-31T23:30:00.001-01:00", "1999-01-01T00:00:00"])


def literal(attribute: Attribute) -> st.SearchStrategy[str]:
    match attribute.type:
        case Type.BOOLEAN:
            return st.sampled_from(["true", "false", '"True"'])
        case Type.DATETIME:
            return INSTANTS.map(json.dumps)
        case Type.COMPLEX:
            return st.just("null")
    known = ["acme", "User", "https://", "Users/", 'W/"1"', schemas.CORE_USER.id, base_url_at("acme")]
    return st.one_of(TEXTS, ADDRESSES, st.sampled_from(known)).map(json.dumps)


@st.composite
def comparisons(draw: st.DrawFn, names: list[str], shortened: bool = False) -> str:
    name = draw(st.sampled_from(names))
    path = name.rpartition(".")[2] if shortened else name
    allowed = OPERATORS.get(PATHS[name].type, set())
    operator = draw(st.sampled_from(["pr", "eq", "ne", *sorted(allowed)]))
    return f"{path} pr" if operator == "pr" else f"{path} {operator} {draw(literal(PATHS[name]))}"


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
def value_paths(draw: st.DrawFn) -> str:
    name = draw(st.sampled_from(PLURAL) | st.just("emails"))
    subs = [path for path in PATHS if path.startswith(f"{name}.")]
    return f"{name}[{draw(combined(comparisons(subs, shortened=True)))}]"


FILTERS = combined(comparisons(list(PATHS)) | value_paths())


def store(idp: Idp, resource: dict[str, Any], number: int, role: Role) -> User:
    """A user with that profile, put into the database without asking whether such a person may exist."""
    read, _advice = read_resource({**resource, "userName": f"{number}{resource['userName']}"}, schemas.USER)
    profile = {name: value for name, value in read.items() if name != "schemas"}
    if not profile.get("externalId"):
        profile.pop("externalId", None)
    user = User(organization=idp.organization, role=role, source=Source.SCIM)
    profiles.write(user, profile)
    user.email = ""
    user.save(force_insert=True)
    UserValue.objects.bulk_create(profiles.value_rows(user))
    return user


@pytest.mark.django_db
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(resources=st.lists(RESOURCES, min_size=1, max_size=4), filters=st.lists(FILTERS, min_size=1, max_size=12))
def test_the_database_and_memory_agree_on_every_filter(idp: Idp, resources: Any, filters: list[str]) -> None:
    # Each round has a savepoint of its own, so that the first failure is the one that is reported.
    with transaction.atomic():
        agree(idp, resources, filters)
        transaction.set_rollback(True)


def agree(idp: Idp, resources: list[dict[str, Any]], filters: list[str]) -> None:
    role = Role.objects.of(idp.organization.pk).get(is_default=True)
    users = [store(idp, resource, number, role) for number, resource in enumerate(resources)]
    base_url = base_url_at("acme")
    shown = {str(user.pk): json.loads(repository.represent(user.document, base_url)) for user in users}
    credentials = Credentials(digest(idp.token), "acme")
    for text in filters:
        try:
            condition = resolve_filter(parse_filter(text), schemas.USER)
        except InvalidFilter:
            continue
        page = repository.matching(condition, credentials, offset=0, limit=200, base_url=base_url)
        found = {json.loads(document)["id"] for document in page.documents}
        assert found == {key for key, resource in shown.items() if matches(condition, resource)}, text
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
        if name != "emails"
    },
    "emails": [{"value": "ab@acme.example", "type": "Ab", "primary": True}, {"type": "home"}],
    schemas.ENTERPRISE_USER.id: {
        "department": "Ab",
        "manager": {"value": "Ab", "$ref": "Ab"},
        **{name: "Ab" for name in ("employeeNumber", "costCenter", "organization", "division")},
    },
}


@pytest.mark.django_db
def test_every_operator_on_every_attribute(idp: Idp) -> None:
    filters = []
    for name, attribute in PATHS.items():
        for operator in sorted(OPERATORS.get(attribute.type, ())):
            texts = {Type.BOOLEAN: ["true", "false"], Type.DATETIME: ['"2026-01-01T00:00:00Z"']}
            for value in texts.get(attribute.type, ['"ab"', '"Ab"', '"b"', '"A"', '""']):
                filters += [f"{name} {operator} {value}", f"not ({name} {operator} {value})"]
                whole, _dot, last = name.rpartition(".")
                if whole in PLURAL:
                    filters.append(f"{whole}[{last} {operator} {value} and not (type pr)]")
        filters += [f"{name} pr", f"not ({name} pr)", f"{name} eq null"]
    agree(idp, [RICH, {"userName": "b@acme.example"}], filters)


def test_schema_and_bindings_name_the_same_attributes() -> None:
    assert check_bindings() == []
