"""Masking: headers, queries and bodies without their secrets, fit to be kept and shown.

What is sensitive is told by names, compared without case and without what joins words: an attribute's, a header's, a
parameter's, or the one that the path of a PATCH operation points to. What looks like a secret is masked wherever it
stands. What was found to be a secret once is taken out wherever else it stands, such as in an answer that repeats it.

Texts are cut to what is kept of them before they are looked through. Every step is linear in what is left: no
expression takes the same character twice, and a search goes on behind what the last one has taken.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote_plus

import orjson

from core.json_values import Json

MASK = "***"

# What is kept of a query, of one text, and of all headers, in characters; a body may have as much as a text.
LONGEST_QUERY = 10_000
MOST_PARAMETERS = 200
LONGEST_TEXT = 64 * 1024
LONGEST_HEADERS = 16 * 1024

# How many members of a body that is not kept are looked through for secrets.
MOST_LEARNED = 2_000

# Sensitive wherever the name is part of another one, as in "newPasswordHash". At a hyphen the words may be joined by
# a sign or by nothing: "apikey", "api_key", "API Key".
WITHIN = (
    # Passwords, in the languages of those whose clients were seen.
    "pass-word", "passwd", "pwd", "pass-code", "pass-phrase", "pass-wort", "kenn-wort", "mot-de-passe", "contrasena",
    "contraseña", "wacht-woord", "пароль",
    # Credentials of programs.
    "auth-code", "client-cert",
    "secret", "token", "credential", "api-key", "access-key", "account-key", "encryption-key", "license-key",
    "master-key", "pass-key", "private-key", "shared-key", "signing-key", "storage-key", "subscription-key",
    # What browsers and identity providers carry.
    "authorization", "cookie", "session-id", "assertion", "saml-response", "signature",
)  # fmt: skip

# Sensitive as a word of its own, as in "userPin" or "smtp_pass"; within others they mean nothing: "passport",
# "compass", "authority", "shipping".
WHOLE = ("auth", "clave", "cvc", "cvv", "jwt", "mdp", "otp", "pass", "pin", "senha", "totp", "userpass")

# The same, but only as names of headers and parameters: in a body, "key" is what names a value, and "SIG" or "SAS" an
# ordinary word.
WHOLE_OF_PARAMETERS = (
    "authentication", "bearer", "dpop", "hmac", "key", "oauth", "refresh", "sas", "session", "sid", "sig",
)  # fmt: skip

# Sensitive as the whole name of a header or parameter: "code" is, "countryCode" is not.
NAMES_OF_PARAMETERS = ("code", "pw")

# By what a name is looked for before anything else, where its first part is an ordinary word.
_STEMS = {"clientcert": "cert"}

# What follows where one of the names above is not meant: a secretary is no secret.
_NOT_BEFORE = {"secret": "(?!ar(?:y|ies|iat))"}

# The parameters whose values are shown of a query that is too long to be kept whole.
_OF_SCIM = frozenset(
    {"attributes", "count", "cursor", "excludedattributes", "filter", "sortby", "sortorder", "startindex"}
)

Headers = Sequence[tuple[str, str]]

# Names of so many letters are found within longer ones too; shorter ones stand for themselves.
_FOUND_WITHIN = 5

# What is shorter, such as "Admin", would be taken out of words that have nothing to do with it.
SHORTEST_FOUND = 6
_MOST_FOUND = 200
_DEEPEST = 64
_MOST_DECODINGS = 3
# Of names that are remembered with what they are, so that nobody fills the memory with longer ones.
_LONGEST_KNOWN = 64

_OUR_TOKENS = re.compile(r"smg[a-z]_\w++", re.IGNORECASE)
# GitHub's, GitLab's, Slack's and Stripe's.
_TOKENS_OF_OTHERS = re.compile(r"\b(?:gh[opsu]_|github_pat_|glpat-|xox[abps]-|sk_(?:live|test)_)[\w-]++")
_SIGNS_OF_OTHERS = ("gho_", "ghp_", "ghs_", "ghu_", "github_pat_", "glpat-", "xox", "sk_live_", "sk_test_")
# The words "bearer token" themselves tell nothing, nor does "basic training".
_CREDENTIALS = re.compile(
    r"\b(bearer\s++(?!token\b)|basic\s++(?=[a-z+/_-]*+[0-9=]|[a-z+/_-]++(?-i:(?<=[a-z])[A-Z])))[^\s\"',;]++",
    re.IGNORECASE,
)
_SIGNED_TOKENS = re.compile(r"\beyJ[\w-]{8,}+(?:\.[\w-]*+)*+")
_PRIVATE_KEYS = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,12}+ ){0,3}?PRIVATE KEY.*?(?:-----END [^-]{0,40}+-----|\Z)", re.DOTALL
)
_LOGINS = re.compile(r"(?<=://)[^/\s?#@\"]++(?=@)")
_LOGIN_CUT_OFF = re.compile(r"(?<=://)[^/\s?#@\":]++:[^/\s?#@\"]*+\Z")

_SCHEME = re.compile(r"(basic|bearer|digest|negotiate) ++\S.*+", re.IGNORECASE | re.DOTALL)
_QUOTED = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
# The rest of a word, what may close behind it, and the sign that its value comes: the group is empty without one.
_TO_VALUE = re.compile(r"[\w-]*+[\"'\s\])\\]*+((?:[:=>]|(?<=\s)(?:eq|ne|co|sw|ew|gt|ge|lt|le)(?=\s))?+)", re.IGNORECASE)
_PARAMETERS = re.compile(r"(?:\A|[?&;,\s])([\w.-]{1,64}+)=")
_PARTS = re.compile(r"[^\W\d_]+|\d+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NAME = re.compile(r"[^\s{}]*+(?: [^\s{}]++){0,2}+")

_VERBS = frozenset({"add", "remove", "replace"})
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# Members of an object whose text says what all of its other members are about.
_NAMING = frozenset(
    {"attribute", "attributename", "claim", "field", "header", "key", "label", "name", "parameter", "path", "property"}
)
# Members whose text may say so of a "value".
_NAMING_VALUES = _NAMING | {"display", "id", "title", "type"}
# What a value is called there, beside whatever has "value" in its name.
_VALUES = frozenset({"content", "data"})

# Letters that are compared as these ASCII ones.
_ALIKE = str.maketrans(
    {"\u017f": "s", "\u212a": "k", "\u0130": "i", "\u0131": "i"}
    | {chr(0xFEE0 + code): chr(code).lower() for code in range(0x21, 0x7F)}
)
_LOWER_ASCII = str.maketrans({chr(code): chr(code + 32) for code in range(0x41, 0x5B)})


class Masking:
    """One request and its answer; ``names`` are sensitive beside those above. What was sent goes before the answer.

    ``longest`` is what is kept of a body, in characters; what is returned may be longer. ``is_cut`` tells whether the
    last body was longer, so that texts at its end were not read.
    """

    def __init__(self, names: Iterable[str], longest: int = LONGEST_TEXT) -> None:
        self._words = _words(tuple(names))
        self._longest = longest
        self._left = 0
        self.is_cut = False
        self._found: dict[str, None] = {}
        self._longest_first: list[str] = []

    def request(self, headers: Headers, query: str, body: bytes | None) -> tuple[Headers, str, str | None]:
        """What was sent, masked; None stands for a body that can't be shown, or that there is none of."""
        # Once to find the secrets, and once more to take them out of what stands before them, too.
        masked = self.headers(headers), self.query(query), self.body(body)
        return (self.headers(headers), self.query(query), self.body(body)) if self._found else masked

    def headers(self, headers: Headers) -> Headers:
        """The headers, with credentials and cookies masked; those that are too far down to be kept are left out."""
        masked, left = [], LONGEST_HEADERS
        for name, value in headers:
            shown = self._header(name, value)
            if left > 0:
                masked.append((name, shown))
            left -= len(name) + len(shown)
        return masked

    def query(self, query: str) -> str:
        """The query as it was sent, but for what is masked, and no more of it than is kept."""
        if not query:
            return ""
        if len(query) <= LONGEST_QUERY and query.count("&") < MOST_PARAMETERS:
            return "&".join([self._parameter(each) for each in query.split("&")])
        # What names a secret may stand behind the cut: then no text is shown that could be one.
        first = query[:LONGEST_QUERY].split("&", MOST_PARAMETERS)[:MOST_PARAMETERS]
        return "&".join([self._parameter_of_many(each) for each in first])

    def body(self, body: bytes | None) -> str | None:
        """JSON, indented. Of what is none only that which can't name anything sensitive, else None."""
        if not body:
            return None
        try:
            value = orjson.loads(body.removeprefix(_BYTE_ORDER_MARK))
        except orjson.JSONDecodeError:
            return self._unreadable(body)
        self._left = self._longest
        if not self.has_nothing(body):
            value = self._value(value, 0)
        self.is_cut = self._left <= 0
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()

    def learn(self, value: Mapping[str, Json], most: int = MOST_LEARNED) -> None:
        """Find the secrets in a body that is not kept, among its first ``most`` members; those at its top first."""
        waiting: deque[Any] = deque([value])
        while waiting and most > 0:
            holder = waiting.popleft()
            is_object = isinstance(holder, dict)
            members = holder.items() if is_object else (("", each) for each in holder)
            points, names = self._points_to(holder) if is_object else (False, False)
            for name, inner in members:
                most -= 1
                folded = name.casefold()
                if self._points(name) or (points and not _says_what(folded, inner)) or (names and "value" in folded):
                    self._remember_all(inner, 0)
                elif isinstance(inner, dict | list):
                    waiting.append(inner)

    def may_name(self, text: str) -> bool:
        """Whether a text has the name of something sensitive in it, or may hide one."""
        return "\\u" in text or self._words.names(text)

    def text(self, text: str, longest: int = LONGEST_TEXT) -> str:
        """Any text, without what looks like a secret or follows the name of one, and no more of it than is kept."""
        if len(text) > longest:
            return self._beginning(text, longest)
        if not self._found and not self._words.may_concern(text):
            return text
        return self._masked(self._without_found(text))

    def _beginning(self, text: str, longest: int) -> str:
        """The beginning of a text; a secret that the cut goes through is masked by what is left of it."""
        margin = len(self._longest_first[0]) if self._longest_first else 0
        text = self._without_found(text[: longest + margin])
        # What is left of one at the end is shorter than the longest of them.
        text = _LOGIN_CUT_OFF.sub(MASK, text[: len(text) - margin][:longest])
        plain = _unquoted(text)
        if "{" in plain or plain[:1] == "[":
            # What names its members may stand behind the cut.
            text = text[: text.find("{")] + MASK if "{" in text else MASK
        return self._masked(text)

    def _masked(self, text: str) -> str:
        text = _without_shapes(text)
        if (place := _json_at(text)) is not None and ("\\u" in text or self._words.names(text)):
            return f"{text[:place]}{self._json_within(text[place:])}"
        if (place := self._words.value_in(text)) is not None:
            self._remember(text[place:])
            return f"{text[:place]}{MASK}"
        if "%" not in text or (plain := _unquoted(text)) == text:
            return text
        return text if _is_decoded(plain) and self._masked(plain) == plain else MASK

    def _header(self, name: str, value: str) -> str:
        if not self._words.names_parameter(name):
            return self.text(value, LONGEST_HEADERS)
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
        if not self._found and not self._words.may_concern(plain) and not self._words.names_parameter(name):
            return sent
        if self._words.names_parameter(name):
            self._remember(value)
            return f"{_readable(self.expression(name))}{equals}{MASK}"
        masked = self.expression(value)
        if not _is_decoded(plain):
            masked = MASK
        return (
            sent
            if masked == value and self.expression(name) == name
            else f"{_readable(name)}{equals}{_readable(masked)}"
        )

    def _parameter_of_many(self, sent: str) -> str:
        name, equals, value = sent.partition("=")
        if name.lower() not in _OF_SCIM:
            return self._parameter(name) + (f"{equals}{MASK}" if value else equals)
        return self._parameter(f"{name}{equals}{_readable(_QUOTED.sub(_masked_text, _unquoted(value)))}")

    def expression(self, text: str) -> str:
        """A path or a filter, up to where it names something sensitive; what stands in quotes names nothing."""
        text = self.text(text)
        if not self._words.names(text):
            return text
        place = self._words.end_in(_QUOTED.sub(_blank, text))
        if place is None or not text[place:].strip():
            return text
        self._remember(text[place:])
        return f"{text[:place]}{MASK}"

    def has_nothing(self, body: bytes) -> bool:
        """Whether a body that is kept whole has nothing to mask; most have not, and need no walk."""
        if len(body) > self._longest or b"\\" in body or not body.isascii():
            return False
        text = body.decode("ascii")
        return not self._words.may_concern(text) and not _has_any(text, self._longest_first)

    def _value(self, value: Json, depth: int) -> Json:
        """A value, masked. Behind what is kept of a body its texts are not read, but its names still are."""
        if depth > _DEEPEST:
            return MASK
        match value:
            case str():
                shown = self.text(value, self._longest) if self._left > 0 else MASK
                self._left -= len(shown) if len(value) <= self._longest else self._left
                return shown
            case list():
                return [self._value(each, depth + 1) for each in value]
            case dict():
                return self._object(value, depth + 1)
            case bool() | None:
                return value
            case int() | float() if self._found and str(value) in self._found:
                return MASK
        return value

    def _object(self, members: dict[str, Json], depth: int) -> Json:
        points, names = self._points_to(members)
        masked: dict[str, Json] = {}
        for name, value in members.items():
            folded = name.casefold()
            if folded == "path" and isinstance(value, str) and self._left > 0:
                shown: Json = self.expression(value)
            elif (
                self._points(name)
                or (points and not _says_what(folded, value))
                or (names and ("value" in folded or folded in _VALUES))
            ):
                shown = self._hidden(value, depth)
            else:
                shown = self._value(value, depth)
            if self._left > 0:
                name = self.expression(name)
            masked[name[: self._longest]] = shown
            self._left -= len(name)
        return masked

    def _points_to(self, members: dict[str, Json]) -> tuple[bool, bool]:
        """Whether a member says that all others are about a secret, and whether one says so of values."""
        points = names = False
        for name, value in members.items():
            folded = name.casefold()
            if folded in _NAMING_VALUES and self._points(value):
                names = True
                points = points or folded == "path" or (folded in _NAMING and _is_name(value))
        return points, names

    def _points(self, value: Json) -> bool:
        text = value if isinstance(value, str) else str(value) if isinstance(value, list) else ""
        if self._words.names(text):
            return True
        return "%" in text and self._words.names(_unquoted(text[: self._longest]))

    def _hidden(self, value: Json, depth: int) -> Json:
        if value is None or isinstance(value, bool):
            return value
        self._remember_all(value, depth)
        return MASK

    def _remember_all(self, value: Json, depth: int) -> None:
        if depth > _DEEPEST or len(self._found) >= _MOST_FOUND:
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
        self._remember_one(secret)
        for quoted in _QUOTED.finditer(secret):
            if len(self._found) >= _MOST_FOUND:
                return
            self._remember_one(quoted[0].strip('"'))

    def _remember_one(self, secret: str) -> None:
        secret = secret.strip()
        if len(secret) < SHORTEST_FOUND or secret == MASK or secret in self._found or len(self._found) >= _MOST_FOUND:
            return
        self._found[secret] = None
        # The longest first, for it may contain others.
        self._longest_first = sorted(self._found, key=len, reverse=True)

    def _without_found(self, text: str) -> str:
        if len(text) < SHORTEST_FOUND:
            return text
        for secret in self._longest_first:
            if secret in text:
                text = text.replace(secret, MASK)
        return text

    def _json_within(self, text: str) -> str:
        try:
            value = orjson.loads(text)
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            self._remember(text)
            return MASK
        left, self._left = self._left, self._longest
        masked = orjson.dumps(self._value(value, 1)).decode()
        self._left = left
        return masked

    def _unreadable(self, body: bytes) -> str | None:
        if len(body) > self._longest:
            return None
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return None
        encoded = any(mark in text for mark in "\\%&") or not all(
            each.isprintable() or each in "\r\n\t" for each in text
        )
        if encoded or self._words.names(text) or self._words.names_parameter(text.partition("=")[0].strip()):
            return None
        return text if self.text(text) == text else None


