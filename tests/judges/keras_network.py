"""The published weights in the PyTorch network, which tests compare with what TensorFlow computed."""

from __future__ import annotations

from pathlib import Path

from sxtstudio.io.network.keras_weights import read_keras_weights
from sxtstudio.training.network import DeepSXT
from sxtstudio.training.network_files import network_of


def load_keras_weights(weights: str | Path, config: str | Path) -> DeepSXT:
    described, arrays = read_keras_weights(weights, config)
    return network_of(described, arrays)
