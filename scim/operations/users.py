"""SCIM's operations on users: create, read, replace, patch and delete (RFC 7644 section 3).

Its table says which SCIM error a service's refusal becomes; a limit's alone is answered by ``scim.api.base``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import orjson
from django.db import IntegrityError

from audit.actions import Action
from core.actors import Actor
from core.json_values import Json
from core.notice import Notice
from core.parsing import canonical_id
from core.refusals import Refusal
from domains.services import AddressRefused
from provisioning.services import brake
from scim.operations import assignment
from scim.operations.preconditions import Preconditions
from scim.protocol import patch as patching
from scim.protocol.attributes import Resource
from scim.protocol.departures import asks_to_suspend, without_attributes
from scim.protocol.errors import (
    Conflict,
    Forbidden,
    InvalidValue,
    NotFound,
    ScimError,
    TooManyRequests,
    Uniqueness,
    shown_id,
)
from scim.protocol.patch_request import Op, PatchOp, read_patch
from scim.protocol.projection import EVERYTHING, Projection
from scim.protocol.reading import Reading
from scim.protocol.schemas import USER
from scim.protocol.validation import read_body, with_unsent
from scim.storage import repository
from scim.storage.credentials import Credentials, Principal
from users import profile as profiles
from users.models import GivenBy, Source, User
from users.profile import Profile
from users.services import accounts, groups

MAX_EXTERNAL_ID = 512

# What a PUT keeps where the client left it out: leaving out is not asking for a loss.
KEPT_WHEN_REPLACED = ("externalId", "active", "roles")

_STAYS_SUSPENDED = "'active' stays false: removing it does not let a suspended user in again; send true for that."

# How PostgreSQL says that a row leads to one that is gone; on SQLite writers take turns, and look before.
_FOREIGN_KEY_VIOLATION = "23503"

# The attributes that a write leaves as they are where they can't be read and the user is to be suspended: the first of
# these without which it can be done.
_ADDRESSES = (("emails",), ("userName",), ("userName", "emails"))
_LEFT_OUT = "address-left-out"

# What taking over a person who was made by hand leaves as it is.
KEPT_WHEN_ADOPTED = ("userName", "emails", "roles")

ERRORS: dict[type[Refusal], type[ScimError]] = {
    accounts.AddressInvalid: InvalidValue,
    AddressRefused: InvalidValue,
    accounts.NameTaken: Uniqueness,
    accounts.AddressProtected: Forbidden,
    accounts.ExternalIdTaken: Uniqueness,
    accounts.LastAdmin: Forbidden,
    accounts.CompanionRefused: Conflict,
    accounts.UserUnknown: NotFound,
    brake.ProvisioningPaused: TooManyRequests,
    groups.GroupUnknown: NotFound,
    groups.GroupNameTaken: Uniqueness,
    groups.GroupInvalid: InvalidValue,
    groups.MemberUnknown: InvalidValue,
    groups.GroupCycle: InvalidValue,
}


class WriteOutcome(StrEnum):
    """What a write came to."""

    CREATED = "created"
    CHANGED = "changed"
    SUSPENDED = "suspended"
    RESTORED = "restored"
    ADOPTED = "adopted"
    UNCHANGED = "unchanged"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class UserWriteResult:
    """A user after a write, and what the request log should tell of it."""

    user_id: UUID
    user_name: str
    document: str
    version: int
    outcome: WriteOutcome
    notices: tuple[str, ...]
    in_groups: bool
    is_active: bool


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The attributes that are not taken from a body, and the sentence that says so, if any."""

    names: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UserToCreate:
    """A user to be made together with others: the body of the POST, the id to be given.

    ``needs`` are such ids, of those before without whom this one is not to be made.
    """

    body: dict[str, Json]
    user_id: UUID
    needs: frozenset[UUID] = frozenset()


def shown(document: str, projection: Projection, base_url: str, related: str = "") -> str:
    """A stored document, and what is joined into it, as the client asked to see it."""
    whole = repository.represent(document, base_url, related)
    if projection is EVERYTHING:
        return whole
    return orjson.dumps(projection.apply(orjson.loads(whole))).decode()


def read(user_id: str, credentials: Credentials, *, base_url: str) -> repository.Stored:
    """The stored user. Raises NotFound and Unauthorized."""
    stored = repository.find(user_id, credentials, base_url)
    if stored is None:
        raise _unknown(user_id)
    return stored


def groups_of(written: UserWriteResult, base_url: str) -> str:
    """The groups that a user is in, as ``shown`` takes them."""
    if not written.in_groups:
        return ""
    user_id = str(written.user_id)
    return repository.groups_of([user_id], base_url).get(user_id, "")


