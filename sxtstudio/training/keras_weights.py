"""Read the published weights: Keras' legacy HDF5 layout into the PyTorch network.

The numbers in Keras' names (``conv2d_90``) depend on the session and mean nothing; what counts is
the order: first all trainable arrays in the order in which the layers were made, then all moving
means and variances in the same order.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import nn

from sxtstudio.core.errors import UserError
from sxtstudio.core.plain_files import open_plain
from sxtstudio.io.hdf5_chunks import reader_of
from sxtstudio.io.hdf5_texts import absurd_texts
from sxtstudio.training.keras_config import read_base_width
from sxtstudio.training.network import Decoder, DeepSXT, LabelHead, NeckBranch, ResidualBlock

_MOST_ARRAYS = 10_000
_MOST_LEVELS = 16  # in the name of an array; each is looked for from the one above
# A network of base width m has about 18,700 m² numbers, each of which takes more than a byte in the file.
_NUMBERS_PER_SQUARE = 18_000
# From PyTorch's (out, in, y, x) to Keras' (y, x, in, out) and back; for transposed kernels in and out change
# places on both sides.
_TO_KERAS, _FROM_KERAS = (2, 3, 1, 0), (3, 2, 0, 1)
_ANOTHER = "Weights and configuration do not belong together, or the file is damaged: get both again."


def load_keras_weights(weights: str | Path, config: str | Path) -> DeepSXT:
    """Return the network of a published weight file, in evaluation mode.

    Nothing is read but the arrays that the network needs, and no link in the file is followed.

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
    width = read_base_width(Path(config))
    name = Path(weights).name
    try:
        with open_plain(Path(weights)) as plain:
            size = os.fstat(plain.fileno()).st_size
        if size < _NUMBERS_PER_SQUARE * width**2:
            raise ValueError(f"{size} bytes are too few for a network of base width {width}")
        network = DeepSXT(width)
        with h5py.File(weights, "r") as file:
            paths = {id(module): path for path, module in network.named_modules()}
            for group, layers in _groups(network):
                _fill_group(name, group, _targets(layers, paths), _datasets(name, file, group))
    except FileNotFoundError as error:
        raise UserError(f"{name} cannot be read, as there is no such file: check its name.") from error
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise UserError(
            f"{name} cannot be read as a Keras HDF5 weight file ({_line(error)}): it may be cut short. "
            "Choose the file weights_semisupervised_….h5, or get it again."
        ) from error
    return network.eval()


def _groups(network: DeepSXT) -> Iterator[tuple[str, list[nn.Module]]]:
    """Yield each top-level HDF5 group with its layers in the order in which Keras made them."""
    encoder = network.encoder
    yield (
        "encoder",
        [*encoder.stem, encoder.stem_norm, *(layer for block in encoder.blocks for layer in _layers(block))],
    )
    for i, branch in enumerate(network.neck):
        yield f"mid_branch_{i}", _layers(branch)
    yield "image_decoder", _layers(network.image_decoder)
    for i, conv in enumerate(network.image_head):
        yield f"image_decoder_final_convolution_{i}", _layers(conv)
    yield "label_decoder", _layers(network.label_decoder)
    head: LabelHead = network.label_head
    yield "label_decoder_final_batchnorm", [head.norm]
    yield "label_decoder_final_convolution_1", list(head.conv)
    yield "label_decoder_final_convolution_2", [head.out]


def _layers(module: nn.Module) -> list[nn.Module]:
    """Return the layers with weights inside a part of the network, in Keras' order."""
    match module:
        case ResidualBlock():
            return [*module.first, *module.second, module.inner_norm, module.outer_norm]
        case NeckBranch():
            return [*(layer for conv in module.convs for layer in _layers(conv)), *module.norms]
        case Decoder():
            stages = [layer for stage in module.stages for layer in _layers(stage)]
            return [*module.upsamplers, *stages, *_layers(module.last), module.last_norm]
        case nn.ModuleList():
            return [layer for part in module for layer in _layers(part)]
        case _:
            return list(module.children())


@dataclass(frozen=True)
class _Target:
    """An array of the network: what it is part of, and whether it is a kernel, whose axes change."""

    layer: str
    values: torch.Tensor
    is_kernel: bool = False
    is_variance: bool = False

    @property
    def keras_shape(self) -> tuple[int, ...]:
        shape = tuple(self.values.shape)
        return tuple(shape[axis] for axis in _TO_KERAS) if self.is_kernel else shape


