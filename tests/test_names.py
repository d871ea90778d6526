"""Names: the code calls things by the words of its field, one word for each thing."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APPS = (
    "saasmanager", "scim", "provisioning", "signin", "users", "domains", "organizations", "audit", "console", "core",
    "scripts",
)  # fmt: skip

# Words that a name may not have, and what to write instead. A word with "_" is looked for as those words in a row.
INSTEAD = {
    "mend mends mended mending": "fix",
    "play plays played player playing": "test run, or simulator",
    "heal heals healed forgive forgiven": "tolerate",
    "door doors": "channel",
    "gate": "address policy",
    "heir heirs": "replacement",
    "hand_over handed_over handing_over taking_over": "transfer, or reassign for a role",
    "by_hand given_by_hand hand": "manual",
    "pass_on": "reassign",
    "deed deeds": "outcome",
    "advice told": "notice",
    "turnstile": "unauthenticated limit",
    "stranger strangers": "anonymous client, or say what is unknown",
    "newcomer newcomers": "new user",
    "stretch": "page",
    "whereabouts": "links",
    "figures": "counts",
    "offer_pieces offer_banner offer_figures offer_proof offer_undos": "register",
    "milestone milestones": "set-up step",
    "verdict verdicts": "result",
    "oddity": "quirk",
    "keeper": "managed_by",
    "visit visits visitor visitors visiting": "support access",
    "journal": "request log writer",
    "held hold held_back": "suspend an organization, lock a row, pause the provisioning",
    "sure": "confirmed",
    "proof proofs prove proven": "re-authentication, or verification of a domain",
    "said say": "message",
    "how_far": "progress",
    "lenient": "strict mode off",
    "book tally": "rule set, changes",
}
WORDS = {word: instead for words, instead in INSTEAD.items() for word in words.split()}

# Classes by their whole name: the word means something else within a longer name, or in lower case.
CLASSES = {
    "Among": "Scope", "Control": "PageAction", "Facts": "UserFacts", "Leaf": "Page", "Of": "CursorScope",
    "Piece": "Panel", "Wanted": "NewUser", "Written": "WriteResult",
}  # fmt: skip

# Parameters: elsewhere the word is usual.
PARAMETERS = {"seen": "expected_version"}

# The word in its plain sense: (path, word) and why.
PLAIN = {
    ("scripts/conformance.py", "proof"): "a test proves a clause of an RFC",
    ("scripts/conformance.py", "proofs"): "a test proves a clause of an RFC",
    ("scripts/conformance.py", "proven"): "a test proves a clause of an RFC",
    ("scripts/bench/calls.py", "proof"): "a call proves that the server did the work",
}

Name = tuple[int, str, str]  # line, kind, name


def names(tree: ast.Module) -> Iterator[Name]:
    """What a module defines: classes, functions, parameters, variables, attributes, and values of enum members."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name):
                yield node.lineno, "class", name
                for each in node.body:
                    yield from _members(each)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, "function", name
            case ast.arg(arg=name):
                yield node.lineno, "parameter", name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, "variable", name
            case ast.Call(
                func=ast.Attribute(attr="add_argument" | "add_parser"), args=[ast.Constant(value=str(name)), *_]
            ):
                yield node.lineno, "option", name


def _members(statement: ast.stmt) -> Iterator[Name]:
    """The stored value of an enum's member, as far as it is a code and no text."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=member)], value=value) if member.isupper():
            first = value.elts[0] if isinstance(value, ast.Tuple) and value.elts else value
            if isinstance(first, ast.Constant) and re.fullmatch(r"[a-z.-]+", str(first.value)):
                yield statement.lineno, "value", str(first.value)


def words(name: str) -> list[str]:
    """A name's words: ``HeldBack``, ``HELD_BACK``, ``held-back`` and ``held_back`` have the same."""
    return [part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def instead(path: str, kind: str, name: str) -> str:
    """What to write instead of a name; empty if it is fine."""
    if kind == "class" and name in CLASSES:
        return CLASSES[name]
    if kind == "parameter" and name in PARAMETERS:
        return PARAMETERS[name]
    own = words(name)
    rows = [*own, *("_".join(pair) for pair in zip(own, own[1:], strict=False))]
    return next((WORDS[word] for word in rows if word in WORDS and (path, word) not in PLAIN), "")


def modules() -> list[Path]:
    """Every module but the migrations, which say what was, and the tests, whose names are sentences."""
    return [
        path for app in APPS for path in sorted((ROOT / app).rglob("*.py")) if "migrations" not in path.parent.parts
    ]


def test_names_are_those_of_the_field() -> None:
    wrong = []
    for path in modules():
        shown = path.relative_to(ROOT).as_posix()
        found = [(1, "module", path.stem), *names(ast.parse(path.read_text()))]
        wrong += [
            f"{shown}:{line} {name}: say {better}"
            for line, kind, name in found
            if (better := instead(shown, kind, name))
        ]
    assert not wrong, "\n" + "\n".join(sorted(set(wrong)))


@pytest.mark.parametrize(
    ("source", "better"),
    [
        ("class HeldBack: ...", "suspend"),
        ("def f(seen): ...", "expected_version"),
        ("class A:\n    MADE = 'by-hand', 'By hand'", "manual"),
        ("parser.add_argument('--heir')", "replacement"),
        ("class Of: ...", "CursorScope"),
        ("self.told = 1", "notice"),
        ("household = display = 1", ""),
    ],
)
def test_a_word_is_found_wherever_a_name_is_defined(source: str, better: str) -> None:
    found = [instead("a.py", kind, name) for _, kind, name in names(ast.parse(source))]
    assert any(better in each for each in found) and (bool(better) == any(found))
