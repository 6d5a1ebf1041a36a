"""Small tomograms and toy models, so that no test of the doors needs a trained model.

``make test`` runs files of tests side by side (pytest-xdist). Each of the processes gets its share of the
processors and a screen of its own: windows of two tests would take the keyboard focus from each other.
"""

from __future__ import annotations

import atexit
import gc
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace


def share_processors(number: int, workers: int) -> None:
    """Keep this process, and those that it starts, to its share of the processors.

    ONNX Runtime and the program count the processors that they may use, and take as many threads; with more
    of them than there is room for, they spend the time on waiting for each other. Libraries that do not count
    are told how many; they ask once, as they are loaded.
    """
    can_pin = hasattr(os, "sched_getaffinity")
    processors = sorted(os.sched_getaffinity(0)) if can_pin else list(range(os.cpu_count() or 1))
    mine = processors[number::workers] or [processors[number % len(processors)]]
    for library in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM"):
        os.environ.setdefault(f"{library}_NUM_THREADS", str(len(mine)))
    if can_pin:
        os.sched_setaffinity(0, mine)


def own_screen() -> None:
    """Show the windows of this process on a virtual screen of its own, which ends with it."""
    server = "Xvfb -displayfd 1 -screen 0 1600x1000x24 +extension GLX -nolisten tcp 2>/dev/null"
    # However this process ends, its end of the pipe closes, and with it the server.
    keeper = subprocess.Popen(
        ["sh", "-c", f"{server} & read -r _; kill $!"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert keeper.stdout is not None
    number = keeper.stdout.readline().strip()
    if number:  # else it did not start, and the screen of all must do
        os.environ["DISPLAY"] = f":{number}"
    atexit.register(keeper.communicate)


if "PYTEST_XDIST_WORKER" in os.environ:
    share_processors(
        int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw")),
        int(os.environ["PYTEST_XDIST_WORKER_COUNT"]),
    )
    if os.environ.get("QT_QPA_PLATFORM") == "xcb" and shutil.which("Xvfb"):
        own_screen()

import mrcfile
import numpy as np
import onnx
import psutil
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import sxtstudio  # noqa: F401  before any test imports ONNX Runtime: it turns its telemetry off
from sxtstudio.core.progress import Progress
from sxtstudio.segment.job import SegmentationJob
from sxtstudio.segment.neighbours import NetworkOutput
from sxtstudio.segment.run_settings import RunSettings
from sxtstudio.segment.runner import SliceRunner
from sxtstudio.segment.slices import SliceBatch


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Do not look for garbage while all tests are loaded, nor in what is loaded then: it is none.

    With all tests those are close to a million objects, and Python takes a second to look through them.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


MakeModel = MakeContextModel = Callable[..., Path]
HEADS = ("label", "image")


def rings(shape: tuple[int, int, int] = (6, 64, 80), seed: int = 0) -> NDArray[np.float32]:
    """Dark rings, a few voxels wide, in weak noise: (z, y, x) float32."""
    z, y, x = np.indices(shape)
    radius = np.hypot(y - shape[1] / 2, x - shape[2] / 2)
    image = np.random.default_rng(seed).normal(0, 0.05, shape)
    image -= np.abs(radius - shape[1] / 4 - z) < 1.5
    return image.astype(np.float32)


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs and models of the person who runs the tests are left alone."""
    for variable in ("XDG_STATE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path_factory.getbasetemp() / "home"))
    monkeypatch.delenv("SXTSTUDIO_MODELS", raising=False)


def settings_of_a_run(labels: tuple[int, int, int], **changes: Any) -> RunSettings:
    """Settings of a segmentation whose labels have this shape (z, y, x)."""
    first = RunSettings(
        model="compact",
        model_sha256="0" * 64,
        threshold=0.0,
        polarity="dark",
        first=0,
        last=labels[0] - 1,
        probability=False,
        neighbours=1,
        tomogram=labels,
        dtype="float32",
        content="1" * 64,
    )
    return replace(first, **changes)


@pytest.fixture
def run_settings() -> Callable[..., RunSettings]:
    """The function that makes settings of a run."""
    return settings_of_a_run


@pytest.fixture
def cancel_before(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """The function that lets the next segmentation be cancelled before its network sees this slice.

    A test that cancels once it hears of a slice may come too late: others are computed and written meanwhile,
    as many as the disk and the processor happen to allow.
    """
    limit: list[int] = []
    outputs = SegmentationJob.outputs

    def outputs_before(
        self: SegmentationJob, runner: SliceRunner, batch: SliceBatch, progress: Progress, **options: bool
    ) -> list[NetworkOutput]:
        if limit and max(batch.positions) >= limit[0]:
            limit.clear()
            progress.cancel()
            progress.check()
        return outputs(self, runner, batch, progress, **options)

    monkeypatch.setattr(SegmentationJob, "outputs", outputs_before)
    return limit.append


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The function that lets the clock of the computer be set by two hours, as a new process sees it.

    Linux knows of a process how long after the start of the computer it began, and of that when it was by
    the clock of now.
    """
    if sys.platform != "linux":
        pytest.skip("elsewhere the system keeps the times at which processes began")

    def two_hours() -> None:
        began, start = psutil.Process().create_time(), psutil.boot_time()
        monkeypatch.setattr("psutil._pslinux.boot_time", lambda: start + 7200.0)
        assert psutil.Process().create_time() == began + 7200.0

    return two_hours


@pytest.fixture
def tomogram(tmp_path: Path) -> Path:
    """Six slices of 64 × 80 voxels of 10 nm, as MRC."""
    path = tmp_path / "cell.mrc"
    with mrcfile.new(path) as file:
        file.set_data(rings())
        file.voxel_size = 100.0
    return path


@pytest.fixture
def three(tomogram: Path, tmp_path: Path) -> list[Path]:
    """Two good tomograms, and between them one whose second half is missing."""
    folder = tmp_path / "data"
    folder.mkdir()
    files = [folder / name for name in ("a.mrc", "b.mrc", "c.mrc")]
    for file in files:
        shutil.copy(tomogram, file)
    files[1].write_bytes(files[1].read_bytes()[: files[1].stat().st_size // 2])
    return files


@pytest.fixture
def toy_model(tmp_path: Path) -> Path:
    """A model that labels what is more than one SD darker than the slice's mean."""
    return write_toy_model(tmp_path / "toy.onnx")


@pytest.fixture
def slow_model(tmp_path: Path) -> Path:
    """The same, with convolutions before it that change nothing but take a while."""
    return write_toy_model(tmp_path / "slow.onnx", layers=4)


def write_toy_model(
    path: Path, *, layers: int = 0, input_name: str = "input", output: str = "label", channels: int = 1
) -> Path:
    """Write label = tanh(-5 (x + 1)), which is above 0 where the normalised slice is below -1."""
    nodes, weights, name = [], [], input_name
    for number in range(layers):
        kernel = np.zeros((32, channels if number == 0 else 32, 9, 9), np.float32)
        kernel[:, 0, 4, 4] = 1
        weights.append(numpy_helper.from_array(kernel, f"w{number}"))
        nodes.append(helper.make_node("Conv", [name, f"w{number}"], [f"t{number}"], pads=[4, 4, 4, 4]))
        name = f"t{number}"
    first = np.zeros((1, 32 if layers else channels, 1, 1), np.float32)
    first[0, 0] = -5
    weights += [numpy_helper.from_array(first, "w"), numpy_helper.from_array(np.float32([-5]), "b")]
    nodes += [
        helper.make_node("Conv", [name, "w", "b"], ["sum"]),
        helper.make_node("Tanh", ["sum"], [output]),
    ]
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, ["n", channels, "y", "x"])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", 1, "y", "x"])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path


def write_context_model(path: Path, kernel: NDArray[np.float32], *, slices: int | None = None) -> Path:
    """Write label = tanh(the sum over all channels of their correlations with ``kernel`` (slices, y, x)).

    ``image`` is the sum without tanh. A card says that it takes ``slices``, by default as many as it does.
    """
    height, width = kernel.shape[1:]
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["input", "w"], ["image"], pads=[height // 2, width // 2] * 2),
            helper.make_node("Tanh", ["image"], ["label"]),
        ],
        "context",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", len(kernel), "y", "x"])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 1, "y", "x"]) for name in HEADS],
        [numpy_helper.from_array(kernel[np.newaxis].astype(np.float32), "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    card = {
        "name": path.stem, "description": "A sum over slices.", "trained_on": "nothing", "base_width": 1,
        "label_output": "label", "image_output": "image", "licence": "MIT", "halo_px": 16, "multiple": 1,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "slices": slices or len(kernel),
    }  # fmt: skip
    path.with_suffix(".json").write_text(json.dumps(card))
    return path


@pytest.fixture
def make_context_model() -> MakeContextModel:
    """The function that writes models which see several slices."""
    return write_context_model


@pytest.fixture
def make_model() -> MakeModel:
    """The function that writes toy models."""
    return write_toy_model


@pytest.fixture
def expected_labels() -> Callable[[NDArray[np.float32]], NDArray[np.bool_]]:
    """The function that says what the toy model labels."""
    return below_minus_one


def below_minus_one(volume: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return what the toy model labels, computed with numpy alone."""
    image = volume.astype(np.float64)
    mean, deviation = (f(image, axis=(1, 2), keepdims=True) for f in (np.mean, np.std))
    return (image - mean) / deviation < -1


@pytest.fixture
def live_windows() -> Callable[[], int]:
    """Count VTK's render windows of this process; each holds OpenGL and threads."""

    def count() -> int:
        module = sys.modules.get("vtkmodules.vtkRenderingCore")
        if module is None:
            return 0
        gc.collect()
        # type(): isinstance would ask lazy modules of other libraries for their class, and they warn.
        return sum(issubclass(type(thing), module.vtkRenderWindow) for thing in gc.get_objects())

    return count
