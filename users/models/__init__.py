"""The people of an organization: accounts, roles, groups, invitations, account requests and personal tokens."""

from users.models.choices import GivenBy, Source
from users.models.users import (
    NAME_SORTED,
    RESET_BLOCKED_FOR,
    AccountRequest,
    Group,
    GroupMember,
    Headcount,
    Invitation,
    InvitationQuerySet,
    PersonalToken,
    RequestNotice,
    Role,
    User,
    UserManager,
    UserQuerySet,
    UserValue,
)

__all__ = [
    "AccountRequest",
    "GivenBy",
    "Group",
    "GroupMember",
    "Headcount",
    "Invitation",
    "InvitationQuerySet",
    "NAME_SORTED",
    "PersonalToken",
    "RESET_BLOCKED_FOR",
    "RequestNotice",
    "Role",
    "Source",
    "User",
    "UserManager",
    "UserQuerySet",
    "UserValue",
]
