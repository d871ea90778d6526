"""Every error of SCIM: its status, scimType and detail (RFC 7644 section 3.12, RFC 9865)."""

import re
from collections.abc import Mapping
from typing import ClassVar

from core.refusals import NOTHING

ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"


LONGEST_NAME = 100

# What names of attributes, schemas, endpoints and media types are made of; quotes, blanks and brackets are none of it.
_NAME = re.compile(r"[\w:./$#~%+*-]*+")
_ID = re.compile(r"[0-9A-Fa-f-]{1,36}+")


def shown_name(text: str) -> str:
    """A name that the client sent, as an error repeats it: up to the first sign that no name has.

    So the path ``emails[value eq "ada@example.com"]`` is told by its attribute. What a client compares with or sets is
    its users' business, and errors are kept in logs.
    """
    found = _NAME.match(text[:LONGEST_NAME])
    name = found[0] if found else ""
    return name if len(name) == len(text) else f"{name}…"


def shown_beginning(text: str) -> str:
    """The same within "the attribute name ...": a name that is not shown whole is told by its beginning."""
    shown = shown_name(text)
    return f"'{shown}'" if shown == text else f"starting with '{shown.removesuffix('…')}'"


def shown_id(text: str) -> str:
    """An id that the client sent, as an error repeats it: if it may be one of ours."""
    return f"'{text}'" if _ID.fullmatch(text) else "with that id"


class ScimError(Exception):
    """A refusal that the client's engineer can act on.

    ``detail`` is a full sentence. ``cause`` names the reason for the request log: a word from a closed list, by
    default the class's own; ``about`` names the things that the detail speaks of, for the log too. Raised at the place
    that knows; rendered in one place, ``scim/api/media.py``.
    """

    status: ClassVar[int] = 400
    scim_type: ClassVar[str | None] = None

    def __init__(self, detail: str, *, cause: str = "", about: Mapping[str, str] = NOTHING) -> None:
        super().__init__(detail)
        self.detail = detail
        self.cause = cause or type(self).__name__
        self.about = about


class InvalidFilter(ScimError):
    """The filter does not parse, or names an attribute or comparison that does not exist."""

    scim_type = "invalidFilter"


class Uniqueness(ScimError):
    """A value that must be unique is taken."""

    status = 409
    scim_type = "uniqueness"


class Conflict(ScimError):
    """The resource's present state does not allow this change."""

    status = 409


class Mutability(ScimError):
    """The attribute can't be changed by clients."""

    scim_type = "mutability"


class InvalidSyntax(ScimError):
    """The body is not what the request needs."""

    scim_type = "invalidSyntax"


class InvalidPath(ScimError):
    """A PATCH path does not parse or names nothing that exists."""

    scim_type = "invalidPath"


class NoTarget(ScimError):
    """A PATCH path selects no value to change."""

    scim_type = "noTarget"


class InvalidValue(ScimError):
    """A value is missing, of the wrong type, or not permitted here."""

    scim_type = "invalidValue"


class InvalidCursor(ScimError):
    """The cursor is not one that was given out for this list (RFC 9865 section 2.1)."""

    scim_type = "invalidCursor"


class ExpiredCursor(ScimError):
    """The cursor was given out too long ago (RFC 9865 section 2.1)."""

    scim_type = "expiredCursor"


class InvalidCount(ScimError):
    """A page that a cursor asks for can't have that many resources (RFC 9865 section 2.1)."""

    scim_type = "invalidCount"


class Unauthorized(ScimError):
    """No valid bearer token."""

    status = 401


class Forbidden(ScimError):
    """The token is valid, the change is not permitted."""

    status = 403


class InsufficientScope(Forbidden):
    """The personal token is not good for this (RFC 6750 section 3.1)."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This personal token lacks the scope {scope}. Make one that has it.", cause="scope-missing")
        self.scope = scope


class NotFound(ScimError):
    """No such resource or endpoint in this organization."""

    status = 404


class MethodNotAllowed(ScimError):
    """The endpoint exists, this verb does not apply to it."""

    status = 405


class PreconditionFailed(ScimError):
    """If-Match or If-None-Match does not agree with the stored version."""

    status = 412


class PayloadTooLarge(ScimError):
    """The body is larger than this server reads."""

    status = 413


class UnsupportedMediaType(ScimError):
    """The body's media type or encoding is not read here."""

    status = 415


class TooManyRequests(ScimError):
    """Refused for now, not for ever: the same request may succeed much later (RFC 6585 section 4)."""

    status = 429


class NotImplementedHere(ScimError):
    """A part of SCIM that this server does not offer."""

    status = 501


class Unavailable(ScimError):
    """A passing fault; the same request may succeed shortly."""

    status = 503
