"""Pictures of the documentation: each is used, small, has words, and shows the window as it is today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from shown_texts import LARGEST_BYTES, PICTURES, ROOMS, WIDEST_PX, noted, words_of

from sxtstudio.app.help.contents import HELP
from sxtstudio.app.main_window import MainWindow

ROOT = Path(__file__).resolve().parents[3]
_PICTURE = re.compile(r"!\[([^\]]*)\]\((?:resources/help/)?pictures/([\w-]+)\.png\)")


def used() -> dict[str, list[str]]:
    """The pictures on pages and in the README, with their words."""
    found: dict[str, list[str]] = {}
    for path in [*HELP.glob("*.md"), ROOT / "README.md"]:
        for words, name in _PICTURE.findall(path.read_text(encoding="utf-8")):
            found.setdefault(name, []).append(words)
    return found


def test_every_picture_is_made_by_the_script_and_used() -> None:
    there = {path.stem for path in PICTURES.glob("*.png")}
    assert there == used().keys() == ROOMS.keys()


def test_every_picture_has_words_for_those_who_cannot_see_it() -> None:
    for name, texts in used().items():
        for text in texts:
            assert len(text.split()) >= 3, name


@pytest.mark.parametrize("name", sorted(ROOMS))
def test_pictures_are_small(name: str) -> None:
    path = PICTURES / f"{name}.png"
    assert path.stat().st_size <= LARGEST_BYTES * 1.25
    with Image.open(path) as picture:
        assert picture.width <= WIDEST_PX and picture.height <= WIDEST_PX


def test_pictures_are_no_older_than_the_window(window: MainWindow) -> None:
    """Buttons, boxes to tick, tabs and headings of the rooms in pictures are as when they were made."""
    then, now = noted(), words_of(window)
    assert then.keys() == now.keys()
    changed = {
        room: sorted(set(then[room]) ^ set(now[room])) for room in now if set(then[room]) != set(now[room])
    }
    old = sorted(name for name, rooms in ROOMS.items() if changed.keys() & set(rooms))
    assert not changed, f"run `make screenshots` and look at {', '.join(old)}"


def test_words_are_those_of_the_window(window: MainWindow) -> None:
    words = words_of(window)
    assert {"Brush  B", "Eraser  E"} <= set(words["labels"]) and "Find objects" in words["objects"]
    assert "Segment" in words["menus"] and "Find the cell" in words["mask"]
    assert {"Export", "Receipts"} <= set(words["export"])
    assert {"Use the new model", "Look again"} <= set(words["retrain"])
    assert "Apply to all slices" in words["clean"] and "Apply to all slices" not in words["mask"]
