"""What PyTorch's exporter leaves undone in a graph, so that runtimes and readers meet plain weights."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator


def keep_every_weight(graph: onnx.GraphProto) -> None:
    """Store weights that happen to be equal each under its own name; the exporter lets one refer to another.

    So the file can be read back by names alone.
    """
    weights = {entry.name: entry for entry in graph.initializer}
    kept = []
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in weights:
            own = graph.initializer.add()
            own.CopyFrom(weights[node.input[0]])
            own.name = node.output[0]
            weights[own.name] = own
        else:
            kept.append(node)
    _replace_nodes(graph, kept)


def fold_constants(graph: onnx.GraphProto) -> None:
    """Replace what follows from constants alone by its value; weights are left as they are.

    The exporter computes the bounds of crops and pads step by step, which hides the sizes of the tensors
    behind them from shape inference.
    """
    known: dict[str, np.ndarray] = {}
    kept = []
    for node in graph.node:
        if node.op_type == "Constant" or (node.input and all(name in known for name in node.input if name)):
            inputs = {name: known[name] for name in node.input if name}
            known[node.output[0]] = np.asarray(ReferenceEvaluator(node).run(None, inputs)[0])
        else:
            kept.append(node)
    read = [name for node in kept for name in node.input if name in known]
    constants = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(known[name]))
        for name in dict.fromkeys(read)
    ]
    _replace_nodes(graph, [*constants, *kept])


def _replace_nodes(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    del graph.node[:]
    graph.node.extend(nodes)
