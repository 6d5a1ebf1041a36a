"""Exact short cuts in a graph for the CPU: joined channels that need not be joined.

A residual block joins what it was given and what it has made, and norm, activation and the next
convolution read all of it. Each of these can take the parts for themselves: norms and activations work
channel by channel, and a convolution of joined channels is the sum of the convolutions of its parts.

    a, b ─ Concat ─ Norm ─ Relu ─ Conv      a ─ Norm ─ Relu ─ Conv ─┐
                                       →    b ─ Norm ─ Relu ─ Conv ─┴ Add

So nothing is copied to be joined, and the norm of what the block has made becomes part of the convolution
that makes it (the runtime sees to that).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from sxtstudio.segment.graph import names_read

_DOMAINS = ("", "ai.onnx")


def split_joins(graph: onnx.GraphProto, channels: Mapping[str, int]) -> int:
    """Take joined channels apart where what reads them can take the parts, in place.

    The results differ by rounding only.

    Parameters
    ----------
    graph
        Its nodes are in the order in which they run.
    channels
        Of each tensor (batch, channels, y, x); others are not taken apart.

    Returns
    -------
    int
        How many nodes read parts now.
    """
    if not any(node.op_type == "Concat" for node in graph.node):
        return 0
    rewriting = _Rewriting(graph, channels)
    for node in list(graph.node):
        rewriting.take(node)
    return rewriting.finish()


class _Rewriting:
    """The new nodes of a graph, and of which parts its joined tensors are."""

    def __init__(self, graph: onnx.GraphProto, channels: Mapping[str, int]) -> None:
        self._graph = graph
        self._channels = dict(channels)
        self._weights = {entry.name: entry for entry in graph.initializer}
        self._taken = {name for node in graph.node for name in (*names_read(node), *node.output)}
        self._taken |= set(self._weights)
        self._parts: dict[str, list[str]] = {}
        self._whole: dict[str, onnx.NodeProto] = {}
        self._nodes: list[onnx.NodeProto] = []
        self._split = 0

    def take(self, node: onnx.NodeProto) -> None:
        """Add a node, or what it becomes."""
        kind = node.op_type if node.domain in _DOMAINS and len(node.output) == 1 else ""
        if kind == "Concat" and self._joins_channels(node):
            self._join(node)
        elif node.input and node.input[0] in self._parts and self._by_parts(kind, node):
            self._split += 1
        else:
            for name in names_read(node):
                self._make_whole(name)
            self._nodes.append(node)

    def finish(self) -> int:
        """Put the new nodes into the graph, without weights that nothing reads."""
        for entry in self._graph.output:
            self._make_whole(entry.name)
        # Nodes that stay belong to the graph, which is emptied.
        nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in self._nodes]
        del self._graph.node[:]
        self._graph.node.extend(nodes)
        used = {name for node in nodes for name in names_read(node)}
        for entry in [entry for entry in self._graph.initializer if entry.name not in used]:
            self._graph.initializer.remove(entry)
        return self._split

    def _joins_channels(self, node: onnx.NodeProto) -> bool:
        return _attribute(node, "axis") == 1 and all(
            name in self._channels and name not in self._weights for name in node.input
        )

    def _join(self, node: onnx.NodeProto) -> None:
        (output,) = node.output
        parts = [part for name in node.input for part in self._parts.get(name, [name])]
        self._parts[output] = parts
        self._whole[output] = helper.make_node("Concat", parts, [output], node.name, axis=1)

    def _make_whole(self, name: str) -> None:
        """Join the parts of a tensor after all, once, for what cannot read them."""
        if name in self._whole:
            self._nodes.append(self._whole.pop(name))

    def _by_parts(self, kind: str, node: onnx.NodeProto) -> bool:
        parts, (output,) = self._parts[node.input[0]], node.output
        weights = [name for name in node.input[1:] if name]
        if any(name not in self._weights for name in weights):
            return False
        if kind == "Relu" or (kind == "BatchNormalization" and not _attribute(node, "training_mode")):
            made = [self._new(f"{output}_part{i}") for i in range(len(parts))]
            for part, name, span in zip(parts, made, self._spans(parts), strict=True):
                self._add(node, [part, *(self._cut(w, span, 0) for w in weights)], name)
                self._channels[name] = self._channels[part]
            self._parts[output] = made
            self._whole[output] = helper.make_node("Concat", made, [output], node.name, axis=1)
            return True
        if kind == "Conv" and (_attribute(node, "group") or 1) == 1:
            self._convolve(node, parts, weights)
            return True
        return False

    def _convolve(self, node: onnx.NodeProto, parts: Sequence[str], weights: Sequence[str]) -> None:
        """Add a convolution of each part, and their sum; the first one has the bias."""
        kernel, *bias = weights
        total = ""
        for i, (part, span) in enumerate(zip(parts, self._spans(parts), strict=True)):
            last = i == len(parts) - 1
            made = node.output[0] if last and not total else self._new(f"{node.output[0]}_part{i}")
            self._add(node, [part, self._cut(kernel, span, 1), *(() if total else bias)], made)
            if total:
                name = node.output[0] if last else self._new(f"{node.output[0]}_sum{i}")
                self._nodes.append(helper.make_node("Add", [total, made], [name], name))
                made = name
            total = made

    def _add(self, like: onnx.NodeProto, inputs: Sequence[str], output: str) -> None:
        node = helper.make_node(like.op_type, inputs, [output], output)
        node.attribute.extend(like.attribute)
        self._nodes.append(node)

    def _spans(self, parts: Sequence[str]) -> list[tuple[int, int]]:
        return list(pairwise(accumulate((self._channels[part] for part in parts), initial=0)))

    def _cut(self, weight: str, span: tuple[int, int], axis: int) -> str:
        """Store the channels of a weight that belong to a part, and return its name."""
        values: NDArray[np.generic] = numpy_helper.to_array(self._weights[weight])
        name = self._new(f"{weight}_part{span[0]}")
        own = np.ascontiguousarray(np.take(values, range(*span), axis))
        self._graph.initializer.append(numpy_helper.from_array(own, name))
        return name

    def _new(self, wanted: str) -> str:
        name = wanted
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        return name


def _attribute(node: onnx.NodeProto, name: str) -> int | None:
    """Return a number that a node has as an attribute, or None."""
    return next((int(entry.i) for entry in node.attribute if entry.name == name), None)
