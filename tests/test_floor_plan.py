"""The guide for newcomers says what is so: its picture, and the files and functions that it names."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from scripts import floor_plan

ROOT = Path(__file__).resolve().parent.parent
GUIDES = ("docs/architecture.md", "CONTRIBUTING.md")
DRAW_ANEW = "docs/architecture.svg no longer shows the code. Run `make plan` and look at what has changed."

# A figure of the picture may differ from the code by a tenth, or by this much, before it has to be drawn anew.
SLACK_OF_LINES, SLACK = 200, 2


def words(picture: str) -> list[str]:
    return re.findall(r"<text[^>]*>(.*?)</text>", picture)


def counts(picture: str) -> list[int]:
    return [int(number.replace(",", "")) for word in words(picture) for number in re.findall(r"\d[\d,]*", word)]


def without_figures(picture: str) -> str:
    return re.sub(r"(?<=>)[^<>]*\d[^<>]*(?=</text>)", lambda word: re.sub(r"\d[\d,]*", "N", word[0]), picture)


def is_near(kept: int, drawn: int) -> bool:
    return abs(kept - drawn) <= max(SLACK_OF_LINES if drawn >= 500 else SLACK, drawn // 10)


def test_the_picture_shows_the_code_as_it_is() -> None:
    kept, drawn = floor_plan.PICTURE.read_text(), floor_plan.draw(floor_plan.survey())
    assert without_figures(kept) == without_figures(drawn), DRAW_ANEW
    far = [pair for pair in zip(counts(kept), counts(drawn), strict=True) if not is_near(*pair)]
    assert far == [], DRAW_ANEW


def test_the_picture_has_every_room_from_the_top_and_only_arrows_down() -> None:
    plan = floor_plan.survey()
    names = [room.name for room in plan.rooms]
    assert names[0] == "saasmanager" and names[-1] == "core"
    assert all(names.index(importer) < names.index(imported) for importer, imported in plan.imports)
    assert [word for word in words(floor_plan.draw(plan)) if word in names] == names
    assert dict((room.name, room.floors) for room in plan.rooms)["users"] == ("api", "views", "services", "models")
    assert sum(room.share for room in plan.rooms) == pytest.approx(100, abs=3)


def test_a_picture_is_drawn_anew_for_an_arrow_or_a_tenth_and_not_for_less() -> None:
    kept, longer, other = (
        floor_plan.draw(
            floor_plan.Plan(
                (floor_plan.Room("above", lines, 60, ("views",)), floor_plan.Room("below", 4000, 40, ())), imports
            )
        )
        for lines, imports in ((6000, {("above", "below"): 30}), (6900, {("above", "below"): 32}), (6000, {}))
    )
    assert without_figures(kept) == without_figures(longer) != without_figures(other)
    pairs = list(zip(counts(kept), counts(longer), strict=True))
    assert [pair for pair in pairs if not is_near(*pair)] == [(6000, 6900)]


def in_backticks(guide: str) -> list[str]:
    text = re.sub(r"^```.*?^```", "", (ROOT / guide).read_text(), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`]+)`", text)


def named_in(guide: str, pattern: str) -> set[str]:
    return {name for name in in_backticks(guide) if re.fullmatch(pattern, name)}


@pytest.mark.parametrize("guide", GUIDES)
def test_every_file_that_a_guide_names_exists(guide: str) -> None:
    files = named_in(guide, r"[\w.-]+(/[\w.-]+)+/?|[\w.-]+\.(py|md|toml|html|txt|in)")
    assert len(files) >= 5
    assert {name for name in files if not ((ROOT / name).exists() or is_somewhere(name))} == set()


def is_somewhere(end: str) -> bool:
    """Whether a path ends so, for names of files that several folders have."""
    return any(path for folder in (*code(), "templates") for path in (ROOT / folder).rglob(end))


@cache
def code() -> tuple[str, ...]:
    return (*(room.name for room in floor_plan.survey().rooms), "scripts")


@cache
def functions() -> set[str]:
    """Every function and class of the code: by its name, and by its module's or class's name before it."""
    found = set()
    for path in (path for folder in code() for path in (ROOT / folder).rglob("*.py")):
        for holder in ast.walk(ast.parse(path.read_text())):
            if isinstance(holder, ast.Module | ast.ClassDef):
                owner = path.stem if isinstance(holder, ast.Module) else holder.name
                names = {each.name for each in holder.body if isinstance(each, ast.FunctionDef | ast.ClassDef)}
                found |= names | {f"{owner}.{name}" for name in names}
    return found


@pytest.mark.parametrize("guide", GUIDES)
def test_every_function_that_a_guide_names_exists(guide: str) -> None:
    assert {name for name in named_in(guide, r"[\w.]+\(\)") if name.removesuffix("()") not in functions()} == set()
    assert named_in("docs/architecture.md", r"[\w.]+\(\)")
