"""Real organelles in phantoms, against where geometry says that they lie."""

import json

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from sxtstudio.cli import main
from sxtstudio.core.errors import UserError
from sxtstudio.training import cristae, real_shapes
from sxtstudio.training.canvas import CLASSES, OUTLINE_HALF_PX, Appearance, Phantom
from sxtstudio.training.real_shapes import Pose
from sxtstudio.training.shape_library import CRISTAE_VALUE, CellRegion, Library, read_library

TOML = """
[[shapes]]
files = "*.tif"
voxel_nm = [5, 5, 5]
labels = { 1 = "mitochondrion", 2 = "cristae" }
"""


def library_of(folder, volume, toml=TOML):
    folder.mkdir(exist_ok=True)
    tifffile.imwrite(folder / "one.tif", volume)
    (folder / "shapes.toml").write_text(toml)
    return read_library(folder)


def cytoplasm(shape, voxel_nm=10.0):
    appearance = Appearance(voxel_nm, 0.25, 0.5, 30, 1.0)
    return Phantom.empty(shape, appearance, 0.25, room=1e3)


def angled():
    """Return a body without any symmetry: three bars of different lengths, 12 voxels thick."""
    volume = np.zeros((40, 60, 80), np.uint8)
    volume[14:26, 20:32, 6:74] = 1
    volume[14:26, 20:56, 6:18] = 1
    volume[4:26, 20:32, 40:52] = 1
    return volume


