"""Causes: one table of why requests are refused or tolerated, with words and fixes."""

from collections.abc import Mapping
from dataclasses import dataclass

from provisioning.services.fixes import Fix

# The cause of what is refused while the organization is suspended, with a token that would be valid.
SUSPENDED = "organization-suspended"

# The cause of what a person's own token is refused, which opens nothing but /Me.
TOKEN_PERSONAL = "token-personal"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Cause:
    """``name`` is what filters call it. ``sentence`` is the result where it tells more than the client was told, or
    tells it to somebody else, with the names of what it speaks of in braces; where it is empty, the client's own words
    are the best there are.
    """

    name: str
    sentence: str = ""
    fix: Fix | None = None


UNLISTED = Cause("Other")

# Refused for now, because too much came at once: neither a failure of the connection nor of what it asked for.
TOKEN_LIMIT = "token-limit"  # noqa: S105
ORGANIZATION_LIMIT = "organization-limit"
SHARE_LIMIT = "share-limit"
UNAUTHORIZED_LIMIT = "unauthorized-limit"
LIMITS = frozenset({TOKEN_LIMIT, ORGANIZATION_LIMIT, SHARE_LIMIT, UNAUTHORIZED_LIMIT})

# By the word that stands in the log's rows; removing one would leave old rows without a name.
CAUSES: Mapping[str, Cause] = {
    # The token
    "token-missing": Cause("No token", "Refused: the request carried no bearer token.", Fix.GENERATE_TOKEN),
    "token-malformed": Cause(
        "Malformed token", "Refused: the Authorization header is not 'Bearer' and a token.", Fix.GENERATE_TOKEN
    ),
    "token-unknown": Cause(
        "Unknown token",
        "Refused: nobody here has such a token. It may be cut off or mistyped; generate a new one.",
        Fix.GENERATE_TOKEN,
    ),
    "token-revoked": Cause(
        "Revoked token", "Refused: this token was revoked. Give the identity provider a new one.", Fix.GENERATE_TOKEN
    ),
    "token-expired": Cause(
        "Expired token", "Refused: this token has expired. Give the identity provider a new one.", Fix.GENERATE_TOKEN
    ),
    "token-retired": Cause(
        "Retired token",
        "Refused: this token retired on the day that was set for it. Give the identity provider a new one.",
        Fix.GENERATE_TOKEN,
    ),
    "token-replaced": Cause(
        "Replaced token",
        "Refused: this token was replaced by '{token}'. Give the identity provider that one; if nobody has its text, "
        "rotate it.",
        Fix.SHOW_TOKENS,
    ),
    "token-of-another-organization": Cause(
        "Another organization's token",
        "Refused: the token belongs to another organization than this address.",
        Fix.GENERATE_TOKEN,
    ),
    TOKEN_PERSONAL: Cause(
        "Personal token",
        "Refused: this is a personal token, for /Me only. Give the identity provider one of its own.",
        Fix.GENERATE_TOKEN,
    ),
    "personal-token-revoked": Cause("Revoked personal token", "Refused: this personal token was revoked."),
    "personal-token-expired": Cause(
        "Expired personal token", "Refused: this personal token has expired. Its owner can make a new one."
    ),
    "person-suspended": Cause("Suspended person", "Refused: the person whose token this is, is suspended."),
    "scope-missing": Cause("Scope missing"),
    "not-yours": Cause("Not one's own to change"),
    SUSPENDED: Cause("Suspended organization", "Refused: the organization was suspended.", Fix.REACTIVATE),
    "scim-off": Cause("SCIM is off", "Refused: Enable SCIM is off.", Fix.ENABLE_SCIM),
    # People and domains
    "domain-unknown": Cause("Unknown domain", fix=Fix.ADD_DOMAIN),
    "domain-unverified": Cause("Unverified domain", fix=Fix.VERIFY_DOMAIN),
    "domain-without-user-requests": Cause("Domain without User requests", fix=Fix.ALLOW_DOMAIN),
    "address-invalid": Cause("Invalid address"),
    "name-taken": Cause("User exists", fix=Fix.SHOW_USER),
    "external-id-taken": Cause("externalId taken", fix=Fix.SHOW_USER),
    "not-adopted": Cause("Made by hand", fix=Fix.SHOW_USER),
    "managed-elsewhere": Cause("Another connection's user", fix=Fix.TRANSFER),
    "secondary-domain-unknown": Cause("Secondary address elsewhere", fix=Fix.ALLOW_SECONDARY),
    "admin-not-adopted": Cause("Admin not taken over", fix=Fix.ALLOW_ADMINS),
    "address-protected": Cause("Protected address", "Refused: {why}", Fix.APPLY_ADDRESS),
    "last-admin": Cause("Last active Admin", fix=Fix.SHOW_USER),
    "user-unknown": Cause("No such user"),
    "provisioning-paused": Cause("Held back by the brake", fix=Fix.LOOK_AT_BRAKE),
    # Groups
    "groups-off": Cause("Groups is off", fix=Fix.ALLOW_GROUPS),
    "group-unknown": Cause("No such group"),
    "group-name-taken": Cause("Group exists"),
    "group-invalid": Cause("Invalid group name"),
    "group-cycle": Cause("Group within itself"),
    "member-unknown": Cause("Unknown member"),
    # What went through, but not as it was sent
    "role-unknown": Cause("Unknown role left out", fix=Fix.SHOW_ROLES),
    "admin-not-given": Cause("Admin role not given", fix=Fix.ALLOW_ADMINS),
    "address-left-out": Cause("User suspended, address not changed"),
    "role-by-rule": Cause("Role given by a rule"),
    "tolerated": Cause("Read as it was meant"),
    "slash-noticed": Cause("Slash after the Base URL", fix=Fix.SHOW_BASE_URL),
    # Too much at once
    TOKEN_LIMIT: Cause(
        "Token over its limit",
        "Refused for now: the token sends more than {limit}. Its identity provider was told to try again in {seconds}.",
        Fix.SHOW_LIMITS,
    ),
    ORGANIZATION_LIMIT: Cause(
        "Organization over its limit",
        "Refused for now: the organization's tokens together send more than {limit}. The identity provider was told to "
        "try again in {seconds}.",
        Fix.SHOW_LIMITS,
    ),
    SHARE_LIMIT: Cause(
        "Organization over its share",
        "Refused for now: it waited for 2 seconds while other requests of the organization took its whole share of the "
        "server. The identity provider was told to try again in {seconds}.",
        Fix.SHOW_LIMITS,
    ),
    UNAUTHORIZED_LIMIT: Cause(
        "Too many without a valid token",
        "Refused: {address} sends too many requests without a valid token. It was told to try again in {seconds}. "
        "Requests from there that have a valid token are served.",
        Fix.SHOW_LIMITS,
    ),
    # The request itself
    "strict-mode": Cause("Strict mode", fix=Fix.LEAVE_STRICT),
    "InvalidSyntax": Cause("Malformed body"),
    "InvalidValue": Cause("Invalid value"),
    "InvalidFilter": Cause("Invalid filter"),
    "InvalidPath": Cause("Invalid path"),
    "NoTarget": Cause("Nothing to change there"),
    "Mutability": Cause("Read-only attribute"),
    "InvalidCursor": Cause("Invalid cursor"),
    "ExpiredCursor": Cause("Expired cursor"),
    "InvalidCount": Cause("Invalid page size"),
    "reference-lost": Cause("Lost bulk reference"),
    "reference-circular": Cause("Circular bulk reference"),
    "PreconditionFailed": Cause("Version conflict"),
    "endpoint-unknown": Cause("No such endpoint"),
    "NotFound": Cause("Not found"),
    "MethodNotAllowed": Cause("Method not allowed"),
    "PayloadTooLarge": Cause("Too large"),
    "UnsupportedMediaType": Cause("Media type not read"),
    "NotImplementedHere": Cause("Not offered here"),
    # This server
    "database": Cause(
        "Database busy",
        "Failed: the database did not answer in time. The identity provider was asked to try again.",
    ),
    "unexpected": Cause(
        "Fault of this server",
        "Failed: an unexpected fault of this server. It is in the server's own log under this request's id.",
    ),
}
