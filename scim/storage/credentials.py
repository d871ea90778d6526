"""The principal behind a bearer token (RFC 7644 section 2)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from provisioning.services.request_log.causes import SUSPENDED, TOKEN_PERSONAL
from scim.protocol.errors import Forbidden, NotImplementedHere, Unauthorized
from scim.protocol.reading import NOT_STRICT, STRICT, Leniency
from scim.storage import sql
from users.models import Role

# Leads from a slug that an organization has had to the one that it has.
_PRESENT_SLUG = (
    "SELECT o.slug FROM organizations_formerslug f JOIN organizations_organization o ON o.id = f.organization_id"
    " WHERE f.slug = %s AND o.slug = %s AND f.until > CURRENT_TIMESTAMP"
)

INVALID = "The bearer token is missing or not valid at this address."
SCIM_OFF = (
    "SCIM is turned off for this organization. Turn on Enable SCIM in Settings > Users > Single Sign-On (SSO) > SCIM."
)


class FormerAddress(Unauthorized):
    """A token was presented at a slug that its organization has had before, and that still leads there.

    ``slug`` is the present one, at which the whole request is to be served. Nothing has been changed yet.
    """

    def __init__(self, slug: str) -> None:
        super().__init__(INVALID, cause="token-of-another-organization")
        self.slug = slug


@dataclass(frozen=True, slots=True)
class Principal:
    """A connection's valid token: the tenant that it opens, and what its connection may do there."""

    token_id: UUID
    token_prefix: str
    token_name: str
    connection_id: UUID
    connection_name: str
    organization_id: UUID
    slug: str
    manages_admins: bool
    manages_groups: bool
    is_strict: bool
    admits_secondary: bool
    has_role_rules: bool
    default_role: Role

    @property
    def leniency(self) -> Leniency:
        """How the bodies of its client are read."""
        return STRICT if self.is_strict else NOT_STRICT


@dataclass(frozen=True, slots=True)
class TokenUser:
    """A valid personal token: whom it stands for, in which tenant, and how far it goes."""

    token_prefix: str
    organization_id: UUID
    user_id: UUID
    user_name: str
    display_name: str
    scopes: frozenset[str]


class Credentials:
    """A token that was presented at an organization's address, not yet found valid.

    Carries nothing that could be taken for a fact: who wants to know more must ask for the ``principal`` or, at /Me,
    for the ``person``.
    """

    __slots__ = ("_person", "_principal", "digest", "slug")

    def __init__(self, digest: str, slug: str) -> None:
        self.digest = digest
        self.slug = slug
        self._principal: Principal | None = None
        self._person: TokenUser | None = None

    def principal(self) -> Principal:
        """Whose token it is, asked of the database once.

        Raises Unauthorized, of which FormerAddress is one kind, and Forbidden for a personal token.
        """
        if self._principal is None:
            self._principal = _connected(self.digest, self.slug)
            if self._principal is None:
                if _personal(self.digest, self.slug) is None:
                    raise Unauthorized(INVALID, cause="token-unknown")
                raise Forbidden(
                    "A personal token opens /Me, and nothing else here. This needs a token of the organization.",
                    cause=TOKEN_PERSONAL,
                )
        return self._principal

    def person(self) -> TokenUser:
        """For whom it stands, asked of the database once.

        Raises Unauthorized, and NotImplementedHere for a token of a connection, which stands for nobody.
        """
        if self._person is None:
            self._person = _personal(self.digest, self.slug)
            if self._person is None:
                if _connected(self.digest, self.slug) is None:
                    raise Unauthorized(INVALID, cause="token-unknown")
                raise NotImplementedHere(
                    "/Me is nobody for an identity provider's token. Ask for a user by its id, or use a personal token."
                )
        return self._person

    @property
    def values(self) -> tuple[str, str]:
        """The values of ``sql.TENANT``'s placeholders, and those of ``sql.OF_PERSON``."""
        return self.digest, self.slug


def _connected(digest: str, slug: str) -> Principal | None:
    row = sql.one(sql.PRESENTED, [digest])
    if row is None:
        return None
    (
        token_id,
        prefix,
        name,
        revoked,
        expired,
        retired,
        connection_id,
        connection_name,
        enabled,
        manages_admins,
        manages_groups,
        strict,
        admits_secondary,
        organization_id,
        owner,
        active,
        has_role_rules,
        *role,
    ) = row
    _lead_on(slug, owner)
    _refuse_at_the_first_of((owner != slug, "token-of-another-organization"))
    if (revoked or expired or retired) and (successor := sql.one(sql.SUCCESSOR, [token_id])):
        raise Unauthorized(INVALID, cause="token-replaced", about={"token": successor[0]})
    _refuse_at_the_first_of(
        (revoked, "token-revoked"),
        (expired, "token-expired"),
        (retired, "token-retired"),
    )
    _refuse_suspended(active)
    if not enabled:
        raise Unauthorized(SCIM_OFF, cause="scim-off")
    return Principal(
        sql.from_key(token_id),
        prefix,
        name,
        sql.from_key(connection_id),
        connection_name,
        sql.from_key(organization_id),
        owner,
        bool(manages_admins),
        bool(manages_groups),
        bool(strict),
        bool(admits_secondary),
        bool(has_role_rules),
        _default_role(sql.from_key(organization_id), *role),
    )


def _personal(digest: str, slug: str) -> TokenUser | None:
    row = sql.one(sql.PRESENTED_BY_PERSON, [digest])
    if row is None:
        return None
    prefix, scopes, revoked, expired, organization_id, owner, active, user_id, user_name, display_name, user_active = (
        row
    )
    _lead_on(slug, owner)
    _refuse_at_the_first_of(
        (owner != slug, "token-of-another-organization"),
        (not user_active, "person-suspended"),
        (revoked, "personal-token-revoked"),
        (expired, "personal-token-expired"),
    )
    _refuse_suspended(active)
    return TokenUser(
        prefix,
        sql.from_key(organization_id),
        sql.from_key(user_id),
        user_name,
        display_name,
        frozenset(scopes.split()),
    )


def _lead_on(asked: str, present: str) -> None:
    """Raise FormerAddress if the slug that was asked for is one that the token's organization has had."""
    if asked != present and "\x00" not in asked and sql.one(_PRESENT_SLUG, [asked, present]):
        raise FormerAddress(present)


def _refuse_at_the_first_of(*faults: tuple[Any, str]) -> None:
    for fault, cause in faults:
        if fault:
            raise Unauthorized(INVALID, cause=cause)


def _refuse_suspended(active: Any) -> None:
    """Tell only who has the right token; to everybody else the answer is the one to any wrong token."""
    if not active:
        raise Forbidden(
            "This organization is suspended, so nothing is read or changed. Its Admins can ask "
            f"{settings.OPERATOR_CONTACT}; this token is valid again when the organization is reactivated.",
            cause=SUSPENDED,
        )


def _default_role(organization_id: UUID, role_id: Any, key: str, name: str) -> Role:
    return Role(id=sql.from_key(role_id), organization_id=organization_id, key=key, name=name, is_default=True)
