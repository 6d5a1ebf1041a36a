"""Read the published weights: the arrays of the network from Keras' legacy HDF5 layout.

The numbers in Keras' names (``conv2d_90``) depend on the session and mean nothing; what counts is
the order: first all trainable arrays in the order in which the layers were made, then all moving
means and variances in the same order.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.plain_files import open_plain
from sxtstudio.io.hdf5_chunks import reader_of
from sxtstudio.io.hdf5_texts import absurd_texts
from sxtstudio.io.network.keras_config import read_base_width
from sxtstudio.io.network.layers import Conv, Layer, Network, Norm

_MOST_ARRAYS = 10_000
_MOST_LEVELS = 16  # in the name of an array; each is looked for from the one above
# A network of base width m has about 18,700 m² numbers, each of which takes more than a byte in the file.
_NUMBERS_PER_SQUARE = 18_000
# From PyTorch's (out, in, y, x) to Keras' (y, x, in, out) and back; for transposed kernels in and out change
# places on both sides.
_TO_KERAS, _FROM_KERAS = (2, 3, 1, 0), (3, 2, 0, 1)
_ANOTHER = "Weights and configuration do not belong together, or the file is damaged: get both again."


def read_keras_weights(
    weights: str | Path, config: str | Path
) -> tuple[Network, dict[str, NDArray[np.float32]]]:
    """Return which network a published weight file is of, and its arrays by name, as PyTorch lays them out.

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
    network = Network(width)
    arrays: dict[str, NDArray[np.float32]] = {}
    try:
        with open_plain(Path(weights)) as plain:
            size = os.fstat(plain.fileno()).st_size
        if size < _NUMBERS_PER_SQUARE * width**2:
            raise ValueError(f"{size} bytes are too few for a network of base width {width}")
        with h5py.File(weights, "r") as file:
            for group, layers in network.groups():
                arrays |= _read_group(name, group, _targets(layers), _datasets(name, file, group))
    except FileNotFoundError as error:
        raise UserError(f"{name} cannot be read, as there is no such file: check its name.") from error
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise UserError(
            f"{name} cannot be read as a Keras HDF5 weight file ({_line(error)}): it may be cut short. "
            "Choose the file weights_semisupervised_….h5, or get it again."
        ) from error
    return network, arrays


@dataclass(frozen=True)
class _Target:
    """An array of the network: what it is part of, and whether it is a kernel, whose axes change."""

    layer: str
    name: str
    shape: tuple[int, ...]
    is_kernel: bool = False
    is_variance: bool = False

    @property
    def keras_shape(self) -> tuple[int, ...]:
        return tuple(self.shape[axis] for axis in _TO_KERAS) if self.is_kernel else self.shape


def _targets(layers: list[Layer]) -> list[_Target]:
    """Return the arrays of layers in Keras' order: trainable ones first, then the moving statistics."""
    trainable, moving = [], []
    for layer in layers:
        trainable += [
            _Target(layer.name, name, shape, is_kernel=isinstance(layer, Conv) and len(shape) == 4)
            for name, shape in layer.arrays
        ]
        if isinstance(layer, Norm):
            moving += [
                _Target(layer.name, name, shape, is_variance=name.endswith("running_var"))
                for name, shape in layer.statistics
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


def _read_group(
    file_name: str, group: str, targets: list[_Target], datasets: list[tuple[str, h5py.Dataset]]
) -> dict[str, NDArray[np.float32]]:
    """Return a group's arrays by name; shapes are compared before anything is read."""
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
    return {
        target.name: _values(file_name, group, target, name, data)
        for target, (name, data) in zip(targets, datasets, strict=True)
    }


def _values(
    file_name: str, group: str, target: _Target, name: str, data: h5py.Dataset
) -> NDArray[np.float32]:
    read = reader_of(name, data)  # which unpacks to no more than the shape says
    values = np.asarray(read([slice(0, n) for n in data.shape]), dtype=np.float32)
    if not np.isfinite(values).all() or (target.is_variance and (values < 0).any()):
        raise UserError(
            f"The layer '{name}' in the group '{group}' of {file_name} holds values that cannot be "
            "weights. Get the file again."
        )
    return np.ascontiguousarray(values.transpose(_FROM_KERAS) if target.is_kernel else values)


def _line(error: Exception) -> str:
    """What HDF5 said, without the details in brackets."""
    return str(error).strip("'\"").partition(" (")[0][:120] or type(error).__name__
