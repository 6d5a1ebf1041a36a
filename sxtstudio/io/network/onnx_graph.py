"""Both heads of the network as an ONNX model, written from its arrays with nothing but ``onnx``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from sxtstudio.io.network.layers import (
    BATCH_NORM_EPS,
    BATCH_NORM_KEEPS,
    STAGES,
    Bottleneck,
    Conv,
    Decoder,
    NeckBranch,
    Network,
    Norm,
    Residual,
)
from sxtstudio.io.network.stage_plan import STAGES_KEY, stage_plan

#: The newest that DirectML's onnxruntime takes.
OPSET = 17
_IR = 8
#: What stands before the name of an array in the file.
PREFIX = "network."
#: The label map before its tanh; twice that is the log-odds of membrane.
SCORES = "label_scores"

Arrays = Mapping[str, NDArray[np.float32]]


def network_model(network: Network, arrays: Arrays) -> onnx.ModelProto:
    """Return the network with its weights as an ONNX model: ``input`` to ``label`` and ``image``.

    The input is (batch, slices, y, x) float32 with any batch and any multiples of 16, outputs are
    (batch, 1, y, x). The tensors at the borders between the stages have the names of ``stage_plan``, which
    stands in the metadata. Batch norms stay apart from the convolutions, so that a model can be trained
    further; the runtime joins them.

    Parameters
    ----------
    network
        Which layers it has.
    arrays
        Every array of ``network.shapes()``, float32.

    Raises
    ------
    KeyError, ValueError
        If an array is missing, or has another shape.
    """
    graph = _Graph()
    for name, shape in network.shapes().items():
        values = arrays[name]
        if values.shape != shape:
            raise ValueError(f"{name} has the shape {values.shape} instead of {shape}")
        graph.store(PREFIX + name, np.ascontiguousarray(values, np.float32))
    skips, neck = graph.encode(network)
    decoded = graph.decode(network.label_decoder, neck, skips, "label")
    normed = graph.norm(decoded, network.label_norm)
    scores = graph.conv(graph.bottleneck(normed, network.label_conv), network.label_out, SCORES)
    graph.add("Tanh", [scores], "label")
    drawn = graph.decode(network.image_decoder, neck, None, "image")
    *rest, last = network.image_head
    for part in rest:
        drawn = graph.bottleneck(drawn, part)
    graph.bottleneck(drawn, last, "image")
    return graph.model(network.slices)


class _Graph:
    """Collects the nodes and arrays of a graph; every method returns the name of the tensor that it made."""

    def __init__(self) -> None:
        opset = helper.make_opsetid("", OPSET)
        self._model = onnx.ModelProto(ir_version=_IR, producer_name="SXT Studio", opset_import=[opset])
        self._proto = self._model.graph
        self._proto.name = "deep_sxt"
        # Transposed convolutions give a row and a column more, which the published network crops; its even
        # kernels want a row and a column of zeros behind.
        self._crop = [
            self.store(name, np.array(value, np.int64))
            for name, value in (("crop_first", [0, 0]), ("crop_end", [-1, -1]), ("crop_axes", [2, 3]))
        ]
        self._behind = self.store("pad_behind", np.array([0, 0, 0, 0, 0, 0, 1, 1], np.int64))

    def store(self, name: str, values: NDArray[Any]) -> str:
        self._proto.initializer.append(numpy_helper.from_array(values, name))
        return name

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self._proto.node.append(helper.make_node(kind, inputs, [output], output, **attributes))
        return output

    def conv(self, x: str, conv: Conv, output: str = "") -> str:
        output = output or conv.name
        inputs = [x, *(PREFIX + name for name, _ in conv.arrays)]
        size = {"kernel_shape": [conv.kernel, conv.kernel], "group": 1, "dilations": [1, 1]}
        if conv.transposed:
            return self.add("ConvTranspose", inputs, output, strides=[2, 2], pads=[0, 0, 0, 0], **size)
        if conv.kernel % 2 == 0:
            inputs[0] = self.add("Pad", [x, self._behind], f"{output}_padded", mode="constant")
        pads = [(conv.kernel - 1) // 2] * 4
        return self.add("Conv", inputs, output, strides=[1, 1], pads=pads, **size)

    def norm(self, x: str, norm: Norm) -> str:
        inputs = [x, *(PREFIX + name for name, _ in (*norm.arrays, *norm.statistics))]
        constants = {"epsilon": BATCH_NORM_EPS, "momentum": BATCH_NORM_KEEPS, "training_mode": 0}
        return self.add("BatchNormalization", inputs, norm.name, **constants)

    def norm_relu(self, x: str, norm: Norm, output: str = "") -> str:
        return self.add("Relu", [self.norm(x, norm)], output or f"{norm.name}_relu")

    def bottleneck(self, x: str, part: Bottleneck, output: str = "") -> str:
        first, second, third = part.convs
        return self.conv(self.conv(self.conv(x, first), second), third, output)

    def residual(self, x: str, block: Residual, output: str = "") -> str:
        inner = self.norm_relu(self.bottleneck(x, block.first), block.inner_norm)
        grown = self.bottleneck(inner, block.second)
        both = self.add("Concat", [x, grown], f"{block.name}.concat", axis=1)
        return self.norm_relu(both, block.outer_norm, output)

    def pool(self, x: str) -> str:
        return self.add("MaxPool", [x], f"{x}_pooled", kernel_shape=[2, 2], strides=[2, 2])

    def encode(self, network: Network) -> tuple[list[str], str]:
        x = self.norm_relu(self.bottleneck("input", network.stem), network.stem_norm)
        skips: list[str] = []
        for i, block in enumerate(network.blocks):
            x = self.residual(self.pool(x) if i else x, block, f"skip_{i}")
            skips.append(x)
        deepest = self.pool(x)
        branches = [self._branch(deepest, branch) for branch in network.neck]
        return skips, self.add("Concat", branches, "neck", axis=1)

    def _branch(self, x: str, branch: NeckBranch) -> str:
        for part, norm in zip(branch.convs, branch.norms, strict=True):
            x = self.norm_relu(self.bottleneck(x, part), norm)
        return x

    def decode(self, decoder: Decoder, x: str, skips: list[str] | None, head: str) -> str:
        for i, (upsampler, blocks) in enumerate(zip(decoder.upsamplers, decoder.stages, strict=True)):
            doubled = self.conv(x, upsampler)
            x = self.add("Slice", [doubled, *self._crop], f"{doubled}_cropped")
            if skips:
                x = self.add("Concat", [skips[-1 - i], x], f"{doubled}_with_skip", axis=1)
            for block in blocks:
                ends = block is blocks[-1] and i < STAGES - 1
                x = self.residual(x, block, f"{head}_{i}" if ends else "")
        return self.norm_relu(self.bottleneck(x, decoder.last), decoder.last_norm)

    def model(self, slices: int) -> onnx.ModelProto:
        size = ["batch", 1, "height", "width"]
        seen = ["batch", slices, "height", "width"]
        self._proto.input.append(helper.make_tensor_value_info("input", TensorProto.FLOAT, seen))
        for head in ("label", "image"):
            self._proto.output.append(helper.make_tensor_value_info(head, TensorProto.FLOAT, size))
        entry = self._model.metadata_props.add()
        entry.key, entry.value = STAGES_KEY, json.dumps(stage_plan())
        onnx.checker.check_model(self._model)
        return self._model
