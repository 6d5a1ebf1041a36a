"""One hand-over: what, for whom, where, and how."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sxtstudio.core.handover import Content, Form, MeshOf, Program
from sxtstudio.core.length_unit import LengthUnit
from sxtstudio.workflow.handover.programs import Route, route_for


@dataclass(frozen=True)
class MeshOptions:
    """How surfaces are made.

    Attributes
    ----------
    of
        What is a mesh of its own; None: the objects where there are some, else the pieces of the labels.
    min_faces
        What has fewer faces is left out; None: less than 1000 of the pieces of labels, as in the paper, and
        nothing of others.
    smooth
        Rounds of smoothing.
    unit
        Of lengths; None: what is usual for the format.
    """

    of: MeshOf | None = None
    min_faces: int | None = None
    smooth: int = 20
    unit: LengthUnit | None = None


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
    mesh: MeshOptions = field(default_factory=MeshOptions)

    @property
    def route(self) -> Route:
        """The entry of the table; UserError where there is none."""
        return route_for(self.content, self.program)

    @property
    def form(self) -> Form:
        """The format that the name asks for; UserError where it asks for none of this program."""
        return self.route.form_of(self.path)
