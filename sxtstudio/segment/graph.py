"""Parts of an ONNX graph: cutting them out, and how much memory their tensors take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper

# Large enough that the sizes of all layers are in the ratio that they have in a real slice.
_PROBE_PX = 256
# Weights with fewer elements may be sizes or axes, which shape inference has to know.
_SMALL_WEIGHT = 64


@dataclass(frozen=True)
class Footprint:
    """Floats per pixel of the full-resolution slice, by tensor name, and the number of channels."""

    floats_per_px: dict[str, float]
    channels: dict[str, int]


def footprint(model: onnx.ModelProto) -> Footprint:
    """Return what each tensor of a network takes.

    The sizes come from shape inference on a square slice. Tensors whose size does not follow from
    the graph are left out.
    """
    inferred = onnx.shape_inference.infer_shapes(_probe(model), data_prop=True).graph
    floats: dict[str, float] = {}
    channels: dict[str, int] = {}
    weights = {weight.name for weight in model.graph.initializer}
    for entry in [*inferred.input, *inferred.value_info, *inferred.output]:
        lengths = [dim.dim_value for dim in entry.type.tensor_type.shape.dim]
        if entry.name not in weights and len(lengths) == 4 and all(lengths):
            floats[entry.name] = float(np.prod(lengths)) / _PROBE_PX**2
            channels[entry.name] = lengths[1]
    return Footprint(floats, channels)


def input_name(model: onnx.ModelProto) -> str:
    """Return the name of the first input that is not a weight; ValueError if there is none."""
    weights = {weight.name for weight in model.graph.initializer}
    for entry in model.graph.input:
        if entry.name not in weights:
            return str(entry.name)
    raise ValueError("the model has no input")


def cut(
    model: onnx.ModelProto, inputs: Sequence[str], outputs: Sequence[str], sizes: Footprint
) -> onnx.ModelProto:
    """Return the part of a model that computes ``outputs`` from ``inputs``.

    All of these are float32 tensors (batch, channels, y, x); batch, y and x stay free.

    Raises
    ------
    ValueError
        If the outputs depend on something that is neither given nor a weight.
    """
    nodes = _between(model.graph, set(inputs), outputs)
    used = {name for node in nodes for name in names_read(node)}
    made = {name for node in nodes for name in node.output}
    weights = [w for w in model.graph.initializer if w.name in used]
    missing = used - made - set(inputs) - {w.name for w in weights} - {""}
    if missing or not set(outputs) <= made:
        raise ValueError(f"{', '.join(outputs)} cannot be computed from {', '.join(inputs)}")
    part = onnx.ModelProto()
    part.ir_version = model.ir_version
    part.opset_import.extend(model.opset_import)
    part.functions.extend(model.functions)
    part.graph.name = "_".join(outputs)
    part.graph.node.extend(nodes)
    part.graph.initializer.extend(weights)
    part.graph.input.extend(_described(name, sizes) for name in inputs)
    part.graph.output.extend(_described(name, sizes) for name in outputs)
    return part


def peak_floats(model: onnx.ModelProto, sizes: Footprint) -> float:
    """Return the floats per pixel that the tensors of a graph take while it runs, at its worst moment.

    A tensor lives from the node that makes it to the last one that reads it; inputs live throughout.
    """
    nodes = model.graph.node
    kept = {entry.name for entry in model.graph.output}
    last_use = {name: i for i, node in enumerate(nodes) for name in names_read(node)}
    alive = peak = sum(sizes.floats_per_px.get(entry.name, 0.0) for entry in model.graph.input)
    inputs = {entry.name for entry in model.graph.input}
    for i, node in enumerate(nodes):
        alive += sum(sizes.floats_per_px.get(name, 0.0) for name in node.output)
        peak = max(peak, alive)
        gone = {n for n in names_read(node) if last_use[n] == i} - kept - inputs
        alive -= sum(sizes.floats_per_px.get(name, 0.0) for name in gone)
    return peak


def _probe(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph for a slice of fixed size; big weights lose their values, which are slow to copy."""
    probe = onnx.ModelProto(ir_version=model.ir_version)
    probe.opset_import.extend(model.opset_import)
    probe.functions.extend(model.functions)
    probe.graph.name = model.graph.name
    probe.graph.node.extend(model.graph.node)
    own = {weight.name for weight in model.graph.initializer}
    for entry in model.graph.input:
        if entry.name not in own:
            kind = entry.type.tensor_type
            channels = [dim.dim_value for dim in kind.shape.dim][1:2]
            size = [1, *(max(1, n) for n in channels), _PROBE_PX, _PROBE_PX]
            probe.graph.input.append(helper.make_tensor_value_info(entry.name, kind.elem_type, size))
    for entry in model.graph.output:
        kind = entry.type.tensor_type.elem_type
        probe.graph.output.append(helper.make_tensor_value_info(entry.name, kind, None))
    for weight in model.graph.initializer:
        if np.prod(weight.dims) > _SMALL_WEIGHT:
            described = helper.make_tensor_value_info(weight.name, weight.data_type, list(weight.dims))
            probe.graph.input.append(described)
        else:
            probe.graph.initializer.append(weight)
    return probe


def _between(graph: onnx.GraphProto, inputs: set[str], outputs: Iterable[str]) -> list[onnx.NodeProto]:
    """Nodes on the way from ``inputs`` to ``outputs``, in the order of the graph."""
    maker = {name: i for i, node in enumerate(graph.node) for name in node.output if name}
    wanted, found = list(outputs), set()
    while wanted:
        name = wanted.pop()
        index = maker.get(name)
        if name in inputs or index is None or index in found:
            continue
        found.add(index)
        wanted.extend(names_read(graph.node[index]))
    return [graph.node[i] for i in sorted(found)]


def names_read(node: onnx.NodeProto) -> list[str]:
    """Tensors that a node reads, those inside its subgraphs included."""
    names = list(node.input)
    for attribute in node.attribute:
        for graph in [attribute.g, *attribute.graphs]:
            inner = {name for child in graph.node for name in child.output}
            inner |= {w.name for w in graph.initializer} | {entry.name for entry in graph.input}
            names += [name for child in graph.node for name in names_read(child) if name not in inner]
    return names


def _described(name: str, sizes: Footprint) -> onnx.ValueInfoProto:
    shape = ["batch", sizes.channels.get(name), f"{name}_y", f"{name}_x"]
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
