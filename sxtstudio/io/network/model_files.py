"""A network as a model to segment with: the .onnx file and its card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from sxtstudio.core.atomic import atomic_write
from sxtstudio.io.network.layers import MULTIPLE
from sxtstudio.io.network.stage_plan import halo_px


def write_model_files(model: onnx.ModelProto, folder: Path, card: Mapping[str, Any], width: int) -> Path:
    """Write ``name.onnx`` and its card ``name.json`` into a folder, and return the .onnx file.

    Parameters
    ----------
    model
        Made by ``network_model``.
    folder
        Where the files go; older ones of that name are replaced.
    card
        What is known of the model; what follows from the network and the file is added.
    width
        The base width.

    Raises
    ------
    UserError
        If a file cannot be written.
    """
    content = model.SerializeToString()
    path = folder / f"{card['name']}.onnx"
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    complete = dict(card) | {
        "base_width": width,
        "input_name": "input",
        "slices": model.graph.input[0].type.tensor_type.shape.dim[1].dim_value,
        "label_output": "label",
        "image_output": "image",
        "multiple": MULTIPLE,
        "halo_px": halo_px(),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    with atomic_write(path.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(complete, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path
