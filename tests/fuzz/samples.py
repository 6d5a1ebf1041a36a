"""Good small files of every kind that the program reads, and the command that reads them.

A sample writes into an empty folder. Its first part are the files that are spoiled, of which one is chosen.
"""

from __future__ import annotations

import bz2
import gzip
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import mrcfile
import numpy as np
import onnx
import tifffile
import zarr
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from sxtstudio.workflow.document.document import Document

Write = Callable[[Path], list[Path]]
Words = Callable[[Path], list[str]]


@dataclass(frozen=True)
class Sample:
    """``write`` returns the files to spoil; ``words`` is the command line for the folder."""

    write: Write
    words: Words
    is_graph: bool = False  # a model that is to stay one


def grey(dtype: str = "f4", shape: tuple[int, ...] = (4, 40, 48)) -> NDArray[np.generic]:
    noise = np.random.default_rng(1).normal(0, 20, shape) + 100
    return noise.astype(dtype)


IMAGEJ = {"spacing": 2.0, "axes": "ZYX"}


def info(name: str) -> Words:
    return lambda folder: ["info", str(folder / name)]


def one(name: str, write: Callable[[Path], None]) -> Write:
    def write_it(folder: Path) -> list[Path]:
        write(folder / name)
        return [folder / name]

    return write_it


