"""``sxtstudio surface --per``: surfaces of numbered objects as files for other programs."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
import trimesh
from PIL import Image

from sxtstudio.cli import main
from sxtstudio.surface.handover.write import LISTING
from sxtstudio.workflow.jobs import povray
from sxtstudio.workflow.jobs.povray_program import NOT_INSTALLED

CENTRES = {1: (6, 8, 8), 4: (6, 8, 24), 7: (6, 22, 16)}


@pytest.fixture
def objects(tmp_path: Path) -> Path:
    z, y, x = np.indices((12, 32, 32))
    numbers = np.zeros((12, 32, 32), np.uint16)
    for number, (cz, cy, cx) in CENTRES.items():
        numbers[(z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 < 25] = number
    path = tmp_path / "zelle.tif"
    tifffile.imwrite(path, numbers)
    (tmp_path / "classes.csv").write_text("object,class\n1,Vesicle\n4,Körper\n", encoding="utf-8")
    return path


def run(*words: object) -> int:
    return main([str(word) for word in words])


def test_one_file(objects: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--classes", tmp_path / "classes.csv", "--voxel", "10,20,20")
    assert run("surface", objects, "-o", tmp_path / "a.glb", "--per", "all", *words) == 0
    told = capsys.readouterr().out
    assert "3 in 2 classes" in told and "µm" in told and "read back" in told
    scene = trimesh.load_scene(tmp_path / "a.glb")
    assert set(scene.geometry) == {"Vesicle 1", "Körper 4", "Object 7"}
    middles = {name: mesh.bounds.mean(axis=0) for name, mesh in scene.geometry.items()}
    np.testing.assert_allclose(middles["Körper 4"], (0.48, 0.16, 0.06), atol=1e-4)


def test_a_folder_for_a_file_per_class(objects: Path, tmp_path: Path) -> None:
    words = ("--per", "class", "--format", "stl", "--unit", "A", "--classes", tmp_path / "classes.csv")
    assert run("surface", objects, "-o", tmp_path / "out", "--voxel", "10", *words) == 0
    names = {"Vesicle.stl", "Körper.stl", "without_class.stl", LISTING}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
    bounds = trimesh.load_mesh(tmp_path / "out" / "Körper.stl").bounds
    np.testing.assert_allclose(bounds.mean(axis=0), (2400, 800, 600), atol=1)


def test_a_folder_for_a_file_per_object_without_a_voxel_size(
    objects: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("surface", objects, "-o", tmp_path / "out", "--per", "object") == 0
    names = {"object_00001.glb", "object_00004.glb", "object_00007.glb", LISTING}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
    assert "voxels (the voxel size is unknown)" in capsys.readouterr().out


def test_labels_in_another_unit(objects: Path, tmp_path: Path) -> None:
    for unit, scale in (("nm", 1.0), ("A", 10.0), ("um", 1e-3)):
        words = ("--voxel", "10", "--unit", unit)
        assert run("surface", objects, "-o", tmp_path / f"{unit}.ply", *words) == 0
        high = trimesh.load_mesh(tmp_path / f"{unit}.ply").bounds[1]
        np.testing.assert_allclose(high / scale, (285, 265, 105), rtol=0.03)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-o", "a.glb", "--per", "object"), "name of one file"),
        (("-o", "a.xyz", "--per", "all"), "End the name with"),
        (("-o", "nowhere/a.glb", "--per", "all"), "no folder"),
        (("-o", "nowhere/a", "--per", "class"), "no folder"),
        (("-o", "classes.csv", "--per", "class"), "no folder"),
        (("-o", ".", "--per", "class"), "classes.csv"),
        (("-o", "a.glb", "--per", "all", "--objects"), "--objects is for labels"),
        (("-o", "a.glb", "--per", "all", "--format", "ply"), "--format goes with"),
        (("-o", "a.glb", "--per", "all", "--picture", "a.png"), "name the output .pov"),
        (("-o", "a.glb", "--classes", "classes.csv"), "give --per"),
    ],
)
def test_what_is_refused(
    objects: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("surface", objects, *words) != 0
    assert told in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"zelle.tif", "classes.csv"}


def test_no_object_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tifffile.imwrite(tmp_path / "none.tif", np.zeros((6, 8, 8), np.uint8))
    assert run("surface", tmp_path / "none.tif", "-o", tmp_path / "a.glb", "--per", "all") != 0
    assert "no object" in capsys.readouterr().err
    assert not (tmp_path / "a.glb").exists()


@pytest.mark.skipif(shutil.which("povray") is None, reason="POV-Ray is not installed")
@pytest.mark.parametrize("per", [("--per", "all"), ()], ids=["objects", "labels"])
def test_povray_draws_its_scene(objects: Path, tmp_path: Path, per: tuple[str, ...]) -> None:
    scene, picture = tmp_path / "a b.pov", tmp_path / "a.png"
    assert run("surface", objects, "-o", scene, "--picture", picture, "--voxel", "10", *per) == 0
    with Image.open(picture) as drawn:
        assert drawn.size == (1600, 1200)
        pixels = np.asarray(drawn.convert("RGB"))
    seen = (pixels != 255).any(axis=2)
    assert 0.05 < seen.mean() < 0.6, "three balls on white"
    assert {path.suffix for path in tmp_path.iterdir()} == {".tif", ".csv", ".pov", ".inc", ".png"}


def test_scene_is_written_where_povray_is_missing(
    objects: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(povray, "find_povray", lambda: None)
    words = ("--picture", tmp_path / "a.png", "--per", "all")
    assert run("surface", objects, "-o", tmp_path / "a.pov", *words) != 0
    assert NOT_INSTALLED in capsys.readouterr().err
    assert (tmp_path / "a.pov").is_file() and not (tmp_path / "a.png").exists()
