"""A trained network as a model to segment with: the .onnx file and its card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sxtstudio.io.network.model_files import write_model_files
from sxtstudio.training.export import checked_model
from sxtstudio.training.network import DeepSXT


def write_model(
    network: DeepSXT,
    folder: Path,
    card: Mapping[str, Any],
    slices: Iterable[NDArray[np.float32]] | None = None,
    weights: Literal["float32", "float16"] = "float32",
) -> Path:
    """Write ``name.onnx`` and its card ``name.json`` into a folder, and return the .onnx file.

    Parameters
    ----------
    network
        On the CPU.
    folder
        Where the files go; older ones of that name are replaced.
    card
        What is known of the model; what follows from the network and the file is added.
    slices
        Normalised slices (y, x) on which the file is compared with the network, besides noise.
    weights
        How they are stored; see ``checked_model``.

    Raises
    ------
    UserError
        If the exported model differs from the network, or cannot be written; nothing is written then.
    """
    model = checked_model(network, weights=weights, slices=slices)
    return write_model_files(model, folder, card, network.width)
