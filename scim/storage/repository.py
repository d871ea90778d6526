"""Read stored resources: one by its id, a page of all, a page of those that satisfy a filter."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from core.json_values import Json
from scim.protocol.errors import Unauthorized
from scim.protocol.filters import Resolved
from scim.storage import sql
from scim.storage.compiler import compile_filter
from scim.storage.credentials import INVALID, Credentials
from scim.storage.resource_types import USER, StoredType
from scim.storage.sql import Row, Sql

_ALL = Sql("(1 = 1)")

# A stored document ends with its location: the id, and what closes the string and the two objects.
_ID_AND_END = len('00000000-0000-0000-0000-000000000000"}}')


@dataclass(frozen=True, slots=True)
class Stored:
    """A resource's document, version and userName or displayName; ``related`` is joined in, see ``represent``."""

    document: str
    version: int
    name: str
    related: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """The documents of a page, and how many resources there are on all pages.

    ``related`` are the ids of those who are in groups, or have members.
    """

    documents: list[str]
    total: int
    related: list[str]


def represent(document: str, base_url: str, related: str = "") -> str:
    """The document as clients get it: stored documents locate themselves relative to the Base URL.

    ``related`` is one more member of the object as JSON text, a comma before it: what other rows say about this one.
    """
    start = document.rindex('"/', 0, -_ID_AND_END) + 1
    return f"{document[:start]}{base_url}{document[start:-1]}{related}}}"


def represent_all(documents: Sequence[str], base_url: str) -> list[str]:
    """Documents to which nothing is joined, as the pieces of which a JSON list consists, commas included."""
    pieces: list[str] = []
    if documents:
        # They are all of one type, so that their locations are equally long.
        location = documents[0].rindex('"/', 0, -_ID_AND_END) + 1 - len(documents[0])
        for document in documents:
            pieces += (document[:location], base_url, document[location:], ",")
        del pieces[-1]
    return pieces


def id_of(document: str) -> str:
    """The id of a stored document's resource, which is the end of its location."""
    return document[-_ID_AND_END:-3]


def find(user_id: str, credentials: Credentials, base_url: str) -> Stored | None:
    """The user of that id, or None where the organization has none. Raises Unauthorized."""
    key = sql.key_of(user_id)
    row = key and sql.one(sql.BY_ID(), (key, *credentials.values))
    if not row:
        credentials.principal()
        return None
    document, version, name, groups = row
    return Stored(document, version, name, _groups_of_one(document, groups, base_url) if groups else "")


def find_person(credentials: Credentials, base_url: str) -> tuple[Stored, frozenset[str]]:
    """The user whom a personal token stands for, and the token's scopes. Raises Unauthorized and NotImplementedHere."""
    row = sql.one(sql.OF_PERSON(), credentials.values)
    if row is None:
        credentials.person()
        # Valid by now, but not a moment ago.
        raise Unauthorized(INVALID, cause="token-unknown")
    document, version, name, groups, scopes = row
    stored = Stored(document, version, name, _groups_of_one(document, groups, base_url) if groups else "")
    return stored, frozenset(scopes.split())


def _groups_of_one(document: str, groups: str, base_url: str) -> str:
    direct = orjson.loads(groups)
    if any(inside for _id, _name, inside in direct):
        user_id = id_of(document)
        # Nothing, if the user has left all groups since.
        return groups_of([user_id], base_url).get(user_id, "")
    return _groups([(group_id, name, 1) for group_id, name, _inside in direct], base_url)


def find_group(group_id: str, credentials: Credentials) -> Stored | None:
    """The group of that id, without its members; None where the organization has or offers none."""
    key = sql.key_of(group_id)
    row = key and sql.one(sql.GROUP_BY_ID, (key, *credentials.values))
    return Stored(*row) if row else None


def groups_of(ids: Sequence[str], base_url: str) -> dict[str, str]:
    """By the user's id, the groups of those who are in any, as ``represent`` takes them."""
    if not ids:
        return {}
    found: dict[str, list[Sequence[Any]]] = {}
    for user_id, *group in sql.rows(sql.GROUPS_OF(), [sql.keys(ids)]):
        found.setdefault(str(sql.from_key(user_id)), []).append(group)
    return {user_id: _groups(groups, base_url) for user_id, groups in found.items()}


def members_of(ids: Sequence[str], base_url: str) -> dict[str, str]:
    """By the group's id, the direct members of those that have any, as ``represent`` takes them."""
    if not ids:
        return {}
    found: dict[str, list[Json]] = {}
    for group_id, user_id, member_group_id, name in sql.rows(sql.MEMBERS_OF(), [sql.keys(ids)]):
        found.setdefault(str(sql.from_key(group_id)), []).append(_member(user_id, member_group_id, name, base_url))
    return {group_id: _related("members", members) for group_id, members in found.items()}


