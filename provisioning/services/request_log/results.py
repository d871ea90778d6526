"""What the request log says about a request, in plain words for the person who set SCIM up."""

import re
from collections.abc import Mapping

from core.notice import Notice
from core.refusals import NOTHING
from provisioning.services.request_log.causes import CAUSES, UNAUTHORIZED_LIMIT, UNLISTED

# Why a request got no further than the token; the client itself is not told which it was.
TOKEN_FAULTS: Mapping[str, str] = {
    "token-missing": "no token",
    "token-malformed": "malformed token",
    "token-unknown": "unknown token",
    "token-of-another-organization": "another organization's token",
    UNAUTHORIZED_LIMIT: "no valid token",
}


# Where a Base URL ends, given with a slash or more that should not be there, and the path below it begins.
_SLASH_BEFORE_THE_PATH = re.compile(r"/*scim/+[^/]+(?:/+v2/{2,}|/{2,}(?!v2(?:/|\Z)))")

_SLASH = Notice(
    "The Base URL was given with a slash at its end. This server copes with that, but JumpCloud does not connect with "
    "one: take the slash off in your identity provider, so that the Base URL ends in /v2.",
    "slash-noticed",
)


def about_path(path: str) -> tuple[str, ...]:
    """What the client should be told of the path as it was sent."""
    return (_SLASH,) if "//" in path and _SLASH_BEFORE_THE_PATH.match(path) else ()


def refusal(cause: str, detail: str, about: Mapping[str, str] = NOTHING) -> str:
    """The result of a request that was refused for that cause; ``detail`` is what the client was told.

    ``about`` names what the cause speaks of.
    """
    sentence = CAUSES.get(cause, UNLISTED).sentence
    return sentence.format_map(about) if sentence else f"Refused: {_within_a_sentence(detail)}"


def _within_a_sentence(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


# By what a write came to (``scim.operations.users.WriteOutcome``).
OUTCOMES: Mapping[str, str] = {
    "created": "Created {user}.",
    "changed": "Changed {user}.",
    "suspended": "Suspended {user}.",
    "restored": "Restored {user}.",
    "adopted": "Took over {user} from manual management.",
    "unchanged": "Nothing to change: {user} is like that already.",
    "deleted": "Deleted {user}.",
}

# The same for groups.
GROUP_OUTCOMES: Mapping[str, str] = {
    "created": "Created the group {user}.",
    "changed": "Changed the group {user}.",
    "unchanged": "Nothing to change: the group {user} is like that already.",
    "deleted": "Deleted the group {user}.",
}
GROUP_READ = "Read the group {user}."
GROUP_READ_UNCHANGED = "Read the group {user}: unchanged since the last time."

READ = "Read {user}."
READ_UNCHANGED = "Read {user}: unchanged since the last time."
DISCOVERED = "Told what this server offers."


def listed(shown: int, total: int, kind: str = "user") -> str:
    """The result of a list of all users, or of all resources of another kind."""
    return f"Listed {shown:,} of {_counted(total, kind)}."


def found(shown: int, total: int, kind: str = "user") -> str:
    """The result of a list of those that satisfy a filter."""
    if not total:
        return "Found nobody." if kind == "user" else f"Found no {kind}."
    if shown == total:
        return f"Found {_counted(total, kind)}."
    return f"Found {_counted(total, kind)}, showed {shown:,}."


def bulk(operations: int, outcomes: Mapping[str, int], failed: int) -> str:
    """The result of a bulk request of so many operations: how many came to which outcome, and how many failed."""
    counts = [f"{number:,} {outcome}" for outcome, number in outcomes.items()]
    if failed:
        counts.append(f"{failed:,} failed")
    counted = sum(outcomes.values()) + failed
    if counted < operations:
        counts.append(f"{operations - counted:,} not reached")
    return f"Carried out a bulk request of {_counted(operations, 'operation')}: {', '.join(counts)}."


def _counted(number: int, kind: str) -> str:
    return f"{number:,} {kind}" if number == 1 else f"{number:,} {kind}s"
