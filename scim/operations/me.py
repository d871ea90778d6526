"""SCIM's operations on the own user with a personal token: read and change (RFC 7644 section 3.11)."""

from collections.abc import Callable

from django.db import transaction

from core.actors import Actor
from core.json_values import Json
from scim.operations.preconditions import Preconditions
from scim.operations.users import UserWriteResult, WriteOutcome, as_scim_errors
from scim.protocol import patch as patching
from scim.protocol.errors import Forbidden, InsufficientScope, Unauthorized
from scim.protocol.patch_request import read_patch
from scim.protocol.reading import Leniency, Reading
from scim.protocol.schemas import USER
from scim.protocol.validation import read_body, with_unsent
from scim.storage import repository
from scim.storage.credentials import INVALID, Credentials, TokenUser
from users import profile as profiles
from users.profile import Profile
from users.services import accounts
from users.services.personal_tokens import TokenScope

# What people know best about themselves. All else decides who they are here, what they may do, or where they stand in
# the company, which is for the organization and its identity provider to say.
OWN = frozenset(
    {
        "name",
        "displayName",
        "nickName",
        "profileUrl",
        "preferredLanguage",
        "locale",
        "timezone",
        "phoneNumbers",
        "ims",
        "photos",
        "addresses",
    }
)

# By what is asked for, the scopes each of which is enough; the first one is what a token lacks that has none of them.
SUFFICIENT = {
    "read": (TokenScope.READ_ME, TokenScope.WRITE_ME),
    "write": (TokenScope.WRITE_ME,),
}

# A person who sends a password wants it to be the new one, and must not be left to believe that it is.
LENIENCY = Leniency(drops_passwords=False)


def read(credentials: Credentials, *, base_url: str) -> repository.Stored:
    """The person's own stored user. Raises Unauthorized, InsufficientScope and NotImplementedHere."""
    stored, scopes = repository.find_person(credentials, base_url)
    _require("read", scopes)
    return stored


def may_write(credentials: Credentials) -> TokenUser:
    """Who asks, if the token is good for changes. Raises Unauthorized, InsufficientScope and NotImplementedHere."""
    person = credentials.person()
    _require("write", person.scopes)
    return person


def replace(body: dict[str, Json], *, person: TokenUser, preconditions: Preconditions, by: Actor) -> UserWriteResult:
    """Give the person's own user another profile (RFC 7644 section 3.5.1).

    What is not OWN stays, whether it is left out or repeated. Raises Forbidden where it is sent with another value,
    PreconditionFailed, InvalidValue and InvalidSyntax.
    """
    reading = Reading(LENIENCY)
    sent = read_body(body, USER, reading)

    def changed(before: Profile) -> Profile:
        for name, value in sent.items():
            if name not in OWN and name != "schemas" and not _repeats(value, before.get(name)):
                raise _not_yours(name)
        kept = {name: value for name, value in before.items() if name not in OWN}
        return with_unsent(kept | {name: value for name, value in sent.items() if name in OWN}, before, reading)

    return _change(changed, reading, person=person, preconditions=preconditions, by=by)


def patch(body: dict[str, Json], *, person: TokenUser, preconditions: Preconditions, by: Actor) -> UserWriteResult:
    """Change parts of the person's own user, all or none (RFC 7644 section 3.5.2).

    Raises what ``replace`` does, and InvalidPath, InvalidFilter, NoTarget and Mutability.
    """
    wanted = read_patch(body, USER, LENIENCY)
    reading = Reading(LENIENCY, wanted.notices)

    def changed(before: Profile) -> Profile:
        after = patching.apply(before, wanted.operations, USER, reading)
        del after["schemas"]
        for name in before.keys() | after.keys():
            if name not in OWN and after.get(name) != before.get(name):
                raise _not_yours(name)
        return after

    return _change(changed, reading, person=person, preconditions=preconditions, by=by)


def _require(verb: str, scopes: frozenset[str]) -> None:
    if scopes.isdisjoint(SUFFICIENT[verb]):
        raise InsufficientScope(SUFFICIENT[verb][0])


def _change(
    change: Callable[[Profile], Profile],
    reading: Reading,
    *,
    person: TokenUser,
    preconditions: Preconditions,
    by: Actor,
) -> UserWriteResult:
    with as_scim_errors(), transaction.atomic():
        try:
            user = accounts.find(person.user_id, organization_id=person.organization_id)
        except accounts.UserUnknown:
            raise Unauthorized(INVALID, cause="token-unknown") from None
        if not user.is_active:
            raise Unauthorized(INVALID, cause="person-suspended")
        preconditions.check(user.version)
        former_version = user.version
        accounts.update(user, change(profiles.read(user)), by=by)
    outcome = WriteOutcome.UNCHANGED if user.version == former_version else WriteOutcome.CHANGED
    return UserWriteResult(
        user.pk, user.user_name, user.document, user.version, outcome, reading.notices, user.in_groups, user.is_active
    )


def _repeats(sent: Json, stored: Json) -> bool:
    """Whether all that was sent is what is stored."""
    if isinstance(sent, dict) and isinstance(stored, dict):
        return all(_repeats(value, stored.get(name)) for name, value in sent.items())
    return sent == stored


def _not_yours(name: str) -> Forbidden:
    return Forbidden(
        f"'{name}' is not yours to change. Ask an Admin of your organization.",
        cause="not-yours",
    )
