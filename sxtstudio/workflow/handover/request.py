"""One hand-over: what, for whom, where, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from sxtstudio.core.handover import Content, Form, Program
from sxtstudio.workflow.handover.programs import Route, route_for


class Apart(StrEnum):
    """What of the surfaces is a mesh of its own; the values are the words of the command line."""

    NOTHING = "all"
    CLASSES = "classes"
    OBJECTS = "objects"
    PIECES = "pieces"


class LengthUnit(StrEnum):
    """The unit of the lengths in a mesh; the values are the words of the command line."""

    NM = "nm"
    ANGSTROM = "angstrom"
    UM = "um"

    @property
    def per_nm(self) -> float:
        """How many of it a nanometre is."""
        return {LengthUnit.NM: 1.0, LengthUnit.ANGSTROM: 10.0, LengthUnit.UM: 1e-3}[self]

    @property
    def sign(self) -> str:
        """How it is written."""
        return {LengthUnit.NM: "nm", LengthUnit.ANGSTROM: "Å", LengthUnit.UM: "µm"}[self]


@dataclass(frozen=True)
class MeshChoice:
    """How surfaces are made.

    Attributes
    ----------
    apart
        What is a mesh, or a group, of its own.
    min_faces
        Pieces of fewer faces are left out; for labels.
    smooth
        Rounds of smoothing.
    """

    apart: Apart = Apart.PIECES
    min_faces: int = 1000
    smooth: int = 20
    unit: LengthUnit = LengthUnit.NM


@dataclass(frozen=True)
class Handover:
    """A request: one record for the window and the command line.

    Attributes
    ----------
    first, last
        Slices, the last one not included; None: up to the end.
    inside_mask
        Voxels outside of the cell mask are nothing.
    """

    content: Content
    program: Program
    path: Path
    first: int = 0
    last: int | None = None
    inside_mask: bool = False
    mesh: MeshChoice = field(default_factory=MeshChoice)

    @property
    def route(self) -> Route:
        """The entry of the table; UserError where there is none."""
        return route_for(self.content, self.program)

    @property
    def form(self) -> Form:
        """The format that the name asks for; UserError where it asks for none of this program."""
        return self.route.form_of(self.path)
