"""``sxtstudio clean``: clean up labels, from file to file."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sxtstudio.commands.guard import DONE
from sxtstudio.commands.options import add_axes, add_clean_up, add_label, add_voxel, named
from sxtstudio.commands.terminal import shown_progress
from sxtstudio.commands.text import note_result, print_rows, receipt_text
from sxtstudio.core.wording import duration

if TYPE_CHECKING:
    from sxtstudio.core.cleanup import CleanReport
    from sxtstudio.workflow.jobs.cleaning import CleanJob, CleanResult, CleanUp


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "clean",
        help="smooth, mend, mask, erode labels, remove small objects, clear borders",
        description="Clean up the labels of a file. Without options the labels are only converted.",
    )
    add_job(parser)
    parser.set_defaults(run=run)


def add_job(parser: argparse.ArgumentParser) -> None:
    """Add what is asked for."""
    parser.add_argument("labels", metavar="LABELS", help="label file; every voxel that is not 0 is a label")
    parser.add_argument(
        "-o", "--output", metavar="OUT", required=True, help=".tif, .mrc, .rec, .map or .zarr"
    )
    add_clean_up(parser, own_tomogram=False)
    parser.add_argument(
        "--polarity",
        choices=("auto", "dark", "bright"),
        default="auto",
        help="how dense structures look in the tomogram of --auto-mask",
    )
    add_label(parser)
    add_axes(parser, "LABELS")
    add_voxel(parser)


def job_of(arguments: argparse.Namespace) -> CleanJob:
    """Return what was asked for."""
    from sxtstudio.workflow.jobs.cleaning import CleanJob

    return CleanJob(
        labels=named(arguments.labels, arguments.axes),
        output=Path(arguments.output),
        clean_up=clean_up_of(arguments),
        tomogram=Path(arguments.auto_mask) if arguments.auto_mask else None,
        voxel_nm=arguments.voxel,
        label=arguments.label,
        polarity=arguments.polarity,
    )


def run(arguments: argparse.Namespace) -> int:
    """Clean, write, and say what each step did."""
    from sxtstudio.workflow.jobs.cleaning import clean_file

    job = job_of(arguments)
    with shown_progress() as (progress, _):
        result = clean_file(job, progress)
    show_cleaned(result)
    return DONE


def show_cleaned(result: CleanResult) -> None:
    """Say what each step did, and what was written."""
    notes = [("warning", warning) for warning in result.warnings]
    notes += [("note", note) for note in result.notes]
    print_rows([*step_rows(result.report), *notes, ("written", receipt_text(result.receipt))])
    before, after = result.report.voxels_before, result.report.voxels_after
    steps = [asdict(step) for step in result.report.steps]
    note_result([result.receipt.path], voxels_before=before, voxels_after=after, steps=steps)


def clean_up_of(arguments: argparse.Namespace) -> CleanUp:
    """Return the clean-up that the options of ``add_clean_up`` ask for."""
    from sxtstudio.core.cleanup import CleanParameters
    from sxtstudio.workflow.jobs.cleaning import CleanUp

    voxels, nm3 = arguments.min_size or (None, None)
    parameters = CleanParameters(
        erode=arguments.erode,
        erode_3d=not arguments.erode_2d,
        min_size_voxels=voxels,
        min_size_nm3=nm3,
        crop=arguments.crop or (0, 0, 0),
        smooth_z=arguments.smooth_z,
        close=arguments.close,
        fill_px=arguments.fill_holes,
        dilate=arguments.dilate,
    )
    mask = Path(arguments.mask) if arguments.mask else None
    return CleanUp(parameters, mask, auto_mask=bool(arguments.auto_mask))


def step_rows(report: CleanReport) -> list[tuple[str, str]]:
    """Return what each step of a clean-up did, as rows to print."""
    rows = [("labels", f"{report.voxels_before} voxels, {report.voxels_after} after the clean-up")]
    for step in report.steps:
        text = f"{step.voxels_before} → {step.voxels_after} voxels in {duration(step.seconds)}"
        if step.objects_removed is not None:
            text += f", {step.objects_removed} of {step.objects_found} objects removed"
        rows.append((step.name, text))
    return rows
