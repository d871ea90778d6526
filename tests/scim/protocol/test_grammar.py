"""Filters and paths as text (RFC 7644 section 3.4.2.2, figures 1 and 7)."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scim2_models import ScimFilter
from scim2_models.path import expressions as theirs

from scim.protocol import grammar
from scim.protocol.attributes import AttributePath
from scim.protocol.errors import InvalidFilter, InvalidPath
from scim.protocol.filters import And, Comparison, Filter, Not, Operator, Or, PatchPath, ValuePath
from scim.protocol.grammar import MAX_DEPTH, MAX_LENGTH, MAX_TERMS, parse_attribute_path, parse_filter, parse_patch_path
from tests.scim.protocol.trees import ANY_FILTER

RFC7644_FIGURE_2 = [
    'userName eq "bjensen"',
    'name.familyName co "O\'Malley"',
    'userName sw "J"',
    'urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"',
    "title pr",
    'meta.lastModified gt "2011-05-13T04:42:34Z"',
    'meta.lastModified ge "2011-05-13T04:42:34Z"',
    'meta.lastModified lt "2011-05-13T04:42:34Z"',
    'meta.lastModified le "2011-05-13T04:42:34Z"',
    'title pr and userType eq "Employee"',
    'title pr or userType eq "Intern"',
    'schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"',
    'userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")',
    'userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")',
    'userType eq "Employee" and emails[type eq "work" and value co "@example.com"]',
    'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]',
]

A, B, C, D = (Comparison(AttributePath(None, name), Operator.PR) for name in "abcd")


@pytest.mark.clause("7644-3.4.2.2-10")
@pytest.mark.parametrize("text", RFC7644_FIGURE_2)
def test_every_example_of_figure_2_prints_back_as_itself(text: str) -> None:
    assert str(parse_filter(text)) == text


def test_the_example_with_brackets_around_one_comparison_means_the_same_without() -> None:
    with_brackets = 'userType eq "Employee" and (emails.type eq "work")'
    assert parse_filter(with_brackets) == parse_filter('userType eq "Employee" and emails.type eq "work"')


@pytest.mark.clause("7644-3.4.2.2-11")
@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a pr or b pr and c pr", Or((A, And((B, C))))),
        ("a pr and b pr or c pr", Or((And((A, B)), C))),
        ("(a pr or b pr) and c pr", And((Or((A, B)), C))),
        ("not (a pr) and b pr", And((Not(A), B))),
        ("not (a pr or b pr)", Not(Or((A, B)))),
        ("not (not (a pr))", Not(Not(A))),
        ("a pr and (b pr and (c pr and d pr))", And((A, B, C, D))),
        ("(a pr or b pr) or (c pr or d pr)", Or((A, B, C, D))),
        ("((a pr))", A),
    ],
)
def test_not_binds_before_and_and_and_before_or(text: str, tree: Filter) -> None:
    assert parse_filter(text) == tree


def test_operators_and_words_may_be_in_any_case() -> None:
    assert parse_filter("a PR AND NOT (b Pr) Or c EQ TRUE") == parse_filter("a pr and not (b pr) or c eq true")


@pytest.mark.parametrize("text", ["a  pr   and\tnot(b pr)", "  a pr and not ( b pr ) "])
def test_blanks_between_words_are_free(text: str) -> None:
    assert parse_filter(text) == And((A, Not(B)))


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ('"x"', "x"),
        ('""', ""),
        (r'"say \"x\""', 'say "x"'),
        (r'"\u00dcn"', "Ün"),
        (r'"\ud83d\ude00"', "😀"),
        (r'"a\\"', "a\\"),
        (r'"a\/b\n"', "a/b\n"),
        ('"(a) and [b] or not"', "(a) and [b] or not"),
        ('"ünï\u00a0cödé"', "ünï\u00a0cödé"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("0", 0),
        ("-12", -12),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
    ],
)
def test_values_are_written_as_in_json(literal: str, value: object) -> None:
    tree = parse_filter(f"a eq {literal}")
    assert isinstance(tree, Comparison)
    assert tree.value == value and type(tree.value) is type(value)


def test_a_sub_attribute_after_a_value_path_is_one_more_condition_on_the_same_value() -> None:
    # Microsoft Entra ID matches users so.
    entra = parse_filter('emails[type eq "work"].value eq "joy@example.com"')
    assert entra == parse_filter('emails[type eq "work" and value eq "joy@example.com"]')
    assert parse_filter("a[b pr or c pr].d pr") == ValuePath(AttributePath(None, "a"), And((Or((B, C)), D)))


@pytest.mark.clause("7644-3.4.2.2-3", "7644-3.4.2.2-10", "7644-3.4.2.2-14")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the name of an attribute"),
        ("userName", "one of the operators eq, ne, co, sw, ew, gt, ge, lt, le, pr"),
        ("userName is 5", "one of the operators eq, ne, co, sw, ew, gt, ge, lt, le, pr"),
        ("userName eq", "a value"),
        ("userName eq bjensen", "a value: text in double quotes"),
        ("userName eq 'bjensen'", "a value: text in double quotes"),
        ('userName eq "bjensen', "a second double quote"),
        ("a eq +1", "a value"),
        ("a eq 01", "a value"),
        ("a eq NaN", "a value"),
        ("a eq 9223372036854775808", "at most 64 bits"),
        ("a eq 1e400", "at most 64 bits"),
        ("a eq " + "9" * 5000, "at most 64 bits"),
        (r'a eq "\x"', "valid in JSON"),
        ('a eq "\n"', "valid in JSON"),
        (r'a eq "\ud800"', "valid in JSON"),
        ('a eq "\ud800"', "valid in JSON"),
        (r'a eq "\u0000"', "NUL"),
        ("a pr b pr", "'and', 'or' or the end"),
        ("a pr and", "the name of an attribute"),
        ("and a pr", "one of the operators"),
        ("a pr)", "'and', 'or' or the end"),
        ("(a pr", "'and', 'or' or ')'"),
        ("a[b pr", "'and', 'or' or ']'"),
        ("a[b pr)", "'and', 'or' or ']'"),
        ("a[]", "the name of an attribute"),
        ("a[b[c pr]]", "no '['"),
        ("a[b pr].", "sub-attribute"),
        ("a[b pr].c.d pr", "sub-attribute"),
        ("not a pr", "bracket after 'not'"),
        ("1a pr", "the name of an attribute"),
        ("a..b pr", "the name of an attribute"),
        ("a.b.c pr", "the name of an attribute"),
        ("é pr", "the name of an attribute"),
        ("a\0 pr", "the name of an attribute"),
        ("nocolon:a pr", "the name of an attribute"),
        ("a pr; DROP TABLE users", "one of the operators"),
        ("a" * 256 + " pr", "the name of an attribute"),
    ],
)
def test_what_is_no_filter_is_refused_with_what_was_expected(text: str, expected: str) -> None:
    with pytest.raises(InvalidFilter) as refusal:
        parse_filter(text)
    assert expected in refusal.value.detail
    assert refusal.value.detail.isprintable()
    assert len(refusal.value.detail) < 300


def test_a_refusal_says_where() -> None:
    with pytest.raises(InvalidFilter, match="Found a word at character 6 of the filter; expected "):
        parse_filter("a pr xx")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('a eq "S3cret" "S3cret"', "Found a quoted text at character 15"),
        ("a eq S3cret", "Found a word at character 6"),
        ("S3cret", "ends too early"),
        ("a S3cret b", "Found a word at character 3"),
        ("a eq 5 66", "Found a number at character 8"),
        ("a eq 66666666666666666666666", "Found a number at character 6"),
        ('a eq "S3cret', "Found a quoted text at character 6"),
        ("a pr and", "ends too early"),
        ("a pr )", "Found ')' at character 6"),
        ("a pr eq", "Found 'eq' at character 6"),
    ],
)
def test_a_refusal_tells_place_and_kind_but_no_literal(text: str, found: str) -> None:
    with pytest.raises(InvalidFilter) as refusal:
        parse_filter(text)
    assert found in refusal.value.detail
    assert "S3cret" not in refusal.value.detail
    assert "66" not in refusal.value.detail


@given(ANY_FILTER)
def test_every_tree_prints_as_text_that_parses_to_it(tree: Filter) -> None:
    assert parse_filter.__wrapped__(str(tree)) == tree


def ours(tree: theirs.FilterNode | theirs.PathNode) -> Filter:
    """A tree of the other implementation as one of ours."""

    def path(found: theirs.AttrPath) -> AttributePath:
        return AttributePath(found.uri, found.attr, found.sub_attr)

    match tree:
        case theirs.LogicalExpr(theirs.LogicalOperator.and_, terms):
            return And(tuple(map(ours, terms)))
        case theirs.LogicalExpr(theirs.LogicalOperator.or_, terms):
            return Or(tuple(map(ours, terms)))
        case theirs.Not(inner):
            return Not(ours(inner))
        case theirs.ValuePath(found, inner, None):
            return ValuePath(path(found), ours(inner))
        case theirs.Present(found):
            return Comparison(path(found), Operator.PR)
        case theirs.Comparison(found, operator, value):
            return Comparison(path(found), Operator(operator), value)
    raise AssertionError(tree)


@given(ANY_FILTER)
def test_a_second_implementation_reads_the_same_tree(tree: Filter) -> None:
    assert ours(ScimFilter(str(tree)).ast) == tree


SCRAPS = st.sampled_from(
    [*'()[].:"\\ -$\0\ud800', "and", "or", "not", "eq", "pr", "userName", "emails", "urn:a:b:c", "1e9", "null", '"x"']
)


@given(st.lists(SCRAPS | st.text(max_size=3)), st.sampled_from(["", " "]))
def test_any_text_is_read_or_refused(scraps: list[str], between: str) -> None:
    text = between.join(scraps)
    with contextlib.suppress(InvalidFilter):
        assert parse_filter(str(parse_filter(text))) == parse_filter(text)
    with contextlib.suppress(InvalidPath):
        assert parse_patch_path(str(parse_patch_path(text))) == parse_patch_path(text)


class TestLimits:
    def test_length(self) -> None:
        text = 'a eq "' + "x" * (MAX_LENGTH - 7) + '"'
        assert parse_filter(text)
        with pytest.raises(InvalidFilter, match=f"longer than {MAX_LENGTH} characters"):
            parse_filter(text + " ")

    @pytest.mark.parametrize(
        ("opening", "closing"), [("(", ")"), ("not (", ")"), ("a pr and (", ")"), ("a[b pr] or (", ")")]
    )
    def test_depth(self, opening: str, closing: str) -> None:
        assert parse_filter(opening * MAX_DEPTH + "a pr" + closing * MAX_DEPTH)
        with pytest.raises(InvalidFilter, match=f"more than {MAX_DEPTH} brackets within each other"):
            parse_filter(opening * (MAX_DEPTH + 1) + "a pr" + closing * (MAX_DEPTH + 1))

    def test_brackets_in_quotes_and_beside_each_other_are_no_depth(self) -> None:
        assert parse_filter('a eq "' + "(" * 500 + '"')
        assert parse_filter(" or ".join(["(a pr)"] * MAX_TERMS))

    def test_thousands_of_brackets_never_reach_the_descent(self) -> None:
        for text in ("(" * MAX_LENGTH, "not(" * 2000, "a[" * 4000):
            with pytest.raises(InvalidFilter, match="brackets"):
                parse_filter(text)

    @pytest.mark.parametrize("between", [" and ", " or "])
    def test_terms(self, between: str) -> None:
        assert parse_filter(between.join(["a pr"] * MAX_TERMS))
        with pytest.raises(InvalidFilter, match=f"more than {MAX_TERMS} comparisons"):
            parse_filter(between.join(["a pr"] * (MAX_TERMS + 1)))

    def test_terms_within_a_value_path_count_too(self) -> None:
        with pytest.raises(InvalidFilter, match=f"more than {MAX_TERMS} comparisons"):
            parse_filter("a[" + " or ".join(["b pr"] * MAX_TERMS) + "].c pr")

    @pytest.mark.parametrize("pattern", [grammar._TOKENS, grammar._NAME, grammar._URI, grammar._NUMBER])
    def test_no_pattern_ever_gives_back_what_it_has_taken(self, pattern: re.Pattern[str]) -> None:
        # A repeat without a bound that is not possessive, "++" or "*+", can be tried in many ways.
        without_classes = re.sub(r"\[[^\]]*\]", "x", pattern.pattern)
        assert re.findall(r"(?<!\\)[*+]+", without_classes)
        assert set(re.findall(r"(?<!\\)[*+]+", without_classes)) <= {"*+", "++"}

    def test_a_quote_that_nothing_closes_is_looked_at_once(self) -> None:
        for rest in ('\\"b' * 2000, " b" * 2000, "(" * 2000):
            assert grammar._TOKENS.findall('a "' + rest) == ["a", '"' + rest]
            with pytest.raises(InvalidFilter, match="^Found"):
                parse_filter('a eq "' + rest)

    @pytest.mark.parametrize("text", ['"', '"\\', "a.", "a:", "urn:", " ", '\\"', "é", "a eq 1.", '"" ', "$", "-"])
    def test_long_nonsense_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidFilter):
            parse_filter(text * (MAX_LENGTH // len(text)))


class TestPatchPaths:
    ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

    @pytest.mark.parametrize(
        "text",
        [
            # RFC 7644 figure 8
            "members",
            "name.familyName",
            'addresses[type eq "work"]',
            'members[value eq "2819c223-7f76-453a-919d-413861904646"]',
            'members[value eq "2819c223-7f76-453a-919d-413861904646"].displayName',
            f"{ENTERPRISE}:department",
            f"{ENTERPRISE}:manager.value",
            ENTERPRISE,
            'emails[value eq "urn:x:a:b"].type',
            'emails[type eq "work" and not (primary eq true)].value',
        ],
    )
    def test_paths_print_back_as_themselves(self, text: str) -> None:
        assert str(parse_patch_path(text)) == text

    def test_the_parts_of_a_path(self) -> None:
        assert parse_patch_path('emails[type eq "work"].value') == PatchPath(
            AttributePath(None, "emails"), Comparison(AttributePath(None, "type"), Operator.EQ, "work"), "value"
        )
        assert parse_patch_path(f"{self.ENTERPRISE}:manager.value") == PatchPath(
            AttributePath(self.ENTERPRISE, "manager", "value")
        )

    def test_a_version_with_a_dot_is_no_sub_attribute(self) -> None:
        schema, _, name = self.ENTERPRISE.rpartition(":")
        assert parse_patch_path(self.ENTERPRISE) == PatchPath(AttributePath(schema, name))

    @pytest.mark.parametrize(
        "text",
        [
            "",
            " ",
            "/name/familyName",
            "emails[",
            "emails[]",
            'emails[type eq "work"',
            'emails[type eq "work"]value',
            'emails[type eq "work"].a.b',
            'emails[type eq "work"].value eq "x"',
            "emails members",
            'userName eq "x"',
            "emails[" * 5000,
            "a" * (MAX_LENGTH + 1),
            "a\0b",
            "emails[" + " or ".join(["type pr"] * (MAX_TERMS + 1)) + "]",
        ],
    )
    def test_anything_else_is_an_invalid_path(self, text: str) -> None:
        with pytest.raises(InvalidPath):
            parse_patch_path(text)


@pytest.mark.parametrize("text", ["", "a b", 'a[b eq "c"]', "a.b.c", "a.", ".a", "urn:x:", ":a", "a\n", "x" * 256])
def test_what_is_no_attribute_name_is_an_invalid_path(text: str) -> None:
    with pytest.raises(InvalidPath):
        parse_attribute_path(text)