def create(body: dict[str, Json], *, user_id: UUID | None = None, principal: Principal, by: Actor) -> UserWriteResult:
    """Make a user, with a certain id if one is given (RFC 7644 section 3.3).

    Raises InvalidValue, InvalidSyntax and Uniqueness.
    """
    profile, reading = _read(body, principal)
    assigned = assignment.on_create(profile, assignment.Roles(principal))
    profile = assignment.with_manager(assigned.profile, {}, principal)
    new = accounts.NewUser(
        profile,
        assigned.role,
        Source.SCIM,
        user_id,
        managed_by=principal.connection_id,
        given_by=assigned.given_by,
        reason=assigned.reason,
    )
    with as_scim_errors():
        user = accounts.create(new, secondary_anywhere=principal.admits_secondary, by=by)
    return _result(user, WriteOutcome.CREATED, (*reading.notices, *assigned.notices))


def create_many(
    wanted: Sequence[UserToCreate], *, principal: Principal, by: Actor
) -> list[UserWriteResult | ScimError]:
    """Make users as ``create`` would, one after the other, but in few statements; what it would raise is returned.

    Raises IntegrityError if another request takes a name meanwhile; then nobody was made.
    """
    roles = assignment.Roles(principal)
    outcomes: dict[int, UserWriteResult | ScimError] = {}
    assigned: dict[int, assignment.Assigned] = {}
    notices: dict[int, tuple[str, ...]] = {}
    for number, sent in enumerate(wanted):
        try:
            profile, reading = _read(sent.body, principal)
            assigned[number] = assignment.on_create(profile, roles)
        except ScimError as error:
            outcomes[number] = error
        else:
            notices[number] = reading.notices
    colleagues = assignment.managers((each.profile for each in assigned.values()), principal)
    colleagues |= {
        str(wanted[number].user_id): profiles.display_name(each.profile) for number, each in assigned.items()
    }
    new = [
        accounts.NewUser(
            assignment.with_manager(each.profile, {}, principal, colleagues),
            each.role,
            Source.SCIM,
            wanted[number].user_id,
            wanted[number].needs,
            principal.connection_id,
            each.given_by,
            each.reason,
        )
        for number, each in assigned.items()
    ]
    created = accounts.create_many(new, secondary_anywhere=principal.admits_secondary, by=by)
    for (number, each), outcome in zip(assigned.items(), created, strict=True):
        if isinstance(outcome, User):
            outcomes[number] = _result(outcome, WriteOutcome.CREATED, (*notices[number], *each.notices))
        else:
            outcomes[number] = _as_scim_error(outcome)
    return [outcomes[number] for number in range(len(wanted))]


def replace(
    user_id: str, body: dict[str, Json], *, principal: Principal, preconditions: Preconditions, by: Actor
) -> UserWriteResult:
    """Give a user another profile (RFC 7644 section 3.5.1); what the client left out of KEPT_WHEN_REPLACED stays.

    Raises NotFound, PreconditionFailed, InvalidValue, InvalidSyntax, Uniqueness, Conflict, Forbidden and
    TooManyRequests.
    """
    write = _Write(user_id, principal, preconditions, by)
    return _or_suspend(body, lambda sent, left_out: _replace(write, sent, left_out))


def _replace(write: "_Write", body: dict[str, Json], left_out: LeftOut) -> UserWriteResult:
    kept, lacks_name = (*KEPT_WHEN_REPLACED, *left_out.names), "userName" in left_out.names
    sent, reading = _read({**body, "userName": "left out"} if lacks_name else body, write.principal)
    if lacks_name:
        del sent["userName"]

    def changed(before: Profile) -> Profile:
        return with_unsent({name: before[name] for name in kept if name in before} | sent, before, reading)

    return _change(write, changed, adopts="externalId" in sent, reading=reading, left_out=left_out)


def patch(
    user_id: str, body: dict[str, Json], *, principal: Principal, preconditions: Preconditions, by: Actor
) -> UserWriteResult:
    """Change parts of a user, all or none (RFC 7644 section 3.5.2).

    To remove ``active`` or ``roles`` ends that they are shown; it changes neither whether the user may sign in nor what
    the user may do. Raises what ``replace`` does, and InvalidPath, InvalidFilter, NoTarget and Mutability.
    """
    write = _Write(user_id, principal, preconditions, by)
    return _or_suspend(body, lambda sent, left_out: _patch(write, sent, left_out))


def _patch(write: "_Write", body: dict[str, Json], left_out: LeftOut) -> UserWriteResult:
    leniency = write.principal.leniency
    wanted = read_patch(body, USER, leniency)
    reading = Reading(leniency, wanted.notices)

    def changed(before: Profile) -> Profile:
        start = assignment.without_own_entry(before) if _adds_role(wanted) else before
        after = _profile(patching.apply(start, wanted.operations, USER, reading))
        return assignment.without_former_labels(after, before, _sent_labels(wanted))

    return _change(write, changed, adopts=_sets_external_id(wanted), reading=reading, left_out=left_out)


