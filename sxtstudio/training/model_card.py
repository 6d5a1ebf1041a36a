"""A trained network as a model to segment with: the .onnx file and its card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.training.export import export_onnx, halo_px
from sxtstudio.training.network import MULTIPLE, DeepSXT


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
        How they are stored; see ``export_onnx``.

    Raises
    ------
    UserError
        If the exported model differs from the network, or cannot be written; nothing is written then.
    """
    path = export_onnx(network, folder / f"{card['name']}.onnx", slices=slices, weights=weights)
    complete = dict(card) | {
        "base_width": network.width,
        "input_name": "input",
        "label_output": "label",
        "image_output": "image",
        "multiple": MULTIPLE,
        "halo_px": halo_px(),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    with atomic_write(path.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(complete, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
