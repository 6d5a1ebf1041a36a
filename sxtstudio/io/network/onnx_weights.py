"""The arrays of the network back from a model file that this program exported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from sxtstudio.core.errors import UserError
from sxtstudio.core.model_bytes import read_model_bytes
from sxtstudio.io.network.layers import WIDEST, Network
from sxtstudio.io.network.onnx_graph import PREFIX

_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16)
_FIRST = f"{PREFIX}encoder.stem.0.weight"
_SLICES = (1, 3, 5, 7)


def read_onnx_weights(path: str | Path) -> tuple[Network, dict[str, NDArray[np.float32]]]:
    """Return which network a model file of this program holds, and its arrays by name.

    Parameters
    ----------
    path
        The .onnx file. Weights are float32, or float16, which are widened to float32.

    Raises
    ------
    UserError
        If the file cannot be read, is no ONNX model, is of another kind of network, or is an old one in
        which the batch norms are part of the convolutions.
    """
    path = Path(path)
    weights = _weights(_read(path).graph, path)
    network = Network(_base_width(weights, path), _slices(weights))
    shapes = network.shapes()
    missing = [name for name in shapes if PREFIX + name not in weights]
    if missing:
        raise _cannot_go_on(path, missing)
    return network, {
        name: _values(weights[PREFIX + name], shape, name, path) for name, shape in shapes.items()
    }


def _read(path: Path) -> onnx.ModelProto:
    content = read_model_bytes(path)
    try:
        model = onnx.load_model_from_string(content)
    except (DecodeError, ValueError, UnicodeError) as error:
        raise UserError(f"{path} is not an ONNX model, or is cut short: get it again.") from error
    if not model.graph.node:
        raise UserError(f"{path} is not an ONNX model, or is cut short: get it again.")
    return model


def _weights(graph: onnx.GraphProto, path: Path) -> dict[str, onnx.TensorProto]:
    """Return all weights by name; of equal ones PyTorch stores one and lets the others refer to it."""
    weights = {entry.name: entry for entry in graph.initializer}
    for entry in weights.values():
        if entry.data_location == TensorProto.EXTERNAL:
            raise UserError(f"{path.name} keeps its weights in other files: export it as a single file.")
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in weights:
            weights[node.output[0]] = weights[node.input[0]]
    return weights


def _base_width(weights: dict[str, onnx.TensorProto], path: Path) -> int:
    """The first convolution of the stem has half as many channels as the base width."""
    first = weights.get(_FIRST)
    if first is None or not 1 <= len(first.dims) <= 4 or not 1 <= first.dims[0] <= WIDEST // 2:
        raise UserError(
            f"{path.name} is not a model of the two-headed network of this program, so it cannot be trained "
            "further: choose another model, or start from nothing."
        )
    return 2 * int(first.dims[0])


def _slices(weights: dict[str, onnx.TensorProto]) -> int:
    """The stem's first convolution sees so many; 1 where its kernel is none, which its shape shows."""
    dims = weights[_FIRST].dims
    return int(dims[1]) if len(dims) == 4 and dims[1] in _SLICES else 1


def _cannot_go_on(path: Path, missing: list[str]) -> UserError:
    if any("norm" in name for name in missing):
        return UserError(
            f"{path.name} was exported for use only: its batch norms are part of its convolutions, so it "
            "cannot be trained further. Choose a newer model, or start from nothing."
        )
    return UserError(
        f"{path.name} lacks the layer {missing[0].rpartition('.')[0]}, so it cannot be trained further: "
        "choose another model, or start from nothing."
    )


def _values(stored: onnx.TensorProto, shape: tuple[int, ...], name: str, path: Path) -> NDArray[np.float32]:
    layer = name.rpartition(".")[0]
    if tuple(stored.dims) != shape or stored.data_type not in _FLOATS:
        raise UserError(
            f"The layer {layer} of {path.name} has weights of the shape {tuple(stored.dims)} instead of "
            f"{shape}, so it cannot be trained further: choose another model."
        )
    try:
        values: NDArray[np.float32] = numpy_helper.to_array(stored).astype(np.float32)
    except ValueError as error:
        raise UserError(f"{path.name} is damaged at the layer {layer}: get it again.") from error
    if not np.isfinite(values).all():
        raise UserError(
            f"The layer {layer} of {path.name} holds values that are not numbers, so the model is spoilt: "
            "choose another one."
        )
    return values
