"""Weights of the published network as a model of this program, with its card; without PyTorch."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from sxtstudio.io.network.halving import halved, noise
from sxtstudio.io.network.keras_weights import read_keras_weights
from sxtstudio.io.network.model_files import write_model_files
from sxtstudio.io.network.onnx_graph import network_model

_PUBLISHED_WIDTH = 64


def import_weights(
    weights: str | Path,
    config: str | Path,
    folder: str | Path,
    name: str,
    *,
    half: bool = False,
) -> Path:
    """Turn a Keras weight file into ``name.onnx`` with its card ``name.json``, and return the .onnx file.

    Parameters
    ----------
    weights, config
        As for ``read_keras_weights``.
    folder
        Where the files go; older ones of that name are replaced.
    name
        Of the model.
    half
        Store the weights as float16; see ``halved``.

    Raises
    ------
    UserError
        If a file cannot be read or does not fit, or the result cannot be written.
    """
    network, arrays = read_keras_weights(weights, config)
    model = network_model(network, arrays)
    arrays.clear()  # the published ones are 306 MB, which the model now holds
    if half:
        model = halved(model, [noise()])
    return write_model_files(model, Path(folder), _card(name, Path(weights), network.width), network.width)


def _card(name: str, weights: Path, width: int) -> dict[str, Any]:
    """What is known of such weights; the file itself says nothing of its training."""
    trained_on = "Not stated in the weight file."
    if width == _PUBLISHED_WIDTH:
        trained_on += (
            " The published weights of this base width were trained on 79 slices with manual labels from one "
            "tomogram and 513 slices without labels from others."
        )
    return {
        "name": name,
        "description": "The network Deep-SXT of Dyhr, Sadeghi et al., PNAS 120 (2023) e2209938120, with the "
        f"weights of {weights.name}.",
        "trained_on": trained_on,
        "limits": [
            "How well it does on your tomograms is not known: check its labels by eye before you measure.",
            "It expects tomograms that look like those of its training; see the article.",
        ],
        "licence": "That of the weight file (the authors' code: MIT)",
        "created": datetime.date.today().isoformat(),
        "citation": "10.1073/pnas.2209938120",
    }
