"""Surface of 128×1024×1024 labels: time and peak memory, next to scikit-image doing the same.

    python -m bench.surface [--slices 128]

The labels are synthetic membranes: many hollow spheres with walls of four voxels. They lie in a
file and are memory-mapped, as after segmentation. "Full" keeps every face and does not smooth,
like scikit-image; the others are what the program does.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.measure import Measured, measure

VOXEL_NM = (10.0, 10.0, 10.0)


def make_labels(path: Path, shape: tuple[int, int, int], spheres: int, seed: int = 0) -> None:
    """Write a uint8 volume (z, y, x) with hollow spheres of 10 to 60 voxels radius."""
    random = np.random.default_rng(seed)
    labels = np.memmap(path, np.uint8, "w+", shape=shape)
    for _ in range(spheres):
        radius = random.uniform(10, 60)
        middle = [random.uniform(0, n) for n in shape]
        box = tuple(
            slice(max(0, int(m - radius - 1)), min(n, int(m + radius + 2)))
            for m, n in zip(middle, shape, strict=True)
        )
        z, y, x = (axis - m for axis, m in zip(np.ogrid[box], middle, strict=True))
        distance = z * z + y * y + x * x
        labels[box][(distance <= radius**2) & (distance > (radius - 4) ** 2)] = 255
    labels.flush()


def ours(path: str, shape: list[int], objects: bool, smooth: int, max_faces: int) -> dict[str, float]:
    """Extract the surface with the program's own function."""
    from sxtstudio.surface import SurfaceParameters, extract_surface

    labels = np.memmap(path, np.uint8, "r", shape=tuple(shape))
    parameters = SurfaceParameters(objects=objects, smooth=smooth, max_faces=max_faces)
    begin, processor = time.perf_counter(), time.process_time()
    surface = extract_surface(labels, VOXEL_NM, parameters)
    return {
        "seconds": time.perf_counter() - begin,
        "processor": time.process_time() - processor,
        "faces": surface.face_count,
        "objects": surface.object_count,
        "volume": surface.volume(),
    }


def scikit_image(path: str, shape: list[int], objects: bool) -> dict[str, float]:
    """Do the same with scikit-image: padded, marching cubes at half height, labels per vertex."""
    from skimage.measure import label, marching_cubes

    labels = np.memmap(path, np.uint8, "r", shape=tuple(shape))
    begin, processor = time.perf_counter(), time.process_time()
    padded = np.pad(np.asarray(labels) > 0, 1)
    points, faces, _, _ = marching_cubes(
        padded.astype(np.float32), 0.5, spacing=VOXEL_NM, gradient_direction="ascent"
    )
    count = 1
    if objects:
        named, count = label(padded, connectivity=3, return_num=True)
        place = points / np.array(VOXEL_NM, np.float32)
        low, high = (tuple(f(place).astype(np.int32).T) for f in (np.floor, np.ceil))
        owner = np.maximum(named[low], named[high])
        sizes = np.bincount(owner[faces[:, 0]], minlength=count + 1)
        faces = faces[sizes[owner[faces[:, 0]]] >= 1000]
    seconds, processor = time.perf_counter() - begin, time.process_time() - processor
    a, b, c = (points[faces[:, i]].astype(np.float64) for i in range(3))
    volume = float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)
    return {
        "seconds": seconds,
        "processor": processor,
        "faces": len(faces),
        "objects": count,
        "volume": volume,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--slices", type=int, default=128)
    parser.add_argument("--edge", type=int, default=1024, help="rows and columns")
    parser.add_argument("--only-ours", action="store_true", help="leave scikit-image out")
    arguments = parser.parse_args()
    shape = [arguments.slices, arguments.edge, arguments.edge]
    spheres = int(200 * np.prod(shape) / (128 * 1024 * 1024))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "labels.raw")
        make_labels(path, (shape[0], shape[1], shape[2]), spheres)
        rows: list[tuple[str, Measured]] = []
        for objects in (False, True):
            name = "objects" if objects else "one surface"
            if not arguments.only_ours:
                rows.append(
                    (
                        f"scikit-image, {name}",
                        measure("bench.surface", "scikit_image", str(path), shape, objects),
                    )
                )
            full = measure("bench.surface", "ours", str(path), shape, objects, 0, 1_000_000_000)
            rows.append((f"full, {name}", full))
        usual = measure("bench.surface", "ours", str(path), shape, True, 20, 10_000_000)
        rows.append(("as the command does it, objects", usual))
        view = measure("bench.surface", "ours", str(path), shape, False, 20, 2_000_000)
        rows.append(("at most 2 million faces", view))
    print(f"Surface of {'×'.join(map(str, shape))} labels")
    print(f"{'':34s}{'time':>9s}{'processor':>11s}{'peak':>11s}{'faces':>13s}{'objects':>9s}")
    for name, done in rows:
        values = done.result
        print(
            f"{name:34s}{done.seconds:7.1f} s{values['processor']:9.1f} s{done.peak_mib:7.0f} MiB"
            f"{values['faces']:13,.0f}{values['objects']:9,.0f}"
        )
    if not arguments.only_ours:
        for theirs, own in ((rows[0], rows[1]), (rows[2], rows[3])):
            print(
                f"ratio {own[0]}: time {own[1].seconds / theirs[1].seconds:.2f}, "
                f"processor {own[1].result['processor'] / theirs[1].result['processor']:.2f}, "
                f"peak memory {own[1].peak_mib / theirs[1].peak_mib:.2f}, "
                f"volume {own[1].result['volume'] / theirs[1].result['volume']:.4f}"
            )


if __name__ == "__main__":
    main()
