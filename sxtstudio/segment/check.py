"""Whether an .onnx file is a model that can be used here, and safe to open.

Models come from other people. Nothing in an ONNX file is code, but a file can point to data elsewhere on the
disk, ask for operators that do not exist, or for more memory than there is. What can be seen without running
the model is checked whenever one is loaded; ``check_model`` also runs it. This is no sandbox: a model made
with skill can still take long or much memory when it runs.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from sxtstudio.core.errors import UserError
from sxtstudio.core.model_bytes import check_model_bytes, read_model_bytes
from sxtstudio.core.paths import resolved
from sxtstudio.core.wording import bytes_text, count
from sxtstudio.segment.card import ModelCard, SliceCount, file_sha256, find_card
from sxtstudio.segment.cost import check_cost
from sxtstudio.segment.device import choose_device, create_session
from sxtstudio.segment.running import said
from sxtstudio.segment.stages import read_plan

_LARGEST_TENSOR = 2**28  # numbers; the widest layer of the published network has 2.4 million
_DOMAINS = ("", "ai.onnx")
_QUANTISED = re.compile(r"QLinear\w+|(Dynamic)?QuantizeLinear|DequantizeLinear|FusedConv")
_UNBOUNDED = ("Loop", "Scan", "SequenceMap")
# Operators whose output is as large as a constant input says, and which input that is.
_SIZED = {"ConstantOfShape": 0, "Expand": 1, "Tile": 1, "Pad": 1, "Resize": 3, "Range": 1}
_REACH = ("kernel_shape", "pads", "strides", "dilations", "output_padding")
_LARGEST_REACH = 1024  # pixels
_HOW = "A model has one input (batch, slices, y, x), and an output 'label' (batch, 1, y, x) of that size."
_AGAIN = "Get the model again from where it came from."


def check_model(path: str | Path) -> ModelCard:
    """Check a model, run it on two small patterns on the CPU, and return its card.

    Parameters
    ----------
    path
        The .onnx file; its card is read if one lies beside it.

    Raises
    ------
    UserError
        With the first thing that is wrong: not a model, damaged, other inputs or outputs than needed, data
        outside its folder, unknown operators, absurd sizes, a card that does not fit, or a result that is not
        finite, of another size or outside -1…1.
    """
    card = card_of(path)
    _run_patterns(card)
    return card


def try_model(card: ModelCard) -> None:
    """Run a model on the patterns, once in a process for each model.

    Raises
    ------
    UserError
        As ``check_model``.
    """
    _tried(_Key(card))


def card_of(path: str | Path) -> ModelCard:
    """Return the card of a model after all checks that need not run it.

    Without a card beside the model, one is deduced from the graph, with a note.

    Raises
    ------
    UserError
        As ``check_model``.
    """
    path = Path(path)
    if path.suffix.lower() == ".json":
        card = ModelCard.load(path)
        model = read_model(_path_of(card))
    else:
        model = read_model(path)
        card_file = find_card(path)
        card = _deduced(model, path) if card_file is None else ModelCard.load(card_file)
        if not path.samefile(_path_of(card)):
            raise UserError(f"The card {card_file} belongs to {card.file}, not to {path.name}. {_AGAIN}")
    _check_interface(model, card)
    _checked_cost(_Key(card))
    try:
        read_plan(model, [card.label_output])
    except ValueError as error:
        note = f"It runs more slowly than it could: {said(error)}."
        card = replace(card, notes=(*card.notes, note))
    return card


@dataclass(frozen=True)
class _Key:
    """A card that equals another if it is of the same file and is run in the same way."""

    card: ModelCard = field(compare=False)
    facts: tuple[object, ...] = ()

    def __post_init__(self) -> None:
        card = self.card
        heads = (card.label_output, card.image_output)
        facts = (card.path, card.sha256, card.input_name, card.slices, *heads, card.multiple)
        object.__setattr__(self, "facts", facts)


@functools.lru_cache(maxsize=32)
def _tried(key: _Key) -> None:
    _run_patterns(key.card)


@functools.lru_cache(maxsize=32)
def _checked_cost(key: _Key) -> None:
    path = _path_of(key.card)
    try:
        check_cost(onnx.load(path, load_external_data=False), path, key.card.multiple)
    except UserError:
        raise
    except Exception as error:  # what infers sizes raises many kinds for graphs that make no sense
        raise UserError(f"{path} is damaged or not a valid ONNX model ({said(error)}). {_AGAIN}") from error


def read_model(path: str | Path) -> onnx.ModelProto:
    """Read an ONNX file, without data that lies in other files, and check that it is harmless.

    Raises
    ------
    UserError
        If it is not an ONNX model, is damaged, or asks for files, operators or sizes that no network for
        slices needs.
    """
    path = Path(path)
    model = _parse(path)
    try:
        _check_operators(model, path)
        external = [tensor for tensor in _tensors(model) if tensor.data_location == TensorProto.EXTERNAL]
        for tensor in external:
            _check_external(tensor, path)
        check_model_bytes(path, path.stat().st_size + sum(_bytes(tensor) for tensor in external))
        _check_sizes(model, path)
        # The checker finds the other files only beside the model's path.
        onnx.checker.check_model(str(path) if external else model)
    except UserError:
        raise
    except Exception as error:
        detail = f" ({said(error)})" if isinstance(error, onnx.checker.ValidationError) else ""
        raise UserError(f"{path} is damaged or not a valid ONNX model{detail}. {_AGAIN}") from error
    return model


def _parse(path: Path) -> onnx.ModelProto:
    content = read_model_bytes(path)
    try:
        model = onnx.load_model_from_string(content)
    except (DecodeError, ValueError, UnicodeError) as error:
        raise UserError(f"{path} is not an ONNX model, or is cut short. {_AGAIN}") from error
    if not model.ir_version or not model.graph.node or not model.opset_import:
        raise UserError(f"{path} is not an ONNX model, or is cut short. {_AGAIN}")
    return model


def _graphs(model: onnx.ModelProto) -> Iterator[onnx.GraphProto | onnx.FunctionProto]:
    """The graph, the model's own functions, and all graphs inside their nodes."""
    waiting: list[onnx.GraphProto | onnx.FunctionProto] = [model.graph, *model.functions]
    while waiting:
        graph = waiting.pop()
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                waiting += [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]


