"""The tables of provisioning: connections, tokens, request log, role rules, brake and test runs."""

from provisioning.models.brake import Brake, Departure, DepartureAlert
from provisioning.models.connections import Connection, ConnectionQuerySet, ConnectionTokens, IdentityProvider, Token
from provisioning.models.request_log import (
    ANONYMOUS_LABELS,
    Kept,
    RequestDetail,
    RequestLog,
    RequestLogQuerySet,
    RequestOperation,
    Streak,
    Written,
)
from provisioning.models.role_rules import RoleRule, RoleRuleSet
from provisioning.models.setup_steps import Milestone
from provisioning.models.test_runs import Play, PlayState

__all__ = [
    "ANONYMOUS_LABELS",
    "Brake",
    "Connection",
    "ConnectionQuerySet",
    "ConnectionTokens",
    "Departure",
    "DepartureAlert",
    "IdentityProvider",
    "Kept",
    "Milestone",
    "Play",
    "PlayState",
    "RequestDetail",
    "RequestLog",
    "RequestLogQuerySet",
    "RequestOperation",
    "RoleRule",
    "RoleRuleSet",
    "Streak",
    "Token",
    "Written",
]
