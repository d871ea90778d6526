"""What the request log says about a request, in plain words for the person who set SCIM up."""

from collections.abc import Mapping

# Why a request got no further than the token; the client itself is not told which it was.
TOKEN_FAULTS: Mapping[str, str] = {
    "token-missing": "no token",
    "token-malformed": "malformed token",
    "token-unknown": "unknown token",
    "token-of-another-organization": "another organization's token",
}

# By the cause of a refusal. What stands here tells more than the client was told, or tells it to somebody else; for
# every other cause the client's own words are the best there are.
REFUSALS: Mapping[str, str] = {
    "token-missing": "Refused: the request carried no bearer token.",
    "token-malformed": "Refused: the Authorization header is not 'Bearer' and a token.",
    "token-unknown": "Refused: nobody here has such a token. It may be cut off or mistyped; generate a new one.",
    "token-revoked": "Refused: this token was revoked. Give the identity provider a new one.",
    "token-expired": "Refused: this token has expired. Give the identity provider a new one.",
    "token-of-another-organization": "Refused: the token belongs to another organization than this address.",
    "token-personal": "Refused: this is a personal token, for /Me only. Give the identity provider one of its own.",
    "personal-token-revoked": "Refused: this personal token was revoked.",
    "personal-token-expired": "Refused: this personal token has expired. Its owner can make a new one.",
    "person-suspended": "Refused: the person whose token this is, is suspended.",
    "organization-suspended": "Refused: the organization is suspended.",
    "scim-off": "Refused: Enable SCIM is off.",
    "unexpected": "Failed: an unexpected fault of this server. It is in the server's own log under this request's id.",
    "database": "Failed: the database did not answer in time. The identity provider was asked to try again.",
}


def refusal(cause: str, detail: str) -> str:
    """The verdict on a request that was refused for that cause; ``detail`` is what the client was told."""
    return REFUSALS.get(cause) or f"Refused: {_within_a_sentence(detail)}"


def _within_a_sentence(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


# By what a write came to (``scim.operations.resources.Deed``).
DEEDS: Mapping[str, str] = {
    "created": "Created {user}.",
    "changed": "Changed {user}.",
    "suspended": "Suspended {user}.",
    "restored": "Restored {user}.",
    "adopted": "Took over {user} from manual management.",
    "unchanged": "Nothing to change: {user} is like that already.",
    "deleted": "Deleted {user}.",
}

# The same for groups.
GROUP_DEEDS: Mapping[str, str] = {
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
    """The verdict on a list of all users, or of all resources of another kind."""
    return f"Listed {shown:,} of {_counted(total, kind)}."


def found(shown: int, total: int, kind: str = "user") -> str:
    """The verdict on a list of those that satisfy a filter."""
    if not total:
        return "Found nobody." if kind == "user" else f"Found no {kind}."
    if shown == total:
        return f"Found {_counted(total, kind)}."
    return f"Found {_counted(total, kind)}, showed {shown:,}."


def _counted(number: int, kind: str) -> str:
    return f"{number:,} {kind}" if number == 1 else f"{number:,} {kind}s"
