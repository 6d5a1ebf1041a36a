"""The dialog of the LAC calibration: places, the line, and what it gives the tomogram."""

from __future__ import annotations

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.objects.calibration.dialog import CalibrationDialog, MaterialFields
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.measure.calibration import GreyUnit, LacCalibration, Material
from sxtstudio.core.measure.grey import grey_group
from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.measure.samples import MaterialGrey
from sxtstudio.core.measure.size import SIZE
from sxtstudio.core.object_table import NONE_CHOSEN, ObjectRow, ObjectTable
from sxtstudio.workflow.jobs.document_sampling import SampleFrom

BALL = Box((20, 100, 100), (44, 140, 140))


@pytest.fixture
def dialog(sample: MainWindow, qtbot: QtBot) -> CalibrationDialog:
    qtbot.waitUntil(lambda: not sample.jobs.running, timeout=20_000)
    sample.actions_.by_name["objects.calibrate"].trigger()
    found = sample.context.dialogs.find(CalibrationDialog)
    assert found is not None
    return found


def take(fields: MaterialFields, source: SampleFrom, qtbot: QtBot, window: MainWindow) -> None:
    fields.source.setCurrentIndex(fields.source.findData(source))
    fields.button.click()
    qtbot.waitUntil(lambda: not window.jobs.running, timeout=20_000)


def typed(fields: MaterialFields, text: str) -> None:
    fields.grey.setText(text)
    fields.grey.textEdited.emit(text)


def add_object(window: MainWindow) -> None:
    with window.session.edit(EditKind.NEW_OBJECT, "objects") as edit:
        edit.write(BALL, np.full(BALL.shape, 4, np.uint32))
    document = window.session.document
    assert document is not None
    document.find_boxes()
    document.set_table(ObjectTable({4: ObjectRow()}))
    window.session.objects.set(selected=(4,))


def test_ice_and_a_chosen_object(
    dialog: CalibrationDialog, sample: MainWindow, sample_values: np.ndarray, qtbot: QtBot
) -> None:
    session = sample.session
    assert session.document is not None
    assert not dialog.apply.isEnabled() and dialog.line.text() == "Give the grey values of both materials."
    session.set_cursor((30, 20, 360))
    take(dialog.ice, SampleFrom.CROSSHAIR, qtbot, sample)
    around = sample_values[23:38, 13:28, 353:368]
    assert dialog.ice.value == pytest.approx(around.mean(), rel=1e-4)
    assert dialog.ice.measured.startswith("around x 360, y 20 in slice 31, 3")
    take(dialog.known, SampleFrom.OBJECT, qtbot, sample)
    assert dialog.message.text() == NONE_CHOSEN and dialog.known.value is None
    add_object(sample)
    take(dialog.known, SampleFrom.OBJECT, qtbot, sample)
    inside = sample_values[25:39, 105:135, 105:135]  # 50 nm from the surface, in voxels of 10 nm
    assert dialog.known.value == pytest.approx(inside.mean(), rel=1e-4)
    dialog.known.lac.setValue(0.5)
    dialog.known.name.setText("bead")
    assert dialog.line.text().startswith("LAC = ")
    dialog.apply.click()
    lac = session.document.lac
    assert lac is not None and [m.name for m in lac.materials] == ["Ice", "bead"]
    assert lac.materials[1].measured.startswith("inside of object 4, ")
    assert lac.lac(np.array([dialog.ice.value, dialog.known.value])) == pytest.approx([0.1, 0.5], rel=1e-4)
    assert not dialog.apply.isEnabled(), "it is calibrated like this"
    dialog.remove.click()
    assert session.document.lac is None and dialog.apply.isEnabled()


