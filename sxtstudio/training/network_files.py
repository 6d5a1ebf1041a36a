"""The PyTorch network from a model file and from arrays, and the arrays of a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sxtstudio.io.network.layers import Network
from sxtstudio.io.network.onnx_weights import read_onnx_weights
from sxtstudio.training.network import DeepSXT


def load_onnx(path: str | Path) -> DeepSXT:
    """Return the network with the weights of a model that this program exported, in evaluation mode.

    Errors are those of ``read_onnx_weights``.
    """
    described, arrays = read_onnx_weights(path)
    return network_of(described, arrays)


def layers_of(network: DeepSXT) -> Network:
    """Return which network it is, as model files describe it."""
    return Network(network.width, network.slices)


def network_of(described: Network, arrays: Mapping[str, NDArray[np.float32]]) -> DeepSXT:
    """Return the network that was ``described``, with ``arrays`` as its weights, in evaluation mode."""
    network = DeepSXT(described.width, described.slices)
    # How many batches a norm has seen is not stored; with a fixed momentum nothing depends on it.
    wanted = {name: values for name, values in network.state_dict().items() if not _counts(name)}
    with torch.no_grad():
        for name, values in wanted.items():
            values.copy_(torch.from_numpy(arrays[name]))
    return network.eval()


def arrays_of(network: DeepSXT) -> dict[str, NDArray[np.float32]]:
    """Return the weights of a network on the CPU by their names, float32; they share its memory."""
    state = network.state_dict().items()
    return {name: values.numpy() for name, values in state if not _counts(name)}


def _counts(name: str) -> bool:
    return name.endswith("num_batches_tracked")
