"""A larger network that computes the same as a small one, so that a larger model need not begin with nothing.

After Chen, Goodfellow & Shlens, "Net2Net" (ICLR 2016): channels are repeated, and what reads them shares
the old weight out among the copies. The shares are uneven by chance, so that the copies learn apart.
Neighbouring slices that the network has not seen before get weights of zero at first.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sxtstudio.core.errors import UserError
from sxtstudio.training.network import DeepSXT

#: The kernel that reads the slices; its channels are no feature maps.
_FIRST = "encoder.stem.0.weight"


def widened(network: DeepSXT, width: int, seed: int = 0, *, slices: int | None = None) -> DeepSXT:
    """Return a network of base width ``width`` with the outputs of ``network``, in evaluation mode.

    ``slices`` are those that it sees; None: as many as before.

    Raises
    ------
    UserError
        If ``width`` or ``slices`` is smaller than that of the network.
    """
    slices = network.slices if slices is None else slices
    if slices < network.slices:
        raise UserError(
            f"slices is {slices}, but the model to go on from sees {network.slices}: a model can be given "
            "more neighbouring slices, not fewer. Leave slices out, or start from nothing."
        )
    if width < network.width:
        raise UserError(
            f"base_width is {width}, but the model to go on from has the base width {network.width}: a model "
            "can be widened, not narrowed. Leave base_width out, or start from nothing."
        )
    wide = DeepSXT(width, slices)
    narrow, modules = network.state_dict(), dict(wide.named_modules())
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, target in wide.state_dict().items():
            values = narrow[name].detach().cpu()
            if values.dim() == 4:
                # Transposed convolutions hold (in, out, y, x), the others (out, in, y, x).
                reads = 0 if isinstance(modules[name.rpartition(".")[0]], nn.ConvTranspose2d) else 1
                values = _repeated(values, 1 - reads, target.shape[1 - reads])
                if name == _FIRST:
                    values = _among_zeros(values, slices)
                values = _shared_out(values, reads, target.shape[reads], chance)
            elif values.dim() == 1:
                values = _repeated(values, 0, target.shape[0])
            target.copy_(values)
    return wide.eval()


def _among_zeros(kernel: Tensor, slices: int) -> Tensor:
    """Return a kernel (out, slices, y, x) that reads what it did in the middle, and nothing of the rest."""
    more = (slices - kernel.shape[1]) // 2
    return torch.nn.functional.pad(kernel, (0, 0, 0, 0, more, more))


def _sources(old: int, new: int) -> Tensor:
    """Return which old channel each new one copies.

    Joined feature maps fit, because all lengths grow by the same factor: rounded down,
    12 (64 a + j) / 64 is 12 a + 12 j / 64.
    """
    return torch.arange(new) * old // new


def _repeated(values: Tensor, axis: int, length: int) -> Tensor:
    return values.index_select(axis, _sources(values.shape[axis], length))


def _shared_out(values: Tensor, axis: int, length: int, chance: torch.Generator) -> Tensor:
    """Repeat along ``axis`` with shares that add up to 1 over the copies of each old channel."""
    if length == values.shape[axis]:
        return values
    sources = _sources(values.shape[axis], length)
    copies = values.index_select(axis, sources)
    shares = 0.1 + torch.rand(copies.shape, generator=chance)
    sums = torch.zeros_like(values).index_add_(axis, sources, shares)
    return copies * shares / sums.index_select(axis, sources)
