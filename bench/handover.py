"""Files for other programs: 200 objects in 128×1024×1024, and a POV-Ray scene of a million faces.

    python -m bench.handover [--slices 128] [--edge 1024] [--only PLY POV ...]

The objects are ellipsoids of 10 to 40 voxels radius in a memory-mapped file. Every writer reads back what it
has written before it counts; both together are its time. "Read" is what an independent library, or else the
program's own reader, takes for the file. Label images are written in every format that the table of programs
has for objects.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.measure import Measured, measure

VOXEL_NM = (10.0, 10.0, 10.0)
CLASSES = ("Vesicle", "Mitochondrion", "Lipid droplet")
PICTURE = (1600, 1200)


def formats() -> dict[str, Any]:
    """Return what can be written; asked in a process of its own, because it loads VTK."""
    from sxtstudio.core.handover import SUFFIXES, Content
    from sxtstudio.surface.handover.kinds import MeshFormat
    from sxtstudio.workflow.handover.programs import routes_of

    labels: dict[str, tuple[str, str]] = {}
    for route in routes_of(Content.OBJECTS):
        for form in route.forms:
            labels.setdefault(form.value, (route.program.value, SUFFIXES[form][0]))
    return {"labels": labels, "meshes": [kind.value for kind in MeshFormat]}


def make_objects(path: str, shape: tuple[int, int, int], count: int, seed: int = 0) -> int:
    """Write uint16 numbers (z, y, x): ellipsoids that may cut into each other; return their voxels."""
    random = np.random.default_rng(seed)
    numbers = np.memmap(path, np.uint16, "w+", shape=tuple(shape))
    for number in range(1, count + 1):
        radii = random.uniform(10, 40, 3)
        middle = [random.uniform(0, n) for n in shape]
        box = tuple(
            slice(max(0, int(m - r - 1)), min(n, int(m + r + 2)))
            for m, r, n in zip(middle, radii, shape, strict=True)
        )
        z, y, x = ((axis - m) / r for axis, m, r in zip(np.ogrid[box], middle, radii, strict=True))
        numbers[box][z * z + y * y + x * x <= 1] = number
    numbers.flush()
    return int(np.count_nonzero(numbers))


def table_of(count: int) -> Any:
    """Return a table in which every object has one of three classes."""
    from sxtstudio.core.object_table import ObjectRow, ObjectTable

    return ObjectTable({n: ObjectRow(CLASSES[n % len(CLASSES)]) for n in range(1, count + 1)})


def make_parts(path: str, shape: list[int], count: int, kept: str) -> dict[str, float]:
    """Make the surfaces of the objects and keep them in a folder, for the writers."""
    from sxtstudio.core.measure.inventory import take_inventory
    from sxtstudio.surface.handover.part import object_parts

    numbers = np.memmap(path, np.uint16, "r", shape=tuple(shape))
    begin = time.perf_counter()
    found = take_inventory(numbers)
    boxes = {number: found.box(row) for row, number in enumerate(found.numbers.tolist())}
    faces = 0
    for part in object_parts(numbers, boxes, table_of(count), VOXEL_NM):
        faces += len(part.triangles)
        np.savez(Path(kept, f"{part.number}.npz"), points=part.points, triangles=part.triangles)
    return {"seconds": time.perf_counter() - begin, "faces": faces}


def parts_in(kept: str) -> Iterator[Any]:
    """Yield what ``make_parts`` has kept, class by class."""
    from sxtstudio.core.object_colours import number_colours
    from sxtstudio.surface.handover.part import MeshPart

    numbers = sorted((int(file.stem) for file in Path(kept).glob("*.npz")), key=lambda n: (n % 3, n))
    for number in numbers:
        with np.load(Path(kept, f"{number}.npz")) as arrays:
            red, green, blue = number_colours(np.array([number]))[0].tolist()
            name = CLASSES[number % len(CLASSES)]
            points, triangles = arrays["points"], arrays["triangles"]
        yield MeshPart(f"{name} {number}", (red, green, blue), points, triangles, number, name)


def write_meshes(kept: str, suffix: str, folder: str) -> dict[str, float]:
    """Write all surfaces to one file."""
    from sxtstudio.surface.handover.sink import Lengths
    from sxtstudio.surface.handover.write import write_file

    begin = time.perf_counter()
    written = write_file(Path(folder, f"cells{suffix}"), parts_in(kept), Lengths(), "cells")
    return {"seconds": time.perf_counter() - begin, "bytes": written.bytes}


def write_folder(kept: str, kind: str, per: str, folder: str) -> dict[str, float]:
    """Write a file for each class or object."""
    from sxtstudio.surface.handover import write
    from sxtstudio.surface.handover.kinds import MeshFormat, Per
    from sxtstudio.surface.handover.sink import Lengths

    begin = time.perf_counter()
    target = Path(folder, f"{kind}-{per}")
    written = write.write_folder(target, parts_in(kept), MeshFormat(kind), Per(per), Lengths(), "cells")
    return {"seconds": time.perf_counter() - begin, "bytes": written.bytes}


def read_meshes(file: str) -> dict[str, float]:
    """Read a file with trimesh; VTP with VTK."""
    if file.endswith(".vtp"):
        import pyvista as reader
    else:
        import trimesh as reader
    begin = time.perf_counter()
    if file.endswith(".vtp"):
        faces = reader.read(file).n_cells
    else:
        faces = sum(len(mesh.faces) for mesh in reader.load_scene(file, process=False).geometry.values())
    return {"seconds": time.perf_counter() - begin, "faces": faces}


def write_labels(
    path: str, shape: list[int], count: int, program: str, suffix: str, folder: str
) -> dict[str, Any]:
    """Write the objects as a label image for a program, by the door of window and command line."""
    from sxtstudio.core.handover import Content, Program
    from sxtstudio.io import open_volume
    from sxtstudio.workflow.document.exporting import ExportSource
    from sxtstudio.workflow.handover.request import Handover
    from sxtstudio.workflow.handover.write import hand_over

    numbers = np.memmap(path, np.uint16, "r", shape=tuple(shape))
    target = Path(folder, f"for-{program}{suffix}")
    with open_volume(tomogram_in(folder, shape)) as tomogram:
        source = ExportSource(
            tomogram, None, None, VOXEL_NM, tomogram.place, objects=numbers, table=table_of(count)
        )
        begin = time.perf_counter()
        receipt = hand_over(Handover(Content.OBJECTS, Program(program), target), source)
    files = [receipt.path] if receipt.path.is_file() else receipt.path.rglob("*")
    size = sum(file.stat().st_size for file in files if file.is_file())
    return {"seconds": time.perf_counter() - begin, "bytes": size, "path": str(receipt.path)}


def tomogram_in(folder: str, shape: list[int]) -> Path:
    """Return an empty tomogram of that size; the document that is exported has one."""
    import mrcfile

    path = Path(folder, "cells.mrc")
    if not path.exists():
        with mrcfile.new_mmap(path, shape=tuple(shape), mrc_mode=0) as file:
            file.voxel_size = tuple(10 * edge for edge in VOXEL_NM[::-1])
    return path


def read_labels(path: str) -> dict[str, float]:
    """Go through a label image with the program's own reader; what it does not read takes no time."""
    from sxtstudio.core.errors import UserError
    from sxtstudio.core.walk import walk
    from sxtstudio.io import open_volume

    begin, found = time.perf_counter(), 0
    try:
        with open_volume(Path(path)) as volume:
            for box in walk(volume.shape, np.empty(0, volume.dtype)):
                found += int(np.count_nonzero(volume.read(box)))
    except UserError:
        return {"seconds": 0.0, "labelled": 0}
    return {"seconds": time.perf_counter() - begin, "labelled": found}


