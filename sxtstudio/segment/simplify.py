"""Exact short cuts in a graph for the CPU: the same function with fewer operations.

A bottleneck's k×k convolution is followed by a 1×1 convolution with nothing in between, so the two are
one k×k convolution. The processor computes channels sixteen at a time; with so few channels that both
convolutions fill less than one such block, the first one costs as much as the merged one.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from sxtstudio.segment.graph import names_read

_BLOCK = 16
# Of its blocks a stage has to fill this much for them to pay (measured at base widths 12 and 64).
_WELL_FILLED = 0.8


def plain_weights(graph: onnx.GraphProto) -> int:
    """Replace nodes that only widen weights (float16 to float32) or rename them by their results, in place.

    Models may store weights as float16 to halve the file. Without this, other short cuts would not see
    that these are weights, and their sizes would count as memory for the slice. Return how many.
    """
    weights = {entry.name: entry for entry in graph.initializer}
    readers = Counter(name for node in graph.node for name in names_read(node))
    ends = {entry.name for entry in graph.output}
    replaced = []
    for node in graph.node:
        if not _is_weight_again(node, weights) or node.output[0] in ends:
            continue
        entry = weights[node.input[0]]
        values = numpy_helper.to_array(entry)
        if node.op_type == "Cast":
            values = values.astype(np.float32)
        if readers[entry.name] > 1:
            readers[entry.name] -= 1
            entry = graph.initializer.add()
        entry.CopyFrom(numpy_helper.from_array(values, node.output[0]))
        weights[entry.name] = entry
        replaced.append(node)
    for node in replaced:
        graph.node.remove(node)
    return len(replaced)


def _is_weight_again(node: onnx.NodeProto, weights: dict[str, onnx.TensorProto]) -> bool:
    if not node.input or node.input[0] not in weights or node.domain not in ("", "ai.onnx"):
        return False
    if node.op_type == "Identity":
        return True
    half = weights[node.input[0]].data_type == TensorProto.FLOAT16
    targets = [entry.i for entry in node.attribute if entry.name == "to"]
    return node.op_type == "Cast" and half and targets == [TensorProto.FLOAT]


def merge_convolutions(graph: onnx.GraphProto) -> int:
    """Merge convolutions with 1×1 convolutions that follow them, in place; return how many.

    Both must have plain weights, and the tensor between them no other reader. The results differ by
    rounding only.
    """
    weights = {entry.name: entry for entry in graph.initializer}
    readers = Counter(name for node in graph.node for name in names_read(node))
    readers.update(entry.name for entry in graph.output)
    maker = {name: node for node in graph.node for name in node.output}
    merged = 0
    for second in [node for node in graph.node if _is_pointwise(node, weights)]:
        first = maker.get(second.input[0])
        if first is None or readers[second.input[0]] != 1 or not _is_plain(first, weights):
            continue
        a, b = _kernel(first, weights), _kernel(second, weights)
        if -(-a.shape[0] // _BLOCK) < -(-b.shape[0] // _BLOCK):
            continue
        kernel = np.einsum("om,mikl->oikl", b[:, :, 0, 0].astype(np.float64), a)
        bias = b[:, :, 0, 0].astype(np.float64) @ _bias(first, weights) + _bias(second, weights)
        names = [f"{second.output[0]}_merged_{part}" for part in ("kernel", "bias")]
        for name, values in zip(names, (kernel, bias), strict=True):
            graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
        weights |= {entry.name: entry for entry in graph.initializer[-2:]}
        both = helper.make_node("Conv", [first.input[0], *names], second.output, second.name)
        both.attribute.extend(first.attribute)
        index = list(graph.node).index(second)
        graph.node.remove(second)
        graph.node.insert(index, both)
        graph.node.remove(first)
        maker[both.output[0]] = both
        merged += 1
    _drop_unused_weights(graph)
    return merged


def fills_blocks(graph: onnx.GraphProto) -> bool:
    """Return whether the convolutions of more than a pixel have channels enough for whole blocks.

    Where they have few, reordering channels into blocks and back costs more than the convolutions gain.
    """
    weights = {entry.name: entry for entry in graph.initializer}
    filled = [
        count / (-(-count // _BLOCK) * _BLOCK)
        for node in graph.node
        if _is_plain(node, weights)
        for count, _, *kernel in [weights[node.input[1]].dims]
        if kernel != [1, 1]
    ]
    return not filled or float(np.median(filled)) >= _WELL_FILLED


def _drop_unused_weights(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in names_read(node)}
    for entry in [entry for entry in graph.initializer if entry.name not in used]:
        graph.initializer.remove(entry)


def _is_plain(node: onnx.NodeProto, weights: dict[str, onnx.TensorProto]) -> bool:
    attributes = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
    return (
        node.op_type == "Conv"
        and attributes.get("group", 1) == 1
        and all(name in weights for name in node.input[1:])
    )


def _is_pointwise(node: onnx.NodeProto, weights: dict[str, onnx.TensorProto]) -> bool:
    if not _is_plain(node, weights) or list(weights[node.input[1]].dims[2:]) != [1, 1]:
        return False
    attributes = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
    return not any(attributes.get("pads", [])) and set(attributes.get("strides", [1])) == {1}


def _kernel(node: onnx.NodeProto, weights: dict[str, onnx.TensorProto]) -> NDArray[np.float64]:
    kernel: NDArray[np.float64] = numpy_helper.to_array(weights[node.input[1]]).astype(np.float64)
    return kernel


def _bias(node: onnx.NodeProto, weights: dict[str, onnx.TensorProto]) -> NDArray[np.float64]:
    if len(node.input) < 3:
        return np.zeros(weights[node.input[1]].dims[0])
    bias: NDArray[np.float64] = numpy_helper.to_array(weights[node.input[2]]).astype(np.float64)
    return bias
