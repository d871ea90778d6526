"""What an event changed reads field by field, and no value is too long for the page."""

from datetime import UTC, datetime
from typing import Any

import pytest

from audit.views.changes import MOST, SHORT, FieldChange, Value, lines


def shown(changes: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(line.field, line.before.text, line.after.text) for line in lines(changes)]


def test_plain_values_read_as_they_are() -> None:
    assert shown({"title": ["Dr.", None], "user_requests": [False, True], "size": [1, 2.5]}) == [
        ("title", "Dr.", ""),
        ("user requests", "false", "true"),
        ("size", "1", "2.5"),
    ]


def test_objects_are_taken_apart_and_only_what_differs_has_a_line() -> None:
    before = {"userName": "ann", "name": {"givenName": "Ann", "familyName": "Lee"}}
    after = {"userName": "ann", "name": {"givenName": "Anne", "familyName": "Lee"}, "title": "Dr."}
    assert shown({"profile": [before, after]}) == [
        ("name › givenName", "Ann", "Anne"),
        ("title", "", "Dr."),
    ]
    assert shown({"name": [{"givenName": "Ann"}, None], "title": ["Dr.", None]}) == [
        ("name › givenName", "Ann", ""),
        ("title", "Dr.", ""),
    ]
    assert shown({"profile": [None, {"name": {"givenName": "Ann"}}]}) == [("name › givenName", "", "Ann")]
    assert shown({"profile": [{"title": "Dr."}, None]}) == [("title", "Dr.", "")]


def test_a_schemas_urn_is_left_out() -> None:
    urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    assert shown({"title": ["a", "b"], urn: [None, {"department": "Sales"}]}) == [
        ("title", "a", "b"),
        ("department", "", "Sales"),
    ]
    assert shown({"profile": [{urn: {"department": "Sales"}}, None]}) == [("department", "Sales", "")]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-28T10:31:02.176Z", datetime(2026, 11, 28, 10, 31, 2, 176000, tzinfo=UTC)),
        ("2026-11-28T10:31+00:00", datetime(2026, 11, 28, 10, 31, tzinfo=UTC)),
        ("2026-11-28T99:31:00Z", None),
        ("2026-11-28T10:31:02", None),
        ("2026-11-28", None),
        ("0001-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59Z", None),
        ("at 2026-11-28T10:31:02Z", None),
    ],
)
def test_a_point_in_time_is_known_as_one(text: str, moment: datetime | None) -> None:
    (line,) = lines({"until": [None, text]})
    assert line.after == Value(text, moment=moment)


def test_what_changed_its_kind_is_shown_whole() -> None:
    assert shown({"manager": ["ann", {"value": "1"}]}) == [("manager", "ann", "value: 1")]


def test_each_value_of_a_list_has_a_line() -> None:
    emails = [{"value": "änn@acme.example", "primary": True}, {"value": "ann@home.example", "type": None}]
    assert shown({"emails": [[], emails], "members": [["a", "b"], None]}) == [
        ("emails", "", "value: änn@acme.example, primary: true\nvalue: ann@home.example, type: "),
        ("members", "a\nb", ""),
    ]


@pytest.mark.parametrize("length", [SHORT, SHORT + 1, MOST, MOST + 1])
def test_long_values_begin_with_a_head_and_end_somewhere(length: int) -> None:
    text = "x" * length
    assert lines({"note": [None, text]}) == [
        FieldChange(
            "note",
            Value(""),
            Value(
                text if length <= MOST else f"{'x' * MOST}… ({length:,} characters)",
                "" if length <= SHORT else f"{'x' * SHORT}…",
            ),
        )
    ]


def test_an_event_without_changes_has_no_lines() -> None:
    assert lines({}) == []
    assert lines({"profile": [{}, {}], "title": ["a", "a"]}) == []
