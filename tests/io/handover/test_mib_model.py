"""Models and masks of MIB, read by SciPy and h5py, by the formulas of MIB, and by Octave where it is."""

import os
import shutil
import subprocess

import h5py
import numpy as np
import pytest
import scipy.io

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.label_image import LegendEntry
from sxtstudio.core.progress import Progress
from sxtstudio.io import mat5, open_volume
from sxtstudio.io.handover.mib_model import named_materials, write_mib_mask, write_mib_model
from sxtstudio.io.legend import read_legend
from tests.io.handover.cases import LEGEND, ORIGIN, VOXEL, asymmetric, label_image, many_objects


@pytest.fixture(params=["version 5", "version 7.3"])
def large(request, monkeypatch):
    """Whether what is written counts as larger than version 5 can hold."""
    if request.param == "version 7.3":
        monkeypatch.setattr(mat5, "MOST_BYTES", 0)
    return request.param == "version 7.3"


CELLS = "modelMaterialNames"


def matlab(path):
    """The variables as MATLAB has them, by SciPy or h5py."""
    if not h5py.is_hdf5(path):
        found = scipy.io.loadmat(path, appendmat=False)
        found["modelMaterialNames"] = [
            str(cell.item() if cell.size else "")
            for cell in found.get("modelMaterialNames", np.empty(0)).ravel()
        ]
        found["modelVariable"] = str(found.get("modelVariable", [""])[0])
        return found
    with h5py.File(path) as file:
        found = {name: item[()].T for name, item in file.items() if name not in ("#refs#", CELLS)}
        for name in ("modelVariable",):
            if name in found:
                found[name] = found[name].astype(np.uint16).tobytes().decode("utf-16-le")
        if CELLS in file:
            cells = file["modelMaterialNames"][()].T.ravel()
            found["modelMaterialNames"] = [file[c][()].tobytes().decode("utf-16-le") for c in cells]
        return found


def pixel_size_of_mib(box, height, width, depth):
    """MIB2 getBoundingBox turned round; MIB3 does the same with what it loads."""
    x = (box[1] - box[0]) / (max(width, 2) - 1)
    y = (box[3] - box[2]) / (max(height, 2) - 1)
    z = (box[5] - box[4]) / (max(depth, 2) - 1)
    return z, y, x


def test_a_model_as_matlab_has_it(tmp_path, large):
    done = write_mib_model(tmp_path / "Labels_cell.model", label_image(), Progress())
    found = matlab(done.path)
    assert done.format == f"MIB model (MATLAB {'7.3' if large else '5'})" and done.losses == ()
    model = found[found["modelVariable"]]
    assert found["modelVariable"] == "mibModel" and model.dtype == np.uint8
    np.testing.assert_array_equal(model, asymmetric().transpose(1, 2, 0))  # (rows, columns, slices)
    names = ["Körper", "Mitochondrium 2 (groß)", "Material 3", "Material 4", "ER"]
    assert found["modelMaterialNames"] == names
    assert found["modelMaterialColors"].shape == (5, 3)
    np.testing.assert_allclose(found["modelMaterialColors"][1] * 255, (0, 128, 255))
    assert found["modelType"].shape == (1, 1) and found["modelType"].item() == 63
    box = found["BoundingBox"]
    assert box.shape == (1, 6)
    assert pixel_size_of_mib(box[0], *model.shape) == pytest.approx(np.array(VOXEL) / 1000)
    assert box[0, [4, 2, 0]] == pytest.approx(np.array(ORIGIN) / 1000)


def test_what_was_written_is_read_as_classes(tmp_path, large):
    write_mib_model(tmp_path / "a.model", label_image(), Progress())
    with open_volume(tmp_path / "a.model") as back:
        assert back.voxel_nm == pytest.approx(VOXEL) and back.origin_nm == pytest.approx(ORIGIN)
        assert back.dtype == np.uint8
        np.testing.assert_array_equal(back.read(Box.whole(back.shape)), asymmetric())
    legend = read_legend(tmp_path / "a.model")
    assert [entry for entry in legend if entry.value in (1, 2, 5)] == [*LEGEND]


