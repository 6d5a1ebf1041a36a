"""The one table of what can be handed over to which program, in which format, and what becomes of it there.

The window, the command line and the help are made from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sxtstudio.core.errors import UserError
from sxtstudio.core.handover import CONTENT_NAMES, PROGRAM_NAMES, SUFFIXES, Content, Form, Program
from sxtstudio.workflow.handover.routes import ROUTES
from sxtstudio.workflow.handover.said import Sentences, sentences


@dataclass(frozen=True)
class Route:
    """A content for a program.

    Attributes
    ----------
    forms
        The formats that may be written, the best first.
    shows
        What the program will show.
    opening
        How to open it there.
    loses
        What gets lost; none where nothing does.
    """

    content: Content
    program: Program
    forms: tuple[Form, ...]
    shows: Sentences
    opening: Sentences
    loses: Sentences

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The endings that a file may have, the usual one first."""
        return tuple(dict.fromkeys(suffix for form in self.forms for suffix in SUFFIXES[form]))

    def form_of(self, path: Path) -> Form:
        """Return the format that a name asks for.

        Raises
        ------
        UserError
            If its ending is none of this route.
        """
        name = path.name.lower()
        endings = [(suffix, form) for form in self.forms for suffix in SUFFIXES[form]]
        for suffix, form in sorted(endings, key=lambda one: -len(one[0])):
            if name.endswith(suffix):
                return form
        what, whom = CONTENT_NAMES[self.content].lower(), PROGRAM_NAMES[self.program]
        raise UserError(
            f"{path.name} is no name for {what} for {whom}: end it in one of {', '.join(self.suffixes)}."
        )


def routes() -> tuple[Route, ...]:
    """Return the whole table: by program, then by content."""
    return _TABLE


def routes_of(content: Content) -> Iterator[Route]:
    """Yield the programs that take a content."""
    return (route for route in _TABLE if route.content is content)


def route_for(content: Content, program: Program) -> Route:
    """Return the entry of a pair.

    Raises
    ------
    UserError
        If that program takes no such thing.
    """
    for route in routes_of(content):
        if route.program is program:
            return route
    others = ", ".join(route.program for route in routes_of(content))
    raise UserError(
        f"{PROGRAM_NAMES[program]} takes no {CONTENT_NAMES[content].lower()}: choose one of {others}."
    )


_TABLE = tuple(
    Route(content, program, forms, *(sentences(one, forms) for one in words))
    for program in Program
    for content in Content
    for forms, words in (ROUTES.get((content, program), ((), ())),)
    if forms
)

#: What was written from which source; most programs cannot be installed where this is tested.
READ: dict[Program, str] = {
    Program.FIJI: "ImageJ 1.53t was run; Fiji itself was not.",
    Program.MIB: "From the sources of MIB 2.91 and MIB 3; GNU Octave read the files. MIB itself was not run.",
    Program.IMOD: "IMOD 4.8.2, built from its public source, read the models; newer ones were not run.",
    Program.AMIRA: "The library ahds read the files back; Amira itself was not run.",
    Program.CHIMERAX: "From ChimeraX's documentation, which was read; ChimeraX was not run.",
    Program.SLICER: "pynrrd, nibabel and ITK read the files back; neither program was run.",
    Program.NAPARI: "ome-zarr-py read voxels, colours, names and lengths; napari itself was not run.",
    Program.BLENDER: "Blender 3.4 imported GLB, OBJ, PLY and STL in our tests: places, colours, names.",
    Program.POVRAY: "POV-Ray 3.7 was run.",
    Program.OTHER: "Read back with other libraries.",
}
