"""Names on the cards: those of one beamtime begin alike, and are told apart by their ends."""

from __future__ import annotations

from PySide6.QtGui import QFont, QFontMetrics
from pytestqt.qtbot import QtBot

from sxtstudio.app.beamtime.wall import PICTURE_PX, _in_lines, name_lines

WIDTH = 150


def test_a_name_has_two_lines_and_its_end_is_always_seen(qtbot: QtBot) -> None:
    metrics = QFontMetrics(QFont())
    assert name_lines("cell.mrc", metrics, WIDTH) == "cell.mrc"
    beginning = "20261129_HeLa_4hpi_grid3"
    first, second = name_lines(f"{beginning}_cell07.mrc", metrics, WIDTH).split("\n")
    assert first + second == f"{beginning}_cell07.mrc"
    longer = [f"{beginning * 3}_cell{number:02}_bin2.mrc" for number in range(2)]
    shown = [name_lines(name, metrics, WIDTH).split("\n") for name in longer]
    assert [second[-14:] for _, second in shown] == ["cell00_bin2.mrc"[-14:], "cell01_bin2.mrc"[-14:]]
    for lines in shown:
        assert len(lines) == 2 and all(metrics.horizontalAdvance(line) <= WIDTH for line in lines)
    assert "\n" in name_lines("m" * 40, metrics, 3)  # not even a letter fits


def test_what_was_found_is_seen_to_its_end(qtbot: QtBot) -> None:
    text = "22.7 % labelled, 1 200 bodies and 34 pieces of membrane, most at the border"
    assert _in_lines(text, QFontMetrics(QFont()), PICTURE_PX).split() == text.split()
