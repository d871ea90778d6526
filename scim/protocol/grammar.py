"""The grammar of filters, PATCH paths, attribute paths (RFC 7644 figures 1 and 7).

The text is cut into tokens once, then read by a descent through the rules of the grammar. Both are linear in the text,
and the descent goes only as deep as the brackets do, which are counted before it begins.
"""

import json
import math
import re
from typing import NoReturn

from core.caching import cached_if_short
from scim.protocol.attributes import AttributePath
from scim.protocol.errors import InvalidFilter, InvalidPath, shown_name
from scim.protocol.filters import And, Comparison, Filter, Not, Operator, Or, PatchPath, ValuePath

MAX_LENGTH = 8_192
MAX_DEPTH = 20
MAX_TERMS = 100
# Of an attribute's name with its URN, which every refusal repeats.
MAX_NAME = 255

# A quoted text, a bracket or a word. What a token has taken it never gives back, and a quote that nothing closes takes
# all the rest, so that no character is looked at twice.
_TOKENS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[()\[\]]|[^ \t\r\n()\[\]"]++', re.DOTALL)

# RFC 7643 section 2.1, and the "$ref" that its section 2.4 adds.
_NAME = re.compile(r"\$?[A-Za-z][\w-]*+", re.ASCII)
_URI = re.compile(r"[A-Za-z][\w.+-]*+:[\w:./#~%+-]++", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)((?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)", re.ASCII)

_OPERATORS = {operator.value: operator for operator in Operator}
_KEYWORDS = frozenset({"and", "or", "not", *_OPERATORS})
_CONSTANTS = {"true": True, "false": False, "null": None}


@cached_if_short(256)
def parse_filter(text: str) -> Filter:
    """The tree of a filter; of its nodes, no And holds an And and no Or an Or.

    ``emails[type eq "work"].value eq "x"``, which Entra sends, is read as ``emails[type eq "work" and value eq "x"]``.

    Raises InvalidFilter where the text breaks the grammar or has more than ``MAX_LENGTH`` characters, ``MAX_TERMS``
    comparisons or ``MAX_DEPTH`` brackets within each other.
    """
    descent = _Descent(text, "filter", InvalidFilter)
    tree = descent.disjunction()
    descent.end()
    return tree


@cached_if_short(256)
def parse_patch_path(text: str) -> PatchPath:
    """What a PATCH operation's ``path`` aims at (RFC 7644 figure 7).

    Raises InvalidPath where the text breaks the grammar or one of the limits that filters have.
    """
    descent = _Descent(text, "path", InvalidPath)
    target = descent.patch_path()
    descent.end()
    return target


def tokens(text: str) -> list[str]:
    """What a filter or path is made of: quoted texts, brackets and words, whatever order they stand in."""
    return _TOKENS.findall(text)


def parse_attribute_path(text: str) -> AttributePath:
    """An attribute's name in attribute notation, ``[URN:]name[.sub]`` (RFC 7644 section 3.10).

    Raises InvalidPath for any other text.
    """
    path = _attribute_path(text)
    if path is None:
        raise InvalidPath(f"'{shown_name(text)}' is not the name of an attribute.")
    return path


def _attribute_path(text: str) -> AttributePath | None:
    return _split_path(text) if len(text) <= MAX_NAME else None


@cached_if_short(1024)
def _split_path(text: str) -> AttributePath | None:
    # Versions in URNs have dots, so what comes after the last colon is split off first.
    urn, colon, tail = text.rpartition(":")
    name, dot, sub = tail.partition(".")
    if (colon and not _URI.fullmatch(urn)) or not _NAME.fullmatch(name) or (dot and not _NAME.fullmatch(sub)):
        return None
    return AttributePath(urn or None, name, sub or None)


class _Descent:
    """One reading of one text: each method takes the tokens of the rule that it is named for."""

    __slots__ = ("at", "in_value", "noun", "refusal", "terms", "text", "tokens")

    def __init__(self, text: str, noun: str, refusal: type[InvalidFilter | InvalidPath]) -> None:
        self.text, self.noun, self.refusal = text, noun, refusal
        if len(text) > MAX_LENGTH:
            raise refusal(f"The {noun} is longer than {MAX_LENGTH} characters.")
        # The empty token stands for the end, so that looking ahead needs no care.
        self.tokens: list[str] = [*_TOKENS.findall(text), ""]
        self.at = 0
        self.terms = 0
        self.in_value = False
        self.check_depth()

    def check_depth(self) -> None:
        if self.text.count("(") + self.text.count("[") <= MAX_DEPTH:
            return
        depth = 0
        for token in self.tokens:
            depth += (token in ("(", "[")) - (token in (")", "]"))
            if depth > MAX_DEPTH:
                raise self.refusal(f"The {self.noun} has more than {MAX_DEPTH} brackets within each other.")

    def disjunction(self) -> Filter:
        terms = [self.conjunction()]
        while self.take("or"):
            terms.append(self.conjunction())
        return terms[0] if len(terms) == 1 else Or(_flat(Or, terms))

    def conjunction(self) -> Filter:
        terms = [self.condition()]
        while self.take("and"):
            terms.append(self.condition())
        return terms[0] if len(terms) == 1 else And(_flat(And, terms))

    def condition(self) -> Filter:
        if self.take("("):
            return self.group(")")
        if self.take("not"):
            self.expect("(", "an opening bracket after 'not'")
            return Not(self.group(")"))
        path = self.attribute_path()
        return self.value_path(path) if self.take("[") else self.comparison(path)

    def group(self, closing: str) -> Filter:
        inner = self.disjunction()
        self.expect(closing, f"'and', 'or' or '{closing}'")
        return inner

    def value_path(self, path: AttributePath) -> Filter:
        inner = self.value_filter()
        sub = self.sub_attribute()
        if sub is None:
            return ValuePath(path, inner)
        return ValuePath(path, And(_flat(And, [inner, self.comparison(AttributePath(None, sub))])))

    def value_filter(self) -> Filter:
        if self.in_value:
            self.fail("no '[' within '[...]'")
        self.in_value = True
        inner = self.group("]")
        self.in_value = False
        return inner

    def sub_attribute(self) -> str | None:
        """The ``.value`` that may follow a value filter."""
        token = self.tokens[self.at]
        if not token.startswith("."):
            return None
        self.at += 1
        return token[1:] if _NAME.fullmatch(token, 1) else self.fail("the name of a sub-attribute after the dot")

    def patch_path(self) -> PatchPath:
        path = self.attribute_path()
        return PatchPath(path, self.value_filter(), self.sub_attribute()) if self.take("[") else PatchPath(path)

    def comparison(self, path: AttributePath) -> Comparison:
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise self.refusal(f"The {self.noun} has more than {MAX_TERMS} comparisons.")
        operator = _OPERATORS.get(self.next().lower())
        if operator is None:
            self.fail(f"one of the operators {', '.join(_OPERATORS)}")
        return Comparison(path, operator, None if operator is Operator.PR else self.literal())

    def attribute_path(self) -> AttributePath:
        return _attribute_path(self.next()) or self.fail("the name of an attribute")

    def literal(self) -> str | int | float | bool | None:
        token = self.next()
        if token.startswith('"'):
            return self.quoted(token)
        if token.lower() in _CONSTANTS:
            return _CONSTANTS[token.lower()]
        number = _NUMBER.fullmatch(token)
        if number is None:
            self.fail("a value: text in double quotes, a number, true, false or null")
        # A whole number of more than 20 characters is past 64 bits; reading it would only cost time.
        value = float(token) if number[1] else int(token[:21])
        if math.isinf(value) or (isinstance(value, int) and not -(2**63) <= value < 2**63):
            self.fail("a number of at most 64 bits")
        return value

    def quoted(self, token: str) -> str:
        if len(token) == 1 or not token.endswith('"'):
            self.fail("a second double quote to close the text")
        if "\\" not in token and token.isprintable():
            return token[1:-1]
        try:
            value: str = json.loads(token)
            value.encode()
        except ValueError:
            self.fail("text that is valid in JSON")
        if "\0" in value:
            self.fail("text without NUL characters")
        return value

    def take(self, token: str) -> bool:
        """Whether that token is next; if so it is taken."""
        taken = self.tokens[self.at].lower() == token
        if taken:
            self.at += 1
        return taken

    def expect(self, token: str, meaning: str) -> None:
        if self.next() != token:
            self.fail(meaning)

    def end(self) -> None:
        self.expect("", "the end" if self.noun == "path" else "'and', 'or' or the end")

    def next(self) -> str:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def fail(self, expected: str) -> NoReturn:
        """Refuse the text at the token that was taken last."""
        for index, token in enumerate(_TOKENS.finditer(self.text), 1):
            if index == self.at:
                found = f"{_kind(token[0])} at character {token.start() + 1}"
                raise self.refusal(f"Found {found} of the {self.noun}; expected {expected}.")
        raise self.refusal(f"The {self.noun} ends too early; expected {expected}.")


def _flat(kind: type[And[Filter]] | type[Or[Filter]], terms: list[Filter]) -> tuple[Filter, ...]:
    return tuple(part for term in terms for part in (term.terms if isinstance(term, kind) else (term,)))


def _kind(token: str) -> str:
    """A token for messages: those of the grammar as they are, of others only what they are."""
    if token in ("(", ")", "[", "]") or token.lower() in _KEYWORDS:
        return f"'{token}'"
    if token.startswith('"'):
        return "a quoted text"
    return "a number" if _NUMBER.fullmatch(token) else "a word"
