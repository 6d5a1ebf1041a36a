"""What PyTorch's exporter leaves undone in a graph, so that runtimes and readers meet plain weights."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from sxtstudio.core.errors import UserError


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


def halve_weights(graph: onnx.GraphProto) -> None:
    """Store kernels as float16 under their own names; a node for each widens it to float32 when it is read.

    Biases and statistics of batch norms stay as they are: they take little room.

    Raises
    ------
    UserError
        If a kernel holds values beyond the range of float16.
    """
    widened = {}
    for entry in graph.initializer:
        if entry.data_type != TensorProto.FLOAT or len(entry.dims) < 2:
            continue
        values = numpy_helper.to_array(entry)
        if np.abs(values).max(initial=0.0) > np.finfo(np.float16).max:
            raise UserError(f"The weights {entry.name} do not fit into float16: export them as float32.")
        entry.CopyFrom(numpy_helper.from_array(values.astype(np.float16), entry.name))
        widened[entry.name] = f"{entry.name}_float32"
    for node in graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = widened.get(name, name)
    casts = [
        helper.make_node("Cast", [stored], [wide], to=TensorProto.FLOAT) for stored, wide in widened.items()
    ]
    _replace_nodes(graph, [*casts, *graph.node])


def _replace_nodes(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    del graph.node[:]
    graph.node.extend(nodes)
