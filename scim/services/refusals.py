"""How many creates the rule about e-mail domains refused lately, read from the request log."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from audit.models import first_id_at
from scim.models import RequestLog

# The reasons of ``domains.services.AddressRefused``.
CAUSES = ("domain-unknown", "domain-without-user-requests", "domain-unverified")

# The page asks for this with every visit, and a broken sync refuses without end: the newest of each reason are read.
LATEST = 5000
DAYS = 7


def refused_creates(organization_id: UUID) -> Mapping[str, int]:
    """The refused creates of the last week by domain (A-labels), among the 5,000 newest refusals of each reason.

    A bulk request leaves one row, and so counts once, by its first failure. Requests of anonymous clients move none of
    these out of sight.
    """
    since = first_id_at(timezone.now() - timedelta(days=DAYS))
    refused = RequestLog.objects.of(organization_id).filter(pk__gte=since).order_by("-pk")
    found: Counter[str] = Counter()
    for cause in CAUSES:
        newest = refused.by_cause(cause).values_list("method", "arguments")[:LATEST]
        found.update(about["domain"] for method, about in newest if method == "POST" and "domain" in about)
    return found