@pytest.mark.parametrize(
    ("largest", "dtype", "kind", "names"),
    [
        (63, np.uint8, 63, 63),
        (64, np.uint8, 255, 64),
        (255, np.uint8, 255, 255),
        (256, np.uint16, 65_535, 2),
        (65_535, np.uint16, 65_535, 2),
        (65_536, np.uint32, 4_294_967_295, 2),
    ],
)
def test_types_of_models(tmp_path, large, largest, dtype, kind, names):
    labels = np.zeros((2, 5, 6), np.uint32)
    labels[1, 2, 3] = largest
    done = write_mib_model(tmp_path / "a.model", label_image(labels, ()), Progress())
    found = matlab(done.path)
    assert found["mibModel"].dtype == dtype and found["mibModel"][2, 3, 1] == largest
    assert found["modelType"].item() == kind
    assert len(found["modelMaterialNames"]) == names == len(found["modelMaterialColors"])
    assert len(set(found["modelMaterialNames"])) == names
    if kind > 255:
        assert found["modelMaterialNames"] == ["1", "2"] and "names and colours are lost" in done.losses[0]
        assert read_legend(done.path) == ()


def test_names_occur_once():
    legend = (
        LegendEntry(1, "ER", (0, 0, 0)),
        LegendEntry(2, "er", (0, 0, 0)),
        LegendEntry(3, "\n", (0, 0, 0)),
    )
    names = [entry.name for entry in named_materials((*legend, LegendEntry(4, "7", (0, 0, 0))), 5)]
    assert names == ["ER", "er (2)", "Material 3", "Material 7", "Material 5"]


def test_nothing_and_ten_thousand_objects(tmp_path, large):
    empty = write_mib_model(tmp_path / "a.model", label_image(np.zeros((3, 4, 5), np.uint8), ()), Progress())
    assert not matlab(empty.path)["mibModel"].any() and matlab(empty.path)["modelType"].item() == 63
    with open_volume(empty.path) as back:
        assert back.shape == (3, 4, 5)
    image = many_objects(10_000)
    done = write_mib_model(tmp_path / "b.model", image, Progress())
    np.testing.assert_array_equal(matlab(done.path)["mibModel"], image.volume.array.transpose(1, 2, 0))


def test_a_single_slice(tmp_path, large):
    labels = asymmetric()[:1]
    done = write_mib_model(tmp_path / "a.model", label_image(labels), Progress())
    found = matlab(done.path)
    np.testing.assert_array_equal(found["mibModel"], labels[0])
    assert pixel_size_of_mib(found["BoundingBox"][0], 6, 9, 1) == pytest.approx(np.array(VOXEL) / 1000)
    with open_volume(done.path) as back:
        np.testing.assert_array_equal(back.read(Box.whole(back.shape)), labels)
        assert back.voxel_nm == pytest.approx(VOXEL)


def test_an_unknown_voxel_size_is_not_made_up(tmp_path, large):
    image = label_image(voxel=None, origin=None)
    done = write_mib_model(tmp_path / "a.model", image, Progress())
    assert "BoundingBox" not in matlab(done.path) and "voxel size is unknown" in done.losses[0]
    with open_volume(done.path) as back:
        assert back.voxel_nm is None


def test_a_mask_is_the_first_and_only_variable(tmp_path, large):
    done = write_mib_mask(tmp_path / "Mask_cell.mask", label_image(), Progress())
    found = {k: v for k, v in matlab(done.path).items() if not k.startswith("__") and len(v)}
    assert [*found] == ["maskImg"] and found["maskImg"].dtype == np.uint8
    np.testing.assert_array_equal(found["maskImg"], (asymmetric() > 0).transpose(1, 2, 0))
    with open_volume(done.path) as back:
        np.testing.assert_array_equal(back.read(Box.whole(back.shape)), asymmetric() > 0)


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f8", "i4"])
def test_files_of_others_in_version_5(tmp_path, compressed, dtype):
    names = np.empty((2, 1), object)
    names[:, 0] = ["Kern", "Hülle"]
    held = {
        "mibModel": asymmetric().astype(dtype).transpose(1, 2, 0),
        "modelMaterialNames": names,
        "modelMaterialColors": np.array([[1.0, 0, 0], [0, 0.5, 1]]),
        "modelVariable": "mibModel",
        "other": np.zeros((4, 5, 6)),
    }
    scipy.io.savemat(tmp_path / "a.model", held, appendmat=False, do_compression=compressed)
    with open_volume(tmp_path / "a.model") as back:
        np.testing.assert_array_equal(back.read(Box.whole(back.shape)), asymmetric())
        np.testing.assert_array_equal(back.read(Box((1, 2, 0), (3, 5, 8))), asymmetric()[1:3, 2:5, :8])
    assert read_legend(tmp_path / "a.model") == (
        LegendEntry(1, "Kern", (255, 0, 0)),
        LegendEntry(2, "Hülle", (0, 128, 255)),
    )
    with open_volume(f"{tmp_path / 'a.model'}::/other") as back:
        assert back.shape == (6, 4, 5)