def test_what_is_cut_off_is_said(
    dialog: CalibrationDialog, sample: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = MaterialGrey(250.0, 9.0, 4000, "inside of object 4", 0.31)
    monkeypatch.setattr("sxtstudio.app.objects.calibration.dialog.sample_document", lambda *_: cut)
    take(dialog.known, SampleFrom.OBJECT, qtbot, sample)
    assert dialog.message.text().startswith("⚠ 31 % of these voxels") and dialog.known.value == 250
    assert dialog.known.measured.endswith("31 % of them cut off"), "the record says it, too"


def test_it_fits_a_small_screen_and_its_rows_stay_where_they_are(
    dialog: CalibrationDialog, sample: MainWindow, qtbot: QtBot
) -> None:
    assert dialog.minimumSizeHint().width() <= 683 - 8, "1366 px at a scale of 2, with a frame"
    before = dialog.known.grey.y()
    take(dialog.ice, SampleFrom.CROSSHAIR, qtbot, sample)
    qtbot.wait(50)
    assert dialog.ice.found.text() and dialog.known.grey.y() == before


def test_labels_of_the_slice_and_what_is_outside_the_mask(
    dialog: CalibrationDialog, sample: MainWindow, sample_values: np.ndarray, qtbot: QtBot
) -> None:
    session = sample.session
    session.set_cursor((30, 0, 0))
    take(dialog.ice, SampleFrom.LABELS, qtbot, sample)
    assert dialog.message.text().startswith("There are no labels in slice 31.")
    take(dialog.ice, SampleFrom.OUTSIDE, qtbot, sample)
    assert dialog.message.text().startswith("There is no cell mask yet.")
    for target in ("labels", "mask"):
        with session.edit(EditKind.BRUSH, target) as edit:
            edit.write(BALL, np.full(BALL.shape, 255, np.uint8))
    take(dialog.ice, SampleFrom.LABELS, qtbot, sample)
    assert dialog.ice.value == pytest.approx(sample_values[30, 100:140, 100:140].mean(), rel=1e-4)
    assert dialog.message.isHidden()
    take(dialog.ice, SampleFrom.OUTSIDE, qtbot, sample)
    outside = np.delete(
        sample_values[30].ravel(), np.ravel_multi_index(np.mgrid[100:140, 100:140], (384, 384))
    )
    assert dialog.ice.value == pytest.approx(outside.mean(), rel=1e-4)


def test_typed_values_and_what_gives_no_line(dialog: CalibrationDialog, sample: MainWindow) -> None:
    dialog.ice.show_value(3, "object 9")
    typed(dialog.ice, "−12,5")
    assert dialog.ice.material() == Material("Ice", -12.5, 0.1, "typed")
    typed(dialog.known, "abc")
    assert dialog.known.value is None and not dialog.apply.isEnabled()
    typed(dialog.known, "-12.5")
    assert "same grey value" in dialog.line.text() and not dialog.apply.isEnabled()
    typed(dialog.known, "1e3")
    dialog.known.lac.setValue(0.1)
    assert "same LAC" in dialog.line.text()
    dialog.known.lac.setValue(0.6)
    assert dialog.apply.isEnabled()
    sample.session.display.set(low=-1e6, high=-1e5)
    assert "negative, which cannot be" in dialog.line.text()


def test_a_unit_and_the_table_that_follows(dialog: CalibrationDialog, sample: MainWindow) -> None:
    session, measured = sample.session, sample.context.parts.measured
    document = session.document
    assert document is not None
    objects = np.zeros(document.shape, np.uint32)
    objects[BALL.slices] = 4
    measured.set(
        measure_objects(objects, document.voxel_nm, image=document.tomogram, groups=[SIZE, grey_group()])
    )
    dialog.by_unit.setChecked(True)
    dialog.unit.setCurrentIndex(dialog.unit.findData(GreyUnit.PER_VOXEL))
    dialog.calibrate()
    assert "more than any material has" in dialog.line.text()
    assert document.lac == LacCalibration(100.0, unit=GreyUnit.PER_VOXEL)
    assert measured.value is not None
    values = measured.value.values
    assert values["lac_mean"] == pytest.approx(100 * values["grey_mean"])
    session.set_voxel_nm((20.0, 10.0, 10.0))
    assert document.lac is None and "lac_mean" not in measured.value.values
    assert "three equal edges" in dialog.line.text()
    dialog.by_materials.setChecked(True)
    assert dialog.ice.grey.isEnabled() and not dialog.unit.isEnabled()


def test_what_holds_is_shown_and_another_tomogram_begins_anew(
    dialog: CalibrationDialog, sample: MainWindow
) -> None:
    typed(dialog.ice, "10")
    typed(dialog.known, "20")
    dialog.calibrate()
    typed(dialog.ice, "11")
    sample.session.facts_changed.emit()
    assert dialog.ice.value == 10
    sample.session.show(None)
    assert dialog.ice.value is None and not dialog.apply.isEnabled() and not dialog.remove.isEnabled()


def test_materials_that_differ_by_less_than_their_noise_are_warned_of(dialog: CalibrationDialog) -> None:
    for fields, grey in ((dialog.ice, 100.0), (dialog.known, 102.0)):
        fields.show_value(grey, "a box, 500 voxels, SD 9", 9.0)
    assert "differ by 2, less than their SD of 9" in dialog.message.text()
    typed(dialog.known, "150")
    assert dialog.message.text() == ""


def test_lacs_that_cannot_be_are_said(dialog: CalibrationDialog, sample: MainWindow) -> None:
    document = sample.session.document
    assert document is not None
    add_object(sample)
    objects = document.objects
    assert objects is not None
    groups = (SIZE, grey_group(50.0, None))
    found = measure_objects(objects, document.voxel_nm, image=document.tomogram, groups=groups)
    sample.context.parts.measured.set(found)
    mean = float(found.values["grey_mean"][0])
    typed(dialog.ice, f"{mean + 2}")
    typed(dialog.known, f"{mean + 1}")
    dialog.known.lac.setValue(50)
    dialog.calibrate()
    assert "1 with more than 3 1/µm, as only minerals and metals have" in dialog.message.text()
    typed(dialog.known, f"{mean + 3}")
    dialog.calibrate()
    assert "1 with a negative LAC, which cannot be" in dialog.message.text()
