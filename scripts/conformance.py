"""Make docs/conformance.md: every clause of the RFCs beside the tests that prove it.

The clauses are read from docs/conformance.toml, the proofs from the marks in tests/. `python -m scripts.conformance`
writes the page; tests/test_conformance.py fails while the three do not agree.
"""

import ast
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "docs" / "conformance.toml"
PAGE = ROOT / "docs" / "conformance.md"
TESTS = ROOT / "tests"

KEY_WORDS = ("MUST", "MUST NOT", "SHALL", "SHALL NOT", "REQUIRED", "SHOULD", "SHOULD NOT", "RECOMMENDED")
RFCS = {
    "7643": "Core Schema",
    "7644": "Protocol",
    "9865": "Cursor-Based Pagination",
}

INTRODUCTION = """\
# What the RFCs ask, and what proves it

Every clause of RFC 7643, RFC 7644 and RFC 9865 that has a key word of RFC 2119 and binds a service provider, in our own
words, beside the tests that fail if it is broken. A clause is named by its RFC, its section and its place there. The
list is [conformance.toml](conformance.toml); this page is made of it and of the marks on the tests by
`python -m scripts.conformance`, and a test fails where the three differ.
"""

# The words of a clause that has no test, as the page has them above the table of such clauses.
EXPLANATIONS = {
    "unmet": (
        "Not met",
        "What this server does otherwise, and why.",
    ),
    "elsewhere": (
        "Not asked of this server",
        "What binds clients, or what this server does not have.",
    ),
}


@dataclass(frozen=True, slots=True)
class Clause:
    """One demand of an RFC.

    ``excuse`` is the word of EXPLANATIONS for a clause that no test proves, empty for all others, and ``reason`` what
    is said beside it; ``note`` is what a reader should know of a clause that is proven. ``decision`` names a page under
    docs/decisions.
    """

    id: str
    title: str
    key_word: str
    text: str
    excuse: str = ""
    reason: str = ""
    note: str = ""
    decision: str = ""

    @property
    def section(self) -> str:
        """The RFC and the section, as in the clause's id."""
        return self.id.rpartition("-")[0]


@dataclass(frozen=True, slots=True, order=True)
class Proof:
    """A test that carries a clause's mark: where it is, and its name, after that of its class if it has one."""

    path: str
    name: str

    def __str__(self) -> str:
        holder, _, name = self.name.rpartition(".")
        about = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", holder.removeprefix("Test")).capitalize()
        sentence = name.removeprefix("test_").removeprefix("Test").replace("_", " ")
        return f"[{about}{': ' if about else ''}{sentence}](../{self.path})"


def read_clauses(path: Path = LIST) -> list[Clause]:
    """The list, in its order. Raises ValueError for a clause without a key word, or with two excuses."""
    with path.open("rb") as file:
        sections = tomllib.load(file)
    return [
        _clause(f"{section}-{place}", members["title"], given)
        for section, members in sections.items()
        for place, given in members.items()
        if place != "title"
    ]


def _clause(name: str, title: str, given: Mapping[str, str]) -> Clause:
    rest = dict(given)
    key_words = [word for word in KEY_WORDS if word in rest]
    excuses = [word for word in EXPLANATIONS if word in rest]
    if len(key_words) != 1 or len(excuses) > 1:
        raise ValueError(f"{name} needs one key word and at most one of {', '.join(EXPLANATIONS)}.")
    text = rest.pop(key_words[0])
    excuse = excuses[0] if excuses else ""
    reason = rest.pop(excuse, "")
    return Clause(name, title, key_words[0], text, excuse, reason, **rest)


def read_proofs(tests: Path = TESTS) -> dict[str, list[Proof]]:
    """The tests that carry ``pytest.mark.clause``, by the clauses that they name."""
    proofs: dict[str, list[Proof]] = {}
    for path in sorted(tests.rglob("test_*.py")):
        for name, clause in _marks(ast.parse(path.read_text()).body):
            proofs.setdefault(clause, []).append(Proof(str(path.relative_to(tests.parent)), name))
    return {clause: sorted(set(found)) for clause, found in proofs.items()}


