"""Contact sites in the window: found, listed, chosen, drawn in 3D, and forgotten when objects change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from sxtstudio.app import questions
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.objects.contacts import ContactsDialog
from sxtstudio.app.view3d.contents import ScenePart
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.geometry import Box
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.object_table import Decided, ObjectRow
from tests.app.objects.conftest import quiet

# A mitochondrion with two vesicles, 20 and 100 nm away in voxels of 10 nm, and one ER beside it.
BOXES = {
    3: Box((20, 100, 100), (40, 140, 140)),
    4: Box((24, 110, 142), (36, 130, 160)),
    5: Box((24, 150, 100), (36, 170, 120)),
    6: Box((20, 100, 94), (40, 140, 99)),
}
NAMES = {3: "Mitochondrion", 4: "Vesicle", 5: "Vesicle", 6: "ER"}


@pytest.fixture
def dialog(sample: MainWindow, qtbot: QtBot) -> ContactsDialog:
    document = sample.session.document
    assert document is not None
    recorder = sample.session.record(EditKind.FIND_OBJECTS, "objects")
    for number, box in BOXES.items():
        recorder.write(box, np.full(box.shape, number, np.uint32))
    rows = {number: ObjectRow(name, Decided.HAND) for number, name in NAMES.items()}
    sample.session.commit(recorder, rows=document.object_table.change(rows))
    quiet(sample, qtbot)
    sample.actions_.by_name["objects.contacts"].trigger()
    found = sample.context.dialogs.find(ContactsDialog)
    assert found is not None
    return found


def choose(dialog: ContactsDialog, first: str, second: str, nm: float) -> None:
    dialog.first.setCurrentIndex(dialog.first.findData(first))
    dialog.second.setCurrentIndex(dialog.second.findData(second))
    dialog.distance.setValue(nm)


def search(dialog: ContactsDialog, window: MainWindow, qtbot: QtBot) -> None:
    dialog.search.click()
    quiet(window, qtbot)


def cells(dialog: ContactsDialog) -> list[list[str]]:
    rows = (dialog.list.topLevelItem(i) for i in range(dialog.list.topLevelItemCount()))
    return [[row.text(column) for column in range(4)] for row in rows if row is not None]


def test_sites_are_listed_chosen_and_in_the_table(
    dialog: ContactsDialog, sample: MainWindow, qtbot: QtBot
) -> None:
    session, measured = sample.session, sample.context.parts.measured
    assert dialog.first.currentText() == "Mitochondrion" and dialog.second.currentText() == "ER"
    assert [dialog.first.itemText(i) for i in range(dialog.first.count())] == [
        "Mitochondrion",
        "Vesicle",
        "ER",
    ]
    measured.set(Measurements(np.array(sorted(BOXES))))
    choose(dialog, "Vesicle", "Mitochondrion", 30)
    search(dialog, sample, qtbot)
    ((first, second, area, distance),) = cells(dialog)
    assert (first, second, distance) == ("4", "3", "20.0")
    exact = 120 * 200  # its side, in nm²
    assert exact * 0.8 < float(area.replace("\u202f", "")) < exact * 1.3
    assert dialog.said.text().startswith("1 site on 1 object of the class Vesicle")
    assert len(session.contacts.value.sites) == 1
    assert measured.value is not None
    patches = measured.value.values["contact_patches_vesicle_mitochondrion"]
    assert dict(zip(sorted(BOXES), patches.tolist(), strict=True)) == {3: 1, 4: 1, 5: 0, 6: 0}
    dialog.list.setCurrentItem(dialog.list.topLevelItem(0))
    assert session.objects.value.selected == (3, 4)
    assert (
        session.cursor[0] in (29, 30) and session.cursor[1] in (119, 120) and session.cursor[2] in (141, 142)
    )
    choose(dialog, "Vesicle", "Mitochondrion", 120)
    search(dialog, sample, qtbot)
    assert {row[0] for row in cells(dialog)} == {"4", "5"}
    choose(dialog, "Vesicle", "ER", 5)
    search(dialog, sample, qtbot)
    assert cells(dialog) == [] and dialog.said.text() == "No object comes so near. Try more than 5 nm."
    assert not dialog.save.isEnabled() and session.contacts.value.sites == ()


def test_changed_objects_have_no_contacts_any_more(
    dialog: ContactsDialog, sample: MainWindow, qtbot: QtBot
) -> None:
    choose(dialog, "Vesicle", "Mitochondrion", 30)
    search(dialog, sample, qtbot)
    assert cells(dialog) and sample.session.contacts.value.sites
    with sample.session.edit(EditKind.ERASE_OBJECT, "objects") as edit:
        edit.write(Box((24, 110, 142), (25, 111, 143)), np.zeros((1, 1, 1), np.uint32))
    assert not cells(dialog) and not sample.session.contacts.value.sites
    assert "find the contacts again" in dialog.message.text()
    sample.session.show(None)
    assert dialog.first.count() == 0 and not dialog.search.isEnabled()


def test_changed_classes_have_no_contacts_any_more(
    dialog: ContactsDialog, sample: MainWindow, qtbot: QtBot
) -> None:
    """What was said of a class would be said of what is no longer of it."""
    choose(dialog, "Vesicle", "Mitochondrion", 30)
    search(dialog, sample, qtbot)
    assert cells(dialog)
    sample.context.parts.objects.classing.work.give([4], "ER")
    qtbot.waitUntil(lambda: not cells(dialog))
    assert "Classes have changed" in dialog.message.text() and not dialog.save.isEnabled()


def test_it_says_that_classes_are_lacking_until_there_are_some(sample: MainWindow, qtbot: QtBot) -> None:
    document = sample.session.document
    assert document is not None
    recorder = sample.session.record(EditKind.FIND_OBJECTS, "objects")
    recorder.write(BOXES[3], np.full(BOXES[3].shape, 3, np.uint32))
    sample.session.commit(recorder, rows=document.object_table.change({3: ObjectRow()}))
    quiet(sample, qtbot)
    sample.actions_.by_name["objects.contacts"].trigger()
    dialog = sample.context.dialogs.find(ContactsDialog)
    assert dialog is not None and not dialog.lacking.isHidden() and not dialog.search.isEnabled()
    sample.context.parts.objects.classing.work.give([3], "Mitochondrion")
    qtbot.waitUntil(dialog.search.isEnabled)
    assert dialog.lacking.isHidden()


def test_the_table_of_sites_is_written(
    dialog: ContactsDialog,
    sample: MainWindow,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    choose(dialog, "Mitochondrion", "ER", 30)
    search(dialog, sample, qtbot)
    monkeypatch.setattr(questions, "save_file", lambda *args, **more: tmp_path / "c.csv")
    dialog.save.click()
    quiet(sample, qtbot)
    lines = (tmp_path / "c.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("site,contact_of,first_number,second_number,patch_area_nm2,patch_distance_nm")
    assert lines[1].startswith("1,Mitochondrion and ER,3,6,")
    assert (tmp_path / "c.dictionary.csv").exists() and dialog.message.text().startswith("Saved ")


def test_they_are_drawn_as_long_as_the_dialog_is_there(
    dialog: ContactsDialog, sample: MainWindow, qtbot: QtBot
) -> None:
    view = sample.context.parts.view3d
    sample.session.layout.set(view3d=True)
    qtbot.waitUntil(lambda: view.canvas is not None, timeout=20_000)
    quiet(sample, qtbot)
    choose(dialog, "Vesicle", "Mitochondrion", 30)
    search(dialog, sample, qtbot)

    def drawn() -> int:
        assert view.canvas is not None
        meshes = view.canvas.scene.contents(False).meshes
        return meshes[ScenePart.CONTACTS].GetNumberOfCells() if ScenePart.CONTACTS in meshes else 0

    faces = sum(len(site.faces) for site in sample.session.contacts.value.sites)
    assert drawn() == 2 * faces > 0
    dialog.draw.setChecked(False)
    assert drawn() == 0
    dialog.draw.setChecked(True)
    assert drawn() == 2 * faces
    dialog.close()
    assert drawn() == 0
    sample.actions_.by_name["objects.contacts"].trigger()
    assert drawn() == 2 * faces
    quiet(sample, qtbot)
