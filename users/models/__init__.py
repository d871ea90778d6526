"""The tables of people: accounts, roles, groups, invitations, account requests and personal tokens."""

from users.models.account_requests import AccountRequest, RequestNotification
from users.models.choices import GivenBy, Source
from users.models.groups import Group, GroupMember
from users.models.invitations import Invitation, InvitationQuerySet
from users.models.roles import Role
from users.models.tokens import PersonalToken
from users.models.users import NAME_SORTED, RESET_BLOCKED_FOR, Headcount, User, UserManager, UserQuerySet, UserValue

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
    "RequestNotification",
    "Role",
    "Source",
    "User",
    "UserManager",
    "UserQuerySet",
    "UserValue",
]