def _targets(layers: list[nn.Module], paths: dict[int, str]) -> list[_Target]:
    """Return the arrays of layers in Keras' order: trainable ones first, then the moving statistics."""
    trainable, moving = [], []
    for layer in layers:
        path, is_norm = paths[id(layer)], isinstance(layer, nn.BatchNorm2d)
        trainable += [
            _Target(path, values.data, is_kernel=name == "weight" and not is_norm)
            for name, values in layer.named_parameters()
        ]
        moving += [
            _Target(path, values, is_variance=name == "running_var")
            for name, values in layer.named_buffers()
            if name != "num_batches_tracked"
        ]
    return trainable + moving


def _datasets(file_name: str, file: h5py.File, group: str) -> list[tuple[str, h5py.Dataset]]:
    """Return the arrays that a group lists, in its order, unread."""
    entry = _own_member(file, group)
    if not isinstance(entry, h5py.Group) or "weight_names" not in entry.attrs:
        raise UserError(
            f"{file_name} has no group '{group}': it is not from the published two-headed network."
        )
    stored = entry.attrs.get_id("weight_names")
    if len(stored.shape) != 1 or stored.shape[0] > _MOST_ARRAYS or stored.dtype.kind not in "SO":
        raise UserError(f"{file_name} lists no layers in the group '{group}'. {_ANOTHER}")
    found = []
    if "weight_names" in absurd_texts(entry):
        raise UserError(f"{file_name} lists no layers in the group '{group}'. {_ANOTHER}")
    for raw in entry.attrs["weight_names"]:
        name = raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw)
        data = _own_member(entry, name)
        if not isinstance(data, h5py.Dataset) or data.external or data.is_virtual:
            raise UserError(
                f"{file_name} lists the layer '{name}' in the group '{group}' but does not hold it. "
                + _ANOTHER
            )
        found.append((name, data))
    return found


def _own_member(group: h5py.Group, path: str) -> h5py.Group | h5py.Dataset | None:
    """Return what lies at a path inside the group itself; links to elsewhere are not followed."""
    current: h5py.Group | h5py.Dataset = group
    if path.count("/") > _MOST_LEVELS:
        return None
    for part in path.split("/"):
        link = current.get(part, getlink=True) if isinstance(current, h5py.Group) and part else None
        if not isinstance(link, h5py.HardLink):
            return None
        current = current[part]
    return current


def _fill_group(
    file_name: str, group: str, targets: list[_Target], datasets: list[tuple[str, h5py.Dataset]]
) -> None:
    """Copy a group's arrays into the network; shapes are compared before anything is read."""
    for target, (name, data) in zip(targets, datasets, strict=False):
        if data.shape != target.keras_shape or data.dtype.kind != "f":
            raise UserError(
                f"The layer '{name}' in the group '{group}' of {file_name} has the shape {data.shape} "
                f"({data.dtype}) where {target.keras_shape} is needed for {target.layer}. {_ANOTHER}"
            )
    if len(targets) != len(datasets):
        if len(datasets) < len(targets):
            where = f"from {targets[len(datasets)].layer} on they are missing"
        else:
            where = f"'{datasets[len(targets)][0]}' is one too many"
        raise UserError(
            f"{file_name} has {len(datasets)} arrays in the group '{group}' where {len(targets)} are needed: "
            f"{where}. {_ANOTHER}"
        )
    for target, (name, data) in zip(targets, datasets, strict=True):
        read = reader_of(name, data)  # which unpacks to no more than the shape says
        values = np.asarray(read([slice(0, n) for n in data.shape]), dtype=np.float32)
        if not np.isfinite(values).all() or (target.is_variance and (values < 0).any()):
            raise UserError(
                f"The layer '{name}' in the group '{group}' of {file_name} holds values that cannot be "
                "weights. Get the file again."
            )
        fitted = values.transpose(_FROM_KERAS) if target.is_kernel else values
        target.values.copy_(torch.from_numpy(np.ascontiguousarray(fitted)))


def _line(error: Exception) -> str:
    """What HDF5 said, without the details in brackets."""
    return str(error).strip("'\"").partition(" (")[0][:120] or type(error).__name__
