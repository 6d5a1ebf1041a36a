"""The objects of a saved project as a table, measured as they are there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.handover import Content
from sxtstudio.core.history import EditHistory
from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.object_table import Decided, ObjectFlag, ObjectRow, ObjectTable
from sxtstudio.workflow.document import workplace
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.exporting import source_of
from sxtstudio.workflow.document.project import adopt, save, snapshot
from sxtstudio.workflow.handover.sources import opened_source
from sxtstudio.workflow.jobs.comparing import CompareChoice, GroupFiles, Tables, cells_of, compare_tables
from sxtstudio.workflow.jobs.project_table import project_columns
from sxtstudio.workflow.results.write import measured_anew

BOX = Box((1, 2, 3), (4, 9, 20))


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Document]:
    monkeypatch.setenv(workplace.VARIABLE, str(tmp_path / "sessions"))
    image = np.random.default_rng(1).normal(size=(6, 20, 30)).astype(np.float32)
    tifffile.imwrite(tmp_path / "t.tif", image)
    document = Document.open(tmp_path / "t.tif")
    document.voxel_nm = (20.0, 10.0, 10.0)
    yield document
    document.discard()
    document.close()


def test_a_project_is_a_table_of_its_objects(document: Document, tmp_path: Path) -> None:
    recorder = document.recorder(EditKind.NEW_OBJECT, "objects", {})
    recorder.write(BOX, np.full(BOX.shape, 70_000, np.uint32))
    document.change_table(document.object_table.change({70_000: ObjectRow("Vesicle", Decided.HAND)}))
    edit = recorder.finish()
    assert edit is not None
    history = EditHistory()
    history.begin(document.undo, document.kept_edits)
    history.push(edit)
    document.gain("objects", edit.gained)
    adopt(document, save(snapshot(document), tmp_path / "cell.sxt"))
    columns = project_columns(tmp_path / "cell.sxt")
    assert columns["object"].tolist() == [70_000] and columns["class"].tolist() == ["Vesicle"]
    assert columns["volume_um3"] == pytest.approx(3 * 7 * 17 * 2e-6)
    groups = (GroupFiles("a", cells_of([tmp_path / "cell.sxt"])),)
    found = compare_tables(groups, CompareChoice("volume", "Vesicle"), Tables().read(groups))
    assert found.comparison.groups[0].objects.n == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cell.sxt", "sessions", "t.tif"]


def test_an_open_end_counts_as_cut_by_the_wedge_by_every_door(document: Document, tmp_path: Path) -> None:
    """A cap over an open end looks whole: only the flag knows, in the project, its table and its results."""
    z, y, x = np.indices(document.shape)
    objects = document.volume("objects")
    objects[(z - 2.5) ** 2 * 4 + (y - 10) ** 2 + (x - 8) ** 2 <= 25] = 1
    objects[(z - 2.5) ** 2 * 4 + (y - 10) ** 2 + (x - 22) ** 2 <= 25] = 2
    document.recount("objects")
    document.set_table(ObjectTable({1: ObjectRow(), 2: ObjectRow(flags=frozenset({ObjectFlag.OPEN}))}))
    without = measure_objects(objects, document.voxel_nm)
    assert without.values["cut_by_wedge"].tolist() == [0, 0]
    project, table = tmp_path / "cell.sxt", tmp_path / "table.csv"
    adopt(document, save(snapshot(document), project))
    assert project_columns(project)["cut_by_wedge"].tolist() == [0, 1]
    assert measured_anew(source_of(document), None).value.values["cut_by_wedge"].tolist() == [0, 1]
    with opened_source(project, Content.TABLE, table) as (source, _):
        assert source.measured is not None
        assert source.measured.value.values["cut_by_wedge"].tolist() == [0, 1]


def test_a_project_without_objects_says_so(document: Document, tmp_path: Path) -> None:
    adopt(document, save(snapshot(document), tmp_path / "cell.sxt"))
    with pytest.raises(UserError, match="has no objects"):
        project_columns(tmp_path / "cell.sxt")
    with pytest.raises(UserError, match="is no project"):
        project_columns(tmp_path)
