"""Masking: headers, queries and bodies with every secret taken out, so that what is left may be kept and shown.

What is sensitive is told by names, compared without case and without what joins words: an attribute's, a header's, a
parameter's, or the one that the path of a PATCH operation points to. What was found to be a secret once is taken out
wherever else it stands, such as in an answer that repeats it.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import quote, unquote_plus

import orjson

from scim.protocol.attributes import Json

MASK = "***"

# Sensitive whatever else is.
ALWAYS = ("password", "passwd", "pwd", "secret", "token", "authorization", "cookie")

Headers = Sequence[tuple[str, str]]

# Names of so many letters are found within longer ones too, as in "newPassword"; shorter ones stand for themselves.
_FOUND_WITHIN = 5

# What is shorter, such as "Admin", would be taken out of words that have nothing to do with it.
_SHORTEST_FOUND = 6
_MOST_FOUND = 200
_DEEPEST = 64

_OUR_TOKENS = re.compile(r"smg[a-z]_\w+", re.IGNORECASE)
# The words "bearer token" themselves tell nothing.
_CREDENTIALS = re.compile(r"\b(bearer|basic)(\s+)(?!token\b)[^\s\"',;]+", re.IGNORECASE)
_SCHEME = re.compile(r"(basic|bearer|digest|negotiate) +\S.*", re.IGNORECASE | re.DOTALL)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\Z)', re.DOTALL)
_VERBS = frozenset({"add", "remove", "replace"})
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# Members of an object whose text says what another member, such as "value", is about.
_NAMING = frozenset({"name", "type", "key", "attribute", "attributename", "field", "id", "display"})


class Masking:
    """One request and its answer; ``names`` are sensitive beside ALWAYS. What was sent goes before what came back."""

    def __init__(self, names: Iterable[str]) -> None:
        self._words = _words((*ALWAYS, *names))
        self._found: dict[str, None] = {}

    def request(self, headers: Headers, query: str, body: bytes | None) -> tuple[Headers, str, str | None]:
        """What was sent, masked; None stands for a body that can't be shown, or that there is none of."""
        # Once to find the secrets, and once more to take them out of what stands before them, too.
        self.headers(headers)
        self.query(query)
        self.body(body)
        return self.headers(headers), self.query(query), self.body(body)

    def headers(self, headers: Headers) -> Headers:
        """The headers, with credentials and cookies masked."""
        return [(name, self._header(name, value)) for name, value in headers]

    def query(self, query: str) -> str:
        """The query as it was sent, but for what is masked."""
        if not query:
            return ""
        return "&".join([self._parameter(each) for each in query.split("&")])

    def body(self, body: bytes | None) -> str | None:
        """JSON, indented. Of what is none only that which can't name anything sensitive, else None."""
        if not body:
            return None
        try:
            value = orjson.loads(body.removeprefix(_BYTE_ORDER_MARK))
        except orjson.JSONDecodeError:
            return self._unreadable(body)
        return orjson.dumps(self._value(value, 0), option=orjson.OPT_INDENT_2).decode()

    def text(self, text: str) -> str:
        """Any text, without what looks like a secret or follows the name of one."""
        if not self._found and not self._words.may_concern(text):
            return text
        text = self._without_found(text)
        text = _CREDENTIALS.sub(rf"\1\2{MASK}", _OUR_TOKENS.sub(MASK, text))
        if "%" in text and (plain := _unquoted(text)) != text and not self._words.named_in(text):
            return MASK if self._words.named_in(plain) else text
        if text.lstrip()[:1] in ("{", "[") and self._words.named_in(text):
            return self._json_within(text)
        place = self._words.value_in(text)
        if place is None:
            return text
        self._remember(text[place:])
        return f"{text[:place]}{MASK}"

    def _header(self, name: str, value: str) -> str:
        if not self._words.named_in(name):
            return self.text(value)
        scheme = _SCHEME.fullmatch(value.strip())
        if scheme is None or not name.lower().endswith("authorization"):
            self._remember(value)
            return MASK
        credentials = value.strip()[len(scheme[1]) :].strip()
        self._remember(credentials)
        if scheme[1].lower() == "basic":
            self._remember(_decoded(credentials).partition(":")[2])
        return f"{scheme[1]} {MASK}"

    def _parameter(self, sent: str) -> str:
        plain = _unquoted(sent)
        name, equals, value = plain.partition("=")
        if self._words.named_in(name):
            self._remember(value)
            return f"{quote(self._expression(name))}{equals}{MASK}"
        masked = self._expression(value)
        return (
            sent if masked == value and self._expression(name) == name else f"{quote(name)}{equals}{_readable(masked)}"
        )

    def _expression(self, text: str) -> str:
        """A path or a filter, up to where it names something sensitive; what stands in quotes names nothing."""
        text = self.text(text)
        place = self._words.end_in(_QUOTED.sub(lambda found: " " * len(found[0]), text))
        if place is None or not text[place:].strip():
            return text
        self._remember(text[place:])
        return f"{text[:place]}{MASK}"

    def _value(self, value: Json, depth: int) -> Json:
        if depth > _DEEPEST:
            return MASK
        match value:
            case str():
                return self.text(value)
            case list():
                return [self._value(each, depth + 1) for each in value]
            case dict():
                return self._object(value, depth + 1)
            case int() | float() if str(value) in self._found:
                return MASK
        return value

    def _object(self, members: dict[str, Json], depth: int) -> Json:
        points = any(name.casefold() == "path" and self._points(value) for name, value in members.items())
        names = any(name.casefold() in _NAMING and self._points(value) for name, value in members.items())
        masked: dict[str, Json] = {}
        for name, value in members.items():
            folded = name.casefold()
            if folded == "path" and isinstance(value, str):
                shown: Json = self._expression(value)
            elif any(
                (
                    self._points(name),
                    points and not (folded == "op" and isinstance(value, str) and value.casefold() in _VERBS),
                    names and "value" in folded,
                )
            ):
                shown = self._hidden(value, depth)
            else:
                shown = self._value(value, depth)
            masked[self._expression(name)] = shown
        return masked

    def _points(self, value: Json) -> bool:
        text = value if isinstance(value, str) else str(value) if isinstance(value, list | dict) else ""
        return self._words.named_in(text) or ("%" in text and self._words.named_in(_unquoted(text)))

    def _hidden(self, value: Json, depth: int) -> Json:
        if value is None:
            return None
        self._remember_all(value, depth)
        return MASK

    def _remember_all(self, value: Json, depth: int) -> None:
        if depth > _DEEPEST:
            return
        match value:
            case list():
                for each in value:
                    self._remember_all(each, depth + 1)
            case dict():
                for each in value.values():
                    self._remember_all(each, depth + 1)
            case bool() | None:
                return
            case _:
                self._remember(str(value))

    def _remember(self, secret: str) -> None:
        texts = [secret.strip(), *(quoted.strip('"') for quoted in _QUOTED.findall(secret))]
        for text in texts:
            if len(text) >= _SHORTEST_FOUND and text != MASK and len(self._found) < _MOST_FOUND:
                self._found[text] = None

    def _without_found(self, text: str) -> str:
        # The longest first, for it may contain others.
        for secret in sorted(self._found, key=len, reverse=True):
            if secret in text:
                text = text.replace(secret, MASK)
        return text

    def _json_within(self, text: str) -> str:
        try:
            value = orjson.loads(text)
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            self._remember(text)
            return MASK
        return orjson.dumps(self._value(value, 1)).decode()

    def _unreadable(self, body: bytes) -> str | None:
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return None
        encoded = any(mark in text for mark in "\\%&") or not all(
            each.isprintable() or each in "\r\n\t" for each in text
        )
        if encoded or self._words.named_in(text) or self.text(text) != text:
            return None
        return text


