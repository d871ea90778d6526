"""Draw docs/architecture.svg: rooms, their floors, the imports between them (`make plan`).

The order of rooms and floors is that of the import contracts in pyproject.toml; what is counted is the code as it is.
Migrations are left out. tests/test_floor_plan.py fails when the picture no longer fits.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "architecture.svg"

# In units of the picture: widths of its columns, heights of its parts.
MARGIN, NAMES, FLOORS, LANE = 16, 170, 190, 52
HEAD, GAP, LINE, PADDING = 56, 16, 20, 10

GUIDE = "Follow a room's dot down: a number counts its imports from the room that it stands in; dots pass a room."

STYLE = """\
  svg { font: 13px system-ui, sans-serif; --paper: #ffffff; --ink: #1f2328; --quiet: #59636e; --slab: #f0f3f6;
    --floor: #d8e3f0; --line: #8c98a4; }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #0d1117; --ink: #e6edf3; --quiet: #9aa4af; --slab: #1c232c; --floor: #2b3b4f; --line: #6b7682; }
  }
  .paper { fill: var(--paper); } .slab { fill: var(--slab); } .floor { fill: var(--floor); }
  text { fill: var(--ink); } .room { font-size: 15px; font-weight: 600; } .quiet { fill: var(--quiet); }
  .number { text-anchor: middle; } .lane { stroke: var(--line); stroke-width: 1.5; }
  .through { stroke-dasharray: 2 4; } .head, .start { fill: var(--line); }"""


@dataclass(frozen=True, slots=True)
class Room:
    """One package: its lines of code, to hundreds, their share of all in per cent, and its floors from the top."""

    name: str
    lines: int
    share: int
    floors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Rooms from the top, and how many imports of one room's modules lead to another room's: (from, to) to number."""

    rooms: tuple[Room, ...]
    imports: Mapping[tuple[str, str], int]


def main() -> None:
    PICTURE.write_text(draw(survey()))


def survey() -> Plan:
    """Measure the code, by the layers that the import contracts name."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = [contract for contract in config["contracts"] if contract["type"] == "layers"]
    names = _layers(next(contract for contract in layers if "containers" not in contract))
    floors = _layers(next(contract for contract in layers if "containers" in contract))
    graph = grimp.build_graph(*names, cache_dir=None)
    lines = {name: _lines_of(name) for name in names}
    rooms = tuple(
        Room(
            name,
            round(lines[name], -2),
            round(100 * lines[name] / sum(lines.values())),
            tuple(floor for floor in floors if f"{name}.{floor}" in graph.modules),
        )
        for name in names
    )
    pairs = Counter(
        (importer.partition(".")[0], imported.partition(".")[0])
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
    )
    return Plan(rooms, {pair: number for pair, number in sorted(pairs.items()) if pair[0] != pair[1]})


def _layers(contract: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The names in a contract's layers, from the top; those of one layer as they are written."""
    return tuple(name for layer in contract["layers"] for name in re.findall(r"\w+", layer))


def _lines_of(room: str) -> int:
    files = (path for path in (ROOT / room).rglob("*.py") if "migrations" not in path.parts)
    return sum(len(path.read_text().splitlines()) for path in files)


def draw(plan: Plan) -> str:
    """The plan as SVG. Only words depend on the figures, so that two pictures of one structure differ in these alone.

    Each room is a slab over the whole width. From a room's dot a lane leads down; it ends in an arrow at each room that
    the one above imports from, with the number of imports, and passes the others.
    """
    heights = [max(2, len(room.floors)) * LINE + 2 * PADDING for room in plan.rooms]
    tops = list(accumulate((height + GAP for height in heights[:-1]), initial=HEAD))
    width = 2 * MARGIN + NAMES + FLOORS + LANE * len(plan.rooms)
    height = tops[-1] + heights[-1] + MARGIN
    slabs = [_slab(room, top, tall, width) for room, top, tall in zip(plan.rooms, tops, heights, strict=True)]
    lanes = [_lane(plan, number, tops, heights) for number in range(len(plan.rooms))]
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            "<title>The rooms of the code and the imports between them</title>",
            f"<style>\n{STYLE}\n</style>",
            f'<rect class="paper" width="{width}" height="{height}"/>',
            _text(MARGIN, 24, "A room imports only from rooms below it.", "room"),
            _text(MARGIN, 43, GUIDE, "quiet"),
            *slabs,
            *lanes,
            "</svg>\n",
        )
    )


def _slab(room: Room, top: int, height: int, width: int) -> str:
    middle = top + height // 2
    parts = [
        f'<rect class="slab" x="{MARGIN // 2}" y="{top}" width="{width - MARGIN}" height="{height}" rx="6"/>',
        _text(MARGIN, middle - 4, room.name, "room"),
        _text(MARGIN, middle + 15, f"{room.lines:,} lines, {room.share} %", "quiet"),
    ]
    for number, floor in enumerate(room.floors):
        y = middle + (number * 2 - len(room.floors)) * LINE // 2
        parts.append(f'<rect class="floor" x="{MARGIN + NAMES}" y="{y + 1}" width="130" height="{LINE - 2}" rx="3"/>')
        parts.append(_text(MARGIN + NAMES + 8, y + 14, floor))
    return "\n".join(parts)


def _lane(plan: Plan, number: int, tops: Sequence[int], heights: Sequence[int]) -> str:
    """The way down from one room, by its place in the order."""
    name = plan.rooms[number].name
    targets = [place for place in range(number + 1, len(plan.rooms)) if (name, plan.rooms[place].name) in plan.imports]
    if not targets:
        return ""
    x = MARGIN + NAMES + FLOORS + LANE * number + LANE // 2
    start = tops[number] + heights[number] // 2
    parts = [f'<circle class="start" cx="{x}" cy="{start}" r="5"/>']
    for place in range(number + 1, targets[-1] + 1):
        top, middle = tops[place], tops[place] + heights[place] // 2
        if place not in targets:
            parts.append(f'<path class="lane through" d="M{x} {start}V{top + heights[place]}"/>')
            start = top + heights[place]
            continue
        parts.append(f'<path class="lane" d="M{x} {start}V{middle - 16}"/>')
        parts.append(f'<path class="head" d="M{x - 5} {middle - 17}h10l-5 8z"/>')
        parts.append(_text(x, middle + 6, str(plan.imports[name, plan.rooms[place].name]), "number"))
        start = middle + 12
    return "\n".join(parts)


def _text(x: int, y: int, text: str, kind: str = "") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text{style} x="{x}" y="{y}">{escape(text)}</text>'


if __name__ == "__main__":
    main()