class _Words:
    """The sensitive names, ready to be looked for."""

    def __init__(self, names: Iterable[str]) -> None:
        within = {name.replace("-", ""): _joined(name.split("-")) for name in WITHIN}
        whole = dict.fromkeys(WHOLE)
        for name in names:
            parts = [part.casefold() for part in _PARTS.findall(_HUMP.sub(" ", name))]
            folded = "".join(parts)
            if len(folded) >= _FOUND_WITHIN:
                within.setdefault(folded, _joined(parts if len(parts) > 1 else [folded[:3], *folded[3:]]))
            elif folded:
                whole[folded] = None
        # Some part of each that nothing can stand within, and of those only which contain no other one.
        stems = {
            _STEMS.get(name) or ("key" if name.endswith("key") else _unbroken(pattern))
            for name, pattern in within.items()
        } | whole.keys()
        self._stems = tuple(sorted(each for each in stems if not any(o != each and o in each for o in stems)))
        self._within = re.compile("|".join(within.values()))
        self._whole = re.compile(_as_words(whole))
        self._whole_of_parameters = re.compile(_as_words(WHOLE_OF_PARAMETERS))
        self._spelled = frozenset(whole)
        self._parameters = frozenset({*NAMES_OF_PARAMETERS, *WHOLE_OF_PARAMETERS})
        self._assigned = tuple(f"{name}=" for name in (*WHOLE_OF_PARAMETERS, *NAMES_OF_PARAMETERS))
        # What a token or credentials begin with, and what may hide any of these.
        self._signs = (*self._stems, *self._assigned, *_SIGNS_OF_OTHERS, "smg", "bearer", "basic", "eyj", "%", "\\u")
        self._short_names = lru_cache(maxsize=2048)(self._has_name)
        self._short_parameters = lru_cache(maxsize=2048)(self._is_of_parameter)

    def names(self, text: str) -> bool:
        """Whether one of the names stands in a text."""
        return self._short_names(text) if len(text) <= _LONGEST_KNOWN else self._has_name(text)

    def names_parameter(self, name: str) -> bool:
        """Whether a header or a parameter has one of the names, or one of those that only such have."""
        return self._short_parameters(name) if len(name) <= _LONGEST_KNOWN else self._is_of_parameter(name)

    def end_in(self, text: str) -> int | None:
        """Where the first name in a text ends, with the rest of its word."""
        ends = [found.end() for pattern, of in self._both(text) if (found := pattern.search(of))]
        return min(ends, default=None)

    def value_in(self, text: str) -> int | None:
        """Where the value of the first name begins that has one."""
        places = [self._value_of_parameter(text)]
        if self._may_be_in(text):
            places += [_value_of(pattern, of) for pattern, of in self._both(text)]
        return min((place for place in places if place is not None), default=None)

    def may_concern(self, text: str) -> bool:
        """Whether there may be anything to mask at all; most texts have nothing of all this."""
        return _has_any(_lowered(text), self._signs) or "PRIVATE KEY" in text or _has_login(text)

    def _both(self, text: str) -> tuple[tuple[re.Pattern[str], str], ...]:
        return (self._within, _lowered(text)), (self._whole, text)

    def _has_name(self, text: str) -> bool:
        lowered = _lowered(text)
        if not _has_any(lowered, self._stems):
            return False
        return lowered in self._spelled or bool(self._within.search(lowered)) or bool(self._whole.search(text))

    def _is_of_parameter(self, name: str) -> bool:
        return self._has_name(name) or name.lower() in self._parameters or bool(self._whole_of_parameters.search(name))

    def _may_be_in(self, text: str) -> bool:
        """Most texts have nothing that even begins like a name, and comparing texts is cheaper than searching them."""
        return _has_any(_lowered(text), self._stems)

    def _value_of_parameter(self, text: str) -> int | None:
        if "=" in text and _has_any(_lowered(text), self._assigned):
            for found in _PARAMETERS.finditer(text):
                if self.names_parameter(found[1]):
                    return found.end()
        return None


