"""The tables of provisioning: connections, tokens, request log, role rules, brake and test runs."""

from provisioning.models.brake import Brake, Departure, DepartureAlert
from provisioning.models.connections import Connection, ConnectionQuerySet, ConnectionTokens, IdentityProvider, Token
from provisioning.models.request_log import (
    ANONYMOUS_LABELS,
    BodyKept,
    InlineValue,
    RequestDetail,
    RequestLog,
    RequestLogQuerySet,
    RequestOperation,
    Streak,
)
from provisioning.models.role_rules import RoleRule, RoleRuleSet
from provisioning.models.setup_steps import SetupStep
from provisioning.models.test_runs import RunState, TestRun

__all__ = [
    "ANONYMOUS_LABELS",
    "Brake",
    "Connection",
    "ConnectionQuerySet",
    "ConnectionTokens",
    "Departure",
    "DepartureAlert",
    "IdentityProvider",
    "BodyKept",
    "SetupStep",
    "TestRun",
    "RunState",
    "RequestDetail",
    "RequestLog",
    "RequestLogQuerySet",
    "RequestOperation",
    "RoleRule",
    "RoleRuleSet",
    "Streak",
    "Token",
    "InlineValue",
]
