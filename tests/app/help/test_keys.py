"""The page of keys names each key of the program, and the page of the tour each of its steps."""

from __future__ import annotations

import re

from PySide6.QtGui import QKeySequence

from sxtstudio.app.actions import TABLE
from sxtstudio.app.help.contents import HELP
from sxtstudio.app.help.pages import GESTURES
from sxtstudio.app.help.tables import filled
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.tour.steps import WORDS


def rows_of(name: str) -> list[list[str]]:
    """The cells of the tables of a page as it is shown, without marks of Markdown."""
    text = filled((HELP / name).read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line.startswith("|") and "---" not in line]
    cells = [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in lines]
    return [[re.sub(r"\\(.)", r"\1", cell) for cell in row] for row in cells]


def test_every_key_of_every_action_in_the_window_is_in_the_table(window: MainWindow) -> None:
    """Asked of the real menus: a key that is set elsewhere than in the table of actions counts as well."""
    named = {row[0] for row in rows_of("keys.md")}
    native = QKeySequence.SequenceFormat.NativeText
    keys = {
        action.shortcut().toString(native)
        for action in window.actions_.by_name.values()
        if not action.shortcut().isEmpty()
    }
    assert len(keys) > 25 and keys <= named, sorted(keys - named)
    assert {key for rows in GESTURES.values() for key, _ in rows} <= named
    assert len({info.shortcut for info in TABLE if info.shortcut}) == len(keys), "no key does two things"


def test_the_page_of_the_tour_has_its_words() -> None:
    steps = [row for row in rows_of("tour.md") if re.match(r"\d\. ", row[0])]
    assert [row[0] for row in steps] == [f"{step.number}. {words.title}" for step, words in WORDS.items()]
    assert [row[1] for row in steps] == [words.text for words in WORDS.values()]
