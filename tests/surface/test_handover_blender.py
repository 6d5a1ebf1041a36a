"""Blender itself imports what was written for it (make handover-test)."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from sxtstudio.core.geometry import Box
from sxtstudio.core.length_unit import LengthUnit
from sxtstudio.core.object_classes import ObjectClass
from sxtstudio.core.object_table import ObjectRow, ObjectTable
from sxtstudio.surface import SurfaceParameters
from sxtstudio.surface.handover.kinds import MeshFormat
from sxtstudio.surface.handover.part import object_parts
from sxtstudio.surface.handover.sink import Lengths
from sxtstudio.surface.handover.write import write_file

pytestmark = [
    pytest.mark.handover,
    pytest.mark.skipif(shutil.which("blender") is None, reason="Blender is not installed"),
]

READER = Path(__file__).with_name("blender_reader.py")
VOXEL_NM, ORIGIN_NM = (10.0, 20.0, 30.0), (1000.0, -200.0, 50.0)
# Where the bars end (x, y, z) in µm: they are of different lengths along x, y and z.
LOW, HIGH = np.array([1.045, -0.17, 0.065]), np.array([1.285, 0.07, 0.135])


def bars() -> np.ndarray:
    numbers = np.zeros((12, 18, 14), np.uint16)
    numbers[2:4, 2:14, 2:4] = numbers[2:4, 2:4, 2:10] = numbers[2:9, 2:4, 2:4] = 4
    return numbers


@pytest.mark.parametrize("kind", [MeshFormat.GLB, MeshFormat.OBJ, MeshFormat.PLY, MeshFormat.STL])
def test_blender_shows_it_upright_and_not_mirrored(tmp_path: Path, kind: MeshFormat) -> None:
    table = ObjectTable({4: ObjectRow("Lipidtröpfchen")}, (ObjectClass("Lipidtröpfchen", (245, 190, 65)),))
    boxes = {4: Box((0, 0, 0), (12, 18, 14))}
    parts = object_parts(bars(), boxes, table, VOXEL_NM, SurfaceParameters(smooth=0))
    path = tmp_path / f"Zelle ä{kind.suffix}"
    write_file(path, parts, Lengths(LengthUnit.UM, ORIGIN_NM), "Zelle")
    words = ["blender", "-b", "--factory-startup", "--python-exit-code", "1", "-P", READER, "--", path]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    lines = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    assert lines, done.stdout[-2000:] + done.stderr[-2000:]
    found = json.loads(lines[0].removeprefix("FOUND "))
    (name, mesh), *others = ((name, told) for name, told in found.items() if "volume" in told)
    assert not others
    low, high = np.array(mesh["low"]), np.array(mesh["high"])
    if kind is MeshFormat.GLB:
        # In front view (x to the right, z upwards) rows run downwards, and the first slice is in front.
        turned = [(0, 1), (2, 1), (1, -1)]
        assert name == "Lipidtröpfchen 4" and mesh["parent"] == "Lipidtröpfchen"
        assert mesh["material"] == name and mesh["smooth"]
        np.testing.assert_allclose(mesh["colour"], (0.9131, 0.5149, 0.0529), atol=1e-3)
    elif kind is MeshFormat.OBJ:  # Blender takes OBJ for a file in which y points upwards
        turned = [(0, 1), (2, -1), (1, 1)]
        assert name == "Lipidtröpfchen_4" and mesh["material"] == name and mesh["smooth"]
        np.testing.assert_allclose(mesh["colour"], np.array((245, 190, 65)) / 255, atol=1e-3)
    else:
        turned = [(0, 1), (1, 1), (2, 1)]
    ends = np.array([[sign * LOW[axis], sign * HIGH[axis]] for axis, sign in turned])
    np.testing.assert_allclose(low, ends.min(axis=1), atol=1e-5)
    np.testing.assert_allclose(high, ends.max(axis=1), atol=1e-5)
    voxels = np.count_nonzero(bars()) * np.prod(VOXEL_NM) * 1e-9
    assert 0.75 * voxels < mesh["volume"] < voxels, "triangles look outwards"
