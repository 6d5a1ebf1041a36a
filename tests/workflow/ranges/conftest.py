"""A tomogram in which neighbours matter, and a network for which it matters how a slice is turned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mrcfile
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from sxtstudio.io import export_zarr, zarr_layers
from sxtstudio.segment import SegmentParameters
from sxtstudio.workflow.jobs.segmenting import SegmentJob
from sxtstudio.workflow.ranges import cleaning, objects, running, split

MakeJob = Callable[..., SegmentJob]
SIZE = (48, 40)


def slices_of(depth: int) -> NDArray[np.float32]:
    """Dark rings that move, (z, y, x), with a fill, a blank slice, and a slice unlike its neighbours."""
    z, y, x = np.indices((depth, *SIZE))
    image = np.random.default_rng(1).normal(0, 0.1, (depth, *SIZE))
    image -= np.abs(np.hypot(y - 22 - z % 5, x - 18) - 9 - z % 3) < 1.5
    image[:, :, :4] = 5.0  # a fill beside the field of view
    if depth > 5:
        image[4] = np.random.default_rng(2).normal(0, 1, SIZE)  # resembles neither neighbour
    if depth > 9:
        image[8] = 7.0
    return image.astype(np.float32)


def save(path: Path, image: NDArray[np.float32]) -> Path:
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(image)
        file.voxel_size = 100.0
    return path


def write_network(path: Path, sees: int = 1) -> Path:
    """Write a network of two heads, each a convolution that differs in each direction and of each slice."""
    random = np.random.default_rng(3)
    kernels = {
        "label": random.normal(-0.6, 0.4, (1, sees, 3, 3)),
        "image": random.normal(0.1, 0.1, (1, sees, 3, 3)),
    }
    kernels["label"][0, 0, 1, 1] = -2
    weights = [numpy_helper.from_array(kernel.astype(np.float32), f"w_{n}") for n, kernel in kernels.items()]
    nodes = [
        helper.make_node("Conv", ["input", "w_label"], ["sum"], pads=[1, 1, 1, 1]),
        helper.make_node("Tanh", ["sum"], ["label"]),
        helper.make_node("Conv", ["input", "w_image"], ["image"], pads=[1, 1, 1, 1]),
    ]
    free = ["n", 1, "y", "x"]
    seen = ["n", sees, "y", "x"]
    graph = helper.make_graph(
        nodes,
        "two heads",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, seen)],
        [helper.make_tensor_value_info(head, TensorProto.FLOAT, free) for head in kernels],
        weights,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def small_chunks(patch: pytest.MonkeyPatch) -> None:
    """Let a layer of chunks have 4 slices, so that few slices make several ranges."""
    patch.setattr(export_zarr, "CHUNK", (4, 32, 32))
    for module in (zarr_layers, split, running, cleaning, objects):
        patch.setattr(module, "LAYER_SLICES", 4)


@pytest.fixture(autouse=True)
def chunks_of_four(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quick tests of many ranges; that the disk is told to flush, others test."""
    small_chunks(monkeypatch)
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


@pytest.fixture
def make_job(tmp_path: Path) -> MakeJob:
    """The function that makes a job of a tomogram of so many slices, for a network that sees some at once."""

    def make(depth: int = 10, name: str = "labels.tif", *, sees: int = 1, **parameters: object) -> SegmentJob:
        tomogram = tmp_path / "cell.mrc"
        if not tomogram.exists():
            save(tomogram, slices_of(depth))
        model = tmp_path / "two.onnx"
        if not model.exists():
            write_network(model, sees)
        stem = name.partition(".")[0]
        values = {"probability": True, "polarity": "dark", **parameters}
        return SegmentJob(
            tomogram,
            tmp_path / name,
            SegmentParameters(model=model, **values),  # type: ignore[arg-type]
            probability=tmp_path / f"{stem}.output.mrc" if values["probability"] else None,
            report=tmp_path / f"{stem}.json",
        )

    return make
