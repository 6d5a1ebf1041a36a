"""The published network written straight into ONNX, with random weights: quick, and without PyTorch."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from sxtstudio.core.add_ons import MANIFEST, made_for

SCALES = {"input": 1, "skip_0": 1, "skip_1": 2, "skip_2": 4, "skip_3": 8, "neck": 16}
SCALES |= {"label_0": 8, "label_1": 4, "label_2": 2, "label": 1}
SCALES |= {"image_0": 8, "image_1": 4, "image_2": 2, "image": 1}


def _stage(inputs: list[str], output: str, halo_px: int) -> dict[str, Any]:
    return {"inputs": inputs, "output": output, "halo_px": halo_px}


ENCODER = [
    _stage(["input"], "skip_0", 3),
    _stage(["skip_0"], "skip_1", 4),
    _stage(["skip_1"], "skip_2", 8),
    _stage(["skip_2"], "skip_3", 16),
    _stage(["skip_3"], "neck", 64),
]
STAGES = {
    "tensors": SCALES,
    "label": [
        *ENCODER,
        _stage(["neck", "skip_3"], "label_0", 48),
        _stage(["label_0", "skip_2"], "label_1", 24),
        _stage(["label_1", "skip_1"], "label_2", 12),
        _stage(["label_2", "skip_0"], "label", 8),
    ],
    "image": [
        *ENCODER,
        _stage(["neck"], "image_0", 32),
        _stage(["image_0"], "image_1", 16),
        _stage(["image_1"], "image_2", 8),
        _stage(["image_2"], "image", 8),
    ],
}


class _Builder:
    """Layers of ../shared/deep_sxt.md, appended to an ONNX graph one by one."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.channels: dict[str, int] = {"input": 1}
        self.count = 0

    def node(self, kind: str, inputs: list[str], channels: int, name: str = "", **attributes: Any) -> str:
        self.count += 1
        name = name or f"t{self.count}"
        self.nodes.append(helper.make_node(kind, inputs, [name], f"n{self.count}", **attributes))
        self.channels[name] = channels
        return name

    def constant(self, array: Any) -> str:
        self.count += 1
        name = f"w{self.count}"
        self.weights.append(numpy_helper.from_array(np.asarray(array, np.float32), name))
        return name

    def conv(self, x: str, f: int, k: int, bias: bool, gain: float = 1.0) -> str:
        c = self.channels[x]
        inputs = [x, self.constant(self.random.normal(0, (gain / (c * k * k)) ** 0.5, (f, c, k, k)))]
        if bias:
            inputs.append(self.constant(self.random.normal(0, 0.1, f)))
        pads = [(k - 1) // 2] * 2 + [k // 2] * 2
        return self.node("Conv", inputs, f, kernel_shape=[k, k], pads=pads)

    def bottleneck(self, x: str, f: int, k: int, bias: bool) -> str:
        x = self.conv(x, max(1, f // 2), 1, bias, gain=2.0)
        return self.conv(self.conv(x, max(1, f // 2), k, bias), f, 1, bias)

    def norm(self, x: str) -> str:
        c = self.channels[x]
        statistics = [self.random.uniform(0.8, 1.2, c), self.random.normal(0, 0.1, c)]
        statistics += [self.random.normal(0, 0.1, c), self.random.uniform(0.8, 1.2, c)]
        inputs = [x, *(self.constant(s) for s in statistics)]
        return self.node("BatchNormalization", inputs, c, epsilon=1e-3)

    def relu(self, x: str, name: str = "") -> str:
        return self.node("Relu", [x], self.channels[x], name)

    def residual(self, y: str, f: int, name: str = "") -> str:
        x = self.relu(self.norm(self.bottleneck(y, f, 3, False)))
        return self.relu(self.norm(self.concat([y, self.bottleneck(x, f, 3, False)])), name)

    def concat(self, xs: list[str], name: str = "") -> str:
        return self.node("Concat", xs, sum(self.channels[x] for x in xs), name, axis=1)

    def pool(self, x: str) -> str:
        return self.node("MaxPool", [x], self.channels[x], kernel_shape=[2, 2], strides=[2, 2])

    def up(self, x: str, f: int) -> str:
        c = self.channels[x]
        weight = self.constant(self.random.normal(0, (2 / (c * 9 / 4)) ** 0.5, (c, f, 3, 3)))
        bias = self.constant(self.random.normal(0, 0.1, f))
        attributes = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [0, 0, 1, 1]}
        return self.node("ConvTranspose", [x, weight, bias], f, **attributes)

    def network(self, m: int) -> None:
        x = self.relu(self.norm(self.bottleneck("input", m, 3, True)))
        for level in range(4):
            x = self.residual(x if level == 0 else self.pool(x), m << level, f"skip_{level}")
        pooled, branches = self.pool(x), []
        for k in (1, 2, 3):
            y = pooled
            for _ in range(4):
                y = self.relu(self.norm(self.bottleneck(y, 16 * m, k, False)))
            branches.append(y)
        neck = x = self.concat(branches, "neck")
        for level in (3, 2, 1, 0):
            f = m << level
            x = self.residual(self.concat([f"skip_{level}", self.up(x, f)]), f)
            x = self.residual(x, f, f"label_{3 - level}" if level else "")
        x = self.relu(self.norm(self.bottleneck(x, m, 3, False)))
        x = self.conv(self.bottleneck(self.norm(x), m, 3, True), 1, 1, True)
        self.node("Tanh", [x], 1, "label")
        x = neck
        for level in (3, 2, 1, 0):
            x = self.residual(self.up(x, m << level), m << level, f"image_{3 - level}" if level else "")
        x = self.relu(self.norm(self.bottleneck(x, m, 3, False)))
        for f in (m, m):
            x = self.bottleneck(x, f, 3, True)
        x = self.conv(self.conv(self.conv(x, 1, 1, True), 1, 3, True), 1, 1, True)
        self.node("Identity", [x], 1, "image")


def deep_sxt_onnx(base_width: int, *, seed: int = 2, staged: bool = True) -> onnx.ModelProto:
    """Return the two-headed network with random, well-scaled weights; ``staged`` adds the stage map."""
    builder = _Builder(seed)
    builder.network(base_width)
    free = ["batch", 1, "height", "width"]
    graph = helper.make_graph(
        builder.nodes,
        "deep_sxt",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, free)],
        [helper.make_tensor_value_info(head, TensorProto.FLOAT, free) for head in ("label", "image")],
        builder.weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if staged:
        helper.set_model_props(model, {"sxt_stages": json.dumps(STAGES)})
    onnx.checker.check_model(model)
    return model


@pytest.fixture(scope="session")
def make_network() -> Any:
    """The function that makes a network of any base width."""
    return deep_sxt_onnx


@pytest.fixture(scope="session")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small two-headed model with the map of its stages."""
    path = tmp_path_factory.mktemp("models") / "tiny.onnx"
    path.write_bytes(deep_sxt_onnx(4).SerializeToString())
    return path


@pytest.fixture(scope="session")
def plain_model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model without the map."""
    path = tmp_path_factory.mktemp("models") / "plain.onnx"
    path.write_bytes(deep_sxt_onnx(4, staged=False).SerializeToString())
    return path


def noisy_slices(*shape: int, seed: int = 0) -> np.ndarray:
    """Normalised float32 noise with structures of several sizes."""
    random = np.random.default_rng(seed)
    image = random.normal(size=shape)
    for axis in (-1, -2):
        image += np.cumsum(random.normal(size=shape), axis=axis) / 4
    return ((image - image.mean()) / image.std()).astype(np.float32)


@pytest.fixture(scope="session")
def make_slices() -> Any:
    """The function that makes noise of any size."""
    return noisy_slices


@pytest.fixture
def write_nvidia_package() -> Callable[[Path, str], Path]:
    """Write a package for NVIDIA's cards whose onnxruntime does this when it is loaded; return its folder."""

    def write(folder: Path, content: str) -> Path:
        package = folder / "sxtstudio-cuda"
        (package / "onnxruntime").mkdir(parents=True)
        (package / "onnxruntime" / "__init__.py").write_text(content)
        (package / "onnxruntime_gpu-1.2.3.dist-info").mkdir()
        python, system = made_for()
        facts = {
            "schema": "sxtstudio-add-on/1", "name": "cuda", "version": "0.1.0", "python": python,
            "system": system, "library": "onnxruntime-gpu 1.2.3",
        }  # fmt: skip
        (package / MANIFEST).write_text(json.dumps(facts))
        return package

    return write


def killed_run(volume: np.ndarray, model: Path, folder: Path, **parameters: object) -> None:
    """Segment a tomogram into ``folder / "w"`` in another process, which is killed after a few slices."""
    np.save(folder / "tomogram.npy", volume)
    code = (
        "import sys, numpy as np; from pathlib import Path\n"
        "from sxtstudio.core.volume import ArrayVolume\n"
        "from sxtstudio.segment import segment, SegmentParameters\n"
        "a = np.load(sys.argv[1], mmap_mode='r', allow_pickle=False)\n"
        f"p = SegmentParameters(model=Path(sys.argv[2]), device='cpu', polarity='dark', **{parameters!r})\n"
        "segment(ArrayVolume(a), p, Path(sys.argv[3]), on_slices=lambda z, _: print(z, flush=True))\n"
    )
    command = [sys.executable, "-c", code, folder / "tomogram.npy", model, folder / "w"]
    with subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 3:
                process.send_signal(signal.SIGKILL)
                break
