"""2,000 objects in 256×1024×1024 voxels: numbered and measured, next to scikit-image doing the same.

    python -m bench.measurements [--objects 2000] [--only-ours] [--large] [--feret]

The labels are ellipsoids, turned at random, in a file that is memory-mapped. scikit-image numbers them with
``label`` and measures with ``regionprops_table``: voxels, box, centroid, ellipsoid, equivalent diameter,
solidity (convex hull), Euler number, and a mesh of each (``marching_cubes``, ``mesh_surface_area``); the
Feret diameter takes gigabytes and is left out unless it is asked for. Ours measures Feret diameters, too.
``--large`` measures 350×1324×1284 voxels (600 million) of uint32 numbers instead.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.measure import Measured, measure

VOXEL_NM = (10.0, 10.0, 10.0)
SHAPE = (256, 1024, 1024)
LARGE = (350, 1324, 1284)
# A cell of the grid that holds one object each.
CELL = 51


def make_objects(path: Path, shape: tuple[int, int, int], many: int, dtype: Any, seed: int = 0) -> int:
    """Write a volume (z, y, x) with up to ``many`` ellipsoids of 6 to 24 voxels; return how many there "
    "are."""
    from scipy.spatial.transform import Rotation

    random = np.random.default_rng(seed)
    volume = np.memmap(path, dtype, "w+", shape=shape)
    cells = np.argwhere(np.ones([n // CELL for n in shape], bool))
    random.shuffle(cells)
    for number, cell in enumerate(cells[:many], start=1):
        half = random.uniform(6, 24, 3)
        rotation = Rotation.random(random_state=int(random.integers(1 << 30))).as_matrix()
        middle = (cell + 0.5) * CELL + random.uniform(-1, 1, 3)
        box = tuple(slice(int(c) * CELL, int(c + 1) * CELL) for c in cell)
        axes = [np.arange(s.start, s.stop) - m for s, m in zip(box, middle, strict=True)]
        places = np.stack(np.meshgrid(*axes, indexing="ij"), -1) @ rotation
        inside = np.square(places / half).sum(axis=-1) <= 1
        volume[box][inside] = number if np.dtype(dtype).itemsize > 1 else 255
    volume.flush()
    return min(many, len(cells))


def ours(path: str, shape: list[int], numbered: bool, everything: bool) -> dict[str, float]:
    """Number the objects, unless they are, and measure size and shape, or all that needs no tomogram."""
    from sxtstudio.core.measure.measure import GROUPS, measure_objects
    from sxtstudio.core.measure.shape import SHAPE as SHAPES
    from sxtstudio.core.measure.size import SIZE
    from sxtstudio.core.objects import label_objects

    begin, processor = time.perf_counter(), time.process_time()
    if numbered:
        objects: NDArray[Any] = np.memmap(path, np.uint32, "r", shape=tuple(shape))
    else:
        objects, _ = label_objects(np.memmap(path, np.uint8, "r", shape=tuple(shape)))
    found = measure_objects(objects, VOXEL_NM, groups=GROUPS if everything else (SIZE, SHAPES))
    return {
        "seconds": time.perf_counter() - begin,
        "processor": time.process_time() - processor,
        "objects": len(found.numbers),
        "columns": len(found.columns),
        "volume": float(found.values["volume"].sum()),
        "surface": float(found.values["surface_mesh"].sum()),
    }


def _surface(mask: NDArray[np.bool_]) -> float:
    from skimage.measure import marching_cubes, mesh_surface_area

    points, faces, _, _ = marching_cubes(np.pad(mask, 1).astype(np.float32), 0.5, spacing=VOXEL_NM)
    return float(mesh_surface_area(points, faces))


def scikit_image(path: str, shape: list[int], feret: bool) -> dict[str, float]:
    """Do the same with scikit-image."""
    from skimage.measure import label, regionprops_table

    begin, processor = time.perf_counter(), time.process_time()
    labels = label(np.memmap(path, np.uint8, "r", shape=tuple(shape)), connectivity=3)
    names = [
        "label",
        "area",
        "bbox",
        "centroid",
        "axis_major_length",
        "axis_minor_length",
        "inertia_tensor_eigvals",
        "equivalent_diameter_area",
        "solidity",
        "euler_number",
        *(["feret_diameter_max"] if feret else []),
    ]
    found = regionprops_table(labels, properties=names, spacing=VOXEL_NM, extra_properties=(_surface,))
    return {
        "seconds": time.perf_counter() - begin,
        "processor": time.process_time() - processor,
        "objects": len(found["label"]),
        "columns": len(found),
        "volume": float(found["area"].sum() * 1e-9),
        "surface": float(found["_surface"].sum() * 1e-6),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--objects", type=int, default=2000)
    parser.add_argument("--only-ours", action="store_true", help="leave scikit-image out")
    parser.add_argument("--large", action="store_true", help="600 million voxels")
    parser.add_argument("--feret", action="store_true", help="with the Feret diameter of scikit-image")
    arguments = parser.parse_args()
    shape = list(LARGE if arguments.large else SHAPE)
    rows: list[tuple[str, Measured]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "objects.raw")
        dtype = np.uint32 if arguments.large else np.uint8
        many = 10_000 if arguments.large else arguments.objects
        many = make_objects(path, (shape[0], shape[1], shape[2]), many, dtype)
        for name, everything in (("size and shape", False), ("everything", True)):
            own = measure("bench.measurements", "ours", str(path), shape, arguments.large, everything)
            rows.append((name, own))
        if not (arguments.only_ours or arguments.large):
            theirs = measure("bench.measurements", "scikit_image", str(path), shape, arguments.feret)
            rows.append(("scikit-image", theirs))
    print(f"{many} objects in {'×'.join(map(str, shape))} voxels")
    print(
        f"{'':14s}{'time':>10s}{'processor':>12s}{'peak':>12s}{'objects':>9s}{'columns':>9s}{'µm³':>10s}{'µm²':>10s}"
    )
    for name, done in rows:
        values = done.result
        print(
            f"{name:14s}{done.seconds:8.1f} s{values['processor']:10.1f} s{done.peak_mib:8.0f} MiB"
            f"{values['objects']:9d}{values['columns']:9d}{values['volume']:10.3f}{values['surface']:10.2f}"
        )
    if len(rows) > 2:
        theirs = rows[-1][1]
        for name, own in rows[:-1]:
            quicker = theirs.seconds / own.seconds
            less = theirs.result["processor"] / own.result["processor"]
            print(
                f"ratio, {name}: {quicker:.1f} times faster ({less:.1f} times less processor), "
                f"{own.peak_mib / theirs.peak_mib:.2f} of the memory"
            )


if __name__ == "__main__":
    main()
