"""A model packed for the BioImage Model Zoo (bioimage.io): other programs can then run and test it.

The package is a ZIP file with ``rdf.yaml`` (format 0.5), the weights as ONNX, a test input with the outputs
that belong to it, a cover and a README. A slice goes in with its own grey values; the description says to
normalise it, as the program does. A model that sees several slices has them as channels, named after their
places; those of the outputs belong to the slice in the middle.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import onnx
from numpy.typing import NDArray

from sxtstudio import __version__
from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.contrast import auto_window
from sxtstudio.core.errors import UserError
from sxtstudio.core.normalise import normalise_slice
from sxtstudio.segment.card import ModelCard
from sxtstudio.segment.check import check_model
from sxtstudio.segment.device import choose_device, create_session

FORMAT = "0.5.3"
ARTICLE = {
    "text": "Dyhr, Sadeghi et al.: 3D surface reconstruction of cellular cryo-soft X-ray microscopy "
    "tomograms using semisupervised deep learning. PNAS 120(24) e2209938120 (2023)",
    "doi": "10.1073/pnas.2209938120",
}
# Licences whose names in cards are those of SPDX; others stand in the README only.
_LICENCES = ("MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0", "CC-BY-NC-4.0")
_INPUT = "slice"
_GREY, _CONTRAST = 1000.0, 100.0

Image = NDArray[np.float32]


def export_bioimageio(card: ModelCard, path: str | Path) -> Path:
    """Check a model and pack it; return the ZIP file.

    Parameters
    ----------
    card
        With the model's file.
    path
        To write, ending in .zip; an older one is replaced.

    Raises
    ------
    UserError
        If the model does not pass the check, keeps weights in other files, takes slices of one size only, or
        the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".zip":
        raise UserError(f"{path.name} must end in .zip: that is what a bioimage.io package is.")
    card = check_model(card.card_path or _file(card))
    opset = _opset(_file(card), card)
    test = _test_slice(card)
    outputs = _run(card, test)
    weights = f"{card.name}.onnx"
    content: dict[str, str | bytes] = {
        "rdf.yaml": json.dumps(_description(card, outputs, weights, opset), indent=2, ensure_ascii=False),
        "README.md": _readme(card),
        "cover.png": _cover(test, outputs[card.label_output], card.threshold),
        "test_input.npy": _npy(test),
    }
    content |= {f"test_{_id(card, name)}.npy": _npy(values) for name, values in outputs.items()}
    with atomic_write(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in content.items():
            package.writestr(name, data)
        package.write(_file(card), weights, zipfile.ZIP_STORED)
    return path


def _description(card: ModelCard, outputs: dict[str, Image], weights: str, opset: int) -> dict[str, Any]:
    """The content of rdf.yaml; JSON is YAML, too."""
    facts = {key: value for key, value in json.loads(card.to_json()).items() if key not in ("file", "sha256")}
    licence = {"license": card.licence} if card.licence in _LICENCES else {}
    return {
        "type": "model",
        "format_version": FORMAT,
        "name": f"SXT Studio {card.name}",
        "description": card.description[:1000],
        "documentation": {"source": "README.md"},
        "covers": [{"source": "cover.png"}],
        "cite": [ARTICLE],
        "packaged_by": [{"name": f"SXT Studio {__version__}"}],
        "tags": ["soft-x-ray-tomography", "membranes", "segmentation", "2d", "unet", "cells"],
        **licence,
        "inputs": [
            {
                "id": _INPUT,
                "description": _input_text(card),
                "axes": [*_first_axes(*_channels(card)), *(_input_axis(card, name) for name in "yx")],
                "test_tensor": {"source": "test_input.npy"},
                "preprocessing": [{"id": "zero_mean_unit_variance", "kwargs": {"axes": ["y", "x"]}}],
            }
        ],
        "outputs": [
            {
                "id": _id(card, name),
                "description": _output_text(card, name),
                "axes": [*_first_axes(_id(card, name)), *(_output_axis(card, axis) for axis in "yx")],
                "test_tensor": {"source": f"test_{_id(card, name)}.npy"},
            }
            for name in outputs
        ],
        "weights": {"onnx": {"source": weights, "sha256": card.sha256, "opset_version": opset}},
        "config": {"sxtstudio": facts},
    }


def _first_axes(*channels: str) -> list[dict[str, Any]]:
    return [{"type": "batch"}, {"type": "channel", "channel_names": list(channels)}]


def _channels(card: ModelCard) -> list[str]:
    """The names of the input's channels: slice_minus_1, slice, slice_plus_1."""
    half = card.slices // 2
    before, after = ([f"slice_{side}_{n}" for n in range(1, half + 1)] for side in ("minus", "plus"))
    return [*reversed(before), "slice", *after]


def _input_text(card: ModelCard) -> str:
    structures = f"absorbing structures are {_polarity(card)}."
    if card.slices == 1:
        return f"One slice of a tomogram; {structures}"
    return f"{card.slices} neighbouring slices of a tomogram; the middle one is outlined; {structures}"


def _input_axis(card: ModelCard, name: str) -> dict[str, Any]:
    return {"type": "space", "id": name, "size": {"min": _edge(card), "step": card.multiple}}


def _output_axis(card: ModelCard, name: str) -> dict[str, Any]:
    size = {"tensor_id": _INPUT, "axis_id": name}
    return {"type": "space", "id": name, "size": size, "halo": card.halo_px}


def _edge(card: ModelCard) -> int:
    """The smallest size of which something is left without the halo."""
    least = 2 * card.halo_px + 32
    return least + -least % card.multiple


def _id(card: ModelCard, output: str) -> str:
    return "label" if output == card.label_output else "image"


def _output_text(card: ModelCard, output: str) -> str:
    if output == card.label_output:
        return f"Membranes: -1 background to 1 membrane; label pixels above {card.threshold:g}."
    return "The slice redrawn, normalised; it shows whether the network recognises its input."


def _polarity(card: ModelCard) -> str:
    return "dark" if card.polarity == "dark" else "dark or bright"


def _test_slice(card: ModelCard) -> Image:
    """Rings darker than their grainy surroundings, growing by a pixel a slice: (1, slices, y, x)."""
    edge = _edge(card)
    y, x = np.mgrid[:edge, :edge].astype(np.float32)
    stack = np.random.default_rng(0).normal(0, 0.35, (card.slices, edge, edge))
    for step, image in enumerate(stack, -(card.slices // 2)):
        for centre_y, centre_x, radius in ((0.5, 0.5, 0.42), (0.45, 0.4, 0.12), (0.6, 0.66, 0.08)):
            away = np.hypot(y - centre_y * edge, x - centre_x * edge) - radius * edge - step
            image -= 2.0 * np.exp(-0.5 * (away / 1.6) ** 2)
    grey: Image = np.round(_GREY + _CONTRAST * stack).astype(np.float32)
    return grey[np.newaxis]


def _run(card: ModelCard, test: Image) -> dict[str, Image]:
    normal = [normalise_slice(image) for image in test[0]]
    shown = np.stack([image for image in normal if image is not None])[np.newaxis]
    names = [card.label_output, *([card.image_output] if card.image_output else [])]
    session = create_session(_file(card), choose_device("cpu"))
    results = session.run(names, {card.input_name: shown})
    return dict(zip(names, results, strict=True))


def _opset(path: Path, card: ModelCard) -> int:
    model = onnx.load(str(path), load_external_data=False)
    if any(entry.data_location == onnx.TensorProto.EXTERNAL for entry in model.graph.initializer):
        raise UserError(f"{path.name} keeps its weights in other files: export it as a single file first.")
    (entry,) = [entry for entry in model.graph.input if entry.name == card.input_name]
    if any(dim.dim_value for dim in entry.type.tensor_type.shape.dim[2:]):
        raise UserError(f"{path.name} takes slices of one size only: export it with free height and width.")
    newest: int = max(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    return newest


def _cover(test: Image, label: Image, threshold: float) -> bytes:
    """The test slice, and beside it with its labels in red."""
    grey = test[0, test.shape[1] // 2]
    low, high = auto_window(grey)
    shown = (255 * np.clip((grey - low) / (high - low), 0, 1)).astype(np.uint8)
    plain = np.repeat(shown[..., np.newaxis], 3, axis=2)
    marked = plain.copy()
    marked[label[0, 0] > threshold] = (230, 60, 60)
    encoded: bytes = bytes(imagecodecs.png_encode(np.concatenate([plain, marked], axis=1)))
    return encoded


def _readme(card: ModelCard) -> str:
    lines = [f"# {card.name}", "", card.description, "", "## What it was trained on", "", card.trained_on]
    if card.limits:
        lines += ["", "## Where it fails", "", *(f"- {limit}" for limit in card.limits)]
    if card.scores:
        scores = json.dumps(dict(card.scores), indent=2, ensure_ascii=False)
        lines += ["", "## How well it does", "", "```json", scores, "```"]
    voxel = f"{card.voxel_nm[0]:g} to {card.voxel_nm[1]:g} nm" if card.voxel_nm else "not known"
    lines += [
        "",
        "## Use",
        "",
        f"{_seen(card)}Each slice is normalised on its own, (x - mean) / SD. Absorbing structures have to be "
        f"{_polarity(card)}. Label pixels where the output `label` is above {card.threshold:g}. Near the "
        f"borders of a tile, {card.halo_px} px see less than the network needs.",
        "",
        f"- Voxel sizes: {voxel}",
        f"- Base width: {card.base_width}",
        f"- Licence: {card.licence}",
        f"- SHA-256 of the weights: {card.sha256}",
        "",
        "## Validation",
        "",
        "Draw the labels over some slices and look at them before you measure in them.",
        "",
        f"Method: {ARTICLE['text']}. doi:{ARTICLE['doi']}",
    ]
    return "\n".join(lines) + "\n"


def _seen(card: ModelCard) -> str:
    if card.slices == 1:
        return ""
    return (
        f"The network sees {card.slices} neighbouring slices, in the order of z, and outlines the middle "
        "one. Repeat the first and the last slice beyond the borders. "
    )


def _npy(values: Image) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(values, np.float32), allow_pickle=False)
    return buffer.getvalue()


def _file(card: ModelCard) -> Path:
    if card.path is None:
        raise ValueError("the card is not attached to a model")
    return card.path
