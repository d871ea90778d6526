"""The list of what the RFCs ask, the marks on the tests and the page that shows both agree."""

import re
from pathlib import Path

import pytest

from scripts import conformance
from scripts.conformance import Clause, Proof

ROOT = Path(__file__).resolve().parent.parent
CLAUSES = conformance.read_clauses()
PROOFS = conformance.read_proofs()


def test_every_clause_is_proven_by_a_test_or_says_why_not_and_every_mark_names_a_clause() -> None:
    assert conformance.faults(CLAUSES, PROOFS) == []


def test_the_page_is_what_list_and_marks_make() -> None:
    assert (ROOT / "docs" / "conformance.md").read_text() == conformance.page(CLAUSES, PROOFS), (
        "Run `python -m scripts.conformance`."
    )


def test_clauses_are_numbered_without_a_gap_and_in_the_order_of_the_sections() -> None:
    places: dict[str, list[int]] = {}
    for clause in CLAUSES:
        places.setdefault(clause.section, []).append(int(clause.id.rpartition("-")[2]))
    assert [section for section, found in places.items() if found != list(range(1, len(found) + 1))] == []
    numbers = [[int(number) for number in re.split(r"[-.]", section)] for section in places]
    assert numbers == sorted(numbers)


def test_decisions_that_are_named_are_there() -> None:
    for clause in CLAUSES:
        assert not clause.decision or (ROOT / "docs" / "decisions" / f"{clause.decision}.md").exists(), clause.id


def test_all_three_rfcs_are_read_whole() -> None:
    sections = {clause.section for clause in CLAUSES}
    assert len(CLAUSES) > 300
    assert {
        "7643-2.5",
        "7643-4.3",
        "7643-7",
        "7644-3.4.2.2",
        "7644-3.7.4",
        "7644-3.14",
        "7644-7.8",
        "9865-5.2",
    } <= sections


class TestTheComparison:
    """That it finds what it is for."""

    ASKED = Clause("7644-3.3-1", "Creating resources", "SHALL", "Success is 201.")
    EXCUSED = Clause("7644-3.3-2", "Creating resources", "SHOULD", "x", excuse="elsewhere", reason="it binds clients.")
    PROOF = Proof("tests/scim/operations/test_users.py", "test_a_user_is_made")

    @pytest.mark.parametrize(
        ("clauses", "proofs", "found"),
        [
            ([ASKED, EXCUSED], {"7644-3.3-1": [PROOF]}, []),
            ([ASKED], {}, ["No test proves 7644-3.3-1."]),
            ([EXCUSED], {"7644-3.3-2": [PROOF]}, ["7644-3.3-2 is proven, and excused."]),
            ([], {"7644-9-9": [PROOF]}, ["tests/scim/operations/test_users.py: test_a_user_is_made names 7644-9-9."]),
        ],
    )
    def test_what_does_not_agree_is_told(
        self, clauses: list[Clause], proofs: dict[str, list[Proof]], found: list[str]
    ) -> None:
        assert conformance.faults(clauses, proofs) == found

    def test_marks_are_read_off_functions_methods_and_classes(self, tmp_path: Path) -> None:
        (tmp_path / "tests").mkdir()
        (tmp_path / "tests" / "test_x.py").write_text(
            "import pytest\n"
            '@pytest.mark.clause("7644-3.3-1", "7644-3.3-2")\n'
            "def test_one(): ...\n"
            '@pytest.mark.clause("7644-3.3-2")\n'
            "class TestMore:\n"
            '    @pytest.mark.clause("7644-3.3-3")\n'
            "    def test_two(self): ...\n"
        )
        assert conformance.read_proofs(tmp_path / "tests") == {
            "7644-3.3-1": [Proof("tests/test_x.py", "test_one")],
            "7644-3.3-2": [Proof("tests/test_x.py", "TestMore"), Proof("tests/test_x.py", "test_one")],
            "7644-3.3-3": [Proof("tests/test_x.py", "TestMore.test_two")],
        }

    @pytest.mark.parametrize(
        "said",
        [
            'text = "no key word"',
            'MUST = "a"\nSHOULD = "b"',
            'MUST = "a"\nunmet = "b"\nelsewhere = "c"',
        ],
    )
    def test_a_clause_that_says_two_things_at_once_is_no_clause(self, tmp_path: Path, said: str) -> None:
        (tmp_path / "list.toml").write_text(f'["7644-1"]\ntitle = "x"\n["7644-1".1]\n{said}\n')
        with pytest.raises(ValueError, match="7644-1-1 needs one key word"):
            conformance.read_clauses(tmp_path / "list.toml")

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("test_a_user_is_made", "a user is made"),
            ("TestFilters.test_find_ada", "Filters: find ada"),
            ("TestLastAdmin.test_stays", "Last admin: stays"),
        ],
    )
    def test_a_proof_reads_as_a_sentence(self, name: str, shown: str) -> None:
        assert str(Proof("tests/test_x.py", name)) == f"[{shown}](../tests/test_x.py)"

    def test_the_page_shows_the_clause_beside_its_test_and_the_excuse_with_its_reason(self) -> None:
        shown = conformance.page([self.ASKED, self.EXCUSED], {"7644-3.3-1": [self.PROOF]})
        assert (
            "| 7644-3.3-1 | SHALL | Success is 201. | [a user is made](../tests/scim/operations/test_users.py) |"
            in shown
        )
        assert "| 7644-3.3-2 | SHOULD | x | It binds clients. |" in shown
        assert "| RFC 7644, Protocol | 1 | 0 | 1 |" in shown