def million_faces(folder: str) -> dict[str, float]:
    """Write a scene of about a million faces: membranes of hollow spheres."""
    from bench.surface import make_labels
    from sxtstudio.surface import SurfaceParameters, extract_surface, write_mesh

    shape = (96, 512, 512)
    make_labels(Path(folder, "labels.raw"), shape, 16)
    labels: NDArray[np.uint8] = np.memmap(Path(folder, "labels.raw"), np.uint8, "r", shape=shape)
    surface = extract_surface(labels, VOXEL_NM, SurfaceParameters(objects=True))
    begin = time.perf_counter()
    path = write_mesh(Path(folder, "million.pov"), surface)
    size = sum(file.stat().st_size for file in (path, path.with_suffix(".inc")))
    return {"seconds": time.perf_counter() - begin, "faces": surface.face_count, "bytes": size}


def draw_million(folder: str) -> dict[str, float]:
    """Let POV-Ray draw it."""
    from sxtstudio.workflow.jobs.povray import render
    from sxtstudio.workflow.jobs.povray_program import find_povray

    program = find_povray()
    assert program is not None
    begin = time.perf_counter()
    render(program, Path(folder, "million.pov"), PICTURE)
    return {"seconds": time.perf_counter() - begin}


def row(name: str, written: Measured, read: Measured | None = None) -> None:
    size = written.result.get("bytes")
    text = f"{name:34s}{written.seconds:8.1f} s{written.peak_mib:7.0f} MiB"
    text += f"{size / 1e6:10.1f} MB" if size else " " * 13
    print(text + (f"{read.seconds:9.1f} s" if read is not None and read.seconds else ""), flush=True)