class _Words:
    """The sensitive names, ready to be looked for."""

    def __init__(self, names: Iterable[str]) -> None:
        folded = sorted({re.sub(r"[\W_]+", "", name.casefold()) for name in names} - {""}, key=len, reverse=True)
        self._stems = tuple({name[:3] for name in folded})
        # What a token or credentials begin with, and what may hide any of these.
        self._signs = (*self._stems, "smg", "bearer", "basic", "%")
        pattern = "|".join(map(_loosely, folded))
        self._name = re.compile(pattern, re.IGNORECASE)
        # A name, the rest of its word, and then a sign that its value comes.
        self._value = re.compile(
            rf"(?:{pattern})[\w-]*[\"'\s\])\\]*(?:[:=]|\s(?:eq|ne|co|sw|ew|gt|ge|lt|le)\s)", re.IGNORECASE
        )

    def named_in(self, text: str) -> bool:
        """Whether one of the names stands in a text."""
        return self._may_be_in(text) and self._name.search(text) is not None

    def end_in(self, text: str) -> int | None:
        """Where the first name in a text ends, with the rest of its word."""
        found = self._name.search(text) if self._may_be_in(text) else None
        return None if found is None else found.end()

    def value_in(self, text: str) -> int | None:
        """Where the value of the first name begins that has one."""
        found = self._value.search(text) if self._may_be_in(text) else None
        return None if found is None else found.end()

    def may_concern(self, text: str) -> bool:
        """Whether there may be anything to mask at all; most texts have nothing of all this."""
        return _has_any(text, self._signs)

    def _may_be_in(self, text: str) -> bool:
        """Most texts have nothing that even begins like a name, and comparing texts is cheaper than searching them."""
        return _has_any(text, self._stems)


def _has_any(text: str, parts: Sequence[str]) -> bool:
    lowered = text.lower()
    for part in parts:  # noqa: SIM110  (this is what is asked most of all, and any() takes twice as long)
        if part in lowered:
            return True
    return False


@lru_cache(maxsize=8)
def _words(names: tuple[str, ...]) -> _Words:
    return _Words(names)


def _loosely(name: str) -> str:
    """A pattern for a name with a sign between its words, wherever they may end."""
    joined = re.escape(name[:3]) + "".join(f"[-_ ]?{re.escape(letter)}" for letter in name[3:])
    return joined if len(name) >= _FOUND_WITHIN else rf"(?<![^\W_]){joined}(?![^\W_])"


def _unquoted(text: str) -> str:
    """The text without percent signs' meaning, however often it was encoded, within reason."""
    for _ in range(3):
        plain = unquote_plus(text)
        if plain == text:
            break
        text = plain
    return text


def _readable(text: str) -> str:
    return quote(text, safe="*:/,.[]()@")


def _decoded(credentials: str) -> str:
    try:
        return b64decode(credentials).decode()
    except (binascii.Error, ValueError):
        return ""