def _marks(body: Sequence[ast.stmt], holder: str = "") -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            name = f"{holder}{node.name}"
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.clause":
                    yield from ((name, ast.literal_eval(argument)) for argument in mark.args)
            if isinstance(node, ast.ClassDef):
                yield from _marks(node.body, f"{name}.")


def faults(clauses: Sequence[Clause], proofs: Mapping[str, Sequence[Proof]]) -> list[str]:
    """What list and marks disagree on, one sentence each."""
    names = {clause.id for clause in clauses}
    unknown = [f"{proof.path}: {proof.name} names {name}." for name in proofs.keys() - names for proof in proofs[name]]
    unproven = [f"No test proves {each.id}." for each in clauses if not each.excuse and each.id not in proofs]
    excused = [f"{each.id} is proven, and excused." for each in clauses if each.excuse and each.id in proofs]
    return sorted(unknown) + unproven + excused


def page(clauses: Sequence[Clause], proofs: Mapping[str, Sequence[Proof]]) -> str:
    """The page as Markdown."""
    parts = [INTRODUCTION, _counts(clauses)]
    for rfc, of_rfc in groupby(clauses, key=lambda clause: clause.id.partition("-")[0]):
        parts.append(f"## RFC {rfc}: {RFCS[rfc]}\n")
        for section, found in groupby(of_rfc, key=lambda clause: clause.section):
            proven = [clause for clause in found if not clause.excuse]
            if proven:
                number = section.partition("-")[2]
                rows = [(_asked(each), _proven_by(proofs.get(each.id, ()))) for each in proven]
                parts.append(f"### Section {number}: {proven[0].title}\n\n{_table(proven, rows, 'Proven by')}")
    for excuse, (heading, meaning) in EXPLANATIONS.items():
        excused = [clause for clause in clauses if clause.excuse == excuse]
        if excused:
            rows = [(each.text, _why(each)) for each in excused]
            parts.append(f"## {heading}\n\n{meaning}\n\n{_table(excused, rows, 'Because')}")
    return "\n".join(parts)


def _counts(clauses: Sequence[Clause]) -> str:
    lines = [
        "| | Proven | " + " | ".join(heading for heading, _ in EXPLANATIONS.values()) + " |",
        "|---|---|---|---|",
    ]
    for rfc, title in RFCS.items():
        counted = Counter(clause.excuse for clause in clauses if clause.id.startswith(rfc))
        numbers = [counted[""], *(counted[excuse] for excuse in EXPLANATIONS)]
        lines.append(f"| RFC {rfc}, {title} | " + " | ".join(map(str, numbers)) + " |")
    return "\n".join(lines) + "\n"


def _table(clauses: Sequence[Clause], rows: Sequence[tuple[str, str]], last: str) -> str:
    lines = [f"| Clause | Key word | What is asked | {last} |", "|---|---|---|---|"]
    lines += [
        f"| {each.id} | {each.key_word} | {asked} | {why} |" for each, (asked, why) in zip(clauses, rows, strict=True)
    ]
    return "\n".join(lines) + "\n"


def _asked(clause: Clause) -> str:
    return f"{clause.text} {_note(clause.note, clause.decision)}".strip()


def _why(clause: Clause) -> str:
    return f"{clause.reason[:1].upper()}{clause.reason[1:]} {_note('', clause.decision)}".strip()


def _note(note: str, decision: str) -> str:
    link = f"[Decision {int(decision[:4])}](decisions/{decision}.md)" if decision else ""
    return " ".join(filter(None, [f"*{note}*" if note else "", link]))


def _proven_by(proofs: Sequence[Proof]) -> str:
    return "<br>".join(map(str, proofs))


def main() -> None:
    """Write the page, and say what list and marks disagree on."""
    clauses, proofs = read_clauses(), read_proofs()
    PAGE.write_text(page(clauses, proofs))
    wrong = faults(clauses, proofs)
    sys.exit("\n".join(wrong) if wrong else None)


if __name__ == "__main__":
    main()
