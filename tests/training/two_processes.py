"""Run by torchrun in the tests: one step's averaged gradient, then a whole small training."""

import sys
from pathlib import Path

import numpy as np
import torch

from sxtstudio.training.config import load_config
from sxtstudio.training.distributed import joined
from sxtstudio.training.job import train_model
from sxtstudio.training.network import DeepSXT
from sxtstudio.training.protocols import Losses


def joint_batch():
    """Two crops with labels."""
    generator = torch.Generator().manual_seed(3)
    images = torch.randn(2, 1, 32, 32, generator=generator)
    return images, torch.sign(torch.randn(2, 1, 32, 32, generator=generator))


def losses():
    """Batch norms with kept statistics: then a crop's gradient does not depend on the others beside it."""
    torch.manual_seed(0)
    network = DeepSXT(2).train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        network(torch.randn(4, 1, 32, 32))
    return Losses(network, "published", 8.0, keep_norms=True).train()


def gradients(module, images, labels):
    """The gradient of each weight, None where the protocol leaves it out."""
    module.zero_grad(set_to_none=True)
    module(images, labels)[0].backward()
    return {name: weight.grad for name, weight in module.named_parameters()}


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    with joined("cpu") as group:
        images, labels = joint_batch()
        mine = slice(group.rank, group.rank + 1)
        module = group.wrap(losses())
        found = {}
        for protocol, truth in (("labelled", labels[mine]), ("unlabelled", None)):
            averaged = gradients(module, images[mine], truth)
            found |= {f"{protocol}/{name}": grad for name, grad in averaged.items() if grad is not None}
        arrays = {key.replace("module.", ""): grad.numpy() for key, grad in found.items()}
        np.savez(folder / f"gradients_{group.rank}.npz", allow_pickle=False, **arrays)
        train_model(load_config(folder / "train.toml"), folder / "run", listener=print)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
