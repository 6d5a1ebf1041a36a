"""Objects of a document: what is found replaces what was, as one edit with its rows; small and masked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from sxtstudio.core.bodies.method import Method
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.measure.tabled import measure_tabled
from sxtstudio.core.object_classes import CLASSES
from sxtstudio.core.object_table import ObjectFlag, ObjectRow
from sxtstudio.core.progress import Progress
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.core.volume import VoxelSize
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.label_history import segmented_runs
from sxtstudio.workflow.document.network_output import KeptOutput
from sxtstudio.workflow.jobs.document_objects import (
    FindObjects,
    FoundObjects,
    ObjectsInput,
    find_document_objects,
    preview_objects,
)

SHAPE = (24, 64, 64)


def shells(half: float = 1.5) -> NDArray[np.uint8]:
    """The outlines of two upright cylinders that end within the volume."""
    y, x = np.mgrid[: SHAPE[1], : SHAPE[2]]
    labels = np.zeros(SHAPE, np.uint8)
    for cy, cx, radius, slices in ((20, 20, 12, slice(4, 20)), (44, 44, 9, slice(6, 18))):
        away = np.hypot(y - cy, x - cx)
        labels[slices, np.abs(away - radius) <= half] = 255
    return labels


@pytest.fixture
def document(tmp_path: Path) -> Iterator[Document]:
    """A document with these labels."""
    tifffile.imwrite(tmp_path / "cell.tif", np.zeros(SHAPE, np.float32))
    document = Document.open(tmp_path / "cell.tif", tmp_path)
    document.volume("labels")[:] = shells()
    document.recount("labels")
    yield document
    document.close()


def given(document: Document) -> ObjectsInput:
    assert document.labels is not None
    return ObjectsInput(
        document.labels,
        document.mask,
        document.voxel_nm,
        document.tomogram,
        document.object_table,
        document.object_boxes,
    )


def find(
    document: Document,
    progress: Progress | None = None,
    output: KeptOutput | None = None,
    voxel_nm: VoxelSize | None = None,
    **fields: Any,
) -> FoundObjects:
    wanted = FindObjects(**fields)
    recorder = document.recorder(EditKind.FIND_OBJECTS, "objects", {})
    try:
        found = find_document_objects(
            recorder,
            replace(given(document), output=output, voxel_nm=voxel_nm),
            wanted,
            document.bulk,
            progress or Progress(),
        )
    except BaseException:
        recorder.roll_back()
        raise
    edit = recorder.finish()
    assert edit is not None and edit.rows is not None
    document.change_table(edit.rows)
    document.gain("objects", edit.gained)
    return found


def test_bodies_replace_what_was_there_with_rows_and_flags(document: Document) -> None:
    before = document.recorder(EditKind.NEW_OBJECT, "objects", {})
    before.labels[:2, :2, :2] = 99
    document.recount("objects")
    document.change_table(document.object_table.change({99: ObjectRow("Gold")}, CLASSES[:2]))
    found = find(document)
    objects = document.objects
    assert objects is not None and found.found.bodies == 2
    assert set(np.unique(objects)) - {0} == set(document.object_table.rows) and 99 not in objects
    assert document.object_table.classes == CLASSES[:2], "classes outlive the objects"
    for middle, number in (((12, 20, 20), objects[12, 20, 20]), ((12, 44, 44), objects[12, 44, 44])):
        assert number and objects[middle[0], middle[1], middle[2] + 5] == number
        assert ObjectFlag.OPEN in document.object_table.rows[int(number)].flags, "no tops, no bottoms"
    assert objects[12, 20, 20] != objects[12, 44, 44] and objects[12, 32, 5] == 0
    wall = objects[12][shells()[12] > 0]
    assert (wall > 0).mean() > 0.95, "membranes belong to their bodies"
    assert not list(document.bulk.glob("*finding*")) and not list(document.bulk.glob("*inside*"))


def test_small_ones_are_left_out_and_counted(document: Document) -> None:
    find(document)
    objects = document.objects
    assert objects is not None
    sizes = sorted(int(np.count_nonzero(objects == number)) for number in document.object_table.rows)
    found = find(document, min_voxels=sizes[-1])
    assert found.found.count == 1 and found.small == len(sizes) - 1
    assert list(document.object_table.rows) == [1] and set(np.unique(document.objects)) == {0, 1}


def test_components_are_label_voxels_alone(document: Document) -> None:
    assert find(document, method=Method.COMPONENTS).found.count == 2
    objects = document.objects
    assert objects is not None and ((objects > 0) == (shells() > 0)).all()


def test_only_inside_the_cell_mask(document: Document) -> None:
    with pytest.raises(UserError, match="no cell mask"):
        find(document, inside_mask=True)
    assert document.objects is None
    document.volume("mask")[:, :34, :34] = 255
    document.recount("mask")
    assert find(document, inside_mask=True).found.bodies == 1
    objects = document.objects
    assert objects is not None and objects[12, 20, 20] and not objects[12, 44, 44]


def test_a_cancel_leaves_what_was_and_no_files(document: Document) -> None:
    find(document)
    assert document.objects is not None
    before = np.array(document.objects)
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        find(document, progress, min_voxels=5000)
    assert (document.objects == before).all() and not list(document.bulk.glob("*.raw.tmp"))
    assert {path.name for path in document.bulk.glob("*.raw")} == {"labels.raw", "objects.raw"}


def test_the_preview_shows_what_a_slice_encloses(document: Document) -> None:
    found = preview_objects(given(document), FindObjects(), 12, Progress())
    assert found.count == 2 and found.numbers[20, 20] and found.numbers[44, 44]
    assert found.numbers[20, 20] != found.numbers[44, 44] and found.numbers[60, 5] == 0
    assert preview_objects(given(document), FindObjects(), 0, Progress()).count == 0
    parts = preview_objects(given(document), FindObjects(method=Method.COMPONENTS), 12, Progress())
    assert parts.count == 2 and parts.numbers[20, 20] == 0


def test_the_preview_closes_what_the_network_saw_a_membrane_in(document: Document, tmp_path: Path) -> None:
    shape = (SHAPE[0], 200, 240)
    y, x = np.indices(shape[1:]) - np.array([100, 120])[:, None, None]
    away, ring = np.hypot(y, x), np.zeros(shape, np.bool_)
    ring[:] = np.abs(away - 40) <= 2
    gap = ring & (np.rad2deg(np.arctan2(y, x)) % 360 > 310)
    labels, output = np.where(ring & ~gap, np.uint8(255), np.uint8(0)), np.full(shape, 12, np.uint8)
    output[ring], output[gap] = 230, 110
    (tmp_path / "output.raw").write_bytes(output[4:20].tobytes())
    kept = KeptOutput(tmp_path / "output.raw", shape, 4, 20, 0.0, "model")
    work = replace(given(document), labels=labels, output=kept, voxel_nm=None)
    within = FindObjects(within=((4, 20),))
    shown = preview_objects(work, within, 12, Progress()).numbers > 0
    assert (shown & (away < 38)).sum() > 0.95 * (away < 38).sum() and not shown[away > 46].any()
    for other, wanted, z in ((None, within, 12), (kept, FindObjects(), 12), (kept, within, 2)):
        open_ = preview_objects(replace(work, output=other), wanted, z, Progress()).numbers
        assert open_[100, 120] == 0, "finding them does not use it either"


@pytest.mark.parametrize(("voxel_nm", "least", "most"), [(None, 1.12, 1.3), ((10.0,) * 3, 0.97, 1.03)])
def test_of_wide_lines_the_middle_is_the_membrane_if_the_voxel_size_is_known(
    document: Document, voxel_nm: VoxelSize | None, least: float, most: float
) -> None:
    document.volume("labels")[:] = shells(half=2.5)
    y, x = np.mgrid[: SHAPE[1], : SHAPE[2]]
    true = (np.hypot(y - 20, x - 20) <= 13.5) | (np.hypot(y - 44, x - 44) <= 10.5)
    work = replace(given(document), voxel_nm=voxel_nm)
    shown = preview_objects(work, FindObjects(), 12, Progress()).numbers
    find(document, voxel_nm=voxel_nm)
    assert document.objects is not None
    assert np.array_equal(document.objects[12] > 0, shown > 0)
    assert least < (shown > 0).sum() / true.sum() < most


def test_outlines_that_the_network_was_not_sure_of_are_flagged(document: Document, tmp_path: Path) -> None:
    output = np.zeros(SHAPE, np.uint8)
    output[:, :, :34] = 250
    (tmp_path / "output.raw").write_bytes(output.tobytes())
    kept = KeptOutput(tmp_path / "output.raw", SHAPE, 0, SHAPE[0], 0.0, "model")
    find(document, output=kept)
    objects, rows = document.objects, document.object_table.rows
    assert objects is not None
    sure, unsure = (rows[int(objects[at])].flags for at in ((12, 20, 20), (12, 44, 44)))
    assert ObjectFlag.DOUBTFUL in unsure and ObjectFlag.DOUBTFUL not in sure
    # Of some slices only it is not known: then nothing is said.
    find(document, output=KeptOutput(tmp_path / "output.raw", SHAPE, 0, SHAPE[0] - 1, 0.0, "model"))
    assert not any(ObjectFlag.DOUBTFUL in row.flags for row in document.object_table.rows.values())
    find(document, output=kept)
    assert any(ObjectFlag.DOUBTFUL in row.flags for row in document.object_table.rows.values())
    find(document, output=kept, network_output=False)
    assert not any(ObjectFlag.DOUBTFUL in row.flags for row in document.object_table.rows.values())


def test_what_stands_in_the_record() -> None:
    usual = {"method": "bodies", "min_voxels": 30, "gap_px": 6.0, "image": True}
    assert FindObjects(split=0.4).step() == {**usual, "split": 0.4}
    assert FindObjects(method=Method.COMPONENTS).step() == {"method": "components", "min_voxels": 30}
    assert FindObjects(inside_mask=True).step()["inside_mask"] is True
    said = [FindObjects(network_output=used).step().get("network_output") for used in (None, True, False)]
    assert said == [None, True, False]


def cylinders(slices: dict[tuple[int, int], slice]) -> NDArray[np.uint8]:
    """The outlines of upright cylinders with these middles (y, x) in these slices."""
    y, x = np.mgrid[: SHAPE[1], : SHAPE[2]]
    labels = np.zeros(SHAPE, np.uint8)
    for (cy, cx), where in slices.items():
        labels[where, np.abs(np.hypot(y - cy, x - cx) - 9) <= 1.5] = 255
    return labels


def flags_by_place(document: Document, places: dict[str, tuple[int, int, int]]) -> dict[str, bool]:
    """Whether the object at each place is at the border; it must be one."""
    objects = document.objects
    assert objects is not None
    numbers = {name: int(objects[place]) for name, place in places.items()}
    assert all(numbers.values()) and len(set(numbers.values())) == len(numbers)
    rows = document.object_table.rows
    return {name: ObjectFlag.BORDER in rows[number].flags for name, number in numbers.items()}


def test_the_ends_of_what_was_segmented_are_a_border_and_nothing_goes_on_beyond(document: Document) -> None:
    labels = document.volume("labels")
    labels[:] = cylinders({(16, 16): slice(6, 13), (46, 16): slice(12, 18), (46, 46): slice(6, 18)})
    document.recount("labels")
    document.steps.append(Step(StepKind.EDIT, EditKind.SEGMENT, parameters={"slices": [6, 18]}))
    runs = segmented_runs(document.steps, labels)
    assert runs == ((6, 18),)
    find(document, within=runs)
    places = {"first": (8, 16, 16), "last": (15, 46, 16), "through": (11, 46, 46)}
    assert all(flags_by_place(document, places).values())
    objects = document.objects
    assert objects is not None and not objects[:6].any() and not objects[18:].any()
    measured = measure_tabled(objects, document.object_table, None)
    assert measured.values["touches_border"].tolist() == [1, 1, 1]


def test_between_two_segmented_ranges_is_a_border_too(document: Document) -> None:
    labels = document.volume("labels")
    labels[:] = cylinders(
        {(16, 16): slice(3, 9), (16, 46): slice(2, 7), (46, 16): slice(14, 20), (46, 46): slice(15, 20)}
    )
    document.recount("labels")
    runs = ((1, 9), (14, 22))
    find(document, within=runs)  # which closes them
    assert all(flags_by_place(document, {"ends": (6, 16, 16), "begins": (17, 46, 16)}).values())
    assert document.objects is not None and not document.objects[9:14].any()
    find(document, within=runs, method=Method.COMPONENTS)
    places = {"ends": (6, 25, 16), "one": (5, 25, 46), "begins": (17, 55, 16), "two": (17, 55, 46)}
    at_border = flags_by_place(document, places)
    assert at_border == {"ends": True, "one": False, "begins": True, "two": False}


def test_slices_that_are_none_of_the_tomogram_are_refused(document: Document) -> None:
    for within in (((4, 30),), ((8, 8),), ((8, 12), (2, 6))):
        with pytest.raises(UserError, match="none of this tomogram"):
            find(document, within=within)


def test_the_certainty_of_the_segmented_slices_is_enough(document: Document, tmp_path: Path) -> None:
    (tmp_path / "output.raw").write_bytes(bytes(np.full((16, *SHAPE[1:]), 128, np.uint8)))
    output = KeptOutput(tmp_path / "output.raw", SHAPE, 4, 20, 0.0, "network")
    found = find(document, output=output, within=((4, 20),)).found
    assert found.flagged(ObjectFlag.DOUBTFUL) == found.count > 0
    assert find(document, output=output, min_voxels=31).found.flagged(ObjectFlag.DOUBTFUL) == 0
