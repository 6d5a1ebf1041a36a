"""One training step: crops per second on this machine's processors, as it comes and as the program does it.

    python -m bench.training [--quick]

"Eager" is PyTorch as it comes: float32, its usual order of channels. "Ours" is what ``sxtstudio train`` does
here: channels last, and bfloat16 where the processor multiplies in it; "ours, compiled" is the same
with ``compile = true`` (a few minutes of compiling come first; only where there is a C++ compiler). All take
the same labelled crops through the quick method's whole step (both heads, gradient, Adam), in turn, in one
process; the ratio is what matters, since a busy machine slows all. ``--quick`` only shows that it works.
"""

from __future__ import annotations

import argparse
import shutil
import time
from dataclasses import dataclass
from typing import Any

from bench.measure import measure

RATIO = 1.0  # ours is at least as fast as PyTorch as it comes


@dataclass(frozen=True)
class Case:
    """A base width, and the crops of one step."""

    width: int
    crops: int
    size_px: int
    rounds: int


CASES = (Case(16, 4, 160, 5), Case(64, 1, 160, 3))
QUICK = (Case(4, 1, 32, 2),)


def compare(width: int, crops: int, size_px: int, rounds: int) -> dict[str, Any]:
    """Return the seconds of the quickest step of each way, and what ours is made of."""
    import torch

    from sxtstudio.training.distributed import choose_device, choose_precision
    from sxtstudio.training.network import DeepSXT
    from sxtstudio.training.protocols import Losses

    device = choose_device("auto")
    mixed = choose_precision("auto", "quick", device)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(crops, 1, size_px, size_px, generator=generator).to(device)
    labels = torch.sign(torch.randn(crops, 1, size_px, size_px, generator=generator)).to(device)

    def learner(ours: bool, compiled: bool = False) -> Any:
        torch.manual_seed(0)
        order = torch.channels_last if ours else torch.contiguous_format
        network = DeepSXT(width).to(device, memory_format=order)  # type: ignore[call-overload]
        losses = Losses(network, "quick", 8.0, mixed and ours, compiled=compiled).train()
        optimiser = torch.optim.Adam(network.parameters(), lr=1e-6)
        mine = images.to(memory_format=order)

        def step() -> float:
            begin = time.perf_counter()
            optimiser.zero_grad(set_to_none=True)
            losses(mine, labels)[0].backward()
            optimiser.step()
            if device.type == "cuda":
                torch.cuda.synchronize()
            return time.perf_counter() - begin

        return step

    ways = {"eager": learner(False), "ours": learner(True)}
    if shutil.which("c++"):
        ways["ours, compiled"] = learner(True, compiled=True)
    for step in ways.values():
        step()  # Adam makes its moments
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, step in ways.items():
            best[name] = min(best[name], step())
    made_of = "channels last, " + ("bfloat16" if mixed else "float32")
    return {**best, "made_of": made_of, "device": str(device), "threads": torch.get_num_threads()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes: does it work?")
    options = parser.parse_args()
    for number, case in enumerate(QUICK if options.quick else CASES):
        seen = measure("bench.training", "compare", case.width, case.crops, case.size_px, case.rounds)
        found = seen.result
        if not number:
            print(
                f"Training steps on {found['device']}, {found['threads']} threads; ours: {found['made_of']}"
            )
        print(f"  base width {case.width}, {case.crops} × {case.size_px}² px per step")
        ways = [name for name in ("eager", "ours", "ours, compiled") if name in found]
        for name in ways:
            print(f"    {name:34s}{case.crops / found[name]:9.2f} crops/s")
        for name in ways[1:]:
            ratio = found["eager"] / found[name]
            missed = "" if ratio >= RATIO else "  MISSED"
            print(f"    {name + ' / eager':34s}{ratio:9.2f}   (at least {RATIO:g}){missed}")


if __name__ == "__main__":
    main()
