"""How many creates the rule about e-mail domains refused lately, read from the request log."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from itertools import chain
from uuid import UUID

import orjson
from django.utils import timezone

from core import sql
from core.ids import first_id_at

# The reasons of ``domains.services.AddressRefused``.
CAUSES = ("domain-unknown", "domain-without-user-requests", "domain-unverified")

# The page asks for this with every visit, and a broken sync refuses without end: the newest of each reason are read.
LATEST = 5000
DAYS = 7


# The newest of each reason: each part reads its piece of the index of causes, and no more.
_NEWEST = (
    "SELECT * FROM (SELECT l.method, l.arguments FROM provisioning_requestlog l WHERE l.organization_id = %s AND"
    " l.cause = %s"
    " AND NOT (l.cause = '') AND l.id >= %s ORDER BY l.id DESC LIMIT %s) {name}"
)
_STATEMENT = " UNION ALL ".join(_NEWEST.format(name=f"part{number}") for number in range(len(CAUSES)))


def refused_creates(organization_id: UUID) -> Mapping[str, int]:
    """The refused creates of the last week by domain (A-labels), among the 5,000 newest refusals of each reason.

    A bulk request leaves one row, and so counts once, by its first failure. Requests of anonymous clients move none of
    these out of sight.
    """
    since = first_id_at(timezone.now() - timedelta(days=DAYS))
    asked = [[sql.key(organization_id), cause, sql.key(since), LATEST] for cause in CAUSES]
    found: Counter[str] = Counter()
    for method, arguments in sql.select(_STATEMENT, list(chain.from_iterable(asked))):
        about = orjson.loads(arguments) if isinstance(arguments, str) else arguments
        if method == "POST" and "domain" in about:
            found[about["domain"]] += 1
    return found
