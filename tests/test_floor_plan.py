"""The picture of the rooms shows the code as it is."""

import re

import pytest

from scripts import floor_plan

DRAW_ANEW = "docs/architecture.svg no longer shows the code. Run `make plan` and look at what has changed."

# A figure of the picture may differ from the code by a tenth, or by this much, before it has to be drawn anew.
SLACK_OF_LINES, SLACK = 200, 2


def words(picture: str) -> list[str]:
    return re.findall(r"<text[^>]*>(.*?)</text>", picture)


def figures(picture: str) -> list[int]:
    return [int(number.replace(",", "")) for word in words(picture) for number in re.findall(r"\d[\d,]*", word)]


def without_figures(picture: str) -> str:
    return re.sub(r"(?<=>)[^<>]*\d[^<>]*(?=</text>)", lambda word: re.sub(r"\d[\d,]*", "N", word[0]), picture)


def is_near(kept: int, drawn: int) -> bool:
    return abs(kept - drawn) <= max(SLACK_OF_LINES if drawn >= 500 else SLACK, drawn // 10)


def test_the_picture_shows_the_code_as_it_is() -> None:
    kept, drawn = floor_plan.PICTURE.read_text(), floor_plan.draw(floor_plan.survey())
    assert without_figures(kept) == without_figures(drawn), DRAW_ANEW
    far = [pair for pair in zip(figures(kept), figures(drawn), strict=True) if not is_near(*pair)]
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
    pairs = list(zip(figures(kept), figures(longer), strict=True))
    assert [pair for pair in pairs if not is_near(*pair)] == [(6000, 6900)]