def test_axes_as_the_user_names_them(tmp_path, large):
    """They are stored with MATLAB's last axis first: slices, columns, rows."""
    write_mib_model(tmp_path / "a.model", label_image(), Progress())
    with open_volume(tmp_path / "a.model", AxisOrder("yxz")) as back:
        stored = asymmetric().transpose(0, 2, 1)
        np.testing.assert_array_equal(back.read(Box.whole(back.shape)), stored.transpose(2, 0, 1))
        assert back.voxel_nm == pytest.approx((12.5, 25.0, 10.0))
        assert back.origin_nm == pytest.approx((-40.0, 300.0, 1000.0))


def test_several_variables_are_named(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"a": np.zeros((4, 5, 6)), "b": np.ones((4, 5, 6))})
    with pytest.raises(UserError, match="2 variables"):
        open_volume(tmp_path / "a.mat")


def test_values_that_are_no_labels(tmp_path):
    for labels in (
        np.full((2, 3, 4), -1, np.int16),
        np.full((2, 3, 4), 1 << 40, np.int64),
        np.ones((2, 3, 4)),
    ):
        with pytest.raises(UserError, match="was not written"):
            write_mib_model(tmp_path / "a.model", label_image(labels, ()), Progress())
        assert not [*tmp_path.iterdir()]


def test_a_cancel_leaves_nothing(tmp_path, large):
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        write_mib_model(tmp_path / "a.model", label_image(), progress)
    assert not [*tmp_path.iterdir()]


def octave(code):
    done = subprocess.run(
        ["octave-cli", "--norc", "--eval", code], capture_output=True, text=True, check=False, timeout=120
    )
    return done.stdout


@pytest.mark.handover
@pytest.mark.skipif(shutil.which("octave-cli") is None, reason="Octave is not installed")
@pytest.mark.parametrize("compressed", [True])
def test_octave_loads_what_mib_loads(tmp_path, compressed):
    """What MIB's loaders ask of ``load``, asked of Octave's."""
    write_mib_model(tmp_path / "a.model", label_image(), Progress())
    write_mib_mask(tmp_path / "a.mask", label_image(), Progress())
    said = octave(
        f"s = load('{tmp_path}/a.model', '-mat'); m = s.(s.modelVariable); "
        "printf('%s|%d %d %d|', class(m), size(m)); printf('%d ', find(m)'); printf('|'); "
        "printf('%d ', m(find(m))'); printf('|%s', s.modelMaterialNames{:}); "
        "printf('|%.6f %.6f %.6f', s.modelMaterialColors(2, :)); printf('|%.17g ', s.BoundingBox); "
        f"printf('|%d|', s.modelType); k = load('{tmp_path}/a.mask', '-mat'); f = fieldnames(k); "
        "printf('%s %d', f{1}, nnz(k.(f{1})));"
    )
    flat = asymmetric().transpose(1, 2, 0).ravel(order="F")
    parts = said.split("|")
    assert parts[:2] == ["uint8", "6 9 4"]
    assert [int(n) - 1 for n in parts[2].split()] == np.flatnonzero(flat).tolist()
    assert [int(n) for n in parts[3].split()] == flat[flat > 0].tolist()
    assert parts[4:9] == ["Körper", "Mitochondrium 2 (groß)", "Material 3", "Material 4", "ER"]
    assert parts[9] == f"0.000000 {128 / 255:.6f} 1.000000"
    box = [float(number) for number in parts[10:16]]
    assert pixel_size_of_mib(box, 6, 9, 4) == pytest.approx(np.array(VOXEL) / 1000)
    assert parts[16] == "63" and parts[17] == f"maskImg {np.count_nonzero(flat)}"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="No permission"):
        write_mib_model(tmp_path / "a.model", label_image(), Progress())
    tmp_path.chmod(0o700)