def few_members_of(group_id: UUID, limit: int, base_url: str) -> str | None:
    """The direct members of a group, as ``represent`` takes them; None where there are more than ``limit``."""
    rows = sql.rows(sql.FIRST_MEMBERS_OF, (sql.key(group_id), limit + 1))
    if len(rows) > limit:
        return None
    return _related("members", [_member(user_id, group, name, base_url) for _holder, user_id, group, name in rows])


def _member(user_id: UUID | str | None, group_id: UUID | str | None, name: str, base_url: str) -> Json:
    kind = "Group" if user_id is None else "User"
    identifier = str(sql.from_key(user_id or group_id or ""))
    return {"value": identifier, "$ref": f"{base_url}/{kind}s/{identifier}", "type": kind, "display": name}


def _groups(groups: Sequence[Sequence[Any]], base_url: str) -> str:
    return _related("groups", [_membership(group_id, name, direct, base_url) for group_id, name, direct in groups])


def _membership(group_id: UUID | str, name: str, direct: int, base_url: str) -> Json:
    identifier = str(sql.from_key(group_id))
    return {
        "value": identifier,
        "$ref": f"{base_url}/Groups/{identifier}",
        "display": name,
        "type": "direct" if direct else "indirect",
    }


def _related(name: str, values: list[Json]) -> str:
    return f',"{name}":{orjson.dumps(values).decode()}' if values else ""


def page(credentials: Credentials, *, offset: int, limit: int) -> Page:
    """Some of all users, in the order of their ids. Raises Unauthorized."""
    if not limit:
        rows = []
    elif offset:
        rows = sql.rows(sql.LATER_PAGE, (*credentials.values, limit, offset))
    else:
        rows = sql.rows(sql.FIRST_PAGE, (*credentials.values, limit))
    if rows:
        return Page([row[0] for row in rows], rows[0][2], related(rows))
    return Page([], headcount(credentials), [])


def of_type(page: Page, stored: StoredType) -> Page:
    """Of a page that holds several types the documents of one, which are known by their locations."""
    place = f'"{stored.resource_type.endpoint}/'
    documents = [document for document in page.documents if document.endswith(place, 0, -_ID_AND_END)]
    ids = {*map(id_of, documents)}
    return Page(documents, page.total, [each for each in page.related if each in ids])


def related(rows: list[Row]) -> list[str]:
    """The ids of those whose second word says that rows of members belong to them; the first is the document."""
    return [id_of(row[0]) for row in rows if row[1]]


def matching(
    condition: Resolved | None,
    credentials: Credentials,
    *,
    offset: int,
    limit: int,
    base_url: str,
    stored: StoredType = USER,
) -> Page:
    """Some of those who satisfy the filter, in the order of their ids. Raises Unauthorized."""
    compiled = _compiled(condition, credentials, stored, base_url)
    statement = sql.matching(compiled, stored.related, stored.table, stored.tenant)
    rows = sql.rows(statement, (*credentials.values, *compiled.values, limit, offset)) if limit else []
    if not rows:
        credentials.principal()
    documents = [row[0] for row in rows]
    if limit and len(documents) < limit and (documents or not offset):
        return Page(documents, offset + len(documents), related(rows))
    total = count(condition, credentials, base_url=base_url, stored=stored)
    return Page(documents, total, related(rows))


def count(condition: Resolved | None, credentials: Credentials, *, base_url: str, stored: StoredType = USER) -> int:
    """How many satisfy the filter. Raises Unauthorized where nobody can be counted."""
    if condition is None and stored is USER:
        return headcount(credentials)
    compiled = _compiled(condition, credentials, stored, base_url)
    statement = sql.counting(compiled, stored.table, stored.tenant)
    counted: int = sql.rows(statement, (*credentials.values, *compiled.values))[0][0]
    return counted


def headcount(credentials: Credentials) -> int:
    """How many users the organization has. Raises Unauthorized."""
    row = sql.one(sql.HEADCOUNT, credentials.values)
    if row is None:
        credentials.principal()
        return 0
    users: int = row[0]
    return users


def _compiled(condition: Resolved | None, credentials: Credentials, stored: StoredType, base_url: str) -> Sql:
    if condition is None:
        return _ALL
    return compile_filter(condition, stored, Sql(stored.tenant, credentials.values), base_url)
