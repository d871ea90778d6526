"""Who presents a bearer token, and what is known once the token was found valid (RFC 7644 section 2)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from scim.protocol.errors import Unauthorized
from scim.storage import sql
from users.models import Role

INVALID = "The bearer token is missing or not valid at this address."
SCIM_OFF = (
    "SCIM is turned off for this organization. Turn on Enable SCIM in Settings > Users > Single Sign-On (SSO) > SCIM."
)


@dataclass(frozen=True, slots=True)
class Principal:
    """A valid token: the tenant that it opens, and what its connection may do there."""

    token_id: UUID
    token_prefix: str
    organization_id: UUID
    slug: str
    manages_admins: bool
    manages_groups: bool
    default_role: Role


class Credentials:
    """A token that was presented at an organization's address, not yet found valid.

    Carries nothing that could be taken for a fact: who wants to know more must ask for the ``principal``.
    """

    __slots__ = ("_principal", "digest", "slug")

    def __init__(self, digest: str, slug: str) -> None:
        self.digest = digest
        self.slug = slug
        self._principal: Principal | None = None

    def principal(self) -> Principal:
        """Whose token it is, asked of the database once. Raises Unauthorized."""
        if self._principal is None:
            self._principal = _verify(self.digest, self.slug)
        return self._principal

    @property
    def values(self) -> tuple[str, str]:
        """The values of ``sql.TENANT``'s placeholders."""
        return self.digest, self.slug


def _verify(digest: str, slug: str) -> Principal:
    row = sql.one(sql.PRESENTED, [digest])
    if row is None:
        raise Unauthorized(INVALID, cause="token-unknown")
    (
        token_id,
        prefix,
        revoked,
        expired,
        enabled,
        manages_admins,
        manages_groups,
        organization_id,
        owner,
        active,
        *role,
    ) = row
    for fault, cause in (
        (owner != slug, "token-of-another-organization"),
        (revoked, "token-revoked"),
        (expired, "token-expired"),
        (not active, "organization-suspended"),
    ):
        if fault:
            raise Unauthorized(INVALID, cause=cause)
    if not enabled:
        raise Unauthorized(SCIM_OFF, cause="scim-off")
    return Principal(
        sql.from_key(token_id),
        prefix,
        sql.from_key(organization_id),
        owner,
        bool(manages_admins),
        bool(manages_groups),
        _default_role(sql.from_key(organization_id), *role),
    )


def _default_role(organization_id: UUID, role_id: Any, key: str, name: str) -> Role:
    return Role(id=sql.from_key(role_id), organization_id=organization_id, key=key, name=name, is_default=True)