def _value_of(pattern: re.Pattern[str], text: str) -> int | None:
    at = 0
    while found := pattern.search(text, at):
        rest = _TO_VALUE.match(text, found.end())
        assert rest is not None  # noqa: S101  (all of it may be empty)
        at = rest.end()
        if rest[1]:
            return at
    return None


def _joined(parts: Sequence[str]) -> str:
    """A pattern for a name in lower case, with a sign or nothing between its parts."""
    return "[-_ .]?".join(map(re.escape, parts)) + _NOT_BEFORE.get("".join(parts), "")


def _unbroken(pattern: str) -> str:
    """What a pattern of ``_joined`` begins with, up to where something may stand between."""
    return re.sub(r"\\(.)", r"\1", re.split(r"\[|\(\?!", pattern, maxsplit=1)[0])


def _as_words(names: Iterable[str]) -> str:
    """A pattern for names that are words of their own, in any of the ways in which names are made of words."""
    escaped = [re.escape(name) for name in names]
    lower, upper = "|".join(escaped), "|".join(each.upper() for each in escaped)
    title = "|".join(each[:1].upper() + each[1:] for each in escaped)
    return rf"(?<![A-Za-z])(?:{lower})(?![a-z])|(?<![A-Z])(?:{title})(?![a-z])|(?<![A-Z])(?:{upper})(?![A-Za-z])"


