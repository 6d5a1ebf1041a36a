"""Scripts for ChimeraX, followed by an interpreter of the few commands that they use, as documented.

ChimeraX cannot be installed here. Its commands are described in
https://www.rbvi.ucsf.edu/chimerax/docs/user/commands; maps are read by mrcfile.
"""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from asymmetric_labels import COLOURS, NAMES, ORIGIN, VOXEL, asymmetric

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.label_image import LabelImage, LegendEntry
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io.handover.chimerax import write_chimerax


def image_of(labels, names=NAMES, voxel=VOXEL, origin=ORIGIN):
    legend = tuple(LegendEntry(value, name, COLOURS.get(value, (9, 8, 7))) for value, name in names.items())
    return LabelImage("Zelle", ArrayVolume(labels, voxel), legend, voxel, origin)


def contents(folder):
    return sorted(p.name for p in folder.iterdir())


@dataclass
class Model:
    name: str
    shown: bool = True
    colour: str = ""
    file: Path | None = None
    voxels: np.ndarray | None = None  # of the surface around them, (n, 3), z, y, x


@dataclass
class Chimera:
    """What is open after a script."""

    folder: Path
    models: list[Model] = field(default_factory=list)

    def run(self, path):
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line.startswith("#"):
                command, *words = shlex.split(line)
                getattr(self, command)(*words)
        return self

    def found(self, spec):
        """Models by name, without regard to case (atomspec.py)."""
        assert spec.startswith("##name=") and not set("*?[") & set(spec)
        found = [m for m in self.models if m.name.lower() == spec.removeprefix("##name=").lower()]
        assert found, f"no models match {spec}"
        return found

    def open(self, name, keyword, value):
        assert keyword == "name" and (self.folder / name).is_file()
        self.models.append(Model(value, file=self.folder / name))

    def hide(self, spec, target):
        assert target == "models"
        for model in self.found(spec):
            model.shown = False

    def segmentation(self, kind, spec, *words):
        options = dict(zip(words[::2], words[1::2], strict=True))
        assert kind == "surfaces" and set(options) == {"where", "region", "step", "color"}
        (model,) = self.found(spec)
        with mrcfile.open(model.file) as file:
            numbers = file.data
            assert np.issubdtype(numbers.dtype, np.integer)  # else "is not a segmentation"
        low, high = np.array(options["region"].split(","), int).reshape(2, 3)[:, ::-1]
        assert (high < numbers.shape).all() and (low >= 0).all()
        part = numbers[tuple(slice(a, b + 1) for a, b in zip(low, high, strict=True))]
        voxels = np.argwhere(part == int(options["where"])) + low
        assert len(voxels)  # else there is no surface to rename
        # At the faces of a region a surface is cut: only at those of the map may a label touch them.
        ends = np.array(numbers.shape) - 1
        assert ((voxels.min(axis=0) > low) | (low == 0)).all()
        assert ((voxels.max(axis=0) < high) | (high == ends)).all()
        name = f"{model.name} segment {int(options['where'])}"
        self.models.append(Model(name, colour=options["color"], voxels=voxels))

    def color(self, spec, colour):
        for model in self.found(spec):
            model.colour = colour

    def rename(self, spec, name):
        for model in self.found(spec):
            model.name = name

    def view(self):
        pass


def hexed(rgb):
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def test_a_surface_for_each_label(tmp_path):
    labels = asymmetric()
    (tmp_path / "cell.mrc").write_bytes(b"a tomogram")
    receipt = write_chimerax(tmp_path / "Zelle 4.cxc", image_of(labels), tomogram=tmp_path / "cell.mrc")
    opened = Chimera(tmp_path).run(tmp_path / "Zelle 4.cxc").models
    assert [(m.name, m.shown) for m in opened[:2]] == [("Zelle", True), ("Zelle_4_cxc", False)]
    assert [(m.name, m.colour) for m in opened[2:]] == [(NAMES[v], hexed(COLOURS[v])) for v in NAMES]
    for model, value in zip(opened[2:], NAMES, strict=True):
        assert (model.voxels == np.argwhere(labels == value)).all()
    with mrcfile.open(tmp_path / "Zelle 4.cxc.mrc") as file:
        assert file.data.dtype == np.int16 and (file.data == labels).all()
        assert file.voxel_size.tolist() == pytest.approx((130, 130, 200))
        assert file.header.origin.tolist() == pytest.approx((250, -260, 1000))
        assert (file.header.nxstart, file.header.mapc, file.header.ispg) == (0, 1, 1)
    sizes = [(tmp_path / name).stat().st_size for name in ("Zelle 4.cxc", "Zelle 4.cxc.mrc")]
    assert receipt.bytes == sum(sizes) and receipt.path == tmp_path / "Zelle 4.cxc"
    assert dict(receipt.details) == {"Labels": "3", "Map of the labels": "Zelle 4.cxc.mrc"}


