"""Reading stored users: one by its id, a page of all, a page of those that satisfy a filter, sorted or not, a walk."""

from dataclasses import dataclass
from uuid import UUID

from scim.protocol.filters import Resolved
from scim.protocol.ordering import Order
from scim.storage import sql
from scim.storage.compiler import compile_filter, compile_order
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


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the list of ids: pages go on with the user of that id, or end just before it if ``backwards``.

    The user itself need not be there any more.
    """

    at: UUID
    backwards: bool = False


START = Position(UUID(int=0))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A page of a walk, how many users there are on all pages, and where the pages beside it are."""

    documents: list[str]
    total: int
    next: Position | None
    previous: Position | None


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


def page(credentials: Credentials, *, order: Order | None = None, offset: int, limit: int) -> Page:
    """Some of all users, sorted, or in the order of their ids. Raises Unauthorized."""
    if order is not None:
        documents = _sorted_page(order, Sql(sql.EVERYBODY), credentials, offset, limit)
        return Page(documents, _headcount(credentials))
    if not limit:
        rows = []
    elif offset:
        rows = sql.rows(sql.LATER_PAGE, (*credentials.values, limit, offset))
    else:
        rows = sql.rows(sql.FIRST_PAGE, (*credentials.values, limit))
    if rows:
        return Page([document for document, _total in rows], rows[0][1])
    return Page([], _headcount(credentials))


def matching(
    condition: Resolved,
    credentials: Credentials,
    *,
    order: Order | None = None,
    offset: int,
    limit: int,
    base_url: str,
) -> Page:
    """Some of those who satisfy the filter, sorted, or in the order of their ids. Raises Unauthorized."""
    compiled = compile_filter(condition, USER, Sql(sql.TENANT, credentials.values), base_url)
    values = (*credentials.values, *compiled.values)
    if order is not None:
        documents = _sorted_page(order, compiled, credentials, offset, limit)
    else:
        rows = sql.rows(sql.matching(compiled), (*values, limit, offset)) if limit else []
        documents = [document for (document,) in rows]
    if not documents:
        credentials.principal()
    if limit and len(documents) < limit and (documents or not offset):
        return Page(documents, offset + len(documents))
    return Page(documents, sql.rows(sql.counting(compiled), values)[0][0])


def walk(
    position: Position, condition: Resolved | None, credentials: Credentials, *, limit: int, base_url: str
) -> Stretch:
    """The page at a position in the list of all, or of those who satisfy the filter. Raises Unauthorized."""
    if condition is None:
        statement = sql.WALK_BACK if position.backwards else sql.WALK_ON
        rows = sql.rows(statement, (*credentials.values, sql.key(position.at), limit + 1))
        total = rows[0][2] if rows else _headcount(credentials)
    else:
        compiled = compile_filter(condition, USER, Sql(sql.TENANT, credentials.values), base_url)
        values = (*credentials.values, *compiled.values)
        statement = sql.walking(compiled, backwards=position.backwards)
        rows = sql.rows(statement, (*values, sql.key(position.at), limit + 1))
        if not rows:
            credentials.principal()
        whole = position == START and len(rows) <= limit
        total = len(rows) if whole else sql.rows(sql.counting(compiled), values)[0][0]
    page, beyond = rows[:limit], rows[limit:]
    if position.backwards:
        page.reverse()
        following: Position | None = Position(position.at)
        preceding = Position(sql.from_key(page[0][1]), backwards=True) if beyond else None
    else:
        following = Position(sql.from_key(beyond[0][1])) if beyond else None
        first = sql.from_key(page[0][1]) if page else position.at
        preceding = None if position == START else Position(first, backwards=True)
    return Stretch([row[0] for row in page], total, following, preceding)


def _sorted_page(order: Order, condition: Sql, credentials: Credentials, offset: int, limit: int) -> list[str]:
    statement = sql.sorted_page(compile_order(order, USER), Sql(sql.TENANT, credentials.values), condition)
    rows = sql.rows(statement.text, (*statement.values, limit, offset)) if limit else []
    return [document for (document,) in rows]


def _headcount(credentials: Credentials) -> int:
    """How many users the organization has. Raises Unauthorized."""
    row = sql.one(sql.HEADCOUNT, credentials.values)
    if row is None:
        credentials.principal()
        return 0
    users: int = row[0]
    return users
