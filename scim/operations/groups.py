"""SCIM's operations on groups: create, read, replace, patch and delete (RFC 7644 section 3).

A PATCH becomes a list of set operations on member rows; nothing here ever loads a group's members to change them.
"""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from core.actors import Actor
from core.json_values import Json
from core.notice import Notice
from core.parsing import canonical_id
from provisioning.services.role_rules import rules
from provisioning.services.role_rules.evaluation import ask_for_groups
from provisioning.services.role_rules.evaluation_sql import RuleSet
from scim.operations.assignment import Roles
from scim.operations.preconditions import Preconditions
from scim.operations.provider import MAX_MEMBERS_UNASKED
from scim.operations.users import MAX_EXTERNAL_ID, WriteOutcome, as_scim_errors
from scim.protocol import patch as patching
from scim.protocol.attributes import Resource
from scim.protocol.errors import InvalidFilter, InvalidValue, Mutability, NotFound, shown_id
from scim.protocol.filters import Compare, Operator, Or, Resolved
from scim.protocol.patch_request import Op, PatchOperation, read_patch
from scim.protocol.reading import Reading
from scim.protocol.schemas import CORE_GROUP, GROUP
from scim.protocol.validation import read_body, read_resource
from scim.storage import repository
from scim.storage.credentials import Credentials, Principal
from users.models import Group
from users.services import groups
from users.services.groups import Add, Remove, Replace, Step

_MEMBERS = frozenset({"members", f"{CORE_GROUP.id}:members".lower()})
_IMMUTABLE = "A member can't be changed, only added or removed."


@dataclass(frozen=True, slots=True)
class GroupWriteResult:
    """A group after a write, and what the request log should tell of it."""

    group_id: UUID
    name: str
    document: str
    version: int
    outcome: WriteOutcome
    notices: tuple[str, ...]


def require_groups(principal: Principal) -> None:
    """Raise NotFound where the connection offers no groups: then they are just an unknown endpoint."""
    if not principal.manages_groups:
        raise NotFound(
            "There is no such SCIM endpoint here: Groups is off in Settings > Users > Single Sign-On (SSO) > SCIM.",
            cause="groups-off",
        )


def read(group_id: str, credentials: Credentials) -> repository.Stored:
    """The stored group, without its members. Raises NotFound and Unauthorized."""
    stored = repository.find_group(group_id, credentials)
    if stored is None:
        require_groups(credentials.principal())
        raise _unknown(group_id)
    return stored


def members_of(group_id: str, base_url: str) -> str:
    """The members of a group, as ``resources.shown`` takes them."""
    return repository.members_of([group_id], base_url).get(group_id, "")


def few_members_of(written: GroupWriteResult, base_url: str) -> str | None:
    """The same of a group with few members, which can be shown unasked; None for one with many."""
    return repository.few_members_of(written.group_id, MAX_MEMBERS_UNASKED, base_url)


def create(body: dict[str, Json], *, principal: Principal, by: Actor) -> GroupWriteResult:
    """Make a group (RFC 7644 section 3.3). Raises InvalidValue, InvalidSyntax and Uniqueness."""
    resource, notices = read_resource(body, GROUP, principal.leniency)
    members = _named(resource.get("members"))
    with as_scim_errors(), transaction.atomic():
        group = groups.create(str(resource["displayName"]), external_id=_external_id(resource), members=members, by=by)
        more = _settled(members, _rules_on_groups(principal) if members else None, by)
    return _result(group, WriteOutcome.CREATED, (*notices, *more))


def replace(
    group_id: str, body: dict[str, Json], *, principal: Principal, preconditions: Preconditions, by: Actor
) -> GroupWriteResult:
    """Give a group another name and other members (RFC 7644 section 3.5.1).

    Without ``externalId`` or ``members`` in the body these stay; null and an empty list take the members away.
    Raises NotFound, PreconditionFailed, InvalidValue, InvalidSyntax and Uniqueness.
    """
    reading = Reading(principal.leniency)
    resource = read_body(body, GROUP, reading)
    steps: list[Step] = []
    if any(name.lower() in _MEMBERS for name in body) and ("members",) not in reading.unsent:
        steps.append(Replace(_named(resource.get("members"))))
    return _change(group_id, lambda before: before | resource, steps, reading.notices, principal, preconditions, by)


def patch(
    group_id: str, body: dict[str, Json], *, principal: Principal, preconditions: Preconditions, by: Actor
) -> GroupWriteResult:
    """Change parts of a group, all or none (RFC 7644 section 3.5.2).

    To remove somebody who is no member is no error, as clients repeat themselves.
    Raises what ``replace`` does, and InvalidPath, InvalidFilter, NoTarget and Mutability.
    """
    wanted = read_patch(body, GROUP, principal.leniency)
    steps = steps_of([operation for operation in wanted.operations if _is_about_members(operation)])
    others = [operation for operation in wanted.operations if not _is_about_members(operation)]
    return _change(
        group_id,
        lambda before: patching.apply(before, others, GROUP),
        steps,
        wanted.notices,
        principal,
        preconditions,
        by,
    )


def delete(group_id: str, *, principal: Principal, preconditions: Preconditions, by: Actor) -> GroupWriteResult:
    """Remove a group for good (RFC 7644 section 3.6). Raises NotFound and PreconditionFailed."""
    with as_scim_errors(), transaction.atomic():
        group = _find(group_id, principal)
        preconditions.check(group.version)
        rule_set = _rules_on_groups(principal)
        members = groups.members_of(group) if rule_set else ()
        groups.delete(group, by=by)
        more = _settled(members, rule_set, by)
    return _result(group, WriteOutcome.DELETED, more)


