"""Which role may do what: one table, read by the auth backend, the pages and the role summaries."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum


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


def permissions_of(role_key: str) -> frozenset[str]:
    """The permission codes of a built-in role, such as ``domains.view`` and ``domains.edit``."""
    rights = RIGHTS.get(BuiltIn(role_key), NOTHING) if role_key else NOTHING
    return frozenset(
        f"{area}.{level.name.lower()}"
        for area, granted in rights.items()
        for level in (Level.VIEW, Level.EDIT)
        if level <= granted
    )
