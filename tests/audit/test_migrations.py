"""Events that were there before the trail was searched and guarded are found and guarded like new ones."""

import pytest
from django.db import IntegrityError, connection

from audit.models import AuditEvent
from tests.rewinding import rewound
from tests.tenants import Tenant

BEFORE = "0003_personal_tokens_and_strict_mode"


@pytest.mark.django_db(transaction=True)
def test_events_of_before_are_kept_searched_and_guarded(acme: Tenant) -> None:
    acme.add("Ann")
    before = list(AuditEvent.objects.order_by("id").values())
    with rewound("audit", BEFORE), connection.cursor() as cursor:
        cursor.execute("UPDATE audit_auditevent SET address = NULL")
    assert list(AuditEvent.objects.order_by("id").values()) == [{**event, "address": None} for event in before]
    assert (before[-1]["actor_key"], before[-1]["target_key"]) == ("ada moreau", "ann@acme.example")
    with pytest.raises(IntegrityError), connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_auditevent")
