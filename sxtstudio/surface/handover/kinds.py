"""The formats of mesh files, and what each of them cannot hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sxtstudio.core.errors import UserError
from sxtstudio.core.length_unit import LengthUnit
from sxtstudio.surface.handover import glb, obj, ply, stl, vtp
from sxtstudio.surface.handover.sink import Lengths, MeshSink, Step, Totals


class MeshFormat(StrEnum):
    """A kind of mesh file; the values are the words of the command line."""

    PLY = "ply"
    STL = "stl"
    OBJ = "obj"
    VTP = "vtp"
    GLB = "glb"

    @property
    def suffix(self) -> str:
        """How its files end."""
        return f".{self.value}"

    @property
    def usual_unit(self) -> LengthUnit:
        """Programs that read GLB take a length of 1 for a metre, and draw kilometres badly."""
        return LengthUnit.UM if self is MeshFormat.GLB else LengthUnit.NM

    @property
    def kind(self) -> Kind:
        """How it is written."""
        return _KINDS[self]


class Per(StrEnum):
    """What a file holds; the values are the words of the command line."""

    OBJECT = "object"
    CLASS = "class"
    ALL = "all"


MESH_SUFFIXES = tuple(kind.suffix for kind in MeshFormat)


@dataclass(frozen=True)
class Kind:
    """How files of a format are written and read back, and what they cannot hold."""

    sink: Callable[[Path, Path, Lengths, str, Step], MeshSink]
    read: Callable[[Path], Totals]
    losses: tuple[str, ...] = ()


_KINDS = {
    MeshFormat.PLY: Kind(
        ply.PlySink, ply.read_totals, ("PLY keeps the colours of objects, but not their names.",)
    ),
    MeshFormat.STL: Kind(
        stl.StlSink,
        stl.read_totals,
        ("STL keeps neither colours nor names, and says its unit only in its first line.",),
    ),
    MeshFormat.OBJ: Kind(obj.ObjSink, obj.read_totals, ("OBJ has no classes: names hold them.",)),
    MeshFormat.VTP: Kind(
        vtp.VtpSink, vtp.read_totals, ("VTP keeps colours and numbers of objects, but not their names.",)
    ),
    MeshFormat.GLB: Kind(glb.GlbSink, glb.read_totals),
}


def format_of(path: Path) -> MeshFormat:
    """Return the format that a file's name says.

    Raises
    ------
    UserError
        If it is none of those that there are.
    """
    for kind in MeshFormat:
        if path.suffix.lower() == kind.suffix:
            return kind
    raise UserError(
        f"{path.name}: a surface cannot be written to this kind of file. "
        f"End the name with {', '.join(MESH_SUFFIXES[:-1])} or {MESH_SUFFIXES[-1]}."
    )


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the files that a mesh file consists of."""
    return (path, obj.material_file(path)) if format_of(path) is MeshFormat.OBJ else (path,)