def _or_suspend(body: dict[str, Json], write: Callable[[dict[str, Json], LeftOut], UserWriteResult]) -> UserWriteResult:
    """Write what was sent; if that can't be and it asks to suspend, write it without the address that can't be read."""
    try:
        return write(body, LeftOut())
    except ScimError as error:
        if error.status != 400 or not asks_to_suspend(body):
            raise
        for names in _ADDRESSES:
            rest = without_attributes(body, names)
            if rest == body and "userName" not in names:
                continue  # while a PUT may lack the userName that it needs
            try:
                return write(rest, LeftOut(names, (_left_out_notice(names, error),)))
            except ScimError as other:
                # What is refused without the addresses, too, is refused for that: the brake has to be released, say.
                if other.status != 400:
                    raise other from None
        raise


def _left_out_notice(names: Sequence[str], error: ScimError) -> Notice:
    quoted = " and ".join(f"'{name}'" for name in names)
    why = str(error.detail).rstrip(".")
    verb = "was" if len(names) == 1 else "were"
    return Notice(f"The user is suspended, and {quoted} {verb} left out: {why}.", _LEFT_OUT)


def delete(user_id: str, *, principal: Principal, preconditions: Preconditions, by: Actor) -> UserWriteResult:
    """Remove a user for good (RFC 7644 section 3.6). Raises what ``replace`` does."""
    with as_scim_errors(), brake.watched(by=by):
        user = _find(user_id, principal)
        preconditions.check(user.version)
        if user.source != Source.SCIM:
            raise _created_manually(user)
        _stay_within(principal, user)
        gone = _result(user, WriteOutcome.DELETED, ())
        # Django takes the id off what it deletes.
        leaver = copy(user)
        accounts.delete(user, by=by)
        brake.departs(leaver, deleted=True, connection_id=principal.connection_id, by=by)
    return gone


@dataclass(frozen=True, slots=True)
class _Write:
    """Whose user is to be changed, by whom, and on what conditions."""

    user_id: str
    principal: Principal
    preconditions: Preconditions
    by: Actor


def _change(
    write: _Write, change: Callable[[Profile], Profile], *, adopts: bool, reading: Reading, left_out: LeftOut
) -> UserWriteResult:
    principal, by = write.principal, write.by
    with as_scim_errors(), brake.watched(by=by):
        user = _find(write.user_id, principal)
        write.preconditions.check(user.version)
        before = profiles.read(user)
        after, notices = _still_suspended(before, _checked(change(before)))
        if left_out.names and after.get("active") is not False:
            raise InvalidValue("The user would stay active.")
        former_version, was_active, action = user.version, user.is_active, None
        if user.source == Source.SCIM:
            _stay_within(principal, user)
            assigned = assignment.on_change(after, before, user, principal)
        else:
            if not adopts:
                raise _created_manually(user)
            assigned = _adopted(user, after, before, principal)
            action = Action.USER_ADOPTED
        user.managed_by = principal.connection_id
        refused = accounts.update(
            user,
            assignment.with_manager(assigned.profile, before, principal),
            role=assigned.role,
            given_by=assigned.given_by,
            reason=assigned.reason,
            source=Source.SCIM,
            by=by,
            action=action,
            secondary_anywhere=principal.admits_secondary,
            provider=accounts.ByProvider(principal.manages_admins),
        )
        if was_active and not user.is_active:
            brake.departs(user, deleted=False, connection_id=principal.connection_id, by=by)
    if action:
        outcome = WriteOutcome.ADOPTED
    elif user.version == former_version:
        outcome = WriteOutcome.UNCHANGED
    elif user.is_active != was_active:
        outcome = WriteOutcome.RESTORED if user.is_active else WriteOutcome.SUSPENDED
    else:
        outcome = WriteOutcome.CHANGED
    left_out_notices = (Notice(sentence, _LEFT_OUT) for sentence in refused)
    return _result(user, outcome, (*left_out.notices, *left_out_notices, *reading.notices, *notices, *assigned.notices))


def _adopted(user: User, after: Profile, before: Profile, principal: Principal) -> assignment.Assigned:
    """Take over a person who was made by hand: from now on the identity provider manages the profile."""
    assert user.role is not None  # noqa: S101  (only operators have none, and they have no organization)
    if user.role.is_admin and not principal.manages_admins:
        raise Forbidden(
            f"{user.user_name} is an Admin, and SCIM takes over Admins only if 'Let SCIM give and take the Admin role' "
            "is on.",
            cause="admin-not-adopted",
            about=_naming(user),
        )
    kept = {name: before[name] for name in KEPT_WHEN_ADOPTED if name in before}
    dropped = [name for name in KEPT_WHEN_ADOPTED if after.get(name) != before.get(name)]
    notices = tuple(f"Taking over a user leaves '{name}' as it is; send it again to change it." for name in dropped)
    profile = {name: value for name, value in after.items() if name not in KEPT_WHEN_ADOPTED} | kept
    return assignment.Assigned(user.role, GivenBy.MANUAL, profile, notices)


