"""Order and filter of the wall, beside what Python's own sorting says; signals that views can follow."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from sxtstudio.app.beamtime.model import Order, Show, WallModel, title_of
from sxtstudio.core.quality.dictionary import FigureName
from sxtstudio.core.quality.record import Quality, QualityFigure, QualityFlag
from sxtstudio.workflow.beamtime.record import TomogramRecord, TomogramState, record_for
from sxtstudio.workflow.beamtime.summary import search_text

FLAGS = (QualityFlag.GOOD, QualityFlag.LOOK, QualityFlag.BAD)


def made(number: int, state: TomogramState = TomogramState.DONE, nm: float | None = 40.0) -> TomogramRecord:
    record = record_for(Path(f"/in/cell {number}.mrc"), {"n": number}, (1, 1, 1e9 + number, 1e9))
    figure = QualityFigure(FigureName.RESOLUTION, nm, "nm", FLAGS[number % 3], f"Sentence {number}.")
    quality = Quality("x", (1, 1, 1), None, (figure,)) if state is TomogramState.DONE else None
    return replace(record, state=state, quality=quality, labelled=number / 100, objects={"": number % 5})


@pytest.fixture
def wall(qapp) -> WallModel:
    model = WallModel()
    model.tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    return model


def names(model: WallModel) -> list[str]:
    return [model.data(model.index(row), Qt.ItemDataRole.DisplayRole) for row in range(model.rowCount())]


def test_each_order_is_that_of_its_values(wall: WallModel) -> None:
    numbers = list(range(30))
    random.Random(0).shuffle(numbers)
    records = [
        made(n, TomogramState.FAILED if n == 7 else TomogramState.DONE, None if n == 9 else 100.0 - n)
        for n in numbers
    ]
    wall.show_all(records)
    latest = [f"cell {n}.mrc" for n in range(29, -1, -1)]
    assert names(wall) == latest
    wall.set_order(FigureName.RESOLUTION)
    assert names(wall)[-2:] == ["cell 9.mrc", "cell 7.mrc"], (
        "those without a value come last, the latest first"
    )
    assert names(wall)[:-2] == [name for name in latest if name not in ("cell 9.mrc", "cell 7.mrc")]
    wall.set_order(Order.WORST)
    assert names(wall)[0] == "cell 7.mrc" and names(wall)[1] == "cell 29.mrc"
    wall.set_order(Order.LABELLED)
    assert names(wall) == latest
    wall.set_order(Order.OBJECTS)
    assert [int(name[5:-4]) % 5 for name in names(wall)] == sorted((n % 5 for n in numbers), reverse=True)
    wall.set_order(Order.NAME)
    assert names(wall) == sorted(latest)
    assert {title_of(key) for key in (*Order, *FigureName)} >= {"resolution", "name", "worst first"}


def test_what_is_taken_one_by_one_lies_where_all_at_once_do(wall: WallModel, qtbot: QtBot) -> None:
    rng = random.Random(1)
    other = WallModel()
    wall.set_order(Order.WORST)
    wall.set_filter(Show.ALL, "")
    other.set_order(Order.WORST)
    latest: dict[str, TomogramRecord] = {}
    for _ in range(300):
        record = made(rng.randrange(40), rng.choice(list(TomogramState)))
        wall.take(record)
        latest[record.id] = record
        assert wall.row_of(record.id) is not None
    other.show_all(latest.values())
    assert names(wall) == names(other) and len(names(wall)) == len(latest)
    with qtbot.waitSignal(wall.dataChanged):
        wall.take(replace(latest[wall.record(wall.index(3)).id], messages=("new",)))


STATES = {
    0: TomogramState.FAILED,
    3: TomogramState.FAILED,
    6: TomogramState.WAITING,
    9: TomogramState.RUNNING,
    1: TomogramState.SKIPPED,
}


@pytest.mark.parametrize(
    ("show", "text", "expected"),
    [
        (Show.ALL, "", {*range(12)}),
        (Show.LOOK, "", {0, 3, 7, 8, 10, 11}),
        (Show.FAILED, "", {0, 3}),
        (Show.WORK, "", {6, 9}),
        (Show.GOOD, "", {2, 4, 5}),
        (Show.ALL, "CELL 11", {11}),
        (Show.ALL, "sentence 8", {8}),
        (Show.ALL, "resolution sentence 10", {10}),
        (Show.ALL, "failed", {0, 3}),
        (Show.GOOD, "failed", set()),
    ],
)
def test_filters_show_what_they_say(show: Show, text: str, expected: set[int], wall: WallModel) -> None:
    records = [made(n, STATES.get(n, TomogramState.DONE)) for n in range(12)]
    wall.show_all([replace(r, quality=None) if n in (2, 4, 5) else r for n, r in enumerate(records)])
    wall.set_filter(show, text)
    assert set(names(wall)) == {f"cell {n}.mrc" for n in expected}
    assert wall.count(show) == len(wall.records) if show is Show.ALL else wall.count(show) >= len(expected)


def test_a_replaced_file_steps_back_as_on_the_disk(wall: WallModel) -> None:
    first = made(1)
    second = replace(made(2), path=first.path)
    third = replace(made(3, TomogramState.FAILED), path=first.path)
    fourth = replace(made(4), path=first.path)
    for record in (first, second, third, fourth):
        wall.take(record)
    assert {r.id: r.replaced for r in wall.records.values()} == {
        first.id: True,
        second.id: True,
        fourth.id: False,
    }


def test_names_of_strangers_are_shown_as_text(wall: WallModel) -> None:
    wall.take(replace(made(1), path="/in/a\u202egnp.mrc"))
    assert names(wall) == [r"a\u202egnp.mrc"]
    spoken = wall.data(wall.index(0), Qt.ItemDataRole.AccessibleTextRole)
    assert "worth a look" in spoken and "Sentence 1." in spoken


def test_what_is_searched_is_written_ahead_and_follows_its_record(wall: WallModel, qtbot: QtBot) -> None:
    """Each letter of a search asks all tomograms: that of thousands must not be put together anew."""
    records = [made(n) for n in range(40)]
    wall.show_all(records)
    qtbot.waitUntil(lambda: not wall._ahead.isActive(), timeout=5000)
    assert wall._texts == {record.id: search_text(record) for record in records}
    wall.set_filter(Show.ALL, "cell shrinks")
    assert names(wall) == []
    wall.take(replace(records[3], messages=("The cell SHRINKS.",)))
    assert names(wall) == ["cell 3.mrc"]
    wall.take(records[3])
    assert names(wall) == []
    wall.show_all([replace(records[5], messages=("It shrinks.",))])
    assert names(wall) == ["cell 5.mrc"]