def main() -> None:
    """Print the table."""
    from sxtstudio.workflow.jobs.povray_program import find_povray

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--slices", type=int, default=128)
    parser.add_argument("--edge", type=int, default=1024, help="rows and columns")
    parser.add_argument("--objects", type=int, default=200)
    parser.add_argument("--only", nargs="*", help="these formats, by their names")
    arguments = parser.parse_args()
    wanted = None if arguments.only is None else {name.lower() for name in arguments.only}

    def is_wanted(name: str) -> bool:
        return wanted is None or name.lower() in wanted

    shape = [arguments.slices, arguments.edge, arguments.edge]
    print(f"{arguments.objects} objects in {'×'.join(map(str, shape))}")
    print(f"{'':34s}{'write':>10s}{'peak':>11s}{'size':>13s}{'read':>11s}")
    with tempfile.TemporaryDirectory() as folder:
        numbers = str(Path(folder, "objects.raw"))
        known = measure("bench.handover", "formats").result
        voxels = measure("bench.handover", "make_objects", numbers, shape, arguments.objects).result
        labels = Path(folder, "labels")
        labels.mkdir()
        for form, (program, suffix) in known["labels"].items():
            if is_wanted(form):
                given = (numbers, shape, arguments.objects, program, suffix, str(labels))
                done = measure("bench.handover", "write_labels", *given)
                read = measure("bench.handover", "read_labels", done.result["path"])
                row(form, done, read)
                if read.seconds and read.result["labelled"] != voxels:
                    print(f"{'':34s}not the same: {read.result['labelled']:,} of {voxels:,} voxels")
        kept = Path(folder, "parts")
        kept.mkdir()
        made = measure("bench.handover", "make_parts", numbers, shape, arguments.objects, str(kept))
        row(f"surfaces ({made.result['faces']:,} faces)", made)
        for kind in filter(is_wanted, known["meshes"]):
            done = measure("bench.handover", "write_meshes", str(kept), f".{kind}", folder)
            file = str(Path(folder, f"cells.{kind}"))
            read = None if kind == "pov" else measure("bench.handover", "read_meshes", file)
            row(f"{kind.upper()}, one file", done, read)
        for per in ("class", "object"):
            if is_wanted("glb"):
                done = measure("bench.handover", "write_folder", str(kept), "glb", per, folder)
                row(f"GLB, one file per {per}", done)
        if is_wanted("pov"):
            done = measure("bench.handover", "million_faces", folder)
            row(f"POV-Ray scene ({done.result['faces']:,} faces)", done)
            if find_povray() is not None:
                drawn = measure("bench.handover", "draw_million", folder)
                row(f"drawn by POV-Ray, {PICTURE[0]}×{PICTURE[1]}", drawn)


if __name__ == "__main__":
    main()
