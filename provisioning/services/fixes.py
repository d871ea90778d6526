"""What a page or a mail can offer to do about a request that was refused."""

from enum import StrEnum


class Fix(StrEnum):
    """What a page can offer to do about a cause."""

    ADD_DOMAIN = "add-domain"
    VERIFY_DOMAIN = "verify-domain"
    ALLOW_DOMAIN = "allow-domain"
    ENABLE_SCIM = "enable-scim"
    GENERATE_TOKEN = "generate-token"  # noqa: S105
    SHOW_TOKENS = "show-tokens"
    SHOW_BASE_URL = "show-base-url"
    SHOW_USER = "show-user"
    SHOW_ROLES = "show-roles"
    TRANSFER = "transfer"
    ALLOW_SECONDARY = "allow-secondary"
    ALLOW_GROUPS = "allow-groups"
    ALLOW_ADMINS = "allow-admins"
    APPLY_ADDRESS = "apply-address"
    LEAVE_STRICT = "leave-strict"
    LOOK_AT_BRAKE = "look-at-brake"
    SHOW_LIMITS = "show-limits"
    REACTIVATE = "reactivate"
