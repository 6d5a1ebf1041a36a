"""Inference: time and peak memory on this machine's processors, next to the published way of doing it.

    python -m bench.segment [--quick] [--rounds N]

The base-width-64 network has random weights (its speed does not depend on them). "Published" is the
authors' loop on onnxruntime with its default options: nine tiles of 592 px that overlap, both heads,
averages. "Ours" is what the program does. Both are timed once they are warm, in fresh processes, in
turn; what matters are the ratios, since a busy machine slows both. ``--quick`` shrinks everything, to
see that it works; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import Measured, measure

ROOT = Path(__file__).parents[1]
COMPACT = ROOT / "models" / "compact.onnx"


@dataclass(frozen=True)
class Sizes:
    """What is measured: slice (y, x), the published tile and its starts, base widths, slice counts."""

    shape: tuple[int, int] = (1324, 1284)
    tile: int = 592
    wide: int = 64
    few: int = 8
    many: int = 64


QUICK = Sizes((420, 404), 192, 16, 2, 6)


def make_model(path: str, width: int) -> dict[str, float]:
    """Export a network of random weights whose batch norms have seen noise, so that values stay sane."""
    import torch

    from sxtstudio.training.export import export_onnx
    from sxtstudio.training.network import DeepSXT

    torch.manual_seed(0)
    network = DeepSXT(width).train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    before_tanh: list[Any] = []
    last = network.label_head.out
    hook = last.register_forward_hook(lambda module, inputs, output: before_tanh.append(output))
    with torch.no_grad():
        network(torch.randn(2, 1, 64, 64))
        hook.remove()
        # Where tanh saturates, no difference would be seen.
        for values in (last.weight, last.bias):
            values /= before_tanh[0].std()
    export_onnx(network.eval(), path)
    return {}


def noise(shape: list[int], z: int = 0) -> Any:
    """A noisy slice with some structure, float32 (y, x)."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    waves = np.sin(y / 9 + z) * np.sin(x / 7)
    return (waves + np.random.default_rng(z).normal(size=shape)).astype(np.float32)


def ours(model: str, shape: list[int]) -> dict[str, float]:
    """One slice as the program computes it."""
    from sxtstudio.segment import choose_device, load_card, make_runner

    runner = make_runner(load_card(Path(model)), choose_device("cpu"))
    image = noise(shape)[np.newaxis]
    runner.run(image)
    seconds: list[float] = []
    while len(seconds) < 2 or sum(seconds) < 20:
        begin = time.perf_counter()
        runner.run(image)
        seconds.append(time.perf_counter() - begin)
    return {"seconds": float(np.median(seconds))}


