"""Projects that older versions of the program saved open as they were, and can be saved anew.

first.zip        by 06c7886, the first version with projects: labels and a mask
with_objects.zip by edd2884, the first with objects: labels, a mask, and two objects with their classes
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from sxtstudio.core.object_table import Decided
from sxtstudio.workflow.document import workplace
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.project import open_project, save, snapshot

PROJECTS = Path(__file__).parents[2] / "data" / "projects"
SHAPE_ZYX = (6, 24, 30)


@pytest.fixture(autouse=True)
def root(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(workplace.VARIABLE, str(tmp_path_factory.mktemp("sessions")))


def unpacked(name: str, folder: Path) -> Path:
    with zipfile.ZipFile(PROJECTS / f"{name}.zip") as archive:
        archive.extractall(folder)
    return folder / "cell.sxt"


def check(document: Document, *, objects: bool) -> None:
    """What was drawn with the older version is there, voxel by voxel."""
    labels, mask = (np.zeros(SHAPE_ZYX, np.uint8) for _ in range(2))
    labels[1:4, 5:15, 4:20] = 255
    mask[0:5, 2:20, 2:25] = 255
    assert np.array_equal(document.labels, labels) and np.array_equal(document.mask, mask)
    assert document.voxel_nm == (10.0, 10.0, 10.0) and not document.read_only
    assert (document.objects is not None) is objects
    if objects:
        found = np.zeros(SHAPE_ZYX, np.uint32)
        found[1:3, 5:15, 4:12], found[2:4, 5:15, 14:20] = 2, 9
        assert np.array_equal(document.objects, found)
        rows = {number: (row.class_name, row.decided) for number, row in document.object_table.rows.items()}
        assert rows == {2: ("Vesicle", Decided.HAND), 9: ("Mitochondrion", Decided.HAND)}


@contextmanager
def opened(folder: Path) -> Iterator[Document]:
    """Open a project about which there is nothing to say."""
    found = open_project(folder)
    try:
        assert not found.notes and not found.document.modified
        yield found.document
    finally:
        found.document.discard()
        found.document.close()


@pytest.mark.parametrize(("name", "objects"), [("first", False), ("with_objects", True)])
def test_a_project_of_an_older_version_opens_and_is_saved_anew(
    tmp_path: Path, name: str, objects: bool
) -> None:
    again = tmp_path / "again.sxt"
    with opened(unpacked(name, tmp_path)) as document:
        check(document, objects=objects)
        save(snapshot(document), again).lock.release()
    with opened(again) as document:
        check(document, objects=objects)
