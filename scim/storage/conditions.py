"""The parts of SQL conditions: comparisons with a client's text, and their combinations.

Each yields true or false, never NULL. What a client sent is only ever the value of a placeholder; LIKE and its
wildcards are not used at all.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from core import dialects
from scim.protocol.filters import And, AnyValue, Compare, Not, Operator, Or, Resolved
from scim.storage.sql import Sql

Literal = str | int | float | bool | datetime | None

NEVER, ALWAYS = Sql("(1 = 0)"), Sql("(1 = 1)")

SYMBOLS = {
    Operator.EQ: "=",
    Operator.GT: ">",
    Operator.GE: ">=",
    Operator.LT: "<",
    Operator.LE: "<=",
}
_PARTS = frozenset({Operator.CO, Operator.SW, Operator.EW})
_LAST_CODE_POINT, _SURROGATES = 0x10FFFF, range(0xD800, 0xE000)


def over(node: Resolved, compare: Callable[[Compare], Sql]) -> Sql:
    """A condition without value paths, of which ``compare`` says what each comparison is."""
    match node:
        case And(terms):
            return joined(" AND ", [over(term, compare) for term in terms])
        case Or(terms):
            return joined(" OR ", [over(term, compare) for term in terms])
        case Not(term):
            return negated(over(term, compare))
        case Compare():
            return compare(node)
        case AnyValue():
            raise TypeError("No attribute has values within values.")


def joined(word: str, terms: Sequence[Sql]) -> Sql:
    """The terms with a word such as `` AND `` between them."""
    return Sql(f"({word.join(term.text for term in terms)})", tuple(value for term in terms for value in term.values))


def negated(term: Sql) -> Sql:
    """True where the term is not."""
    return Sql(f"NOT ({term.text})", term.values)


def text_column(column: str, operator: Operator, value: Literal) -> Sql:
    """A comparison on a column whose collation is by code point and whose empty text means that there is no value."""
    text = str(value)
    if operator is Operator.PR:
        return Sql(f"{column} <> ''")
    if operator is Operator.EQ:
        return Sql(f"{column} = %s", (text,)) if text else NEVER
    if operator is Operator.SW and text:
        return _starts_with(column, text)
    if operator in _PARTS:
        return _part(Sql(column), operator, text) if text else Sql(f"{column} <> ''")
    return Sql(f"({column} <> '' AND {column} {SYMBOLS[operator]} %s)", (text,))


def _starts_with(column: str, prefix: str) -> Sql:
    """A range, which an index on the column serves."""
    for length in range(len(prefix), 0, -1):
        following = ord(prefix[length - 1]) + 1
        if following in _SURROGATES:
            following = _SURROGATES.stop
        if following <= _LAST_CODE_POINT:
            end = prefix[: length - 1] + chr(following)
            return Sql(f"({column} >= %s AND {column} < %s)", (prefix, end))
    return Sql(f"{column} >= %s", (prefix,))


def compared(found: Sql, operator: Operator, value: Literal) -> Sql:
    """A comparison of a text that may be NULL."""
    text = str(value)
    if operator is Operator.PR:
        return Sql(f"({found.text} <> '') IS TRUE", found.values)
    if operator in _PARTS:
        part = _part(found, operator, text) if text else Sql(f"{found.text} IS NOT NULL", found.values)
    else:
        part = Sql(f"{found.text} {SYMBOLS[operator]} %s", (*found.values, text))
    return Sql(f"({part.text}) IS TRUE", part.values)


def _part(found: Sql, operator: Operator, text: str) -> Sql:
    dialect = dialects.current()
    match operator:
        case Operator.CO:
            return dialect.contains(found, text)
        case Operator.SW:
            return dialect.begins(found, text)
    return dialect.ends(found, text)
