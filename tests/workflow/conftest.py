"""A document with labels, mask, classed objects and measurements, of anisotropic voxels and an origin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from sxtstudio.core.measure.kept import KeptMeasurements
from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.object_classes import CLASSES, ObjectClass
from sxtstudio.core.object_table import Decided, ObjectFlag, ObjectRow, ObjectTable
from sxtstudio.workflow.document import workplace
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.network_output import keep_output

SHAPE = (6, 40, 50)
VOXEL_NM = (20.0, 10.0, 12.0)
OWN = ObjectClass("Körperchen", (10, 200, 30))


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Document]:
    """Objects 3 (Mitochondrion), 7 (own class), 300 (no class), none of them symmetric."""
    monkeypatch.setenv(workplace.VARIABLE, str(tmp_path / "sessions"))
    path = tmp_path / "zelle.mrc"
    with mrcfile.new(path) as file:
        file.set_data(np.random.default_rng(0).normal(size=SHAPE).astype(np.float32))
        file.voxel_size = (120.0, 100.0, 200.0)  # Å, x, y, z
        file.header.origin = (1000.0, 2000.0, 3000.0)
    made = Document.open(path)
    labels, mask, objects = (made.volume(target) for target in ("labels", "mask", "objects"))
    labels[1:4, 3:20, 4:30] = 255
    mask[:, :30] = 255
    objects[1:4, 3:9, 4:20] = 3
    objects[1:2, 9:11, 4:6] = 3
    objects[2:5, 20:29, 30:37] = 7
    objects[0:2, 31:38, 5:9] = 300
    for target in ("labels", "mask", "objects"):
        made.recount(target)
    rows = {
        3: ObjectRow("Mitochondrion", Decided.HAND),
        7: ObjectRow(OWN.name, Decided.HAND, notes="=1+1"),
        300: ObjectRow(flags=frozenset({ObjectFlag.BORDER})),
    }
    made.set_table(ObjectTable(rows, (*CLASSES, OWN)))
    measured = measure_objects(np.asarray(made.objects), made.voxel_nm, image=made.tomogram)
    made.keep_measurements(replace(KeptMeasurements(measured), voxel_nm=made.voxel_nm))
    values = np.random.default_rng(1).integers(0, 256, SHAPE, np.uint8)
    keep_output(lambda place: place.write_bytes(values.tobytes()), made.bulk, SHAPE, (0, 6), 0.0, "toy")
    yield made
    made.discard()
    made.close()
