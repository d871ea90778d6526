"""Rows that are written many at once are the rows that save() would have written."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, models, transaction

from audit.models import AuditEvent
from core import sql
from tests.tenants import Tenant
from users import profile as profiles
from users.models import Source, User, UserValue
from users.permissions import BuiltIn

TRICKY = "Zoë \\ \" \t \n 𝄞 \\N \x7f {},;'"


def user(acme: Tenant, user_name: str) -> User:
    made = User(organization=acme.organization, role=acme.role(BuiltIn.HR), source=Source.SCIM)
    emails = [{"value": f"x.{user_name}", "type": TRICKY}]
    profiles.write(made, {"userName": user_name, "displayName": TRICKY, "title": "", "emails": emails, "active": False})
    made.last_login = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    return made


def event(acme: Tenant, label: str) -> AuditEvent:
    changes = {"when": [None, datetime(2026, 1, 31, 9, 30, 0, 123456, tzinfo=UTC)], "who": [UUID(int=5), TRICKY]}
    return AuditEvent(
        organization_id=acme.id, action="user.created", channel="scim", actor_label=label, address="2001:db8::1",
        target_type="user", target_id=str(uuid4()), target_label=TRICKY, changes=changes,
    )  # fmt: skip


def stored(row: models.Model, *but: str) -> dict[str, Any]:
    fresh = type(row)._default_manager.get(pk=row.pk)
    fields = (field for field in fresh._meta.concrete_fields if field.name not in but)
    return {field.name: getattr(fresh, field.attname) for field in fields}


def test_people_and_events_are_as_save_would_have_them(acme: Tenant) -> None:
    saved, inserted = user(acme, "ann@acme.example"), user(acme, "ann@acme.test")
    saved.save()
    sql.insert(User, [inserted])
    differ = (
        "id",
        "user_name",
        "user_name_key",
        "sign_in_key",
        "email",
        "email_key",
        "search",
        "search_key",
        "document",
    )
    assert stored(inserted, *differ, "created_at", "updated_at") == stored(saved, *differ, "created_at", "updated_at")
    fresh = User.objects.get(user_name_key="ann@acme.test")
    assert (fresh.pk, fresh.document, fresh.search) == (inserted.pk, inserted.document, inserted.search)
    assert (fresh.created_at, fresh.email_key) == (inserted.created_at, "x.ann@acme.test")
    assert fresh.sign_in_key.endswith("/ann@acme.test")
    old, new = event(acme, "a"), event(acme, "b")
    old.save()
    sql.insert(AuditEvent, [new])
    assert stored(new, "id", "actor_label", "created_at", "target_id") == stored(
        old, "id", "actor_label", "created_at", "target_id"
    )
    assert AuditEvent.objects.get(pk=new.pk).created_at.tzinfo is not None


def test_what_was_added_can_be_saved_again(acme: Tenant) -> None:
    ann = user(acme, "ann@acme.example")
    sql.insert(User, [ann])
    ann.session_epoch = 7
    ann.save(update_fields=["session_epoch"])
    assert User.objects.get(pk=ann.pk).session_epoch == 7


def test_keys_that_the_database_makes_are_left_to_it(acme: Tenant) -> None:
    ann = acme.add("ann")
    values = [UserValue(organization=acme.organization, user=ann, attribute="x", value_key=key) for key in "ab"]
    sql.insert(UserValue, values)
    assert set(UserValue.objects.of(acme.id).values_list("type", "value_key")) == {("", "a"), ("", "b")}


def test_of_rows_that_clash_none_is_there(acme: Tenant) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        sql.insert(
            User, [user(acme, "ann@acme.example"), user(acme, "ben@acme.example"), user(acme, "ann@acme.example")]
        )
    assert not User.objects.exists()


def test_no_rows_are_no_error(acme: Tenant) -> None:
    sql.insert(User, [])
    assert not User.objects.exists()
