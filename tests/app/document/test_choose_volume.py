"""Files that hold several volumes: a list to choose from, wherever a file is opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import zarr
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from sxtstudio.app.batch.dialog import BatchDialog
from sxtstudio.app.document.choose_volume import WhichVolumeDialog, resolve
from sxtstudio.app.document.label_files import load_labels
from sxtstudio.app.document.opening import open_path
from sxtstudio.app.main_window import MainWindow
from sxtstudio.core.geometry import Box

SHAPE = (6, 30, 40)
LARGE = np.random.default_rng(5).normal(size=(8, 50, 60)).astype(np.float32)
SMALL = np.random.default_rng(6).normal(size=SHAPE).astype(np.float32)
LABELS = (SMALL > 1).astype(np.uint8)


def hdf5(path: Path, **volumes: np.ndarray) -> Path:
    with h5py.File(path, "w") as file:
        for name, data in volumes.items():
            file[f"group/{name}"] = data
    return path


def store(path: Path, **volumes: np.ndarray) -> Path:
    group = zarr.open_group(path, mode="w", zarr_format=2).require_group("group")
    for name, data in volumes.items():
        group.create_array(name, data=data)
    return path


@pytest.fixture(params=[hdf5, store], ids=["HDF5", "Zarr"])
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A tomogram that nobody marks as such, beside a smaller map and labels."""
    make: Callable[..., Path] = request.param
    suffix = ".h5" if make is hdf5 else ".zarr"
    return make(tmp_path / f"odd{suffix}", labels=LABELS, map=SMALL, vol=LARGE)


def dialog_of(qtbot: QtBot) -> WhichVolumeDialog:
    def shown() -> list[WhichVolumeDialog]:
        return [
            w for w in QApplication.topLevelWidgets() if isinstance(w, WhichVolumeDialog) and w.isVisible()
        ]

    qtbot.waitUntil(lambda: len(shown()) == 1, timeout=20_000)
    return shown()[0]


def cells(dialog: WhichVolumeDialog) -> list[list[str]]:
    table = dialog.list
    return [[table.item(r, c).text() for c in range(table.columnCount())] for r in range(table.rowCount())]


def choose(dialog: WhichVolumeDialog, *insides: str) -> None:
    dialog.list.clearSelection()
    assert not dialog.open_button.isEnabled()
    for row, (name, *_) in enumerate(cells(dialog)):
        if name in insides:
            for column in range(4):
                dialog.list.item(row, column).setSelected(True)
    dialog.open_button.click()


def test_the_volume_is_chosen_from_a_list(window: MainWindow, odd: Path, qtbot: QtBot) -> None:
    open_path(window.context, odd)
    dialog = dialog_of(qtbot)
    assert cells(dialog) == [
        ["/group/labels", "6 × 30 × 40", "8-bit whole numbers", ""],
        ["/group/map", "6 × 30 × 40", "32-bit float", ""],
        ["/group/vol", "8 × 50 × 60", "32-bit float", "likely"],
    ]
    assert [choice.inside for choice in dialog.chosen] == ["/group/vol"]
    with qtbot.waitSignal(window.session.document_changed, timeout=20_000):
        choose(dialog, "/group/map")
    document = window.session.document
    np.testing.assert_array_equal(document.tomogram.read(Box.whole(SHAPE)), SMALL)
    assert document.source.endswith("::/group/map")
    # Labels for it: what fits and holds whole numbers is the likely one.
    load_labels(window.context, odd)
    dialog = dialog_of(qtbot)
    assert [choice.inside for choice in dialog.chosen] == ["/group/labels"]
    dialog.accept()
    qtbot.waitUntil(lambda: document.labels is not None, timeout=20_000)
    np.testing.assert_array_equal(document.labels > 0, LABELS > 0)


def test_a_batch_asks_once_for_files_that_hold_the_same(window: MainWindow, odd: Path, qtbot: QtBot) -> None:
    make = hdf5 if odd.suffix == ".h5" else store
    other = make(odd.with_stem("other"), labels=LABELS, map=SMALL, vol=LARGE)
    foreign = make(odd.with_stem("foreign"), one=SMALL, two=SMALL)
    single = make(odd.with_stem("single"), one=SMALL)
    batch = window.context.dialogs.bring_up(BatchDialog)
    batch.add([odd, single, other, foreign])
    choose(dialog_of(qtbot), "/group/map", "/group/vol")
    last = dialog_of(qtbot)
    assert last.several.place == foreign
    last.reject()
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=20_000)
    rows = [str(row.tomogram) for row in batch.table.rows]
    assert sorted(rows) == sorted(
        [
            *(f"{path}::/group/{name}" for path in (odd, other) for name in ("map", "vol")),
            str(single),
            str(foreign),
        ]
    )


def test_one_volume_is_not_asked_about(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    got: list[Path] = []
    for path in (hdf5(tmp_path / "one.h5", vol=LARGE), store(tmp_path / "one.zarr", vol=LARGE)):
        resolve(window.context, path, got.append)
        qtbot.waitUntil(lambda path=path: got[-1:] == [path], timeout=20_000)
    resolve(window.context, tmp_path / "one.zarr" / "group" / ".zgroup", got.append)
    qtbot.waitUntil(lambda: len(got) == 3, timeout=20_000)
    assert got[-1] == tmp_path / "one.zarr"
