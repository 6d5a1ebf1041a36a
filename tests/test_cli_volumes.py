"""Label files of other programs on the command line: looked at, and handed on with their names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sxtstudio.cli import main
from sxtstudio.core.geometry import Box
from sxtstudio.core.progress import Progress
from sxtstudio.io import open_volume
from sxtstudio.io.handover.nrrd import write_seg_nrrd
from sxtstudio.io.legend import read_legend
from tests.io.handover.cases import LEGEND, asymmetric, label_image


@pytest.fixture
def segmentation(tmp_path: Path) -> Path:
    write_seg_nrrd(tmp_path / "cell.seg.nrrd", label_image(), Progress())
    return tmp_path / "cell.seg.nrrd"


def test_info_says_format_axes_and_voxel_size(segmentation: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(segmentation), "--axes", "yzx"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "format: NRRD segmentation" in words and "shape: 6 × 4 × 9 (z × y × x)" in words
    assert "axes: stored as y, z, x (as you say)" in words and "voxel size: 12.5 × 25 × 10 nm" in words


@pytest.mark.parametrize(
    ("program", "name"), [("mib", "cell.model"), ("amira", "cell.am"), ("slicer", "cell.nii.gz")]
)
def test_classes_of_a_file_keep_their_names_and_colours(
    segmentation: Path, tmp_path: Path, program: str, name: str
) -> None:
    out = tmp_path / name
    assert main(["export", str(segmentation), "--what", "classes", "--for", program, "-o", str(out)]) == 0
    legend = read_legend(out)
    assert [entry.rgb for entry in legend] == [entry.rgb for entry in LEGEND]
    if program != "amira":
        assert [entry.name for entry in legend] == [entry.name for entry in LEGEND]
    with open_volume(out) as back:  # classes are numbered anew
        expected = np.select([asymmetric() == 1, asymmetric() == 2, asymmetric() == 5], [1, 2, 3], 0)
        np.testing.assert_array_equal(back.read(Box.whole(back.shape)), expected)
        assert back.voxel_nm == pytest.approx(label_image().voxel_nm)
        assert back.origin_nm == pytest.approx(label_image().origin_nm, rel=1e-5)