def _nodes(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    for graph in _graphs(model):
        yield from graph.node


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    for graph in _graphs(model):
        if isinstance(graph, onnx.GraphProto):
            yield from graph.initializer
            for sparse in graph.sparse_initializer:
                yield from (sparse.values, sparse.indices)
        for node in graph.node:
            for attribute in node.attribute:
                yield from attribute.tensors
                if attribute.HasField("t"):
                    yield attribute.t
                single = [attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []
                for sparse in [*attribute.sparse_tensors, *single]:
                    yield from (sparse.values, sparse.indices)


def _check_operators(model: onnx.ModelProto, path: Path) -> None:
    own = {(function.domain, function.name) for function in model.functions}
    for node in _nodes(model):
        known = node.domain in _DOMAINS or (node.domain, node.op_type) in own
        if not known and not (node.domain == "com.microsoft" and _QUANTISED.fullmatch(node.op_type)):
            raise UserError(
                f"{path} needs the operator {node.domain}.{node.op_type}, which is not part of ONNX. "
                "Export the model with standard operators (opset 17)."
            )
        if node.op_type in _UNBOUNDED:
            raise UserError(
                f"{path} contains a loop ({node.op_type}), which could run for ever and which a network for "
                "slices does not need. Export the model without it."
            )


def _check_external(tensor: onnx.TensorProto, path: Path) -> None:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    problem = f"{path} keeps weights in another file, {location!r}"
    outside = re.match(r"[/\\]|[A-Za-z]:", location) or ".." in re.split(r"[/\\]", location)
    if not location or "\0" in location or outside:
        raise UserError(f"{problem}, which lies outside the model's folder; it is not opened. {_AGAIN}")
    file = path.parent / location
    if not file.is_file():
        raise UserError(f"{problem}, which is not there. Put it beside the model.")
    if not resolved(file).is_relative_to(resolved(path.parent)):
        raise UserError(f"{problem}, which is a link out of the model's folder; it is not opened. {_AGAIN}")
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", 0))
    except ValueError:
        raise UserError(f"{problem}, but not where in it. {_AGAIN}") from None
    size, held = _bytes(tensor), file.stat().st_size
    if offset < 0 or length < 0 or offset + max(length, size) > held:
        raise UserError(f"{problem}, which is too short. {_AGAIN}")
    # Without a length all that follows is read, and with a larger one all of that.
    if (length or held - offset) != size:
        raise UserError(
            f"{problem}, which has {bytes_text(length or held - offset)} for the {bytes_text(size)} of "
            f"{tensor.name!r}. Store the weights in the .onnx file."
        )


def _check_sizes(model: onnx.ModelProto, path: Path) -> None:
    constants: dict[str, onnx.TensorProto] = {}
    for tensor in _tensors(model):
        if any(n < 0 for n in tensor.dims) or math.prod(tensor.dims) > _LARGEST_TENSOR:
            raise UserError(
                f"{path} declares a tensor of size {list(tensor.dims)}, which is absurd. {_AGAIN}"
            )
        if tensor.HasField("raw_data") and len(tensor.raw_data) != _bytes(tensor):
            raise UserError(f"{path} is damaged: the weights {tensor.name!r} are incomplete. {_AGAIN}")
        constants[tensor.name] = tensor
    for node in _nodes(model):
        if node.op_type == "Constant" and node.attribute and node.attribute[0].HasField("t"):
            constants[node.output[0]] = node.attribute[0].t
    for node in _nodes(model):
        reach = [n for attribute in node.attribute if attribute.name in _REACH for n in attribute.ints]
        if any(abs(n) > _LARGEST_REACH for n in reach):
            raise UserError(f"{path} has a layer of absurd size ({node.op_type}, {max(reach)} px). {_AGAIN}")
        position = _SIZED.get(node.op_type)
        name = node.input[position] if position is not None and position < len(node.input) else ""
        if name in constants and _largest_product(constants[name]) > _LARGEST_TENSOR:
            raise UserError(f"{path} asks for an absurd amount of memory ({node.op_type}). {_AGAIN}")


def _largest_product(sizes: onnx.TensorProto) -> float:
    if sizes.data_location == TensorProto.EXTERNAL or math.prod(sizes.dims) > 16:
        return 0.0
    return float(np.prod(np.maximum(1.0, np.abs(numpy_helper.to_array(sizes).astype(np.float64)))))


def _bytes(tensor: onnx.TensorProto) -> int:
    bits = {TensorProto.UINT4: 4, TensorProto.INT4: 4, TensorProto.FLOAT4E2M1: 4}.get(tensor.data_type)
    if bits is None:
        bits = 8 * onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    return int(-(-math.prod(tensor.dims) * bits // 8))


def _check_interface(model: onnx.ModelProto, card: ModelCard) -> None:
    """Compare inputs and outputs with what segmentation needs and the card says."""
    path = _path_of(card)
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [entry for entry in model.graph.input if entry.name not in weights]
    if len(inputs) != 1:
        names = ", ".join(entry.name for entry in inputs) or "none"
        raise UserError(f"{path} has other inputs than needed ({names}): {_HOW}")
    if inputs[0].name != card.input_name:
        raise UserError(
            f"{path}: the card's field 'input_name' says {card.input_name}, but the model has "
            f"{inputs[0].name}. {_AGAIN}"
        )
    lengths = _lengths(inputs[0])
    if lengths is None or len(lengths) != 4 or lengths[0] > 1 or lengths[1] < 1:
        raise UserError(f"{path}: the input {inputs[0].name} has another type or shape than needed. {_HOW}")
    if lengths[1] != card.slices:
        takes, said = (count(n, "slice") for n in (lengths[1], card.slices))
        raise UserError(
            f"{path} takes {takes} at once, and the card's field 'slices' says {said}: write into the card "
            "what the model was trained with, or get both again."
        )
    if any(n % card.multiple for n in lengths[2:]):
        raise UserError(
            f"{path} takes only slices of {lengths[2]}×{lengths[3]} px, which are no multiples of "
            f"{card.multiple}. Export it with free height and width."
        )
    outputs = {entry.name: entry for entry in model.graph.output}
    for key in ("label_output", "image_output"):
        name = getattr(card, key)
        if name is not None and name not in outputs:
            raise UserError(
                f"{path} has no output {name!r} (it has {', '.join(outputs) or 'none'}), "
                f"which the card names in the field '{key}'. {_HOW}"
            )
        declared = None if name is None else _lengths(outputs[name])
        if name is not None and (declared is None or len(declared) != 4 or declared[1] > 1):
            raise UserError(f"{path}: the output {name} has another type or shape than needed. {_HOW}")


def _lengths(entry: onnx.ValueInfoProto) -> list[int] | None:
    """Declared lengths, 0 where free; None if it is not a float32 tensor with a shape."""
    tensor = entry.type.tensor_type
    if tensor.elem_type != TensorProto.FLOAT or not tensor.HasField("shape"):
        return None
    return [dim.dim_value for dim in tensor.shape.dim]


def _deduced(model: onnx.ModelProto, path: Path) -> ModelCard:
    """A card from the graph alone."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    inputs = [entry.name for entry in model.graph.input if entry.name not in weights]
    outputs = [entry.name for entry in model.graph.output]
    if "label" not in outputs:
        raise UserError(f"{path} has no output 'label' (it has {', '.join(outputs) or 'none'}). {_HOW}")
    slices = _slices(model, path)
    assumed = "dark absorbing structures, threshold 0"
    if slices > 1:
        assumed += f", and that the {slices} channels of its input are neighbouring slices"
    return ModelCard(
        name=re.sub(r"[^A-Za-z0-9._+-]", "_", path.stem).lstrip("._+-")[:64] or "model",
        description="A model without a card.",
        trained_on="unknown",
        base_width=_base_width(model, inputs[0] if inputs else "", slices),
        label_output="label",
        sha256=file_sha256(path),
        licence="unknown",
        input_name=inputs[0] if inputs else "input",
        slices=slices,
        image_output="image" if "image" in outputs else None,
        halo_px=_halo_px(model),
        path=path,
        notes=(
            f"There is no card {path.with_suffix('.json').name} beside the model: usual values are assumed "
            f"({assumed}), and what it was trained on is unknown.",
        ),
    )


def _slices(model: onnx.ModelProto, path: Path) -> SliceCount:
    """The channels of the input; 1 where another fault of it will be found."""
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [entry for entry in model.graph.input if entry.name not in weights]
    lengths = _lengths(inputs[0]) if len(inputs) == 1 else None
    found = lengths[1] if lengths is not None and len(lengths) == 4 else 1
    for possible in get_args(SliceCount):
        if found in (0, possible):
            slices: SliceCount = possible
            return slices
    raise UserError(
        f"{path} takes {found} slices at once; a model takes 1, 3, 5 or 7, the middle one's outlines."
    )


def _base_width(model: onnx.ModelProto, input_name: str, slices: int) -> int:
    """The first convolution is the bottleneck's slices → m/2; other networks have no base width, so 1."""
    weights = {tensor.name: tensor.dims for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type in ("Cast", "Identity") and node.input[0] in weights:
            weights[node.output[0]] = weights[node.input[0]]
        if node.op_type == "Conv" and node.input[0] == input_name and node.input[1] in weights:
            dims = weights[node.input[1]]
            return 2 * dims[0] if list(dims[1:]) == [slices, 1, 1] else 1
    return 1


def _halo_px(model: onnx.ModelProto) -> int:
    """The sum of the stages' margins, where the model names its stages, else the published network's."""
    usual: int = ModelCard.halo_px
    try:
        plan = read_plan(model, ["label"])
    except ValueError:
        return usual
    if plan is None:
        return usual
    reach = sum(stage.halo_px for stage in plan.stages)
    return min(4096, -(-reach // 16) * 16)


def _run_patterns(card: ModelCard) -> None:
    path, cpu = _path_of(card), choose_device("cpu")
    try:
        session = create_session(path, cpu)
        fixed = session.get_inputs()[0].shape[2:]
        for wanted in ((32, 32), (48, 64)):
            shape = [
                n if isinstance(n, int) else -(-w // card.multiple) * card.multiple
                for n, w in zip(fixed, wanted, strict=True)
            ]
            names = [card.label_output, *([card.image_output] if card.image_output else [])]
            results = session.run(names, {card.input_name: _pattern(shape[0], shape[1], card.slices)})
            for name, result in zip(names, results, strict=True):
                _check_result(path, name, np.asarray(result), shape)
            if np.abs(results[0]).max() > 1.001:
                raise UserError(
                    f"{path}: the output {card.label_output} leaves the range -1…1. "
                    "Export the model with its final tanh."
                )
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"{path} cannot be run by onnxruntime ({said(error)}). Export it for opset 17."
        ) from error


def _check_result(path: Path, name: str, result: NDArray[np.float32], shape: list[int]) -> None:
    if list(result.shape) != [1, 1, *shape]:
        raise UserError(
            f"{path}: the output {name} has the size {'×'.join(map(str, result.shape))} for a slice of "
            f"{shape[0]}×{shape[1]} px. {_HOW}"
        )
    if not np.isfinite(result).all():
        raise UserError(
            f"{path}: the output {name} is not a number everywhere; the model is spoilt. {_AGAIN}"
        )


def _pattern(height: int, width: int, slices: int) -> NDArray[np.float32]:
    """A dark ring in grain, normalised as slices are, the same in all of them: (1, slices, y, x)."""
    y, x = np.mgrid[:height, :width]
    ring = np.abs(np.hypot(y - height / 2, x - width / 2) - height / 4) < 2
    image = np.random.default_rng(0).normal(size=(height, width)) - 3 * ring
    pattern: NDArray[np.float32] = ((image - image.mean()) / image.std()).astype(np.float32)
    return np.repeat(pattern[np.newaxis, np.newaxis], slices, axis=1)


def _path_of(card: ModelCard) -> Path:
    if card.path is None:
        raise ValueError("the card is not attached to a model")
    return card.path
