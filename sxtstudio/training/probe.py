"""Whether PyTorch works here, for the self-check: in a process of its own, as all training."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

_TOLERANCE = 1e-4


def main(answer_file: str) -> None:
    """Write PyTorch's version if a gradient of a convolution is that of its formula, else nothing."""
    picture = torch.arange(48.0).reshape(1, 1, 6, 8)
    kernel = torch.ones(1, 1, 3, 3, requires_grad=True)
    torch.nn.functional.conv2d(picture, kernel).sum().backward()  # type: ignore[no-untyped-call]
    # The derivative of the sum by a weight is the sum of the pixels that the weight meets.
    right = torch.stack([picture[0, 0, i : i + 4, j : j + 6].sum() for i in range(3) for j in range(3)])
    good = kernel.grad is not None and torch.allclose(kernel.grad.flatten(), right, rtol=_TOLERANCE)
    Path(answer_file).write_text(f"PyTorch {torch.__version__}" if good else "", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