def published(model: str, shape: list[int], edge: int) -> dict[str, float]:
    """One slice as the authors compute it: three by three overlapping tiles, both heads, averages."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    image = noise(shape)
    starts = [[round(i * (length - edge) / 2) for i in range(3)] for length in shape]
    total = {name: np.zeros(shape, np.float32) for name in ("label", "image")}
    count = np.zeros(shape, np.float32)
    session.run(None, {"input": image[np.newaxis, np.newaxis, :edge, :edge]})
    begin = time.perf_counter()
    for y in starts[0]:
        for x in starts[1]:
            part = (slice(y, y + edge), slice(x, x + edge))
            results = session.run(list(total), {"input": image[np.newaxis, np.newaxis, *part]})
            for name, result in zip(total, results, strict=True):
                total[name][part] += result[0, 0]
            count[part] += 1
    for values in total.values():
        values /= count
    return {"seconds": time.perf_counter() - begin}


def difference(model: str, edge: int) -> dict[str, float]:
    """Largest difference of ours, in stages and in tiles, from onnxruntime's result for the whole slice."""
    import onnxruntime

    from sxtstudio.segment import choose_device, load_card, make_runner

    slices = noise([edge, edge])[np.newaxis]
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    (expected,) = session.run(["label"], {"input": slices[:, np.newaxis]})
    worst = 0.0
    for tile_px in (None, edge // 2):
        runner = make_runner(load_card(Path(model)), choose_device("cpu"), tile_px=tile_px)
        result = runner.run(slices)["label"]
        worst = max(worst, float(np.abs(result - expected[:, 0]).max()))
    return {"worst": worst, "spread": float(expected.std())}


def whole_job(model: str, slice_shape: list[int], slices: int, folder: str) -> dict[str, float]:
    """``segment`` for a tomogram of which slices are made when they are read."""
    from sxtstudio.core.geometry import Box
    from sxtstudio.segment import SegmentParameters, segment

    class Generated:
        """A tomogram that takes no memory."""

        shape = (slices, *slice_shape)
        dtype = np.dtype(np.float32)
        voxel_nm = (10.0, 10.0, 10.0)

        def read(self, box: Box) -> Any:
            images = [noise(slice_shape, z) for z in range(box.start[0], box.stop[0])]
            return np.stack(images)[:, *box.slices[1:]]

    parameters = SegmentParameters(model=Path(model), device="cpu", polarity="dark")
    begin = time.perf_counter()
    with segment(Generated(), parameters, Path(folder, f"work{slices}")) as result:
        result.discard()
        return {"seconds": time.perf_counter() - begin, **result.seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes: does it work?")
    parser.add_argument("--rounds", type=int, default=1, help="repeat the timings; the best count")
    options = parser.parse_args()
    sizes = QUICK if options.quick else Sizes()
    with tempfile.TemporaryDirectory() as folder:
        report(sizes, max(1, options.rounds), Path(folder))


def report(sizes: Sizes, rounds: int, folder: Path) -> None:
    """Measure and print, row by row."""
    shape = list(sizes.shape)
    wide = str(folder / "wide.onnx")
    measure("bench.segment", "make_model", wide, sizes.wide)
    compact = str(COMPACT)
    if not COMPACT.exists():
        compact = str(folder / "compact.onnx")
        measure("bench.segment", "make_model", compact, 12)
    print(f"One slice of {shape[0]}×{shape[1]}, seconds and peak memory")
    best: dict[str, Measured] = {}
    calls: dict[str, tuple[Any, ...]] = {
        f"base width {sizes.wide}, the published way": ("published", wide, shape, sizes.tile),
        f"base width {sizes.wide}, ours": ("ours", wide, shape),
        "compact model, ours": ("ours", compact, shape),
    }
    for _ in range(rounds):
        for name, call in calls.items():
            seen = measure("bench.segment", *call)
            if name not in best or seen.seconds < best[name].seconds:
                best[name] = seen
    theirs, ours_wide, ours_compact = best.values()
    for name, seen in best.items():
        print(f"  {name:38s}{seen.seconds:9.2f} s  {seen.peak_mib / 1024:6.2f} GiB")
    row("ours / published", ours_wide.seconds / theirs.seconds, 0.5, "")
    row("peak of ours", ours_wide.peak_mib / 1024, 6, "GiB")
    row(f"base width {sizes.wide} / compact", ours_wide.seconds / ours_compact.seconds, 10, "", least=True)
    row("350 slices, compact", 350 * ours_compact.seconds / 60, 20, "min")
    off = measure("bench.segment", "difference", wide, sizes.tile).result
    row(f"difference from the whole (SD {off['spread']:.2g})", off["worst"], 1e-4, "")

    print("The whole job with the compact model")
    jobs = {
        count: measure("bench.segment", "whole_job", compact, shape, count, str(folder))
        for count in (sizes.few, sizes.many)
    }
    for count, seen in jobs.items():
        each = f"{count} slices, {seen.seconds / count:.2f} s each"
        print(f"  {each:38s}{seen.seconds:9.2f} s  {seen.peak_mib / 1024:6.2f} GiB")
    few, many = jobs.values()
    row("growth of the peak", 100 * (many.peak_mib / few.peak_mib - 1), 5, "%")
    row("peak", many.peak_mib / 1024, 3, "GiB")


def row(name: str, value: float, bound: float, unit: str, *, least: bool = False) -> None:
    """Print a figure beside the bound that it should keep."""
    kept = value >= bound if least else value <= bound
    wanted = f"({'at least' if least else 'at most'} {bound:g}{' ' * bool(unit)}{unit})"
    print(f"  {name:38s}{value:9.3g} {unit:4s} {wanted}{'' if kept else '  MISSED'}")


if __name__ == "__main__":
    main()
