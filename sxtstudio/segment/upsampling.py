"""Exact short cuts in a graph for the CPU: transposed convolutions as plain ones.

The runtime multiplies a transposed convolution as one large matrix, scatters the products and adds them
up. Of a 3×3 kernel with stride 2 each output pixel sees only the taps that fall onto it, and which these
are depends on whether its row and its column are even or odd:

    even, even   2×2 taps      even, odd   2×1
    odd, even    1×2           odd, odd    1×1

These four are plain convolutions, for which the runtime has its quickest code; their results, woven into
each other, are the output. No tap is multiplied that was not before. A last row and column beyond twice
the input, which the network crops, is not computed.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
from onnx import helper, numpy_helper

from sxtstudio.segment.graph import names_read

# With fewer output channels the plain convolutions gain nothing (measured at base widths 12 and 64).
_LEAST_CHANNELS = 128
_DOMAINS = ("", "ai.onnx")
_PLAIN, _CROPPED = [0, 0, 0, 0], [0, 0, 1, 1]
_ATTRIBUTES = {
    "auto_pad": b"NOTSET", "dilations": [1, 1], "group": 1, "kernel_shape": [3, 3],
    "output_padding": [0, 0], "strides": [2, 2],
}  # fmt: skip
# Taps of a kernel along one axis that fall onto even and onto odd outputs, turned round as a plain
# convolution wants them; those onto even outputs reach one pixel back.
_PARITIES = ((slice(2, None, -2), 1), (slice(1, 2), 0))


def split_upsampling(graph: onnx.GraphProto, least_channels: int = _LEAST_CHANNELS) -> int:
    """Replace 3×3 transposed convolutions that double height and width by four plain ones, in place.

    Their last row and column may be cropped by their padding or by a node of its own. The results differ
    by rounding only.

    Parameters
    ----------
    graph
        Its nodes are in the order in which they run.
    least_channels
        Those that make fewer channels stay.

    Returns
    -------
    int
        How many were replaced.
    """
    weights = {entry.name: entry for entry in graph.initializer}
    readers = Counter(name for node in graph.node for name in names_read(node))
    readers.update(entry.name for entry in graph.output)
    crops = {node.input[0]: node for node in graph.node if _crops_last(node, weights)}
    taken = {name for node in graph.node for name in (*names_read(node), *node.output)} | set(weights)
    replaced = 0
    for node in list(graph.node):
        pads = _padding(node, weights, least_channels)
        if pads is None:
            continue
        output = node.output[0]
        if pads == _PLAIN:
            crop = crops.get(output)
            if crop is None or readers[output] != 1:
                continue
            output = crop.output[0]
            graph.node.remove(crop)
        index = list(graph.node).index(node)
        graph.node.remove(node)
        base = output
        while any(name.startswith(f"{base}_phase") for name in taken):
            base += "_"
        for new in reversed(_phases(graph, node, weights, base, output)):
            graph.node.insert(index, new)
        replaced += 1
    used = {name for node in graph.node for name in names_read(node)}
    for entry in [entry for entry in graph.initializer if entry.name not in used]:
        graph.initializer.remove(entry)
    return replaced


def _phases(
    graph: onnx.GraphProto, node: onnx.NodeProto, weights: dict[str, onnx.TensorProto], base: str, output: str
) -> list[onnx.NodeProto]:
    """Store the four kernels and return the nodes that make ``output``."""
    source, kernel, *bias = node.input
    # Transposed kernels are (in, out, y, x), plain ones (out, in, y, x).
    taps = numpy_helper.to_array(weights[kernel]).swapaxes(0, 1)
    nodes: list[onnx.NodeProto] = []
    made: list[str] = []
    for rows, above in _PARITIES:
        for columns, left in _PARITIES:
            name = f"{base}_phase{len(made)}"
            values = np.ascontiguousarray(taps[:, :, rows, columns])
            graph.initializer.append(numpy_helper.from_array(values, f"{name}_kernel"))
            inputs = [source, f"{name}_kernel", *bias]
            nodes.append(helper.make_node("Conv", inputs, [name], name, pads=[above, left, 0, 0]))
            made.append(name)
    nodes.append(helper.make_node("Concat", made, [f"{base}_phases"], f"{base}_phases", axis=1))
    nodes.append(helper.make_node("DepthToSpace", [f"{base}_phases"], [output], output, blocksize=2))
    return nodes


def _padding(
    node: onnx.NodeProto, weights: dict[str, onnx.TensorProto], least_channels: int
) -> list[int] | None:
    """Return how such a transposed convolution is padded, or None of a node that is none."""
    if node.op_type != "ConvTranspose" or node.domain not in _DOMAINS:
        return None
    if any(name not in weights for name in node.input[1:]):
        return None
    given = {entry.name: helper.get_attribute_value(entry) for entry in node.attribute}
    pads = given.pop("pads", _PLAIN)
    expected = {**_ATTRIBUTES, **given} == _ATTRIBUTES and given.get("strides") == [2, 2]
    _, channels, *kernel = weights[node.input[1]].dims
    if not expected or kernel != [3, 3] or channels < least_channels or pads not in (_PLAIN, _CROPPED):
        return None
    return list(pads)


def _crops_last(node: onnx.NodeProto, weights: dict[str, onnx.TensorProto]) -> bool:
    """Return whether a node takes the last row and column away, and nothing else."""
    if node.op_type != "Slice" or node.domain not in _DOMAINS or len(node.input) not in (4, 5):
        return False
    if any(name not in weights for name in node.input[1:]):
        return False
    starts, ends, axes, *steps = (numpy_helper.to_array(weights[name]).tolist() for name in node.input[1:])
    spans = dict(zip(axes, zip(starts, ends, strict=True), strict=True))
    return spans == {2: (0, -1), 3: (0, -1)} and all(step == [1, 1] for step in steps)
