"""``sxtstudio export``: hand labels, objects, surfaces, tables over to other programs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sxtstudio.commands.guard import DONE
from sxtstudio.commands.options import add_axes, add_voxel, named, slice_range, whole_number
from sxtstudio.commands.output import show
from sxtstudio.commands.terminal import shown_progress
from sxtstudio.commands.text import note_result, print_rows
from sxtstudio.core.errors import UserError
from sxtstudio.core.handover import CONTENT_NAMES, PROGRAM_NAMES, Content, MeshOf, Program
from sxtstudio.core.length_unit import LengthUnit

if TYPE_CHECKING:
    from sxtstudio.workflow.document.exporting import Receipt
    from sxtstudio.workflow.handover.request import Handover


#: The picture is of the screen, and there is none.
_HEADLESS = tuple(content for content in Content if content is not Content.PICTURE)


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "export",
        help="hand labels, objects, surfaces or tables over to another program",
        description="Write what a project or a file holds for another program, and say what that will show. "
        "'--list' shows the table of all of them.",
    )
    parser.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="*",
        help="projects (.sxt), or files of labels, objects or images; of several, -o is a folder",
    )
    parser.add_argument("--list", action="store_true", help="show what can be handed over to which program")
    parser.add_argument(
        "--results",
        action="store_true",
        help="write all results of a project into the folder -o: volumes, tables, plots, surfaces, pictures, "
        "parameters and a methods paragraph, as RO-Crate; 'sxtstudio rerun' does everything again from it",
    )
    parser.add_argument("--what", choices=[content.value for content in _HEADLESS], help="what is written")
    parser.add_argument(
        "--for",
        dest="program",
        choices=[program.value for program in Program],
        default=Program.OTHER.value,
        help="for which program (default: other, by the ending of the name)",
    )
    parser.add_argument("-o", "--output", metavar="PATH", help="the file to write, or a folder that exists")
    parser.add_argument(
        "--slices",
        type=slice_range,
        metavar="A:B",
        help="only slices A to B-1, counted from 0",
    )
    parser.add_argument("--inside-mask", action="store_true", help="only what lies inside the cell mask")
    parser.add_argument("--tomogram", metavar="FILE", help="where the tomogram is now, or that of a file")
    parser.add_argument("--table", metavar="TABLE", help="a table with the classes of the objects of a file")
    group = parser.add_argument_group("surfaces")
    group.add_argument(
        "--mesh-of",
        choices=[of.value for of in MeshOf],
        help="the labels, their pieces in a colour each, the objects in one file, or a folder with a file "
        "for each class or object (default: the objects, else the pieces)",
    )
    group.add_argument(
        "--unit", choices=[unit.value for unit in LengthUnit], help="of lengths (nm; in GLB um)"
    )
    group.add_argument("--min-faces", type=whole_number, metavar="N", help="leave smaller meshes out")
    group.add_argument(
        "--smooth", type=whole_number, metavar="N", default=20, help="rounds of smoothing (20)"
    )
    add_axes(parser, "INPUT")
    add_voxel(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write, and print the receipt."""
    if arguments.list:
        _list()
        return DONE
    if arguments.results:
        return _results(arguments)
    for given, option in (
        (arguments.inputs, "an INPUT"),
        (arguments.output, "-o"),
        (arguments.what, "--what"),
    ):
        if not given:
            raise UserError(
                f"Nothing is exported without {option}; 'sxtstudio export --list' shows what can be."
            )
    for path, request in _requests(arguments):
        _export(path, request, arguments)
    return DONE


def _results(arguments: argparse.Namespace) -> int:
    from sxtstudio.commands.export_results import export_results

    if len(arguments.inputs) != 1 or not arguments.output:
        raise UserError("Results are those of one project, in a folder of their own: give it, and -o FOLDER.")
    tomogram = Path(arguments.tomogram) if arguments.tomogram else None
    receipt, notes = export_results(Path(arguments.inputs[0]), Path(arguments.output), tomogram)
    print_rows(receipt_rows(receipt, notes))
    note_result([receipt.path])
    return DONE


def _export(path: Path, request: Handover, arguments: argparse.Namespace) -> None:
    from sxtstudio.workflow.handover.sources import opened_source
    from sxtstudio.workflow.handover.write import check_target, hand_over

    others = (Path(name) if name else None for name in (arguments.tomogram, arguments.table))
    check_target(request, path, *others)
    with shown_progress() as (progress, _):
        with opened_source(
            path,
            request.content,
            request.path,
            tomogram=Path(arguments.tomogram) if arguments.tomogram else None,
            table=Path(arguments.table) if arguments.table else None,
            voxel_nm=arguments.voxel,
            progress=progress.part(0.4),
        ) as (source, notes):
            receipt = hand_over(request, source, progress.part(0.6))
    print_rows(receipt_rows(receipt, notes))
    note_result([receipt.path])


def receipt_rows(receipt: Receipt, notes: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Return a receipt as rows to print."""
    rows = [("written", str(receipt.path)), ("what", receipt.what)]
    rows += [
        (name if name[1:2].isupper() else name[:1].lower() + name[1:], text) for name, text in receipt.lines
    ]
    return rows + [("note", note) for note in (*notes, *receipt.notes)]


def _requests(arguments: argparse.Namespace) -> list[tuple[Path, Handover]]:
    from sxtstudio.workflow.handover.programs import route_for
    from sxtstudio.workflow.handover.request import Handover, MeshOptions

    content, program = Content(arguments.what), Program(arguments.program)
    route = route_for(content, program)
    output = Path(arguments.output)
    into_folder = output.is_dir() and not output.name.lower().endswith(route.suffixes)
    if len(arguments.inputs) > 1 and not into_folder:
        raise UserError(f"{output} is no folder that exists, and there are several inputs: give a folder.")
    first, last = arguments.slices or (None, None)
    mesh = MeshOptions(
        MeshOf(arguments.mesh_of) if arguments.mesh_of else None,
        arguments.min_faces,
        arguments.smooth,
        LengthUnit(arguments.unit) if arguments.unit else None,
    )
    found = []
    for name in arguments.inputs:
        path = named(name, arguments.axes)
        stem = Path(name).name.split(".")[0]
        target = output / f"{stem}.{content.value}{route.suffixes[0]}" if into_folder else output
        found.append(
            (path, Handover(content, program, target, first or 0, last, arguments.inside_mask, mesh))
        )
    return found


def _list() -> None:
    from sxtstudio.workflow.handover.programs import READ, routes

    former: Program | None = None
    for route in routes():
        if route.content not in _HEADLESS:
            continue
        if route.program is not former:
            show(f"--for {route.program.value}: {PROGRAM_NAMES[route.program]}. {READ[route.program]}")
            former = route.program
        show(f"  --what {route.content.value}: {CONTENT_NAMES[route.content]} ({', '.join(route.suffixes)})")
        for what, said in (("shows", route.shows), ("open", route.opening), ("lost", route.loses)):
            if said.parts:
                show(f"      {what}: {said.whole}")
