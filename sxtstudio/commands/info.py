"""``sxtstudio info``: what a file holds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sxtstudio.commands.guard import DONE
from sxtstudio.commands.options import add_axes, add_voxel, named
from sxtstudio.commands.output import show, show_json
from sxtstudio.commands.terminal import shown_progress
from sxtstudio.commands.text import note_result, print_rows
from sxtstudio.core.errors import UserError
from sxtstudio.core.wording import bytes_text, shape_text, voxel_zyx_text

if TYPE_CHECKING:
    from sxtstudio.core.progress import Progress
    from sxtstudio.core.quality.record import Quality


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "info",
        help="shape, voxel size, value range and format of a tomogram",
        description="Say what a tomogram file holds: MRC, TIFF, HDF5/NeXus, OME-Zarr, a folder of slices.",
    )
    parser.add_argument("file", metavar="FILE", help="file, folder, or file.h5::/path/of/dataset")
    add_axes(parser)
    parser.add_argument(
        "--quality",
        action="store_true",
        help="also judge how good the tomogram is: resolution, contrast, noise, doubled edges, gold and its "
        "streaks, how much is cell, and more; some seconds",
    )
    parser.add_argument(
        "--half",
        metavar="FILE",
        help="for --quality: the reconstruction of the other half of the projections, for a true resolution",
    )
    parser.add_argument(
        "--labels",
        metavar="FILE",
        help="for --quality: labels; the report beside them says how sure they are",
    )
    parser.add_argument("--objects", metavar="TABLE", help="for --quality: a table of objects, to count them")
    add_voxel(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the facts."""
    from sxtstudio.io.axes import axes_text
    from sxtstudio.workflow.jobs.inspecting import inspect_file

    for option in ("half", "labels", "objects"):
        if vars(arguments)[option] is not None and not arguments.quality:
            raise UserError(f"--{option} is for judging a tomogram: give --quality as well.")
    with shown_progress() as (progress, _):
        facts = inspect_file(named(arguments.file, arguments.axes), progress.part(0.2))
        quality = _quality(arguments, progress.part(0.8)) if arguments.quality else None
    described = facts.as_json()
    if quality is not None:
        from msgspec import to_builtins

        described["quality"] = to_builtins(quality)
    note_result((), **described)
    if arguments.json:
        show_json(described, indent=2)
        return DONE
    z = facts.shape[0]
    values = "none (every voxel read is NaN or infinite)"
    if facts.value_range:
        values = f"{facts.value_range[0]:g} … {facts.value_range[1]:g}"
        values += "" if facts.slices_read == z else f" (in {facts.slices_read} of {z} slices)"
    rows = [
        ("file", str(facts.path)),
        ("format", facts.format),
        ("shape", f"{shape_text(facts.shape)} (z × y × x)"),
        ("axes", axes_text(facts.axes)),
        ("type", facts.dtype),
        ("voxel size", voxel_zyx_text(arguments.voxel or facts.voxel_nm)),
        ("values", values),
        ("size", bytes_text(facts.file_bytes)),
    ]
    if facts.tilt_series:
        rows.append(("tilt series", f"these are projections, not a tomogram: {facts.tilt_series}"))
    if facts.non_finite:
        rows.append(("note", f"{facts.non_finite} voxels read are NaN or infinite"))
    rows += [("note", note) for note in facts.notes]
    print_rows(rows)
    if quality is not None:
        show()
        print_rows(_quality_rows(quality))
    return DONE


def _quality(arguments: argparse.Namespace, progress: Progress) -> Quality:
    from sxtstudio.workflow.jobs.quality import QualityJob, quality_of_file

    half, labels, objects = (
        Path(name) if name else None for name in (arguments.half, arguments.labels, arguments.objects)
    )
    tomogram = named(arguments.file, arguments.axes)
    return quality_of_file(QualityJob(tomogram, labels, half, objects, arguments.voxel), progress)


def _quality_rows(quality: Quality) -> list[tuple[str, str]]:
    """Return a line for each figure; those that ask for a look begin with that."""
    from sxtstudio.core.quality.record import QualityFlag

    marks = {QualityFlag.LOOK: "LOOK: ", QualityFlag.BAD: "BAD: "}
    return [
        (figure.definition.title, f"{figure.text:<16} {marks.get(figure.flag, '')}{figure.sentence}")
        for figure in quality.figures
    ]
