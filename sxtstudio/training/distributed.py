"""One training in several processes, as ``torchrun`` starts them, and where it computes.

``torchrun --nproc-per-node N -m sxtstudio train CONFIG.toml``: each process takes its own crops of a
step, and PyTorch averages the gradients. The first process alone judges, saves, speaks and decides when
to end; the others get a message.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn

from sxtstudio.core.errors import UserError

_PATIENCE = timedelta(hours=2)  # the others wait while the first process judges or is paused


@dataclass(frozen=True)
class TrainingGroup:
    """The processes of a training; alone, rank 0 of 1."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process judges, saves and speaks."""
        return self.rank == 0

    def share(self, count: int) -> range:
        """Return which of a step's crops are this process's, when each process takes ``count``."""
        return range(self.rank * count, (self.rank + 1) * count)

    def wrap(self, losses: nn.Module) -> nn.Module:
        """Return the module that averages gradients over the processes; alone, the module itself."""
        if self.size == 1:
            return losses
        on_gpu = self.device.type == "cuda"
        # The unlabelled protocol leaves the label decoder out.
        return nn.parallel.DistributedDataParallel(
            losses, device_ids=[self.device.index] if on_gpu else None, find_unused_parameters=True
        )

    def agree(self, *values: float) -> tuple[float, ...]:
        """Return the first process's values in all processes."""
        if self.size == 1:
            return values
        shared = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.broadcast(shared, src=0)
        return tuple(float(value) for value in shared.cpu())

    def same(self, tensors: list[Tensor]) -> None:
        """Overwrite tensors with those of the first process."""
        if self.size > 1:
            for tensor in tensors:
                distributed.broadcast(tensor, src=0)


@contextmanager
def joined(device: str = "auto") -> Iterator[TrainingGroup]:
    """Yield the group of processes that ``torchrun`` started, or this process alone.

    Within another such block the group is the same.

    Raises
    ------
    UserError
        If the device does not exist.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    rank, local = int(os.environ.get("RANK", "0")), int(os.environ.get("LOCAL_RANK", "0"))
    chosen = choose_device(device, local if size > 1 else 0)
    if size == 1 or distributed.is_initialized():
        yield TrainingGroup(chosen, rank if size > 1 else 0, size)
        return
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    backend = "nccl" if chosen.type == "cuda" else "gloo"
    distributed.init_process_group(backend, timeout=_PATIENCE, rank=rank, world_size=size)
    try:
        yield TrainingGroup(chosen, rank, size)
    finally:
        distributed.destroy_process_group()


def choose_device(name: str, number: int = 0) -> torch.device:
    """Return the device called auto, cpu, cuda or cuda:N; "auto" is a GPU where there is one.

    Raises
    ------
    UserError
        If there is no such GPU.
    """
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "cpu" or (name == "auto" and not count):
        return torch.device("cpu")
    wanted = int(name.partition(":")[2]) if ":" in name else number
    if wanted >= count:
        have = "no GPU that PyTorch can use" if not count else f"{count} GPU{'s' if count > 1 else ''}"
        raise UserError(f'The device {name} is not there: this computer has {have}. Use device = "cpu".')
    return torch.device("cuda", wanted)


def choose_precision(wanted: str, method: str, device: torch.device) -> bool:
    """Return whether to compute in bfloat16.

    "auto" does so on GPUs, and for the quick method on processors that multiply in it (AMX, or AVX-512 with
    BF16: 2.0 times as fast on an AMD EPYC 9004, base width 24); elsewhere it is slower than float32. The
    choice follows from the hardware alone, so that a training is the same when it is repeated.
    """
    if wanted != "auto":
        return wanted == "bfloat16"
    if device.type == "cuda":
        return True
    names = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return method == "quick" and any(getattr(torch.cpu, name, bool)() for name in names)
