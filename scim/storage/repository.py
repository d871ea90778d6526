"""Reading stored users: one by its id, a page of all, a page of those that satisfy a filter."""

from dataclasses import dataclass
from uuid import UUID

from scim.protocol.filters import Resolved
from scim.storage import sql
from scim.storage.compiler import compile_filter
from scim.storage.principals import Credentials
from scim.storage.resource_types import USER
from scim.storage.sql import Sql
from users.profile import LOCATION_TAIL


@dataclass(frozen=True, slots=True)
class Stored:
    """A user's document and its version."""

    document: str
    version: int


@dataclass(frozen=True, slots=True)
class Page:
    """The documents of a page, and how many users there are on all pages."""

    documents: list[str]
    total: int


def represent(document: str, base_url: str) -> str:
    """The document as clients get it: stored documents locate themselves relative to the Base URL."""
    return f"{document[:-LOCATION_TAIL]}{base_url}{document[-LOCATION_TAIL:]}"


def find(user_id: str, credentials: Credentials) -> Stored | None:
    """The user of that id, or None where the organization has none. Raises Unauthorized."""
    try:
        identifier = UUID(user_id)
    except ValueError:
        identifier = None
    row = None
    if identifier is not None and str(identifier) == user_id:
        row = sql.one(sql.BY_ID, (sql.key(identifier), *credentials.values))
    if row is None:
        credentials.principal()
        return None
    return Stored(*row)


def page(credentials: Credentials, *, offset: int, limit: int) -> Page:
    """Some of all users, in the order of their ids. Raises Unauthorized."""
    if not limit:
        rows = []
    elif offset:
        rows = sql.rows(sql.LATER_PAGE, (*credentials.values, limit, offset))
    else:
        rows = sql.rows(sql.FIRST_PAGE, (*credentials.values, limit))
    if rows:
        return Page([document for document, _total in rows], rows[0][1])
    headcount = sql.one(sql.HEADCOUNT, (sql.key(credentials.principal().organization_id),))
    return Page([], headcount[0] if headcount else 0)


def matching(condition: Resolved, credentials: Credentials, *, offset: int, limit: int, base_url: str) -> Page:
    """Some of those who satisfy the filter, in the order of their ids. Raises Unauthorized."""
    compiled = compile_filter(condition, USER, Sql(sql.TENANT, credentials.values), base_url)
    values = (*credentials.values, *compiled.values)
    rows = sql.rows(sql.matching(compiled), (*values, limit, offset)) if limit else []
    if not rows:
        credentials.principal()
    if limit and len(rows) < limit and (rows or not offset):
        total = offset + len(rows)
    else:
        total = sql.rows(sql.counting(compiled), values)[0][0]
    return Page([document for (document,) in rows], total)
