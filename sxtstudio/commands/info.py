"""``sxtstudio info``: what a file holds."""

from __future__ import annotations

import argparse
from typing import Any

from sxtstudio.commands.guard import DONE
from sxtstudio.commands.options import add_axes, named
from sxtstudio.commands.output import show_json
from sxtstudio.commands.terminal import shown_progress
from sxtstudio.commands.text import note_result, print_rows
from sxtstudio.core.wording import bytes_text, shape_text, voxel_zyx_text


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "info",
        help="shape, voxel size, value range and format of a tomogram",
        description="Say what a tomogram file holds: MRC, TIFF, HDF5/NeXus, OME-Zarr, a folder of slices.",
    )
    parser.add_argument("file", metavar="FILE", help="file, folder, or file.h5::/path/of/dataset")
    add_axes(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the facts."""
    from sxtstudio.io.axes import axes_text
    from sxtstudio.workflow.jobs.inspecting import inspect_file

    with shown_progress() as (progress, _):
        facts = inspect_file(named(arguments.file, arguments.axes), progress)
    note_result((), **facts.as_json())
    if arguments.json:
        show_json(facts.as_json(), indent=2)
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
        ("voxel size", voxel_zyx_text(facts.voxel_nm)),
        ("values", values),
        ("size", bytes_text(facts.file_bytes)),
    ]
    if facts.tilt_series:
        rows.append(("tilt series", f"these are projections, not a tomogram: {facts.tilt_series}"))
    if facts.non_finite:
        rows.append(("note", f"{facts.non_finite} voxels read are NaN or infinite"))
    rows += [("note", note) for note in facts.notes]
    print_rows(rows)
    return DONE