def _has_any(text: str, parts: Sequence[str]) -> bool:
    for part in parts:  # noqa: SIM110  (this is what is asked most of all, and any() takes twice as long)
        if part in text:
            return True
    return False


def _has_login(text: str) -> bool:
    return "://" in text and _LOGINS.search(text) is not None


@lru_cache(maxsize=8)
def _words(names: tuple[str, ...]) -> _Words:
    return _Words(names)


def _lowered(text: str) -> str:
    """The text in lower case, letter by letter, so that places in it stay where they were."""
    if text.isascii():
        return text.lower()
    text = text.translate(_ALIKE)
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text.translate(_LOWER_ASCII)


def _without_shapes(text: str) -> str:
    """The text without what is a secret by its looks."""
    text = _CREDENTIALS.sub(rf"\1{MASK}", _OUR_TOKENS.sub(MASK, text))
    if _has_any(text, _SIGNS_OF_OTHERS):
        text = _TOKENS_OF_OTHERS.sub(MASK, text)
    if "eyJ" in text:
        text = _SIGNED_TOKENS.sub(MASK, text)
    if "PRIVATE KEY" in text:
        text = _PRIVATE_KEYS.sub(MASK, text)
    return _LOGINS.sub(MASK, text) if "://" in text else text


def _says_what(folded: str, value: Json) -> bool:
    """Whether a member beside the name of a secret says what it is or what is done with it."""
    if folded == "op":
        return isinstance(value, str) and value.casefold() in _VERBS
    return folded in _NAMING and _is_name(value)


def _is_name(value: Json) -> bool:
    return isinstance(value, str) and len(value) <= 64 and _NAME.fullmatch(value) is not None


def _json_at(text: str) -> int | None:
    """Where JSON may begin in a text: anywhere with an object, else at its beginning."""
    stripped = text.lstrip()
    if stripped[:1] in ("{", "["):
        return len(text) - len(stripped)
    place = text.find("{")
    return None if place < 0 else place


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


def _masked_text(_found: re.Match[str]) -> str:
    return f'"{MASK}"'


def _unquoted(text: str) -> str:
    """The text without percent signs' meaning, however often it was encoded, within reason."""
    for _ in range(_MOST_DECODINGS if "%" in text or "+" in text else 0):
        plain = unquote_plus(text)
        if plain == text:
            break
        text = plain
    return text


def _is_decoded(plain: str) -> bool:
    """Whether nothing was encoded more often than anybody does who means well."""
    return "%" not in plain or unquote_plus(plain) == plain


def _readable(text: str) -> str:
    return quote(text, safe="*:/,.[]()@", errors="replace")


def _decoded(credentials: str) -> str:
    try:
        return b64decode(credentials).decode()
    except (binascii.Error, ValueError):
        return ""
