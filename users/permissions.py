"""Which role may do what: one table, read by the auth backend, the pages and the role summaries."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from functools import lru_cache


class Level(IntEnum):
    """How far a role's rights go in an area."""

    NONE = 0
    VIEW = 1
    EDIT = 2


class Area(StrEnum):
    """The parts of the settings that rights are given for."""

    USERS = "users"
    ROLES = "roles"
    SIGN_IN = "sign-in"
    DOMAINS = "domains"
    ORGANIZATION = "organization"
    AUDIT_LOG = "audit-log"


class BuiltIn(StrEnum):
    """The keys of the roles that every organization has."""

    ADMIN = "admin"
    READ_ONLY = "read-only"
    APP_MANAGEMENT = "app-management"
    DOMAIN_MANAGER = "domain-manager"
    HR = "hr"
    IT = "it"
    FINANCE = "finance"


# Role names are the product's labels. HR, IT and Finance can be switched off; App management is the shipped default.
NAMES: Mapping[BuiltIn, str] = {
    BuiltIn.ADMIN: "Admin",
    BuiltIn.READ_ONLY: "Read-only",
    BuiltIn.APP_MANAGEMENT: "App management",
    BuiltIn.DOMAIN_MANAGER: "Domain manager",
    BuiltIn.HR: "HR",
    BuiltIn.IT: "IT",
    BuiltIn.FINANCE: "Finance",
}

NOTHING: Mapping[Area, Level] = {}
RIGHTS: Mapping[BuiltIn, Mapping[Area, Level]] = {
    BuiltIn.ADMIN: dict.fromkeys(Area, Level.EDIT),
    BuiltIn.READ_ONLY: dict.fromkeys(Area, Level.VIEW),
    BuiltIn.DOMAIN_MANAGER: {Area.DOMAINS: Level.EDIT, Area.ORGANIZATION: Level.VIEW},
    BuiltIn.APP_MANAGEMENT: NOTHING,
    BuiltIn.HR: NOTHING,
    BuiltIn.IT: NOTHING,
    BuiltIn.FINANCE: NOTHING,
}

# By any of these, one changes who else may do what.
PRIVILEGES = frozenset(f"{area}.edit" for area in (Area.USERS, Area.ROLES, Area.SIGN_IN))

# Only these can be switched off.
OPTIONAL = frozenset({BuiltIn.HR, BuiltIn.IT, BuiltIn.FINANCE})


@lru_cache(maxsize=1024)
def levels_of(role_key: str, rights: str = "") -> Mapping[Area, Level]:
    """How far a role goes in each area: a built-in one by the table, one of the organization's own by its rights.

    ``rights`` is text such as ``domains.edit users.view``; an area that only another release knows gives nothing.
    """
    if role_key:
        return RIGHTS.get(BuiltIn(role_key), NOTHING)
    words = (word.rpartition(".") for word in rights.split())
    given = sorted((Level[level.upper()], Area(area)) for area, _dot, level in words if area in set(Area))
    return {area: level for level, area in given}


def spelled(levels: Mapping[Area, Level]) -> str:
    """The rights of a role as ``levels_of`` reads them."""
    return " ".join(f"{area}.{level.name.lower()}" for area in Area if (level := levels.get(area, Level.NONE)))


@lru_cache(maxsize=1024)
def permissions_of(role_key: str, rights: str = "") -> frozenset[str]:
    """The permission codes of a role, such as ``domains.view`` and ``domains.edit``; no key and no rights: none."""
    return frozenset(
        f"{area}.{level.name.lower()}"
        for area, granted in levels_of(role_key, rights).items()
        for level in (Level.VIEW, Level.EDIT)
        if level <= granted
    )
