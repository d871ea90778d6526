"""The rules of the house that a program can check."""

import ast
import re
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).resolve().parent.parent
APPS = (
    "saasmanager", "scim", "provisioning", "signin", "users", "domains", "organizations", "audit", "console", "core",
)  # fmt: skip
LONGEST_OPENING = 100
ONE_SENTENCE = re.compile(r"[A-Z/`].*[.?:)]")
# Two engines fold letter case in two ways, and neither as `canonical` does: one person could pass for another.
FOLDED_BY_THE_DATABASE = re.compile(r"__i(exact|contains|startswith|endswith|regex)\b|\b(Upper|Lower)\(")


def modules(*packages: str) -> dict[str, str]:
    """Path and text of every module with something in it, migrations aside."""
    files = (path for package in packages for path in sorted((ROOT / package).rglob("*.py")))
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in files if "migrations" not in path.parts}
    return {path: text for path, text in texts.items() if text.strip()}


def test_every_import_goes_down(monkeypatch: pytest.MonkeyPatch) -> None:
    # It would silence every logger that there is, for all tests that follow in this process.
    monkeypatch.setattr("logging.config.dictConfig", lambda _config: None)
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == EXIT_STATUS_SUCCESS


def test_every_module_opens_with_one_sentence() -> None:
    openings = {path: ast.get_docstring(ast.parse(text)) or "" for path, text in modules(*APPS, "scripts").items()}
    assert [path for path, text in openings.items() if not ONE_SENTENCE.fullmatch(text.partition("\n")[0])] == []


def test_the_first_sentence_of_a_module_is_short_and_has_one_subject() -> None:
    openings = {path: ast.get_docstring(ast.parse(text)) or "" for path, text in modules(*APPS, "scripts").items()}
    sentences = {path: first_sentence(text) for path, text in openings.items()}
    assert [path for path, sentence in sentences.items() if len(sentence) > LONGEST_OPENING] == []
    assert [path for path, sentence in sentences.items() if " and " in subject(sentence)] == []


def first_sentence(text: str) -> str:
    return re.split(r"(?<=[.?]) ", text.partition("\n")[0])[0]


def subject(sentence: str) -> str:
    """What stands before the colon, behind which things are enumerated; without what is in parentheses."""
    return re.sub(r"\([^)]*\)", "", sentence).partition(":")[0]


def test_nobody_leaves_comparing_names_to_the_database() -> None:
    # The request log's search compares names by a folded key; what the database folds are parts of URLs, in ASCII.
    assert {path for path, text in modules(*APPS).items() if FOLDED_BY_THE_DATABASE.search(text)} == {
        "provisioning/views/request_log/search.py"
    }


def test_nobody_mounts_all_of_allauth() -> None:
    # Its URLs are named one by one, because among them are doors that must stay shut.
    assert [path for path, text in modules(*APPS).items() if re.search(r"""include\(["']allauth""", text)] == []