def mrc(dtype: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with mrcfile.new(path) as file:
            file.set_data(grey(dtype))
            file.voxel_size = 100.0

    return write


def tiff(**options: object) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        tifffile.imwrite(path, grey("u2"), photometric="minisblack", **options)

    return write


def imod(path: Path) -> None:
    from sxtstudio.core.label_image import LabelImage
    from sxtstudio.core.volume import ArrayVolume
    from sxtstudio.io.handover.imod import write_imod

    labels = (grey("f4") > 120).astype(np.uint8)
    write_imod(path, LabelImage("a", ArrayVolume(labels), (), (20.0, 10.0, 10.0), (1.0, 2.0, 3.0)))


def png(folder: Path) -> list[Path]:
    from PIL import Image

    files = [folder / "slices" / f"slice{n}.png" for n in range(3)]
    files[0].parent.mkdir()
    for n, file in enumerate(files):
        Image.fromarray(grey("u1")[n]).save(file)
    return files


def tiff_slices(folder: Path) -> list[Path]:
    files = [folder / "slices" / f"slice{n}.tif" for n in range(3)]
    files[0].parent.mkdir()
    for n, file in enumerate(files):
        tifffile.imwrite(file, grey("u2")[n], compression="zlib")
    return files


def hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        data = file.create_dataset(
            "volume", data=grey(), chunks=(2, 20, 24), compression="gzip", shuffle=True
        )
        data.attrs["element_size_um"] = (0.02, 0.01, 0.01)
        data.attrs["axistags"] = json.dumps({"axes": [{"key": k, "typeFlags": 2} for k in "zyx"]})


def nexus(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["default"] = "entry"
        entry = file.create_group("entry")
        entry.attrs.update(NX_class="NXentry", default="data")
        data = entry.create_group("data")
        data.attrs.update(NX_class="NXdata", signal="data", axes=["z", "y", "x"])
        data["data"] = grey()
        for name, size in zip("zyx", grey().shape, strict=True):
            data[name] = np.arange(size) * 0.01
            data[name].attrs["units"] = "um"
        entry["link"] = h5py.SoftLink("/entry/data/data")
        layout = h5py.VirtualLayout(grey().shape, "f4")
        layout[:] = h5py.VirtualSource(path.name, "/entry/data/data", grey().shape)
        entry.create_virtual_dataset("virtual", layout)


def zarr_of(version: int, *, ome: bool, **options: object) -> Write:
    def write(folder: Path) -> list[Path]:
        path = folder / "sample.zarr"
        place = path / "0" if ome else path
        zarr.create_array(str(place), data=grey(), chunks=(2, 20, 24), zarr_format=version, **options)
        if ome:
            axes = [{"name": n, "type": "space", "unit": "nanometer"} for n in "zyx"]
            scale = [{"type": "scale", "scale": [20.0, 10.0, 10.0]}]
            image = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}
            if version == 2:
                (path / ".zgroup").write_text('{"zarr_format": 2}')
                (path / ".zattrs").write_text(json.dumps({"multiscales": [{"version": "0.4", **image}]}))
            else:
                attributes = {"ome": {"version": "0.5", "multiscales": [image]}}
                group = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
                (path / "zarr.json").write_text(json.dumps(group))
        files = sorted(p for p in path.rglob("*") if p.is_file())
        texts = [p for p in files if p.name in ("zarr.json", ".zarray", ".zattrs", ".zgroup")]
        return texts * 3 + files

    return write


def model(path: Path) -> None:
    """label = tanh of two convolutions, as small as a network can be."""
    first = numpy_helper.from_array(np.full((4, 1, 3, 3), 0.1, np.float32), "w0")
    second = numpy_helper.from_array(np.full((1, 4, 1, 1), -1.0, np.float32), "w1")
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["input", "w0"], ["t0"], pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
            helper.make_node("Relu", ["t0"], ["t1"]),
            helper.make_node("MaxPool", ["t1"], ["t2"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("Resize", ["t2", "", "scales"], ["t3"], mode="nearest"),
            helper.make_node("Conv", ["t3", "w1"], ["sum"]),
            helper.make_node("Tanh", ["sum"], ["label"]),
        ],
        "sample",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 1, "y", "x"])],
        [helper.make_tensor_value_info("label", TensorProto.FLOAT, ["n", 1, "y", "x"])],
        [first, second, numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


def model_with_card(folder: Path) -> list[Path]:
    import hashlib

    path = folder / "sample.onnx"
    model(path)
    card = {
        "name": "sample",
        "description": "A model for tests.",
        "trained_on": "nothing",
        "base_width": 2,
        "label_output": "label",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "licence": "MIT",
        "voxel_nm": [8.0, 25.0],
        "halo_px": 16,
        "scores": {"phantoms": {"precision": 0.9, "recall": 0.8}},
        "limits": ["everything"],
    }
    path.with_suffix(".json").write_text(json.dumps(card))
    return [path.with_suffix(".json")]


def tomogram(folder: Path) -> Path:
    path = folder / "cell.mrc"
    if not path.exists():
        mrc("f4")(path)
    return path


def labels(folder: Path) -> list[Path]:
    path = folder / "labels.tif"
    tifffile.imwrite(path, (grey("u1") > 120).astype(np.uint8), photometric="minisblack", compression="zlib")
    return [path]


def with_objects(document: Document) -> None:
    """Draw two objects, with a class and a note: edits that can be taken back."""
    from sxtstudio.core.edit_kind import EditKind
    from sxtstudio.core.edits import Edit
    from sxtstudio.core.evaluation.judgement import Evaluation, JudgedSlice, JudgementChange
    from sxtstudio.core.evaluation.marks import JudgedPixels
    from sxtstudio.core.geometry import Box
    from sxtstudio.core.history import EditHistory
    from sxtstudio.core.object_table import Decided, ObjectFlag, ObjectRow

    history = EditHistory()
    history.begin(document.undo)
    for number, row in ((1, ObjectRow("Vesicle", Decided.HAND, notes="µ")), (70_000, ObjectRow())):
        recorder = document.recorder(EditKind.NEW_OBJECT, "objects", {})
        recorder.paint(Box((1, 4, number % 9), (2, 9, number % 9 + 3)), np.ones((1, 5, 3), bool), number)
        recorder.rows = document.object_table.change(
            {number: replace(row, flags=frozenset({ObjectFlag.OPEN}))}
        )
        edit = recorder.finish()
        assert edit is not None and edit.rows is not None
        document.change_table(edit.rows)
        history.push(edit)
        document.gain("objects", edit.gained)
    judged = Evaluation((1, 2)).with_judged(1, JudgedSlice(JudgedPixels(5, 4, 3, 2), 7, "2026-01-31"))
    change = JudgementChange.of(Evaluation((1,)), judged, 1)
    history.push(Edit(EditKind.JUDGE, (), "marks", judged=change))
    document.undo.wait()


def project(folder: Path) -> list[Path]:
    from sxtstudio.core.edit_kind import EditKind
    from sxtstudio.core.steps import Step, StepKind
    from sxtstudio.workflow.document.document import Document
    from sxtstudio.workflow.document.project import save, snapshot

    document = Document.open(tomogram(folder), folder / "sessions")
    document.volume("labels")[1, 4:9, 10:20] = 255
    document.recount("labels")
    with_objects(document)
    document.add_step(Step(StepKind.EDIT, EditKind.BRUSH, parameters={"size_px": 4}))
    save(snapshot(document), folder / "cell.sxt").lock.release()
    document.discard()
    document.close()
    files = sorted(p for p in (folder / "cell.sxt").rglob("*") if p.is_file() and p.name != "in-use")
    return [folder / "cell.sxt" / "project.json"] * 8 + files


def session(folder: Path) -> list[Path]:
    """A working folder as a crash leaves it."""
    from sxtstudio.core.edit_kind import EditKind
    from sxtstudio.core.steps import Step, StepKind
    from sxtstudio.workflow.document.document import Document

    document = Document.open(tomogram(folder), folder / "sessions")
    document.volume("labels")[1, 4:9, 10:20] = 255
    with_objects(document)
    document.add_step(Step(StepKind.EDIT, EditKind.BRUSH, parameters={"size_px": 4}))
    document.autosave()
    document.let_go()
    (place,) = (folder / "sessions").iterdir()
    return [
        *(p for p in sorted(place.iterdir()) if p.suffix in (".json", ".jsonl") for _ in range(3)),
        place / "labels.raw",
        *sorted((place / "undo").iterdir()),
    ]


def unfinished(folder: Path) -> list[Path]:
    """A segmentation that was interrupted after two slices."""
    from sxtstudio.core.errors import Cancelled
    from sxtstudio.core.progress import Progress
    from sxtstudio.segment import SegmentParameters
    from sxtstudio.workflow.jobs.segmenting import SegmentJob, segment_file

    model(folder / "sample.onnx")
    progress = Progress()

    def stop(z: int, labels: object, finished: int, total: int) -> None:
        if finished == 2:
            progress.cancel()

    parameters = SegmentParameters(model=str(folder / "sample.onnx"), device="cpu")
    try:
        segment_file(SegmentJob(tomogram(folder), folder / "labels.tif", parameters), progress, stop)
    except Cancelled:
        pass
    files = sorted((folder / "labels.tif.partial").iterdir())
    return [p for p in files if p.name != "in-use"]


def used(folder: Path) -> list[Path]:
    tomogram(folder)
    model(folder / "sample.onnx")
    return [folder / "sample.onnx"]


def segmented(folder: Path) -> list[str]:
    words = ["segment", str(folder / "cell.mrc"), "-o", str(folder / "labels.tif")]
    return [*words, "--model", str(folder / "sample.onnx"), "--device", "cpu"]


def resume(folder: Path) -> list[str]:
    return [*segmented(folder), "--resume"]


def training(path: Path) -> None:
    labels(path.parent)
    tomogram(path.parent)
    path.write_text(
        'name = "sample"\nbase_width = 4\nvoxel_nm = [8.0, 25.0]\n[[labelled]]\ntomogram = "cell.mrc"\n'
        'labels = "labels.tif"\nslices = "0-2"\npolarity = "dark"\n[training]\nminutes = 0.001\nseed = 3\n'
    )


def words_of(*words: str) -> Write:
    """The words of a command are a file that is spoiled; what they name lies beside it."""

    def write(folder: Path) -> list[Path]:
        tomogram(folder)
        labels(folder)
        model(folder / "sample.onnx")
        (folder / "words.json").write_text(json.dumps(words))
        return [folder / "words.json"]

    return write


def spoiled_words(folder: Path) -> list[str]:
    try:
        found = json.loads((folder / "words.json").read_bytes())
    except (ValueError, RecursionError):
        return ["--help"]
    listed = found if isinstance(found, list) else [found]
    return ["in", str(folder), *(str(word).replace("\0", "0") for word in listed)]


def exported(path: Path) -> None:
    """A volume of grey values, in the format of the name."""
    from sxtstudio.core.volume import ArrayVolume
    from sxtstudio.io import export_volume

    export_volume(path, ArrayVolume(grey("u2"), (10.0, 10.0, 10.0)), kind="image")


def handed_over(path: Path) -> None:
    """Labels with names, in the format of the name."""
    from sxtstudio.core.label_image import LabelImage, LegendEntry
    from sxtstudio.core.progress import Progress
    from sxtstudio.core.volume import ArrayVolume
    from sxtstudio.io.handover import amira, mib_model, nifti, nrrd

    writers = {
        ".am": amira.write_amira_labels,
        ".model": mib_model.write_mib_model,
        ".nrrd": nrrd.write_seg_nrrd,
        ".gz": nifti.write_nifti_labels,
    }
    voxels = (np.arange(4 * 40 * 48).reshape(4, 40, 48) // 100 % 3).astype(np.uint8)
    legend = (LegendEntry(1, "one", (255, 0, 0)), LegendEntry(2, "two", (0, 0, 255)))
    image = LabelImage("a", ArrayVolume(voxels), legend, (10.0, 10.0, 10.0), (0.0, 0.0, 0.0))
    writers[path.suffix](path, image, Progress())


def txm(path: Path) -> None:
    from tests.io.compound import write_compound
    from tests.io.test_txm import streams

    write_compound(path, streams(grey("u2")))


def runs_of_amira(path: Path) -> None:
    from tests.io.handover.test_amira import HEAD, RUNS

    text = HEAD.replace("Lattice { float[3] Vectors } @1\n", "").replace("@2%s", f"@1(HxByteRLE,{len(RUNS)})")
    path.write_bytes(text.encode() + b"@1\n" + RUNS + b"\n")


def packed(pack: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        mrc("f4")(path)
        path.write_bytes(pack(path.read_bytes()))

    return write


def names(name: str) -> Words:
    return lambda folder: ["names", str(folder / name)]


SAMPLES: dict[str, Sample] = {
    "mrc-gzip": Sample(one("a.mrc.gz", packed(gzip.compress)), info("a.mrc.gz")),
    "mrc-bzip2": Sample(one("a.mrc.bz2", packed(bz2.compress)), info("a.mrc.bz2")),
    "npy": Sample(one("a.npy", lambda path: np.save(path, grey("u2"))), info("a.npy")),
    "nrrd": Sample(one("a.nrrd", exported), info("a.nrrd")),
    "nrrd-labels": Sample(one("a.seg.nrrd", handed_over), info("a.seg.nrrd")),
    "nrrd-names": Sample(one("a.seg.nrrd", handed_over), names("a.seg.nrrd")),
    "nifti": Sample(one("a.nii", exported), info("a.nii")),
    "nifti-packed": Sample(one("a.nii.gz", handed_over), info("a.nii.gz")),
    "nifti-names": Sample(one("a.nii.gz", handed_over), names("a.nii.gz")),
    "amira": Sample(one("a.am", exported), info("a.am")),
    "amira-runs": Sample(one("a.am", runs_of_amira), info("a.am")),
    "amira-names": Sample(one("a.am", handed_over), names("a.am")),
    "mib": Sample(one("a.model", handed_over), info("a.model")),
    "mib-names": Sample(one("a.model", handed_over), names("a.model")),
    "txm": Sample(one("a.txm", txm), info("a.txm")),
    "mrc": Sample(one("a.mrc", mrc("f4")), info("a.mrc")),
    "mrc-int16": Sample(one("a.mrc", mrc("i2")), info("a.mrc")),
    "tiff": Sample(one("a.tif", tiff()), info("a.tif")),
    "tiff-packed": Sample(one("a.tif", tiff(compression="zlib", tile=(32, 32))), info("a.tif")),
    "tiff-imagej": Sample(one("a.tif", tiff(imagej=True, metadata=IMAGEJ)), info("a.tif")),
    "tiff-big": Sample(one("a.tif", tiff(bigtiff=True, compression="lzw")), info("a.tif")),
    "tiff-ome": Sample(one("a.ome.tif", tiff(ome=True, metadata={"axes": "ZYX"})), info("a.ome.tif")),
    "imod": Sample(one("a.mod", imod), info("a.mod")),
    "png": Sample(png, info("slices")),
    "folder": Sample(tiff_slices, info("slices")),
    "hdf5": Sample(one("a.h5", hdf5), info("a.h5")),
    "nexus": Sample(one("a.nxs", nexus), info("a.nxs")),
    "zarr-2": Sample(zarr_of(2, ome=False), info("sample.zarr")),
    "zarr-3": Sample(zarr_of(3, ome=False, shards=(4, 40, 48)), info("sample.zarr")),
    "ome-zarr-0.4": Sample(zarr_of(2, ome=True), info("sample.zarr")),
    "ome-zarr-0.5": Sample(zarr_of(3, ome=True), info("sample.zarr")),
    "model": Sample(one("a.onnx", model), lambda folder: ["models", "check", str(folder / "a.onnx")]),
    "graph": Sample(one("a.onnx", model), lambda folder: ["models", "check", str(folder / "a.onnx")], True),
    "graph-used": Sample(used, segmented, True),
    "options-clean": Sample(
        words_of(*"clean labels.tif -o new.mrc --erode 1 --min-size 10 --crop 0,1,1 --voxel 9.8".split()),
        spoiled_words,
    ),
    "options-segment": Sample(
        words_of(
            *"segment cell.mrc -o new.tif --model sample.onnx --device cpu --slices 0:2".split(),
            *"--threshold 0.1 --tile 64 --voxel 20,10,10 --report new.json --polarity dark".split(),
            *"--min-size 0.0001um3".split(),
        ),
        spoiled_words,
    ),
    "card": Sample(model_with_card, lambda folder: ["models", "check", str(folder / "sample.onnx")]),
    "labels": Sample(
        labels,
        lambda folder: ["clean", str(folder / "labels.tif"), "-o", str(folder / "new.mrc"), "--erode", "1"],
    ),
    "project": Sample(project, lambda folder: ["open", str(folder / "cell.sxt")]),
    "session": Sample(session, lambda folder: ["recover", str(folder / "sessions")]),
    "unfinished": Sample(unfinished, resume),
    "training": Sample(one("a.toml", training), lambda folder: ["load", str(folder / "a.toml")]),
}


def run_words(words: list[str]) -> int:
    """Run a command; "open", "recover" and "load" do what the window does, behind the same guard."""
    from sxtstudio.cli import main
    from sxtstudio.commands.guard import guarded
    from sxtstudio.commands.output import quieten_libraries

    quieten_libraries()
    if words[0] == "in":
        os.chdir(words[1])
        words = words[2:] or [""]
    own = {"open": _open, "recover": _recover, "load": _load, "names": _names}
    if words[0] in own:
        return guarded(words, lambda: own[words[0]](Path(words[1])))
    return main(words)


def _open(path: Path) -> int:
    from sxtstudio.workflow.document.project import open_project

    opened = open_project(path, work_root=path.parent / "sessions")
    opened.document.close()
    return 0


def _recover(root: Path) -> int:
    from sxtstudio.workflow.document.recovered import recover
    from sxtstudio.workflow.document.recovery import leftovers

    for left in leftovers(root):
        if not left.damaged:
            recover(left.folder).close()
    return 0


def _names(path: Path) -> int:
    from sxtstudio.io.legend import read_legend

    read_legend(path)
    return 0


def _load(path: Path) -> int:
    from sxtstudio.training.config import load_config

    load_config(path)
    return 0


__all__ = ["SAMPLES", "Sample", "run_words"]
