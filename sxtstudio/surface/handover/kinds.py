"""The formats of mesh files, and what each of them cannot hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sxtstudio.core.errors import UserError
from sxtstudio.core.length_unit import LengthUnit
from sxtstudio.surface.handover import glb, obj, ply, pov, stl, vtp
from sxtstudio.surface.handover.sink import Lengths, MeshPaths, MeshSink, Step
from sxtstudio.surface.povray.write import meshes_file


class MeshFormat(StrEnum):
    """A kind of mesh file; the values are the words of the command line."""

    PLY = "ply"
    STL = "stl"
    OBJ = "obj"
    VTP = "vtp"
    GLB = "glb"
    POV = "pov"

    @property
    def suffix(self) -> str:
        """How its files end."""
        return f".{self.value}"

    @property
    def text(self) -> str:
        """What it is called."""
        return "POV-Ray 3.7 scene" if self is MeshFormat.POV else self.value.upper()

    @property
    def usual_unit(self) -> LengthUnit:
        """Programs that read GLB take a length of 1 for a metre, and draw kilometres badly."""
        return LengthUnit.UM if self is MeshFormat.GLB else LengthUnit.NM

    @property
    def kind(self) -> FormatTraits:
        """How it is written."""
        return _KINDS[self]


class Per(StrEnum):
    """What a file holds; the values are the words of the command line."""

    OBJECT = "object"
    CLASS = "class"
    ALL = "all"


MESH_SUFFIXES = tuple(kind.suffix for kind in MeshFormat)


@dataclass(frozen=True)
class FormatTraits:
    """How files of a format are written, what lies beside them, and what they cannot hold.

    With ``plain_names`` the program opens no file whose name has umlauts.
    """

    sink: Callable[[MeshPaths, Lengths, str, Step], MeshSink]
    losses: tuple[str, ...] = ()
    beside: Callable[[Path], Path] | None = None
    plain_names: bool = False


_KINDS = {
    MeshFormat.PLY: FormatTraits(ply.PlySink, ("PLY keeps the colours of objects, but not their names.",)),
    MeshFormat.STL: FormatTraits(
        stl.StlSink, ("STL keeps neither colours nor names, and says its unit only in its first line.",)
    ),
    MeshFormat.OBJ: FormatTraits(
        obj.ObjSink,
        (
            "OBJ has no classes: names hold them.",
            "Blender takes the colours of OBJ for lighter ones: GLB has them right.",
        ),
        obj.material_file,
    ),
    MeshFormat.VTP: FormatTraits(
        vtp.VtpSink, ("VTP keeps colours and numbers of objects, but not their names.",)
    ),
    MeshFormat.GLB: FormatTraits(glb.GlbSink),
    MeshFormat.POV: FormatTraits(
        pov.PovSink, ("Names are comments in the scene; POV-Ray itself shows none.",), meshes_file, True
    ),
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
    beside = format_of(path).kind.beside
    return (path,) if beside is None else (path, beside(path))
