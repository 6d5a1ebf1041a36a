"""What running a network takes, computed from its graph: a small file can ask for any memory, and for ever.

The sizes of all tensors follow from that of the input: ONNX infers them, and what it cannot infer because
sizes are computed from sizes is computed here, as far as it is a few numbers. A network in which a size still
cannot be computed is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.inliner
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from sxtstudio.core.errors import UserError
from sxtstudio.segment.graph import input_name, names_read
from sxtstudio.segment.tiles import Shape2D, round_up

Shape = tuple[int, ...]

# The published network has 370 nodes, and at its published width 780 floats and 1.2 million steps per px.
MOST_NODES = 20_000
MOST_STEPS_PER_PX = 20e6
# Beside the weights themselves, whatever their file holds.
_MOST_CONSTANT_BYTES = 256 << 20
# For the pattern with which a model is checked, and for the smallest tile with the usual halo.
_PATTERN_PX, _MOST_PATTERN_BYTES = 64, 512 << 20
TILE_PX, MOST_TILE_BYTES = 448, 2 << 30

_FEW = 64  # elements of what may be sizes or axes
_MOST_DEPTH = 16
# A kernel of 129 px was computed at a tenth of the speed of one of 3 px.
_LARGE_KERNEL, _SLOWER = 32**2, 10
_MOST_ROUNDS = 40
_FOLDED = {
    *("Add", "Cast", "Ceil", "Concat", "Constant", "Div", "Equal", "Floor", "Gather", "Identity", "Less"),
    *("Max", "Min", "Mod", "Mul", "Neg", "ReduceProd", "Reshape", "Slice", "Squeeze", "Sub", "Unsqueeze"),
    *("Greater", "Where"),
}
# Operators of onnxruntime for numbers of 8 bit: which standard one gives the same sizes, from which inputs.
_LIKE = {
    "FusedConv": ("Conv", (0, 1)),
    "QLinearAdd": ("Add", (0, 3)),
    "QLinearMul": ("Mul", (0, 3)),
    "QLinearSigmoid": ("Sigmoid", (0,)),
    "QLinearLeakyRelu": ("LeakyRelu", (0,)),
    "QLinearSoftmax": ("Softmax", (0,)),
    "QLinearAveragePool": ("AveragePool", (0,)),
    "QLinearGlobalAveragePool": ("GlobalAveragePool", (0,)),
}


class UnknownSizeError(ValueError):
    """The size of a tensor does not follow from that of the input; the text names the operator."""


@dataclass(frozen=True)
class Cost:
    """Bytes of all tensors that are alive at the worst moment, bytes of computed constants, and steps."""

    peak_bytes: float
    constant_bytes: float
    steps: float


def check_cost(model: onnx.ModelProto, path: Path, multiple: int) -> None:
    """Refuse a model that takes absurdly much memory or time, or of which that cannot be computed.

    Parameters
    ----------
    model
        With its weights; nothing of it is run.
    path
        For errors.
    multiple
        Of which height and width of the input must be multiples.

    Raises
    ------
    UserError
        If it does.
    """
    again = "Get the model again from where it came from."
    try:
        pattern = cost(model, round_up(_PATTERN_PX, multiple))
        tile = cost(model, round_up(TILE_PX, multiple))
    except UnknownSizeError as error:
        raise UserError(
            f"{path} has a layer ({error}) whose size cannot be told before it runs. Export the model for "
            "opset 17, without data that decide on sizes."
        ) from error
    pixels = round_up(TILE_PX, multiple) ** 2
    weights = sum(len(w.raw_data) for w in model.graph.initializer)
    if pattern.peak_bytes > _MOST_PATTERN_BYTES or tile.peak_bytes * TILE_PX**2 / pixels > MOST_TILE_BYTES:
        raise UserError(
            f"{path} asks for an absurd amount of memory: {tile.peak_bytes / 1e9:.1f} GB for a tile of "
            f"{TILE_PX} px. {again}"
        )
    if pattern.constant_bytes > 4 * weights + _MOST_CONSTANT_BYTES:
        raise UserError(f"{path} asks for an absurd amount of memory when it is loaded. {again}")
    if tile.steps / pixels > MOST_STEPS_PER_PX or pattern.steps > MOST_STEPS_PER_PX * _PATTERN_PX**2:
        raise UserError(
            f"{path} would take absurdly long: {tile.steps / pixels / 1e6:.0f} million multiplications for "
            f"each pixel. {again}"
        )


def cost(model: onnx.ModelProto, height: int, width: int | None = None) -> Cost:
    """Return what a slice of ``height`` × ``width`` px takes, else a square one; a fixed size goes before.

    Raises
    ------
    UnknownSizeError
        If a size does not follow from that of the slice, or there are too many nodes.
    """
    probe = _with_plain_operators(_probe(model, (height, width or height)))
    _refuse_many_nodes(probe)
    if probe.functions:
        probe = onnx.inliner.inline_local_functions(probe)
    inferred, shapes = _infer(probe)
    return _sum_up(inferred.graph, shapes)


def _probe(model: onnx.ModelProto, size: Shape2D) -> onnx.ModelProto:
    """The graph for a slice of one size; large weights are inputs without values."""
    probe = onnx.ModelProto(ir_version=model.ir_version)
    probe.opset_import.extend(model.opset_import)
    probe.functions.extend(model.functions)
    probe.graph.name = model.graph.name
    probe.graph.node.extend(model.graph.node)
    source = input_name(model)
    for entry in model.graph.input:
        if entry.name == source:
            kind = entry.type.tensor_type
            fixed = [dim.dim_value for dim in kind.shape.dim]
            shape = [n or free for n, free in zip(fixed, (1, 1, *size), strict=True)]
            probe.graph.input.append(helper.make_tensor_value_info(entry.name, kind.elem_type, shape))
    for entry in model.graph.output:
        kind = entry.type.tensor_type
        probe.graph.output.append(helper.make_tensor_value_info(entry.name, kind.elem_type, None))
    for weight in model.graph.initializer:
        if math.prod(weight.dims) > _FEW or weight.data_location == TensorProto.EXTERNAL:
            described = helper.make_tensor_value_info(weight.name, weight.data_type, list(weight.dims))
            probe.graph.input.append(described)
        else:
            probe.graph.initializer.append(weight)
    return probe


def _with_plain_operators(model: onnx.ModelProto) -> onnx.ModelProto:
    for node in model.graph.node:
        if node.domain == "com.microsoft" and node.op_type in (*_LIKE, "QLinearConcat"):
            kind, places = _LIKE.get(node.op_type, ("Concat", range(2, len(node.input), 3)))
            inputs = [node.input[place] for place in places if place < len(node.input)]
            kept = [
                a
                for a in node.attribute
                if a.name not in ("activation", "activation_params", "channels_last")
            ]
            del node.input[:], node.attribute[:]
            node.input.extend(inputs)
            node.attribute.extend(kept)
            node.op_type, node.domain = kind, ""
    return model


def _refuse_many_nodes(model: onnx.ModelProto) -> None:
    """Count the nodes as they will be when functions have been replaced by what they consist of."""
    functions = {(function.domain, function.name): function for function in model.functions}
    counted: dict[tuple[str, str], int] = {}

    def count(nodes: Any, depth: int) -> int:
        total = 0
        for node in nodes:
            key = (node.domain, node.op_type)
            total += 1
            for attribute in node.attribute:
                for graph in [attribute.g, *attribute.graphs]:
                    total += count(graph.node, depth + 1)
            if key in functions:
                if depth > _MOST_DEPTH:
                    raise UnknownSizeError(f"{node.op_type}, functions within functions")
                if key not in counted:
                    counted[key] = count(functions[key].node, depth + 1)
                total += counted[key]
            if total > MOST_NODES:
                raise UnknownSizeError(f"{node.op_type}, one of more than {MOST_NODES}")
        return total

    count(model.graph.node, 0)


def _infer(probe: onnx.ModelProto) -> tuple[onnx.ModelProto, dict[str, tuple[int, Shape]]]:
    """Return the graph, and kind and shape of every tensor, sizes that are computed from sizes included."""
    constants = {weight.name: numpy_helper.to_array(weight) for weight in probe.graph.initializer}
    for _ in range(_MOST_ROUNDS):
        inferred = onnx.shape_inference.infer_shapes(probe, data_prop=True)
        shapes = dict(_known_shapes(inferred.graph))
        found = _fold(probe.graph, shapes, constants, probe.opset_import)
        if not found:
            break
        constants |= found
        kept = [node for node in probe.graph.node if not set(node.output) <= set(found)]
        del probe.graph.node[:]
        probe.graph.node.extend(kept)
        probe.graph.initializer.extend(numpy_helper.from_array(v, name) for name, v in found.items())
    return inferred, shapes


def _known_shapes(graph: onnx.GraphProto) -> Iterator[tuple[str, tuple[int, Shape]]]:
    for entry in [*graph.input, *graph.value_info, *graph.output]:
        kind = entry.type.tensor_type
        dims = kind.shape.dim
        if entry.type.HasField("tensor_type") and kind.HasField("shape"):
            if all(dim.HasField("dim_value") and dim.dim_value >= 0 for dim in dims):
                yield entry.name, (kind.elem_type, tuple(dim.dim_value for dim in dims))
    for weight in graph.initializer:
        yield weight.name, (weight.data_type, tuple(weight.dims))
    for inner in _inner_graphs(graph.node):
        yield from _known_shapes(inner)


def _inner_graphs(nodes: Any) -> Iterator[onnx.GraphProto]:
    for node in nodes:
        for attribute in node.attribute:
            yield from [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]


def _fold(
    graph: onnx.GraphProto, shapes: dict[str, tuple[int, Shape]], known: dict[str, NDArray[Any]], opsets: Any
) -> dict[str, NDArray[Any]]:
    """Compute what is a few numbers and follows from sizes and constants alone."""
    found: dict[str, NDArray[Any]] = {}
    for node in graph.node:
        values = [found.get(name, known.get(name)) for name in node.input if name]
        if node.op_type == "Shape" and node.domain == "" and node.input[0] in shapes:
            limits = {a.name: a.i for a in node.attribute}
            whole = shapes[node.input[0]][1]
            found[node.output[0]] = np.array(whole[limits.get("start", 0) : limits.get("end")], np.int64)
        elif all(value is not None for value in values) and _is_few(node, values, shapes):
            try:
                found |= _computed(node, [v for v in values if v is not None], opsets)
            except Exception as error:  # the reference's operators raise whatever they like
                raise UnknownSizeError(node.op_type) from error
    return found


def _is_few(node: onnx.NodeProto, values: list[Any], shapes: dict[str, tuple[int, Shape]]) -> bool:
    if node.domain != "" or node.op_type not in (*_FOLDED, "ConstantOfShape", "Range", "Expand"):
        return False
    if node.op_type == "Constant":
        value = node.attribute[0]
        return bool(
            value.name.startswith("value_") or (value.HasField("t") and math.prod(value.t.dims) <= _FEW)
        )
    if node.op_type in ("ConstantOfShape", "Range", "Expand"):
        known = shapes.get(node.output[0])
        return known is not None and math.prod(known[1]) <= _FEW
    return True


def _computed(node: onnx.NodeProto, values: list[NDArray[Any]], opsets: Any) -> dict[str, NDArray[Any]]:
    names = [name for name in node.input if name]
    graph = helper.make_graph(
        [node],
        "one",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
            for name, v in dict(zip(names, values, strict=True)).items()
        ],
        [onnx.ValueInfoProto(name=name) for name in node.output if name],
    )
    one = helper.make_model(graph, opset_imports=list(opsets))
    results = ReferenceEvaluator(one).run(None, dict(zip(names, values, strict=True)))
    found = dict(zip([name for name in node.output if name], map(np.asarray, results), strict=True))
    return {name: value for name, value in found.items() if value.size <= _FEW}


def _sum_up(graph: onnx.GraphProto, shapes: dict[str, tuple[int, Shape]]) -> Cost:
    """Go through the nodes: what is made, what is still needed, and what it takes to make it."""
    sizes = {name: float(math.prod(shape)) * _item_bytes(kind) for name, (kind, shape) in shapes.items()}
    source = graph.input[0].name
    weights = {entry.name for entry in graph.input[1:]} | {weight.name for weight in graph.initializer}
    last_use = {name: i for i, node in enumerate(graph.node) for name in names_read(node)}
    kept = {entry.name for entry in graph.output} | weights | {source}
    constants = set(weights)
    alive = peak = sizes[source]
    constant_bytes = steps = 0.0
    for i, node in enumerate(graph.node):
        made = [name for name in node.output if name]
        inner = [child for inside in _inner_graphs([node]) for child in inside.node]
        for child in [node, *inner]:
            missing = [name for name in child.output if name and name not in sizes]
            if missing or list(_inner_graphs(inner)):
                raise UnknownSizeError(child.op_type)
            steps += _steps(child, shapes)
        new = sum(sizes[name] for name in made) + sum(
            sizes[name] for child in inner for name in child.output if name
        )
        if set(names_read(node)) - {""} <= constants:
            constants |= set(made)  # computed when the model is loaded, and kept
            constant_bytes += new
        alive += new
        peak = max(peak, alive)
        gone = {n for n in [*names_read(node), *made] if last_use.get(n, i) == i} - kept - constants
        alive -= sum(sizes.get(name, 0.0) for name in gone)
    return Cost(peak, constant_bytes, steps)


def _steps(node: onnx.NodeProto, shapes: dict[str, tuple[int, Shape]]) -> float:
    """About how many multiplications a node takes; at least one for each number that it reads or makes."""

    def size(name: str) -> float:
        return float(math.prod(shapes[name][1])) if name in shapes else 0.0

    def shape(place: int) -> Shape:
        known = shapes.get(node.input[place]) if place < len(node.input) else None
        if known is None:
            raise UnknownSizeError(node.op_type)
        return known[1]

    numbers: dict[str, Any] = {a.name: (list(a.ints) if a.ints else a.i) for a in node.attribute}
    made = sum(size(name) for name in node.output if name)
    least = made + sum(size(name) for name in node.input if name)
    kernel = float(math.prod(numbers.get("kernel_shape") or [1]))
    match node.op_type:
        case "Conv" | "ConvInteger":
            return least + made * _per_number(shape(1))
        case "QLinearConv":
            return least + made * _per_number(shape(3))
        case "ConvTranspose":
            return least + size(node.input[0]) * _per_number(shape(1))
        case "DeformConv":
            return least + made * _per_number(shape(1)) * 8
        case "MatMul" | "MatMulInteger" | "Gemm":
            return least + made * max(shape(0)[-1:] + shape(0)[-2:-1], default=1)
        case "QLinearMatMul":
            return least + made * max(shape(0)[-1:], default=1)
        case "MaxPool" | "AveragePool" | "LpPool" | "Col2Im":
            return least + made * kernel
        case "LRN":
            return least + made * float(numbers.get("size") or 1)
        case "Resize" | "Upsample" | "GridSample":
            return least + made * 64
        case "LSTM" | "GRU" | "RNN":
            return least + size(node.input[0]) * 8 * (shape(1)[-2] + 1) + made * 8 * (shape(2)[-1] + 1)
        case "DFT" | "STFT" | "NonMaxSuppression" | "Unique" | "TopK" | "Det" | "MelWeightMatrix":
            return least + least * max(shape(0), default=1)
        case "Einsum":
            return least + _einsum_steps(node, [shape(place) for place in range(len(node.input))])
        case "RoiAlign" | "MaxRoiPool":
            return least + made * 10_000
    return least


def _per_number(weights: Shape) -> float:
    """How many multiplications a convolution takes for each number; large kernels are slow at it."""
    area = math.prod(weights[2:])
    return float(weights[1] * area * (_SLOWER if area > _LARGE_KERNEL else 1))


def _einsum_steps(node: onnx.NodeProto, inputs: list[Shape]) -> float:
    equation = next((a.s.decode("ascii", "replace") for a in node.attribute if a.name == "equation"), "")
    terms = equation.replace(" ", "").partition("->")[0].split(",")
    lengths: dict[str, int] = {}
    for term, dims in zip(terms, inputs, strict=False):
        if "." in term or len(term) != len(dims):
            raise UnknownSizeError("Einsum")
        lengths |= dict(zip(term, dims, strict=True))
    return float(math.prod(lengths.values()))


def _item_bytes(kind: int) -> int:
    try:
        return int(helper.tensor_dtype_to_np_dtype(kind).itemsize)
    except (KeyError, TypeError, ValueError):
        return 8
