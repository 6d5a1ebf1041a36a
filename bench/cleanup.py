"""Clean-up of 128×1024×1024 labels: time and peak memory, next to scikit-image doing the same.

    python -m bench.cleanup [--slices 128] [--edge 1024] [--only-ours]

The labels are the hollow spheres of ``bench.surface`` and 20,000 specks, in a file and memory-mapped as
after segmentation. ``--slices 353 --edge 1304 --only-ours`` is the check that 600 million voxels
fit into 8 GB.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

from bench.measure import Measured, measure
from bench.surface import make_labels

MIN_VOXELS = 500
ITERATIONS = 2


def add_specks(path: Path, shape: tuple[int, int, int], count: int, seed: int = 1) -> None:
    """Scatter small cuboids, which the removal of small objects has to find."""
    random = np.random.default_rng(seed)
    labels = np.memmap(path, np.uint8, "r+", shape=shape)
    for _ in range(count):
        size = random.integers(1, 7, 3)
        z, y, x = random.integers(0, np.maximum(1, np.array(shape) - size))
        labels[z : z + size[0], y : y + size[1], x : x + size[2]] = 255
    labels.flush()


def ours(path: str, shape: list[int], step: str) -> dict[str, float]:
    """Clean the labels with the program's own function."""
    from sxtstudio.core.cleanup import CleanParameters, clean

    parameters = {
        "components": CleanParameters(min_size_voxels=MIN_VOXELS),
        "3D erosion": CleanParameters(erode=ITERATIONS),
        "both": CleanParameters(erode=ITERATIONS, min_size_voxels=MIN_VOXELS),
        "everything": CleanParameters(
            smooth_z=1, erode=ITERATIONS, min_size_voxels=MIN_VOXELS, crop=(2, 8, 8)
        ),
    }[step]
    labels = np.memmap(path, np.uint8, "r", shape=tuple(shape))
    begin, processor = time.perf_counter(), time.process_time()
    report = clean(labels, parameters)
    return {
        "seconds": time.perf_counter() - begin,
        "processor": time.process_time() - processor,
        "voxels": report.voxels_after,
    }


def scikit_image(path: str, shape: list[int], step: str) -> dict[str, float]:
    """Do the same with scikit-image, as its manual has it."""
    from skimage import morphology

    warnings.simplefilter("ignore", FutureWarning)  # binary_erosion: its successor is slower still
    labels = np.memmap(path, np.uint8, "r", shape=tuple(shape))
    begin, processor = time.perf_counter(), time.process_time()
    cleaned = np.asarray(labels) > 0
    if step in ("3D erosion", "both"):
        for _ in range(ITERATIONS):
            cleaned = morphology.binary_erosion(cleaned)
    if step in ("components", "both"):
        cleaned = morphology.remove_small_objects(cleaned, max_size=MIN_VOXELS - 1, connectivity=3)
    return {
        "seconds": time.perf_counter() - begin,
        "processor": time.process_time() - processor,
        "voxels": int(np.count_nonzero(cleaned)),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--slices", type=int, default=128)
    parser.add_argument("--edge", type=int, default=1024, help="rows and columns")
    parser.add_argument("--only-ours", action="store_true", help="leave scikit-image out")
    arguments = parser.parse_args()
    shape = (arguments.slices, arguments.edge, arguments.edge)
    share = float(np.prod(shape)) / (128 * 1024 * 1024)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "labels.raw")
        make_labels(path, shape, int(200 * share))
        add_specks(path, shape, int(20_000 * share))
        print(f"Clean-up of {'×'.join(map(str, shape))} labels ({np.prod(shape) / 1e6:.0f} million voxels)")
        print(f"{'':28s}{'time':>9s}{'processor':>12s}{'peak':>12s}{'voxels left':>14s}")
        for step in ("components", "3D erosion", "both"):
            own = measure("bench.cleanup", "ours", str(path), list(shape), step)
            print_row(f"SXT Studio, {step}", own)
            if arguments.only_ours:
                continue
            theirs = measure("bench.cleanup", "scikit_image", str(path), list(shape), step)
            print_row(f"scikit-image, {step}", theirs)
            print(
                f"ratio {step}: time {own.seconds / theirs.seconds:.2f}, "
                f"processor {own.result['processor'] / theirs.result['processor']:.2f}, "
                f"peak memory {own.peak_mib / theirs.peak_mib:.2f}, "
                f"{'same' if own.result['voxels'] == theirs.result['voxels'] else 'DIFFERENT'} result"
            )
        print_row(
            "SXT Studio, everything", measure("bench.cleanup", "ours", str(path), list(shape), "everything")
        )


def print_row(name: str, done: Measured) -> None:
    """Print one line of the table."""
    values = done.result
    print(
        f"{name:28s}{done.seconds:7.1f} s{values['processor']:10.1f} s{done.peak_mib:8.0f} MiB"
        f"{values['voxels']:14,.0f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
