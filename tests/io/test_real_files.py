"""Real tomograms of several beamlines; what is expected of each stands in their README."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sxtstudio.core.geometry import Box
from sxtstudio.io import export_volume, open_volume

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "real"
pytestmark = pytest.mark.skipif(
    not REAL.is_dir(), reason="the real images (../shared/data/real) are not here"
)

EXPECTED = {
    "alba/Figure2_ALBA_ALBA_12hpi-slice340.tif": ((1, 974, 984), "f4", 13),
    "alba/Figure2_ALBA_ALBA_8hpi-slice340.tif": ((1, 974, 984), "f4", 13),
    "alba/Figure2_ALBA_ALBA_NI-slice404.tif": ((1, 974, 984), "f4", None),
    "berkeley/Figure2_Berkeley_Berkely-4hpi_slice188.tif": ((1, 1134, 482), "f4", None),  # says 1 µm
    "berkeley/Figure2_Berkeley_Berkely-NI_slice479.tif": ((1, 490, 479), "f4", None),
    "berkeley/Figure2_Berkeley_Berkely_8hpi_slice295.tif": ((1, 808, 484), "f4", None),
    "contour/slab_img.tif": ((6, 473, 473), "u1", (10, 20, 20)),
    "contour/slab_mito_mask.tif": ((6, 473, 473), "u1", (10, 20, 20)),
    "deep_sxt/labelled_01.image.png": ((1, 196, 196), "u1", None),
    "deep_sxt/unlabelled_09.png": ((1, 196, 196), "u1", None),
}


@pytest.mark.parametrize("name", EXPECTED, ids=lambda n: Path(n).stem)
def test_shape_type_and_voxel_size(name):
    shape, dtype, voxel = EXPECTED[name]
    with open_volume(REAL / name) as opened:
        assert opened.shape == shape and opened.dtype == np.dtype(dtype)
        if voxel is None:
            assert opened.voxel_nm is None
            assert any(note.startswith("voxel size unknown") for note in opened.notes)
        else:
            assert opened.voxel_nm == pytest.approx(
                voxel if isinstance(voxel, tuple) else (voxel,) * 3, rel=1e-5
            )
        got = opened.read(Box.whole(shape))
    with Image.open(REAL / name) as image:  # another reader
        for z in range(shape[0]):
            image.seek(z)
            np.testing.assert_array_equal(got[z], np.asarray(image))


def test_every_file_opens():
    files = [p for p in sorted(REAL.rglob("*")) if p.suffix in (".tif", ".png")]
    assert len(files) >= 20
    for path in files:
        with open_volume(path) as opened:
            assert np.isfinite(opened.read(Box.slab(0, 1, opened.shape))).all()


@pytest.mark.parametrize("name", ["out.tif", "out.mrc", "out.ome.zarr"])
def test_slab_keeps_orientation_and_voxel_size(tmp_path, name):
    with open_volume(REAL / "contour/slab_mito_mask.tif") as source:
        export_volume(tmp_path / name, source)
        mask = source.read(Box.whole(source.shape))
    with open_volume(tmp_path / name) as back:
        assert back.voxel_nm == pytest.approx((10, 20, 20))
        np.testing.assert_array_equal(back.read(Box.whole(back.shape)) != 0, mask != 0)
