"""Refusal: a rule said no, in words for a page, a command and a SCIM answer."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

NOTHING: Mapping[str, str] = {}


class Kind(StrEnum):
    """What sort of "no" a refusal is, from which each interface has its status."""

    UNKNOWN = "unknown"  # The organization has no such thing.
    MALFORMED = "malformed"  # What was sent can't be read.
    CONFLICT = "conflict"  # A rule, or the state of things, forbids it.


class Refusal(Exception):
    """Base of every "no" that a service can give; nothing has been changed when it is raised.

    ``code`` is the word that the request log and the tables of error answers know it by, ``kind`` what sort of "no" it
    is. The message is a full sentence that says what to do; ``about`` names the things in it (``domain``, ``user``,
    ``user_id``) for programs.
    """

    code: ClassVar[str] = "refused"
    kind: ClassVar[Kind] = Kind.CONFLICT

    def __init__(self, message: str, *, about: Mapping[str, str] = NOTHING) -> None:
        super().__init__(message)
        self.message = message
        self.about = about


class StaleVersion(Refusal):
    """Somebody else has changed the thing since the actor looked at it; the message says what, and what to do."""

    code = "changed-meanwhile"


class ReauthenticationRequired(Exception):
    """A person has to show who they are, by the password once more, before the verb does anything.

    No refusal, so that nobody reports it as one: the page asks, and carries the same form on afterwards. ``act`` is
    what the verb does, as in "To ..., enter your password"; ``back`` where the person comes to who gives none, empty
    for where the form was.
    """

    def __init__(self, act: str, back: str = "") -> None:
        super().__init__(act)
        self.act = act
        self.back = back


class Malformed(Refusal):
    """A form came without a value that the page always sends."""

    code = "malformed"
    kind = Kind.MALFORMED

    def __init__(self, message: str = "The page sent a form that can't be read. Reload it and try again.") -> None:
        super().__init__(message)
