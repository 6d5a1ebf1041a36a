"""The form of a batch: one record out of the fields of the panels, and what is remembered of them."""

from __future__ import annotations

import shutil
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from sxtstudio.app.batch.form import BatchForm
from sxtstudio.app.main_window import MainWindow
from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.cleanup import CleanParameters
from sxtstudio.core.errors import UserError
from sxtstudio.segment.parameters import SegmentParameters
from sxtstudio.segment.registry import user_folder
from sxtstudio.workflow.jobs.batch import BatchParameters
from sxtstudio.workflow.jobs.cleaning import CleanUp


@pytest.fixture
def model(toy_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The toy model, installed."""
    for variable in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "data"))
    user_folder().mkdir(parents=True)
    return Path(shutil.copy(toy_model, user_folder() / "toy.onnx"))


def form_of(window: MainWindow, qtbot: QtBot) -> BatchForm:
    form = BatchForm(window.context)
    qtbot.addWidget(form)
    qtbot.waitUntil(lambda: form.segment.ready, timeout=20_000)
    return form


def pick(combo: Any, value: object) -> None:
    assert combo.findData(value) >= 0
    combo.setCurrentIndex(combo.findData(value))


def same_as_usual(record: Any) -> set[str]:
    usual = type(record)()
    return {f.name for f in fields(record) if getattr(record, f.name) == getattr(usual, f.name)}


def fill_in(form: BatchForm, model: Path, folder: Path) -> BatchParameters:
    """Change every field, and return what it must say."""
    segment, clean = form.segment, form.clean
    pick(segment.model, str(model))
    pick(segment.device, "cpu")
    segment.threshold.spin.setValue(0.25)
    pick(segment.polarity, "bright")
    segment.tile.setValue(256)
    pick(segment.trust, "every")
    segment.neighbours.setChecked(False)
    segment.leave_out.setChecked(False)
    segment.noisy.setChecked(True)
    clean.smooth.setValue(2)
    clean.close_gaps.setValue(4)
    clean.fill.setValue(60)
    clean.dilate.setValue(5)
    clean.inside.setChecked(True)
    clean.erode.setValue(3)
    pick(clean.erode_3d, False)
    pick(clean.unit, "um3")
    clean.smallest.setValue(0.002)
    for spin, value in ((clean.crop_z, 1), (clean.crop_y, 5), (clean.crop_x, 7)):
        spin.setValue(value)
    form.axes.setText("x, y, z-")
    form.voxel.setValue(9.8)
    form.force.setChecked(True)
    pick(form.place, "folder")
    form.folder.setText(str(folder))
    pick(form.kind, ".mrc")
    pick(form.existing, "skip")
    for box in (form.resume, form.reports, form.sheet):
        box.setChecked(False)
    return BatchParameters(
        SegmentParameters(
            str(model),
            "cpu",
            tile_px=256,
            threshold=0.25,
            polarity="bright",
            trust="every",
            neighbours=0,
            leave_out=False,
            noisy=True,
        ),
        CleanUp(
            CleanParameters(3, False, None, 0.002 * 1e9, (1, 5, 7), 2, close=4, fill_px=60, dilate=5),
            auto_mask=True,
        ),
        (9.8, 9.8, 9.8),
        force=True,
        axes=AxisOrder("xyz", frozenset("z")),
        folder=folder,
        suffix=".mrc",
        existing="skip",
        resume=False,
        reports=False,
    )


def test_the_fields_give_one_record_and_are_remembered_but_for_the_model(
    window: MainWindow, model: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    form = form_of(window, qtbot)
    first = form.segment.model.itemData(0)
    untouched = form.parameters(None)
    assert untouched == BatchParameters(SegmentParameters(first))
    wanted = fill_in(form, model, tmp_path / "out")
    assert form.parameters(tmp_path) == wanted
    # A parameter that the form does not ask for is one that a batch should not have.
    assert same_as_usual(wanted.segmentation) == {"batch", "slices", "probability", "use"}
    assert same_as_usual(wanted.clean_up.parameters) == {"min_size_voxels"}
    assert same_as_usual(wanted.clean_up) == {"mask", "inside_mask", "threshold"}
    assert same_as_usual(wanted) == {"contact_sheet", "summary"}
    # The panel's own choice is not touched, and a new batch begins with the model that was used last.
    assert window.settings.get("segment/model", "") == ""
    again = form_of(window, qtbot)
    assert again.segment.parameters().model == first
    pick(again.segment.model, str(model))
    assert again.parameters(tmp_path) == wanted


def test_what_an_earlier_version_remembered_is_read(window: MainWindow, model: Path, qtbot: QtBot) -> None:
    window.settings.set("segment/model", str(model))
    window.settings.set(
        "batch",
        {
            "device": "cpu", "threshold": -1.01, "polarity": "dark", "smooth_z": 1, "in_cell": True,
            "erode": 2, "smallest": 500, "crop_z": 3, "crop_xy": 20, "place": "beside", "kind": ".mrc",
            "existing": "replace", "resume": False, "reports": True, "sheet": False, "folder": "",
        },
    )  # fmt: skip
    form = form_of(window, qtbot)
    assert form.parameters(None) == BatchParameters(
        SegmentParameters(str(model), "cpu", polarity="dark"),
        CleanUp(CleanParameters(2, True, 500, None, (3, 20, 20), 1), auto_mask=True),
        suffix=".mrc",
        existing="replace",
        resume=False,
    )
    window.settings.set(
        "batch", {"threshold": "high", "unit": 7, "smallest": None, "trust": "some", "axes": 3}
    )
    damaged = form_of(window, qtbot)
    assert damaged.parameters(None) == BatchParameters(SegmentParameters(str(model)))


def test_axes_that_make_no_sense_are_one_sentence(window: MainWindow, model: Path, qtbot: QtBot) -> None:
    form = form_of(window, qtbot)
    form.axes.setText("abc")
    with pytest.raises(UserError, match="'abc' is no order of axes"):
        form.parameters(None)
