"""IMOD itself reads our models (make handover-test; see tests/judges/imod_programs.py)."""

import re

import mrcfile
import numpy as np
import pytest
from asymmetric_labels import COLOURS, NAMES, ORIGIN, VOXEL, asymmetric
from imod_programs import find_imod, run

from sxtstudio.core.label_image import LabelImage, LegendEntry
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import export_volume
from sxtstudio.io.handover.imod import write_imod
from sxtstudio.io.place import MrcFrame, Place

pytestmark = pytest.mark.handover


@pytest.fixture(scope="module")
def imod(tmp_path_factory):
    found = find_imod(tmp_path_factory.mktemp("programs"))
    if found is None:
        pytest.skip("IMOD is not installed, and SXTSTUDIO_IMOD_SOURCE names no source of it")
    return found


@pytest.fixture
def cell(tmp_path):
    """A tomogram as IMOD reads it, and the model of its labels."""
    labels = asymmetric()
    # Stamped as IMOD does: before 4.9 it reads the origin of others with the other sign.
    frame = MrcFrame(origin=tuple(10 * length for length in ORIGIN), stamped=True, flags=5)
    zeros = ArrayVolume(np.zeros(labels.shape, np.float32), VOXEL)
    export_volume(tmp_path / "cell.mrc", zeros, place=Place(ORIGIN, frame), kind="image")
    legend = tuple(LegendEntry(value, name, COLOURS[value]) for value, name in NAMES.items())
    write_imod(tmp_path / "cell.mod", LabelImage("cell", ArrayVolume(labels), legend, VOXEL, ORIGIN))
    return tmp_path


def test_imodinfo_says_names_units_colours_and_volumes(imod, cell):
    said = run(imod / "imodinfo", "-i", cell / "cell.mod")
    labels = asymmetric()
    voxel = np.prod(VOXEL)
    assert re.search(r"PIX SIZE\s+= 13\b", said) and "UNITS: nm" in said
    assert re.search(r"SCALE\s+= \( 130, 130, 200\)", said)
    assert re.search(r"OFFSET = \( -250, 260, -1000\)", said)
    assert re.findall(r"NAME:  (.*)", said) == list(NAMES.values())
    volumes = [float(text) for text in re.findall(r"Total cylinder volume = (\S+)", said)]
    # With -i, contours inside others are holes: what IMOD measures is what the voxels are.
    assert volumes == pytest.approx([np.count_nonzero(labels == value) * voxel for value in NAMES], rel=1e-5)
    colours = re.findall(r"color \(red, green, blue\) = \((.*)\)", said)
    for text, rgb in zip(colours, COLOURS.values(), strict=True):
        assert [float(part) for part in text.split(",")] == pytest.approx([p / 255 for p in rgb], abs=1e-5)


def test_imodmop_paints_the_labels(imod, cell):
    """Into the tomogram, of which it takes voxel size and origin: the same voxels, for each object."""
    for number, value in enumerate(NAMES, 1):
        painted = cell / f"{value}.mrc"
        run(imod / "imodmop", "-mask", "5", "-objects", number, cell / "cell.mod", cell / "cell.mrc", painted)
        with mrcfile.open(painted, permissive=True) as file:
            assert ((file.data > 0) == (asymmetric() == value)).all()


def test_imodmesh_makes_surfaces(imod, cell):
    said = run(imod / "imodmesh", "-C", cell / "cell.mod")
    assert "Meshing object  3" in said
    report = run(imod / "imodinfo", "-F", cell / "cell.mod")
    assert len(re.findall(r"Number of Meshes\s+= [1-9]", report)) >= 2


def test_ten_thousand_objects(imod, tmp_path):
    labels = np.zeros((2, 200, 200), np.uint16)
    labels[1, ::2, ::2] = np.arange(1, 10_001).reshape(100, 100)
    write_imod(tmp_path / "many.mod", LabelImage("many", ArrayVolume(labels), (), VOXEL))
    said = run(imod / "imodinfo", "-F", tmp_path / "many.mod")
    assert len(re.findall(r"Number of Contours = 1\b", said)) == 10_000


def test_no_objects(imod, tmp_path):
    write_imod(tmp_path / "none.mod", LabelImage("none", ArrayVolume(np.zeros((2, 3, 4), np.uint8)), ()))
    assert "no objects" in run(imod / "imodinfo", tmp_path / "none.mod")
