"""Bodies are read strictly and written as RFC 7644 shows them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol import errors
from scim.protocol.json_bodies import MAX_DEPTH, read_json
from scim.protocol.patch_request import Op, read_patch
from scim.protocol.responses import error_body, list_response
from scim.protocol.schemas import USER
from tests.scim.protocol.samples import BARBARA, ENTERPRISE, patch_body


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


# JSON texts in the limits: 64-bit numbers, no NUL, no half surrogate pairs.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=30,
)


LONG_FILTER = "emails[" + " or ".join(['type eq "work"'] * 21) + "]"


class TestReadingJson:
    def test_a_plain_body_is_read_as_it_is(self) -> None:
        assert read_json(json.dumps(BARBARA).encode()) == BARBARA

    @pytest.mark.clause("7644-3.8-1")
    @given(st.dictionaries(TEXTS, JSON, max_size=5).filter(lambda body: len({n.lower() for n in body}) == len(body)))
    def test_whatever_keeps_to_the_limits_is_read_as_it_was_written(self, body: dict[str, object]) -> None:
        assert read_json(json.dumps(body).encode()) == body
        assert read_json(json.dumps(body, ensure_ascii=False).encode()) == body

    @given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
    def test_any_other_bytes_are_refused_as_the_clients_fault(self, body: bytes) -> None:
        try:
            assert isinstance(read_json(body), dict)
        except errors.InvalidSyntax as error:
            assert error.detail.endswith(".")

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            (b"", "empty"),
            (b"  \n", "empty"),
            (b"null", "must be a JSON object"),
            (b"[]", "must be a JSON object"),
            (b'"text"', "must be a JSON object"),
            (b'{"a": 1', "not JSON"),
            (b'{"a": 1} {}', "not JSON"),
            (b"{'a': 1}", "not JSON"),
            (b'{"a": "\xff"}', "not UTF-8"),
            ('{"a": "ä"}'.encode("utf-16"), "not UTF-8"),
            (b'{"a": "\xed\xa0\x80"}', "not UTF-8"),
            (b'{"a": 1, "a": 2}', "'a' twice"),
            (b'{"b": {"a": 1, "a": 1}}', "'a' twice"),
            (b'{"userName": "a", "username": "b"}', "letter case"),
            (b'{"a": NaN}', "NaN"),
            (b'{"a": -Infinity}', "-Infinity"),
            (b'{"a": 1e999}', "64 bits"),
            (b'{"a": 9223372036854775808}', "64 bits"),
            (b'{"a": -9223372036854775809}', "64 bits"),
            (b'{"a": ' + b"9" * 5000 + b"}", "64 bits"),
            (b'{"a": "\x00"}', "not JSON"),
            (b'{"a": "\\u0000"}', "NUL"),
            (b'{"a\\u0000": 1}', "NUL"),
            (b'{"a": ["\\ud800"]}', "surrogate"),
            (b'{"a": "\\udc00\\ud800"}', "surrogate"),
            (nested(MAX_DEPTH + 1), "nested"),
            (b'{"a": ' + b"[" * 100_000, "nested"),
            (b'{"a": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", "nested"),
        ],
    )
    def test_what_two_readers_could_understand_differently_is_refused(self, body: bytes, reason: str) -> None:
        with pytest.raises(errors.InvalidSyntax, match=reason):
            read_json(body)

    @pytest.mark.parametrize(
        ("body", "value"),
        [
            (nested(MAX_DEPTH), json.loads(nested(MAX_DEPTH))),
            (b'{"a": 9223372036854775807}', {"a": 2**63 - 1}),
            (b'{"a": -9223372036854775808}', {"a": -(2**63)}),
            (b'{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
            (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
            (b"{}", {}),
        ],
    )
    def test_what_lies_just_within_the_limits_is_read(self, body: bytes, value: object) -> None:
        assert read_json(body) == value


class TestReadingPatchOp:
    def test_an_operation_is_found_in_the_schemas(self) -> None:
        (operation,) = read_patch(
            patch_body({"op": "replace", "path": "NAME.givenname", "value": "Ann"}), USER
        ).operations
        assert (operation.op, str(operation.target), operation.value) == (Op.REPLACE, "name.givenName", "Ann")

    def test_an_operation_without_path_is_one_for_each_attribute_of_its_value(self) -> None:
        value = {
            "nickname": "Babs",
            "name": {"givenName": "Ann", "familyName": None},
            ENTERPRISE: {"department": "R&D"},
        }
        operations = read_patch(patch_body({"op": "replace", "value": value}), USER).operations
        assert [(str(operation.target), operation.value) for operation in operations] == [
            ("nickName", "Babs"),
            ("name.givenName", "Ann"),
            ("name.familyName", None),
            (f"{ENTERPRISE}:department", "R&D"),
        ]

    def test_the_core_schemas_urn_as_path_is_the_whole_resource(self) -> None:
        (operation,) = read_patch(
            patch_body({"op": "add", "path": USER.schema.id, "value": {"title": "Guide"}}), USER
        ).operations
        assert str(operation.target) == "title"

    def test_a_colon_in_a_value_does_not_disturb_the_path(self) -> None:
        (operation,) = read_patch(
            patch_body({"op": "remove", "path": 'photos[value eq "https://a.example/x:y"]'}), USER
        ).operations
        assert operation.target.described == {"value": "https://a.example/x:y"}

    def test_read_only_and_unknown_members_of_a_value_are_passed_over(self) -> None:
        patch = read_patch(
            patch_body({"op": "replace", "value": {"id": "1", "groups": [], "shoeSize": 43, "title": "Guide"}}), USER
        )
        assert [str(operation.target) for operation in patch.operations] == ["title"]
        assert patch.notices == ("'shoeSize' is not an attribute of this resource and was left out.",)

    def test_a_body_without_its_schema_is_read_with_an_advice(self) -> None:
        patch = read_patch({"operations": [{"OP": "remove", "PATH": "title"}]}, USER)
        assert [str(operation.target) for operation in patch.operations] == ["title"]
        assert "PatchOp" in patch.notices[0]

    @pytest.mark.clause("7644-3.5.2-2", "7644-3.5.2-3", "7644-3.5.2-4", "7644-3.5.2-6", "7644-3.5.2.1-1")
    @pytest.mark.parametrize(
        ("body", "error", "reason"),
        [
            ({}, errors.InvalidSyntax, "Operations"),
            (patch_body(), errors.InvalidSyntax, "at least one"),
            ({"Operations": {"op": "add"}}, errors.InvalidSyntax, "must be a list"),
            (patch_body(*[{"op": "remove", "path": "title"}] * 1001), errors.InvalidSyntax, "1,000"),
            (
                patch_body(*[{"op": "add", "path": "emails", "value": [f"a{n}@b.example" for n in range(21)]}] * 100),
                errors.InvalidSyntax,
                "2,000",
            ),
            (patch_body(*[{"op": "remove", "path": LONG_FILTER}] * 100), errors.InvalidSyntax, "2,000 values and comp"),
            ({"Operations": ["add"]}, errors.InvalidSyntax, "must be an object"),
            (patch_body({"path": "title", "value": "x"}), errors.InvalidSyntax, "needs an 'op'"),
            (patch_body({"op": "move", "path": "title"}), errors.InvalidSyntax, "'op' must be"),
            (patch_body({"op": 1, "path": "title"}), errors.InvalidSyntax, "needs an 'op'"),
            (patch_body({"op": "add", "path": "title"}), errors.InvalidValue, "needs a 'value'"),
            (patch_body({"op": "add", "value": "x"}), errors.InvalidValue, "must be an object"),
            (patch_body({"op": "add", "value": None}), errors.InvalidValue, "must be an object"),
            (patch_body({"op": "remove"}), errors.NoTarget, "needs a 'path'"),
            (patch_body({"op": "remove", "path": ""}), errors.NoTarget, "needs a 'path'"),
            (patch_body({"op": "add", "path": 5, "value": "x"}), errors.InvalidPath, "must be a text"),
            (patch_body({"op": "add", "path": "shoeSize", "value": 43}), errors.InvalidPath, "shoeSize"),
            (patch_body({"op": "add", "path": "name.nick", "value": "x"}), errors.InvalidPath, "nick"),
            (
                patch_body({"op": "add", "path": f"{USER.schema.id}:userNmae", "value": "x"}),
                errors.InvalidPath,
                "userNmae",
            ),
            (patch_body({"op": "add", "path": "x:y:z", "value": "x"}), errors.InvalidPath, "x:y"),
            (patch_body({"op": "add", "path": "emails[", "value": "x"}), errors.InvalidPath, "."),
            (patch_body({"op": "remove", "path": 'name[givenName eq "x"]'}), errors.InvalidPath, "one value"),
            (patch_body({"op": "remove", "path": 'emails[type eq "work"].x'}), errors.InvalidPath, "'x'"),
            (patch_body({"op": "remove", "path": 'emails[kind eq "work"]'}), errors.InvalidFilter, "kind"),
            (patch_body({"op": "replace", "path": "id", "value": "1"}), errors.Mutability, "'id'"),
            (patch_body({"op": "remove", "path": "meta.created"}), errors.Mutability, "meta.created"),
            (patch_body({"op": "add", "path": "groups", "value": []}), errors.Mutability, "groups"),
            (patch_body({"op": "remove", "path": 'groups[value eq "1"]'}), errors.Mutability, "groups"),
            (
                patch_body({"op": "replace", "path": f"{ENTERPRISE}:manager.displayName", "value": "x"}),
                errors.Mutability,
                "displayName",
            ),
            (patch_body({"op": "replace", "path": "active", "value": "perhaps"}), errors.InvalidValue, "true or false"),
            (patch_body({"op": "replace", "path": "name.givenName", "value": 5}), errors.InvalidValue, "givenName"),
        ],
    )
    def test_what_cannot_be_done_is_refused_with_its_reason(
        self, body: dict[str, object], error: type[errors.ScimError], reason: str
    ) -> None:
        with pytest.raises(error, match=reason):
            read_patch(body, USER)


class TestWriting:
    def test_a_list_response_counts_what_is_on_the_page(self) -> None:
        assert list_response([{"id": "1"}], total=7, start_index=3) == {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": 7,
            "startIndex": 3,
            "itemsPerPage": 1,
            "Resources": [{"id": "1"}],
        }

    def test_an_empty_list_has_an_empty_list_of_resources(self) -> None:
        assert list_response([], total=0)["Resources"] == []

    @pytest.mark.clause("7644-3.12-2")
    def test_an_error_has_its_status_as_text_and_leads_to_the_log(self) -> None:
        assert error_body(errors.NoTarget("Nothing there."), "req-7") == {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": "400",
            "scimType": "noTarget",
            "detail": "Nothing there. (request req-7)",
        }

    def test_an_error_without_a_scim_type_has_no_such_member(self) -> None:
        assert error_body(errors.NotFound("No such user.")) == {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": "404",
            "detail": "No such user.",
        }
