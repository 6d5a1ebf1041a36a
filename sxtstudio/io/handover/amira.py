"""AmiraMesh volumes and labels (.am) are written, as MIB 2.91 writes them.

No field that every program writes says what the lengths are; they are in µm, as those of MIB, with the entry
Units of newer versions of Amira. ahds reads what is written here in the tests; Amira was not run.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.label_image import HandedOver, LabelImage, Legend, LegendEntry
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io.export_plan import Plan
from sxtstudio.io.handover.amira_read import LABELS, materials_in
from sxtstudio.io.handover.label_volumes import Write, check_legend, materials, named, write_label_volume
from sxtstudio.io.mib import NM_PER_UM

_WRITTEN = {"u1": "byte", "i2": "short", "u2": "ushort", "i4": "int", "f4": "float", "f8": "double"}
# Readers such as ahds know ASCII only, and lose the whole file otherwise.
_SPELT = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "µ": "u"}
)


def amira_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type in which grey values are stored: int8 becomes int16, float16 float32.

    Raises
    ------
    UserError
        For types that AmiraMesh does not have.
    """
    wider = {"i1": "i2", "f2": "f4"}
    code = f"{dtype.kind}{dtype.itemsize}"
    code = wider.get(code, code)
    if code not in _WRITTEN:
        raise UserError(f"AmiraMesh files cannot hold {dtype} values. Export as TIFF or NRRD instead.")
    return np.dtype(code)


def write_amira(path: Path, plan: Plan, slabs: Iterable[NDArray[Any]]) -> str:
    """Write a lattice, raw, and return the name of the format."""
    name = "Data" if plan.kind in ("image", "probability") else LABELS
    legend = (LegendEntry(255, "Labels", (255, 176, 0)),) if plan.kind == "labels" else ()
    _write(path, plan, slabs, name, legend)
    return "AmiraMesh"


def write_amira_labels(path: Path, image: LabelImage, progress: Progress) -> HandedOver:
    """Write labels with a material for each value from 1 to the largest; Id, place and value are the same.

    Names of materials have ASCII letters and digits in Amira: anything else becomes "_", and ä "ae".

    Raises
    ------
    UserError
        As ``write_label_volume``.
    """
    legend, lost = named(image, gapless=True)
    wanted = materials_of(legend)

    def write(largest: Callable[[], int]) -> Write:
        def labels(target: Path, plan: Plan, slabs: Iterable[NDArray[Any]]) -> str:
            _write(target, plan, slabs, LABELS, wanted)
            return "AmiraMesh labels"

        return labels

    def check(temporary: Path) -> bool:
        return check_legend(path, materials_in(temporary), wanted)

    done = write_label_volume(
        path, image, write, progress, dtypes=("u1", "u2", "i4"), check=check, compressed=False
    )
    losses = [*lost]
    spelt = materials_of(legend, fill=False)
    if any(a.name != b.name for a, b in zip(legend, spelt, strict=True)):
        losses.append("Names of materials have letters without accents, digits and _ only.")
    if image.voxel_nm is None:
        losses.append("The voxel size is unknown: Amira takes a voxel for 1.")
    details = (("Materials", str(len(legend))), ("Largest value", str(done.largest)))
    return HandedOver(path, done.format, done.bytes, done.verified, details, tuple(losses))


def materials_of(legend: Legend, *, fill: bool = True) -> Legend:
    """Return the legend with names that Amira takes; ``fill`` adds a material for each value without one.

    The place of a material in the list is its value, so that none may be left out.
    """
    if fill:
        known = {entry.value: entry for entry in legend}
        largest = legend[-1].value if legend else 0
        legend = tuple(
            known.get(value) or LegendEntry(value, "", (160, 160, 160)) for value in range(1, largest + 1)
        )
    entries = materials(legend, "Material_{}", tidy=_amira_name)
    return tuple(LegendEntry(one.value, one.name.replace(" (", "_").rstrip(")"), one.rgb) for one in entries)


def _amira_name(name: str) -> str:
    spelt = unicodedata.normalize("NFKD", name.translate(_SPELT)).encode("ascii", "ignore").decode()
    tidy = re.sub(r"\W+", "_", spelt).strip("_")
    return f"Material_{tidy}" if tidy and (tidy[0].isdigit() or tidy in ("Exterior", "Inside")) else tidy


def _write(path: Path, plan: Plan, slabs: Iterable[NDArray[Any]], name: str, legend: Legend) -> None:
    kind = _WRITTEN[f"{plan.dtype.kind}{plan.dtype.itemsize}"]
    stored = plan.dtype.newbyteorder("<")
    with open(path, "wb") as file:
        file.write("\n".join(_lines(plan, kind, name, legend)).encode())
        for slab in slabs:
            file.write(np.ascontiguousarray(slab, stored).data)
        file.write(b"\n")


def _lines(plan: Plan, kind: str, name: str, legend: Legend) -> Iterator[str]:
    z, y, x = plan.shape
    yield "# AmiraMesh BINARY-LITTLE-ENDIAN 2.1\n\n"
    yield f"define Lattice {x} {y} {z}\n"
    yield "Parameters {"
    if name == LABELS:
        yield "    Materials {"
        yield "        Exterior {\n        }"
        for entry in legend:
            r, g, b = (f"{channel / 255:.6f}" for channel in entry.rgb)
            yield f"        {entry.name} {{\n            Id {entry.value},"
            yield f"            Color {r} {g} {b}\n        }}"
        yield "    }"
    if plan.voxel_nm is not None:
        yield '    Units {\n        Coordinates "um"\n    }'
    yield f'    Content "{x}x{y}x{z} {kind}, uniform coordinates",'
    yield f"    BoundingBox {' '.join(_box(plan))},"
    yield '    CoordType "uniform"'
    yield "}\n"
    yield f"Lattice {{ {kind} {name} }} @1\n"
    yield "# Data section follows"
    yield "@1\n"


def _box(plan: Plan) -> Iterator[str]:
    edges: VoxelSize = plan.voxel_nm or (NM_PER_UM,) * 3
    first: VoxelSize = (plan.voxel_nm and plan.origin_nm) or (0.0, 0.0, 0.0)
    for n, edge, begin in zip(plan.shape[::-1], edges[::-1], first[::-1], strict=True):
        yield repr(begin / NM_PER_UM)
        yield repr((begin + (max(n, 2) - 1) * edge) / NM_PER_UM)
