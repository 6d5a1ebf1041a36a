"""Read the published weights: Keras' legacy HDF5 layout into the PyTorch network.

The numbers in Keras' names (``conv2d_90``) depend on the session and mean nothing; what counts is
the order: first all trainable arrays in the order in which the layers were made, then all moving
means and variances in the same order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import nn

from sxtstudio.core.errors import UserError
from sxtstudio.training.network import Decoder, DeepSXT, LabelHead, NeckBranch, ResidualBlock


def load_keras_weights(weights: str | Path, config: str | Path) -> DeepSXT:
    """Return the network of a published weight file, in evaluation mode.

    Parameters
    ----------
    weights
        Keras HDF5 file as published (``save_weights``, legacy HDF5).
    config
        The ``model_config`` JSON that belongs to it; its ``m_f`` is the base width.

    Raises
    ------
    UserError
        If a file cannot be read, or naming the first layer that does not fit.
    """
    network = DeepSXT(_base_width(Path(config)))
    try:
        with h5py.File(weights, "r") as file:
            for name, layers in _groups(network):
                _fill_group(name, layers, _arrays(file, name))
    except OSError as error:
        raise UserError(
            f"{Path(weights).name} cannot be read as a Keras HDF5 weight file ({error}). "
            "Choose the file weights_semisupervised_….h5."
        ) from error
    return network.eval()


def _base_width(config: Path) -> int:
    try:
        width = json.loads(config.read_text(encoding="utf-8"))["m_f"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{config.name} is not a model configuration of the published network: "
            "it has to be a JSON file with the base width under 'm_f'."
        ) from error
    if not isinstance(width, int) or width < 2 or width % 2 or width > 256:
        raise UserError(
            f"{config.name} gives the base width m_f = {width}; it has to be an even number from 2 to 256."
        )
    return width


def _groups(network: DeepSXT) -> Iterator[tuple[str, list[nn.Module]]]:
    """Yield each top-level HDF5 group with its layers in the order in which Keras made them."""
    encoder = network.encoder
    yield (
        "encoder",
        [*encoder.stem, encoder.stem_norm, *(layer for block in encoder.blocks for layer in _block(block))],
    )
    for i, branch in enumerate(network.neck):
        yield f"mid_branch_{i}", _neck_branch(branch)
    yield "image_decoder", _decoder(network.image_decoder)
    for i, conv in enumerate(network.image_head):
        yield f"image_decoder_final_convolution_{i}", list(conv)
    yield "label_decoder", _decoder(network.label_decoder)
    head: LabelHead = network.label_head
    yield "label_decoder_final_batchnorm", [head.norm]
    yield "label_decoder_final_convolution_1", list(head.conv)
    yield "label_decoder_final_convolution_2", [head.out]


def _block(block: ResidualBlock) -> list[nn.Module]:
    return [*block.first, *block.second, block.inner_norm, block.outer_norm]


def _neck_branch(branch: NeckBranch) -> list[nn.Module]:
    return [*(layer for conv in branch.convs for layer in conv), *branch.norms]


def _decoder(decoder: Decoder) -> list[nn.Module]:
    blocks = (layer for stage in decoder.stages for block in stage for layer in _block(block))
    return [*decoder.upsamplers, *blocks, *decoder.last, decoder.last_norm]


def _arrays(file: h5py.File, group: str) -> list[np.ndarray[Any, Any]]:
    if group not in file or "weight_names" not in file[group].attrs:
        raise UserError(
            f"the weight file has no group '{group}': it is not from the published two-headed network."
        )
    names = [n.decode() if isinstance(n, bytes) else n for n in file[group].attrs["weight_names"]]
    arrays = []
    for name in names:
        data = file[group].get(name)
        if not isinstance(data, h5py.Dataset) or data.external or data.is_virtual:
            raise UserError(f"the weight file lists '{name}' in group '{group}' but does not hold it.")
        arrays.append(np.asarray(data, dtype=np.float32))
    return arrays


def _fill_group(group: str, layers: list[nn.Module], arrays: list[np.ndarray[Any, Any]]) -> None:
    """Copy a group's arrays into its layers, trainable ones first, then the moving statistics."""
    norms = [layer for layer in layers if isinstance(layer, nn.BatchNorm2d)]
    targets: list[tuple[torch.Tensor, tuple[int, ...] | None]] = []
    for layer in layers:
        # Kernels are (kh, kw, in, out), transposed kernels (kh, kw, out, in); PyTorch wants the
        # channels first, (out, in, …) and (in, out, …): the same permutation for both.
        targets.append((layer.weight.data, None if layer in norms else (3, 2, 0, 1)))
        if layer.bias is not None:
            targets.append((layer.bias.data, None))
    for norm in norms:
        targets += [(norm.running_mean, None), (norm.running_var, None)]
    if len(targets) != len(arrays):
        raise UserError(
            f"group '{group}' of the weight file has {len(arrays)} arrays, the network needs {len(targets)}: "
            "weights and configuration do not belong together."
        )
    for i, ((target, order), array) in enumerate(zip(targets, arrays, strict=True)):
        fitted = array.transpose(order) if order and array.ndim == 4 else array
        if fitted.shape != tuple(target.shape):
            raise UserError(
                f"array {i} of group '{group}' has the shape {fitted.shape}, the network needs "
                f"{tuple(target.shape)}: weights and configuration do not belong together."
            )
        target.copy_(torch.from_numpy(np.ascontiguousarray(fitted)))
