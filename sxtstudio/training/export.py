"""Both heads of a trained network as one ONNX file, checked against PyTorch before it is kept."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import onnx
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.io.network.halving import halved
from sxtstudio.io.network.onnx_graph import network_model
from sxtstudio.training.network import DeepSXT
from sxtstudio.training.network_files import arrays_of, layers_of
from sxtstudio.training.parity import parity, rounded, samples

PARITY = 1e-4


def to_onnx(network: DeepSXT) -> onnx.ModelProto:
    """Return the network as an ONNX model; see ``network_model``."""
    return network_model(layers_of(network), arrays_of(network.eval()))


def checked_model(
    network: DeepSXT,
    *,
    weights: Literal["float32", "float16"] = "float32",
    slices: Iterable[NDArray[Any]] | None = None,
) -> onnx.ModelProto:
    """Return the network as an ONNX model after comparing it with PyTorch.

    Parameters
    ----------
    network
        Any base width.
    weights
        float16 halves the file; see ``halved``.
    slices
        Real slices (y, x) or (slices, y, x), of any numeric type, scale and size from 16 px, dark structures
        dark: the centres of the first four are compared besides random noise.

    Raises
    ------
    UserError
        If a head of the exported model differs from the network's by more than 1e-4 of its spread (or of 1,
        where the spread is less), or if rounding to float16 moves a head too far.
    """
    model = to_onnx(network)
    batches = samples(slices, network.slices)
    expected = network
    if weights == "float16":
        model, expected = halved(model, batches), rounded(network)
    difference = parity(expected, model, batches)
    if not difference < PARITY:
        raise UserError(
            f"The exported model differs from the trained network by {difference:.2g}; it was not written. "
            "Train again from an earlier checkpoint."
        )
    return model


def export_onnx(
    network: DeepSXT,
    path: str | Path,
    *,
    weights: Literal["float32", "float16"] = "float32",
    slices: Iterable[NDArray[Any]] | None = None,
) -> Path:
    """Write the network to the .onnx file ``path``; see ``checked_model`` for the rest.

    Raises
    ------
    UserError
        Also if the file cannot be written. An older file of that name is then left as it was.
    """
    model = checked_model(network, weights=weights, slices=slices)
    path = Path(path)
    with atomic_write(path) as temporary:
        temporary.write_bytes(model.SerializeToString())
    return path
