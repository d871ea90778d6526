"""How many creates the rule about e-mail domains refused lately, read from the request log."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from django.db.models import Case, JSONField, Q, Value, When
from django.utils import timezone

from scim.models import RequestLog

# The reasons of ``domains.services.AddressRefused``.
CAUSES = ("domain-unknown", "domain-without-user-requests", "domain-unverified")

# The page asks for this with every visit, and a broken sync refuses without end: only the newest are looked at.
LATEST = 5000
DAYS = 7


def refused_creates(organization_id: UUID) -> Mapping[str, int]:
    """The refused creates of the last week, among the organization's 5,000 newest requests, by domain (A-labels).

    A bulk request leaves one row, and so counts once, by its first failure.
    """
    refused = Q(method="POST", cause__in=CAUSES, created_at__gt=timezone.now() - timedelta(days=DAYS))
    # Told apart row by row, for a condition of the query would let the database look further than the limit.
    told = Case(When(refused, then="arguments"), default=Value({}, JSONField()))
    newest = RequestLog.objects.of(organization_id).order_by("-pk").annotate(told=told).values_list("told", flat=True)
    return Counter(arguments["domain"] for arguments in newest[:LATEST] if "domain" in arguments)