def test_surfaces_that_the_caller_has_written(tmp_path):
    for name in ("Kern.stl", "meshes"):
        (tmp_path / name).touch() if "." in name else (tmp_path / name).mkdir()
    (tmp_path / "meshes" / "fett.glb").touch()
    surfaces = {3: tmp_path / "Kern.stl", 7: tmp_path / "meshes" / "fett.glb"}
    write_chimerax(tmp_path / "a.cxc", image_of(asymmetric()), surfaces=surfaces)
    assert 'open "meshes/fett.glb" name' in (tmp_path / "a.cxc").read_text(encoding="utf-8")
    opened = Chimera(tmp_path).run(tmp_path / "a.cxc").models[1:]
    found = {m.name: (m.colour, m.file, m.voxels is not None) for m in opened}
    assert found[NAMES[3]] == (hexed(COLOURS[3]), surfaces[3], False)
    assert found[NAMES[7]] == (hexed(COLOURS[7]), surfaces[7], False)
    assert found[NAMES[9]] == (hexed(COLOURS[9]), None, True)


def test_names_of_strangers_are_no_commands(tmp_path):
    names = {3: 'x"; exit; open "~/.ssh', 7: "a\nexit\n\\", 9: "X'; EXIT, OPEN '~/.SSH"}
    write_chimerax(tmp_path / "a.cxc", image_of(asymmetric(), names))
    text = (tmp_path / "a.cxc").read_text(encoding="utf-8")
    assert ";" not in text and "\\" not in text
    opened = Chimera(tmp_path).run(tmp_path / "a.cxc").models[1:]
    assert [m.name for m in opened] == ["x', exit, open '~/.ssh", "a exit /", "X', EXIT, OPEN '~/.SSH (2)"]


@pytest.mark.parametrize(
    ("largest", "dtype"), [(32_767, np.int16), (32_768, np.uint16), (65_535, np.uint16), (65_536, np.float32)]
)
def test_large_numbers(tmp_path, largest, dtype):
    labels = asymmetric().astype(np.uint32)
    labels[labels == 9] = largest
    receipt = write_chimerax(tmp_path / "a.cxc", image_of(labels, {3: "A"}))
    with mrcfile.open(tmp_path / "a.cxc.mrc") as file:
        assert file.data.dtype == dtype and (file.data == labels).all()
    opened = Chimera(tmp_path).run(tmp_path / "a.cxc").models[1:]
    assert [m.name for m in opened] == ([] if dtype is np.float32 else ["A", "Label 7", f"Label {largest}"])
    assert bool(receipt.losses) == (dtype is np.float32)
    labels[labels == largest] = 2**24 + 1
    with pytest.raises(UserError, match="Number the objects anew"):
        write_chimerax(tmp_path / "b.cxc", image_of(labels))
    assert contents(tmp_path) == ["a.cxc", "a.cxc.mrc"]


@pytest.mark.parametrize("count", [0, 10_000])
def test_no_labels_and_many(tmp_path, count):
    labels = np.zeros((3, 100, 200), np.uint32)
    labels.ravel()[:count] = np.arange(1, count + 1)
    receipt = write_chimerax(tmp_path / "a.cxc", image_of(labels, {}, None, None))
    text = (tmp_path / "a.cxc").read_text(encoding="utf-8")
    assert len(re.findall("^segmentation surfaces", text, re.M)) == count
    assert len(re.findall("^rename", text, re.M)) == count
    assert "1 Å" in receipt.losses[0]


def test_labels_that_do_not_occur_have_no_surface(tmp_path):
    write_chimerax(tmp_path / "a.cxc", image_of(asymmetric(), {**NAMES, 12: "nowhere"}))
    assert "nowhere" not in (tmp_path / "a.cxc").read_text(encoding="utf-8")


def test_full_disk_leaves_neither_script_nor_map(tmp_path):
    resource = pytest.importorskip("resource")
    for name in ("a.cxc", "a.cxc.mrc"):
        (tmp_path / name).write_text("former")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, hard))
    try:
        with pytest.raises(UserError, match="disk is full"):
            write_chimerax(tmp_path / "a.cxc", image_of(asymmetric()))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert contents(tmp_path) == ["a.cxc", "a.cxc.mrc"]
    assert {p.read_text() for p in tmp_path.iterdir()} == {"former"}


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder that not even root can write to")
def test_folder_that_cannot_be_written_to():
    with pytest.raises(UserError, match=r"cannot be written|No permission"):
        write_chimerax(Path("/proc/a.cxc"), image_of(asymmetric()))


def test_cancel(tmp_path):
    progress = Progress()
    progress._listener = lambda state: progress.cancel() if state.stage.startswith("Writing") else None
    with pytest.raises(Cancelled):
        write_chimerax(tmp_path / "a.cxc", image_of(asymmetric()), progress)
    assert contents(tmp_path) == []


def test_progress_goes_on_to_the_end(tmp_path):
    seen = []
    progress = Progress(listener=lambda state: seen.append(state.fraction))
    write_chimerax(tmp_path / "a.cxc", image_of(asymmetric()), progress)
    assert seen[-1] == pytest.approx(1) and seen == sorted(seen) and len(seen) > 2