def steps_of(operations: Sequence[PatchOperation]) -> list[Step]:
    """What operations on ``members`` come to, as steps of ``groups.change``."""
    return [step for operation in operations for step in _steps(operation)]


def _change(
    group_id: str,
    change: Callable[[Resource], Resource],
    steps: Sequence[Step],
    notices: tuple[str, ...],
    principal: Principal,
    preconditions: Preconditions,
    by: Actor,
) -> GroupWriteResult:
    with as_scim_errors(), transaction.atomic():
        group = _find(group_id, principal)
        preconditions.check(group.version)
        before: Resource = {"schemas": [CORE_GROUP.id], "displayName": group.display_name}
        if group.external_id:
            before["externalId"] = group.external_id
        after = change(before)
        changed = groups.change(
            group, display_name=str(after["displayName"]), external_id=_external_id(after), steps=steps, by=by
        )
        rule_set = _rules_on_groups(principal) if changed and (changed.members or changed.renamed) else None
        touched = changed.members if changed else ()
        if rule_set and changed and changed.renamed:
            touched += tuple(groups.members_of(group))
        more = _settled(touched, rule_set, by)
    return _result(group, WriteOutcome.CHANGED if changed else WriteOutcome.UNCHANGED, (*notices, *more))


def _settled(members: Sequence[UUID], rule_set: RuleSet | None, by: Actor) -> tuple[str, ...]:
    """What the role rules make of those for whom a group has changed, and what there is to say about that."""
    if rule_set is None:
        return ()
    given = Counter((each.rule, each.role) for each in rules.settle(members, rule_set=rule_set, by=by))
    return tuple(Notice(rules.sentence(rule, role, people), "role-by-rule") for (rule, role), people in given.items())


def _rules_on_groups(principal: Principal) -> RuleSet | None:
    """The role rules, if any of them looks at groups."""
    if not principal.has_role_rules:
        return None
    # Groups belong to no connection, so what a connection may give its own people holds for its groups too.
    rule_set = dataclasses.replace(Roles(principal).rule_set, spares_admins=not principal.manages_admins)
    return rule_set if ask_for_groups(rule_set.rules) else None


def _is_about_members(operation: PatchOperation) -> bool:
    return operation.target.path.attribute.name == "members"


def _steps(operation: PatchOperation) -> Iterator[Step]:
    target, value = operation.target, operation.value
    if target.path.sub is not None:
        raise Mutability(_IMMUTABLE)
    match operation.op:
        case Op.REMOVE if target.condition is not None:
            yield Remove(_known(_pinned(target.condition)))
        case Op.REMOVE:
            yield Replace(()) if value is None else Remove(_known(_values(value)))
        case Op.ADD if target.condition is None:
            yield Add(_named(value))
        case Op.REPLACE if target.condition is None:
            yield Replace(_named(value))
        case _:
            raise Mutability(_IMMUTABLE)


def _pinned(condition: Resolved) -> Iterator[str]:
    """The members that a filter names one by one."""
    match condition:
        case Compare(path, Operator.EQ, value) if path.leaf.name == "value":
            yield str(value)
        case Or(terms):
            for term in terms:
                yield from _pinned(term)
        case _:
            raise InvalidFilter('Members are selected by their value, as in members[value eq "…"].')


def _named(members: Json) -> tuple[UUID, ...]:
    """The ids of those who are to be members. Raises InvalidValue for what can be no id of ours."""
    named = []
    for text in _values(members):
        identifier = canonical_id(text.strip().lower())
        if identifier is None:
            raise _no_id(text)
        named.append(identifier)
    return tuple(named)


def _known(texts: Iterable[str]) -> tuple[UUID, ...]:
    """The ids among those who are to be members no more. Raises InvalidValue where all can be no ids of ours.

    That is no repetition: somebody was named by an address, say, and would stay a member.
    """
    texts = [*texts]
    known = tuple([identifier for text in texts if (identifier := canonical_id(text.strip().lower()))])
    if texts and not known:
        raise _no_id(texts[0])
    return known


def _no_id(text: str) -> InvalidValue:
    return InvalidValue(
        f"'members': there is no user and no group {shown_id(text)} in this organization; what is due is its 'id'."
    )


def _values(members: Json) -> Iterator[str]:
    for member in members if isinstance(members, list) else ():
        value = member.get("value") if isinstance(member, dict) else None
        if not isinstance(value, str):
            raise InvalidValue("Every member needs a 'value': the id of a user or group.")
        yield value


def _external_id(resource: Resource) -> str:
    external_id = str(resource.get("externalId", ""))
    if len(external_id) > MAX_EXTERNAL_ID:
        raise InvalidValue(f"'externalId' is longer than {MAX_EXTERNAL_ID} characters.")
    return external_id


def _find(group_id: str, principal: Principal) -> Group:
    identifier = canonical_id(group_id)
    try:
        if identifier is not None:
            return groups.find(identifier, organization_id=principal.organization_id)
    except groups.GroupUnknown:
        pass
    raise _unknown(group_id)


def _unknown(group_id: str) -> NotFound:
    return NotFound(f"There is no group {shown_id(group_id)} in this organization.", cause="group-unknown")


def _result(group: Group, outcome: WriteOutcome, notices: tuple[str, ...]) -> GroupWriteResult:
    return GroupWriteResult(group.pk, group.display_name, group.document, group.version, outcome, notices)
