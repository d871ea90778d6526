"""The names of a connection's tokens: chosen by people, or made up for them."""

import re
from collections.abc import Collection
from itertools import count

from core.refusals import Refusal
from provisioning.models import Token

_MADE_UP = re.compile(r"Token \d+")
_NUMBERED = re.compile(r"(.+) \((\d+)\)")


class TokenNameRefused(Refusal):
    """A token can't have that name."""

    code = "token-name-refused"


def chosen(text: str, taken: Collection[str]) -> str:
    """A name that somebody has typed, with single blanks. Raises TokenNameRefused, also if a live token has it."""
    name = " ".join(text.split())
    if not name or len(name) > Token.LONGEST_NAME or not name.isprintable():
        raise TokenNameRefused(f"A token needs a name of at most {Token.LONGEST_NAME} characters.")
    if _is_taken(name, taken):
        raise TokenNameRefused(f"Another live token is called '{name}' already. Choose another name.")
    return name


def made_up(number: int, taken: Collection[str]) -> str:
    """A name for the token of that number within its connection, such as "Token 3"."""
    return next(name for each in count(number) if not _is_taken(name := f"Token {each}", taken))


def following(former: str, number: int, taken: Collection[str]) -> str:
    """A name for the token of that number, which takes another one's place: "JumpCloud (2)" follows "JumpCloud"."""
    if _MADE_UP.fullmatch(former):
        return made_up(number, taken)
    numbered = _NUMBERED.fullmatch(former)
    stem, last = (numbered[1], int(numbered[2])) if numbered else (former, 1)
    names = (f"{stem[: Token.LONGEST_NAME - len(ending)]}{ending}" for ending in (f" ({n})" for n in count(last + 1)))
    return next(name for name in names if not _is_taken(name, taken))


def _is_taken(name: str, taken: Collection[str]) -> bool:
    return name.casefold() in {each.casefold() for each in taken}