def _find(user_id: str, principal: Principal) -> User:
    identifier = canonical_id(user_id)
    if identifier is None:
        raise _unknown(user_id)
    try:
        return accounts.find(identifier, organization_id=principal.organization_id)
    except accounts.UserUnknown:
        raise _unknown(user_id) from None


def _unknown(user_id: str) -> NotFound:
    return NotFound(f"There is no user {shown_id(user_id)} in this organization.", cause="user-unknown")


def _created_manually(user: User) -> Conflict:
    return Conflict(
        f"{user.user_name} was not made by SCIM. To take over the account, send a PUT or PATCH with an 'externalId'.",
        cause="not-adopted",
        about=_naming(user),
    )


def _stay_within(principal: Principal, user: User) -> None:
    """Leave alone whom another connection keeps; whose connection is gone is anybody's. Raises Conflict."""
    if user.managed_by is not None and user.managed_by != principal.connection_id:
        raise Conflict(
            f"{user.user_name} is managed by another connection of this organization. Hand the account over in "
            f"Settings > Users before '{principal.connection_name}' changes it.",
            cause="managed-elsewhere",
            about={**_naming(user), "connection": str(principal.connection_id), "to": principal.connection_name},
        )


def _naming(user: User) -> Mapping[str, str]:
    return {"user_id": str(user.pk), "user": user.user_name}


def _read(body: dict[str, Json], principal: Principal) -> tuple[Profile, Reading]:
    reading = Reading(principal.leniency)
    return _checked(_profile(read_body(body, USER, reading))), reading


def _profile(resource: Resource) -> Profile:
    return {name: value for name, value in resource.items() if name not in ("schemas", "id", "meta")}


def _checked(profile: Profile) -> Profile:
    """What the schema doesn't say: an empty externalId is none, and a long one would not fit into its index."""
    external_id = profile.get("externalId")
    if external_id is None:
        return profile
    if len(external_id) > MAX_EXTERNAL_ID:
        raise InvalidValue(f"'externalId' is longer than {MAX_EXTERNAL_ID} characters.")
    return profile if external_id else {name: value for name, value in profile.items() if name != "externalId"}


def _still_suspended(before: Profile, after: Profile) -> tuple[Profile, tuple[str, ...]]:
    """Without ``active`` a suspended user would look like everybody else, and would still be shut out."""
    if "active" in after or before.get("active") is not False:
        return after, ()
    return {"active": False} | after, (_STAYS_SUSPENDED,)


def _adds_role(wanted: PatchOp) -> bool:
    return any(
        operation.op is Op.ADD
        and operation.target.condition is None
        and operation.target.path.attribute.name == "roles"
        and operation.value
        for operation in wanted.operations
    )


def _sent_labels(wanted: PatchOp) -> set[Json]:
    """Every `display` that the operations give a role entry."""
    sent: set[Json] = set()
    for operation in wanted.operations:
        path, value = operation.target.path, operation.value
        if path.attribute.name == "roles" and path.sub is not None and path.sub.name == "display":
            sent.add(value)
        elif path.attribute.name == "roles" and path.sub is None:
            entries = value if isinstance(value, list) else [value]
            sent |= {each.get("display") for each in entries if isinstance(each, dict)}
    return sent


def _sets_external_id(wanted: PatchOp) -> bool:
    return any(
        operation.target.path.attribute.name == "externalId" and operation.op is not Op.REMOVE and operation.value
        for operation in wanted.operations
    )


def _result(user: User, outcome: WriteOutcome, notices: tuple[str, ...]) -> UserWriteResult:
    return UserWriteResult(
        user.pk, user.user_name, user.document, user.version, outcome, notices, user.in_groups, user.is_active
    )


@contextmanager
def as_scim_errors() -> Iterator[None]:
    """Let the refusals of services out as SCIM errors."""
    try:
        yield
    except Refusal as refusal:
        raise _as_scim_error(refusal) from None
    except IntegrityError as error:
        # Whatever two writers did at once: the second one is told, and may look and try again.
        if getattr(error.__cause__, "sqlstate", None) == _FOREIGN_KEY_VIOLATION:
            raise InvalidValue(
                "Another request has just deleted what this one refers to.", cause="member-unknown"
            ) from None
        raise Uniqueness("Another request has just taken one of these values.", cause="name-taken") from None


def _as_scim_error(refusal: Refusal) -> ScimError:
    cause = refusal.reason if isinstance(refusal, AddressRefused) else refusal.code
    return ERRORS[type(refusal)](refusal.message, cause=cause, about=refusal.about)
