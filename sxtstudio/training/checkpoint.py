"""The state of a training run on disk: arrays only, never code (no pickle)."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor, nn

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError


def save_state(path: Path, **parts: dict[str, Tensor]) -> None:
    """Write named groups of tensors to one ``.npz`` file, replaced in one step."""
    arrays = {
        f"{part}/{name}": tensor.detach().cpu().numpy()
        for part, tensors in parts.items()
        for name, tensor in tensors.items()
    }
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_state(path: Path) -> dict[str, dict[str, Tensor]]:
    """Return the groups of tensors that ``save_state`` wrote.

    Raises
    ------
    UserError
        If the file cannot be read as such a state.
    """
    parts: dict[str, dict[str, Tensor]] = {}
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            for key in file.files:
                part, name = key.split("/", 1)
                parts.setdefault(part, {})[name] = torch.from_numpy(file[key])
    except (OSError, ValueError, EOFError, NotImplementedError, BadZipFile) as error:
        raise UserError(
            f"{path.name} is not the state of a training run ({error}); start a new one."
        ) from error
    return parts


def optimiser_state(network: nn.Module, optimiser: torch.optim.Adam) -> dict[str, Tensor]:
    """Return Adam's moments by the names of the weights."""
    state: dict[str, Tensor] = {}
    for name, weight in network.named_parameters():
        for key, value in optimiser.state.get(weight, {}).items():
            state[f"{name}|{key}"] = torch.as_tensor(value)
    return state


def restore_optimiser(network: nn.Module, optimiser: torch.optim.Adam, state: dict[str, Tensor]) -> None:
    """Give Adam back the moments that ``optimiser_state`` returned."""
    weights = dict(network.named_parameters())
    for key, value in state.items():
        name, moment = key.rsplit("|", 1)
        # Adam's count of steps stays on the CPU; the moments lie where the weights do.
        place = value.device if moment == "step" else weights[name].device
        optimiser.state[weights[name]][moment] = value.to(place)
