"""Verbs that transfer users to another connection, on purpose only."""

from uuid import UUID

from django.db import transaction

from audit.actions import Action
from audit.services import trail
from core.actors import Actor
from core.refusals import Refusal
from provisioning.models import Connection
from provisioning.services.connections import granted_permissions
from users.models import Role, Source, User
from users.services import accounts, authority

# What getting users is called in a refusal.
TRANSFERRING = "give it users of another connection"


class NotManaged(Refusal):
    """The person was made by hand; an identity provider takes such people over by itself."""

    code = "not-managed"


@transaction.atomic
def transfer(user_id: UUID, connection: Connection, *, by: Actor) -> User:
    """Let a connection keep a person whom another one has kept.

    Raises UserUnknown, NotManaged, and BeyondOwnRights where the role of the person, or one that the connection may
    give, may do more than the actor's.
    """
    user = accounts.find(user_id, organization_id=by.organization_id)
    if user.source != Source.SCIM:
        raise NotManaged(f"{user} is not managed by SCIM.")
    if user.managed_by == connection.pk:
        return user
    assert user.role is not None  # noqa: S101  (only operators have none, and they have no organization)
    authority.of_actor(by).require(user.role)
    granted_permissions.require(connection, by=by, act=TRANSFERRING)
    former = Connection.objects.of(by.organization_id).filter(pk=user.managed_by).first() if user.managed_by else None
    User.objects.filter(pk=user.pk).update(managed_by=connection.pk, claims_external_id=False)
    user.managed_by, user.claims_external_id = connection.pk, False
    changes = {"connection": [former and former.name, connection.name]}
    trail.record(Action.USER_TRANSFERRED, user, changes, by=by)
    return user


@transaction.atomic
def transfer_all(connection: Connection, replacement: Connection | None, *, by: Actor) -> int:
    """Make all people of a connection the replacement's, or nobody's; returns how many that were.

    One event tells of them all: of the people themselves nothing changes. Raises BeyondOwnRights where the role of one
    of them, or one that the replacement may give, may do more than the actor's; without a replacement it may be any
    connection's.
    """
    people = User.objects.of(by.organization_id).filter(managed_by=connection.pk)
    roles_of_users = Role.objects.of(by.organization_id).filter(pk__in=people.order_by().values("role"))
    authority.of_actor(by).require(*roles_of_users)
    if replacement:
        granted_permissions.require(replacement, by=by, act=TRANSFERRING)
    elif roles_of_users:
        others = Connection.objects.of(by.organization_id).present().exclude(pk=connection.pk)
        granted_permissions.require(*others, by=by, act="leave users to it")
    moved: int = people.update(managed_by=replacement and replacement.pk, claims_external_id=False)
    if moved:
        changes: trail.Changes = {
            "managed by": [connection.name, replacement and replacement.name],
            "users": [None, moved],
        }
        trail.record(Action.USERS_TRANSFERRED, connection, changes, by=by)
    return moved


def lock_people(connection: Connection, *, organization_id: UUID) -> None:
    """Lock all people of a connection, in the order in which everybody does, until the transaction ends."""
    people = User.objects.of(organization_id).filter(managed_by=connection.pk).order_by("pk")
    for _user_id in people.select_for_update(no_key=True).values_list("pk", flat=True).iterator(10_000):
        pass


def count(connection: Connection) -> int:
    """How many people a connection keeps."""
    people: int = User.objects.of(connection.organization_id).filter(managed_by=connection.pk).count()
    return people