@pytest.mark.parametrize("mirror", [1.0, -1.0], ids=["as it is", "mirrored"])
def test_a_body_lies_where_its_pose_says(tmp_path, mirror):
    (body,) = library_of(tmp_path, angled()).bodies
    angle = 0.6
    turn = np.array([[mirror, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    scale, centre = 1.3, np.array([20.2, 45.7, 50.1])
    middle = np.array(body.labels.shape) / 2
    phantom = cytoplasm((40, 90, 100))
    pose = Pose(turn, np.full(3, 0.5 * scale), middle, centre)
    assert real_shapes.paint_body(np.random.default_rng(0), phantom, body, pose)
    # Independent of how it was resampled: the inverse of each voxel, read off the nearest label.
    grid = np.stack(np.meshgrid(*map(np.arange, phantom.shape), indexing="ij"), axis=-1) - centre
    back = np.rint(np.einsum("ji,...j->...i", turn, grid) / (0.5 * scale) + middle).astype(int)
    within = ((back >= 0) & (back < body.labels.shape)).all(axis=-1)
    back[~within] = 0
    truth = (body.labels[tuple(np.moveaxis(back, -1, 0))] > 0) & within
    found = phantom.classes == CLASSES["mitochondrion"]
    inner, outer = ndimage.binary_erosion(truth), ndimage.binary_dilation(truth, iterations=1)
    # Corners are rounded off by a voxel or two; the faces are within one.
    assert (found & ~outer).sum() == 0
    assert (inner & ~found).sum() < 0.03 * inner.sum()
    assert np.count_nonzero(found) == pytest.approx(np.count_nonzero(truth), rel=0.08)
    border = np.where(truth, ndimage.distance_transform_edt(truth) - 0.5, 0)
    border += np.where(~truth, ndimage.distance_transform_edt(~truth) - 0.5, 0)
    assert border[phantom.outline].max() < OUTLINE_HALF_PX + 1.5 + 1
    membrane = (phantom.lac > 0.25 + 0.5 * (phantom.lac.max() - 0.25)) & ~ndimage.binary_erosion(
        found, iterations=4
    )
    assert np.median(border[membrane]) < 1.5
    assert phantom.objects == ["mitochondrion"]


def test_a_body_that_its_volume_cuts_goes_on_mirrored_and_tapers(tmp_path):
    z, y, x = np.mgrid[:20, :60, :60]
    half_a_ball = (np.sqrt(z**2 + (y - 30) ** 2 + (x - 30) ** 2) < 18).astype(np.uint8)
    (body,) = library_of(tmp_path, half_a_ball).bodies
    whole = 4 / 3 * np.pi * 18**3
    assert np.count_nonzero(body.labels) == pytest.approx(whole, rel=0.12)
    areas = np.count_nonzero(body.labels, axis=(1, 2))
    assert areas[0] < 0.25 * areas.max() and areas[-1] < 0.25 * areas.max()
    assert body.half_nm == pytest.approx(18 * 5, rel=0.06)


def test_a_whole_body_stays_as_it_is(tmp_path):
    (body,) = library_of(tmp_path, angled()).bodies
    assert np.count_nonzero(body.labels) == np.count_nonzero(angled())
    assert body.cristae_nm is None


def test_cristae_are_measured(tmp_path):
    volume = np.zeros((50, 60, 200), np.uint8)
    volume[5:45, 5:55, 5:195] = 1
    for first in range(15, 185, 20):
        volume[8:42, 8:52, first : first + 5] = 2
    (body,) = library_of(tmp_path, volume).bodies
    thick, apart = body.cristae_nm
    assert thick == pytest.approx(25, abs=4)
    assert apart == pytest.approx(100, rel=0.45)  # between them, and beside the first and last, is matrix
    assert (body.labels == CRISTAE_VALUE).sum() == (volume == 2).sum()


def test_cristae_show_inside_the_body_only(tmp_path, monkeypatch):
    monkeypatch.setattr(cristae, "random_look", lambda *_: cristae.CristaeAppearance(0.15, True))
    volume = np.zeros((50, 60, 200), np.uint8)
    volume[5:45, 5:55, 5:195] = 1
    for first in range(15, 185, 30):
        volume[8:42, 8:52, first : first + 8] = 2
    (body,) = library_of(tmp_path, volume).bodies
    shown = 0
    for seed in range(5):
        phantom = cytoplasm((36, 60, 130))
        pose = Pose(np.eye(3), np.full(3, 0.6), np.array([25.0, 30, 100]), np.array([18.0, 30, 65]))
        assert real_shapes.paint_body(np.random.default_rng(seed), phantom, body, pose)
        stripes = (phantom.lac + phantom.grain)[18, 28:33].mean(axis=0)
        expected = np.zeros(130, bool)
        for first in range(15, 185, 30):
            middle = 65 + (first - 5 + 3.5 - 100) * 0.6  # the body is cut out at 5
            expected[round(middle) - 1 : round(middle) + 2] = True
        between = np.zeros(130, bool)
        between[20:110] = ~ndimage.binary_dilation(expected, iterations=4)[20:110]
        difference = abs(stripes[expected].mean() - stripes[between].mean())
        shown += difference > 0.08
        outside = phantom.classes == 0
        assert np.allclose(
            (phantom.lac + phantom.grain)[outside & ~ndimage.binary_dilation(~outside, iterations=5)], 0.25
        )
    assert shown >= 3


def test_a_body_keeps_out_of_what_is_there(tmp_path):
    (body,) = library_of(tmp_path, angled()).bodies
    phantom = cytoplasm((40, 90, 100))
    phantom.room[:, :, :50] = -1e3
    phantom.refresh_sites()
    pose = Pose(np.eye(3), np.full(3, 0.5), np.array(body.labels.shape) / 2, np.array([20.0, 45, 50]))
    real_shapes.paint_body(np.random.default_rng(0), phantom, body, pose)
    assert not (phantom.classes[:, :, :49] == CLASSES["mitochondrion"]).any()
    assert (phantom.classes == CLASSES["mitochondrion"]).any()
    assert len(ndimage.find_objects(ndimage.label(phantom.instances == 1)[0])) == 1


def test_a_field_fills_the_cell_with_objects_of_their_own():
    labels = np.zeros((20, 160, 160), np.uint8)
    labels[:, :40] = CLASSES["nucleus"]
    labels[3:17, 60:80, 20:140] = CLASSES["mitochondrion"]
    labels[3:17, 110:130, 20:70] = CLASSES["mitochondrion"]
    labels[:, 90:97] = CLASSES["endoplasmic reticulum"]
    field = CellRegion(labels, (30.0, 8.0, 8.0), "made up")
    phantom = cytoplasm((32, 130, 150))
    assert real_shapes.paint_field(np.random.default_rng(3), phantom, field)
    assert {"mitochondrion", "endoplasmic reticulum"} <= set(phantom.objects)
    for number, kind in enumerate(phantom.objects, 1):
        own = phantom.instances == number
        assert set(np.unique(phantom.classes[own])) <= {CLASSES[kind]}
        if kind == "mitochondrion":
            assert ndimage.label(own)[1] == 1
    painted = phantom.classes > 0
    assert (phantom.room[painted] < 0.5).all()  # nothing else will be put there
    assert np.array_equal(painted, phantom.instances > 0)


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        pytest.param(None, "has no file shapes.toml", id="no description"),
        pytest.param(TOML.replace("mitochondrion", "chloroplast"), "chloroplast", id="unknown kind"),
        pytest.param(TOML.replace("*.tif", "*.mrc"), "none is called so", id="no such file"),
        pytest.param(TOML.replace("voxel_nm = [5, 5, 5]", ""), "voxel_nm", id="no voxel size"),
        pytest.param(TOML.replace("[5, 5, 5]", "[5, 5]"), "voxel_nm", id="two edges"),
        pytest.param(TOML.replace("1 =", "0 ="), "labels", id="background"),
        pytest.param(
            TOML.replace("1 =", "7 =").replace("2 =", "8 ="), "no organelle", id="labels that are not there"
        ),
        pytest.param("shapes = [", "TOML", id="no TOML"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(tmp_path, toml, words):
    if toml is None:
        with pytest.raises(UserError, match=words):
            read_library(tmp_path)
        return
    with pytest.raises(UserError, match=words):
        library_of(tmp_path, angled(), toml)


def test_images_are_no_labels(tmp_path):
    with pytest.raises(UserError, match="whole numbers"):
        library_of(tmp_path, angled().astype(np.float32))


def test_simulate_takes_shapes_and_knows_them_again(tmp_path, capsys):
    library_of(tmp_path / "shapes", angled())
    command = ["simulate", "-o", str(tmp_path / "out"), "--seed", "3", "--size", "16,72,80", "--voxel", "10"]
    command += ["--scene", "cytoplasm"]
    assert main([*command, "--shapes", str(tmp_path / "shapes")]) == 0
    request = json.loads((tmp_path / "out" / "phantom-0003.json").read_text())["request"]
    assert request["shapes"] == read_library(tmp_path / "shapes").checksum
    assert main(command) == 2  # without them it would be another tomogram
    assert "--overwrite" in capsys.readouterr().err
    assert main([*command, "--shapes", str(tmp_path / "nowhere"), "--overwrite"]) == 2
    assert "shapes.toml" in capsys.readouterr().err


def test_shapes_have_a_checksum_of_their_own(tmp_path):
    one = library_of(tmp_path / "a", angled())
    assert one.checksum == library_of(tmp_path / "b", angled()).checksum
    assert one.checksum != library_of(tmp_path / "c", angled()[:, :, ::-1]).checksum
    assert Library().checksum == "00000000"
