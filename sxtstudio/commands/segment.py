"""``sxtstudio segment``: from a tomogram to labels."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sxtstudio.commands.clean import clean_up_of, step_rows
from sxtstudio.commands.guard import CANCELLED, DONE, say
from sxtstudio.commands.options import (
    add_axes,
    add_clean_up,
    add_force,
    add_leave_out,
    add_neighbours,
    add_noisy,
    add_threshold,
    add_tile,
    add_trust,
    add_voxel,
    named,
    positive_int,
    slice_range,
)
from sxtstudio.commands.terminal import shown_progress
from sxtstudio.commands.text import note_result, print_rows, receipt_text
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.trust import bars, least_certain, median, scale_of
from sxtstudio.core.wording import duration, voxel_zyx_text

if TYPE_CHECKING:
    from sxtstudio.core.polarity import Polarity
    from sxtstudio.segment.parameters import SegmentationFacts
    from sxtstudio.workflow.jobs.segmenting import SegmentJob, SegmentResult


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "segment",
        help="find the membranes of a tomogram and write them as labels",
        description="Segment a tomogram slice by slice. Finished slices are kept in LABELS.partial until the "
        "output is written, so that an interrupted run can be resumed.",
    )
    add_job(parser)
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--resume", dest="resume", action="store_const", const=True, help="go on where a run stopped"
    )
    again.add_argument(
        "--restart", dest="resume", action="store_const", const=False, help="discard what it left"
    )
    parser.set_defaults(run=run)


def add_job(parser: argparse.ArgumentParser) -> None:
    """Add what a segmentation is asked to do."""
    parser.add_argument("tomogram", metavar="FILE", help="tomogram: file, folder, or file.h5::/path")
    parser.add_argument("-o", "--output", metavar="LABELS", required=True, help=".tif, .mrc or .zarr")
    parser.add_argument(
        "--model", metavar="NAME|FILE", help="model by name, or an .onnx file (default: see models)"
    )
    parser.add_argument(
        "--device", default="auto", metavar="DEVICE", help="auto, cpu, cuda or cuda:N (default: auto)"
    )
    add_tile(parser)
    parser.add_argument(
        "--batch", type=positive_int, metavar="N", help="tiles in one go; the result is the same"
    )
    add_threshold(parser)
    parser.add_argument(
        "--polarity", choices=("auto", "dark", "bright"), default="auto", help="how dense structures look"
    )
    parser.add_argument(
        "--slices",
        type=slice_range,
        default=(None, None),
        metavar="A:B",
        help="only the slices A to B-1, counted from 0 as in Python: 100:200, :50, -50:",
    )
    parser.add_argument(
        "--probability", metavar="FILE", help="also write the network's output, scaled to 0…255"
    )
    add_trust(parser)
    add_neighbours(parser)
    add_leave_out(parser)
    add_noisy(parser)
    parser.add_argument("--report", metavar="FILE.json", help="also write a report")
    add_axes(parser)
    add_voxel(parser)
    add_force(parser)
    add_clean_up(parser, own_tomogram=True)


def job_of(arguments: argparse.Namespace) -> SegmentJob:
    """Return what was asked for."""
    from sxtstudio.segment import SegmentParameters
    from sxtstudio.workflow.jobs.segmenting import SegmentJob

    return SegmentJob(
        tomogram=named(arguments.tomogram, arguments.axes),
        output=Path(arguments.output),
        parameters=SegmentParameters(
            model=arguments.model,
            device=arguments.device,
            tile_px=arguments.tile,
            batch=arguments.batch,
            threshold=arguments.threshold,
            use=arguments.use,
            polarity=arguments.polarity,
            slices=arguments.slices,
            probability=bool(arguments.probability),
            trust=arguments.trust,
            neighbours=arguments.neighbours,
            leave_out=arguments.leave_out,
            noisy=arguments.noisy,
        ),
        clean_up=clean_up_of(arguments),
        probability=Path(arguments.probability) if arguments.probability else None,
        resume=arguments.resume,
        report=Path(arguments.report) if arguments.report else None,
        voxel_nm=arguments.voxel,
        force=arguments.force,
    )


def run(arguments: argparse.Namespace) -> int:
    """Segment, write, and say what was found and how."""
    from sxtstudio.segment.checkpoint import UndecidedError
    from sxtstudio.workflow.jobs.segmenting import LooksLikeTiltSeries, partial_folder, segment_file

    job = job_of(arguments)
    with shown_progress() as (progress, display):

        def count(z: int, labels: object, finished: int, total: int) -> None:
            display.slices = finished, total

        try:
            result = segment_file(job, progress, count)
        except (Cancelled, KeyboardInterrupt):
            display.clear()
            say(_how_to_go_on(arguments.words, partial_folder(job.output), display.slices))
            return CANCELLED
        except LooksLikeTiltSeries as error:
            raise UserError(f"{error} (--force segments it all the same.)") from error
        except UndecidedError as error:
            raise UserError(f"{error} (Add --resume or --restart.)") from error
    print_rows(result_rows(result))
    note_segmented(result, job)
    return DONE


def note_segmented(result: SegmentResult, job: SegmentJob | None = None) -> None:
    """Say to other programs what was written and found: what the report holds."""
    probability = None if result.probability is None else result.probability.path
    report = None if job is None else job.report
    note_result([result.labels.path, probability, report], **result.report)


def result_rows(result: SegmentResult) -> list[tuple[str, str]]:
    """Return what was found and written, as rows to print."""
    found = result.segmentation
    per_slice = result.report["seconds"]["per_slice"]
    rows = [
        ("model", found.card.name),
        ("device", f"{found.device}: {found.device_reason}"),
        ("polarity", polarity_text(found.polarity)),
        ("voxel size", voxel_zyx_text(result.labels.voxel_nm)),
        ("time", f"{duration(result.report['seconds']['total'])}"),
    ]
    if per_slice is not None:
        rows[4] = ("time", f"{rows[4][1]}, {duration(per_slice)} per slice")
    if result.clean_up is None:
        rows.append(("labels", f"{found.voxels} voxels"))
    else:
        rows += step_rows(result.clean_up)
    rows += trust_rows(found)
    rows += [("warning", warning) for warning in result.report["warnings"]]
    rows += [("note", note) for note in result.report["notes"]]
    rows.append(("written", receipt_text(result.labels)))
    if result.probability is not None:
        rows.append(("written", receipt_text(result.probability)))
    return rows


def trust_rows(found: SegmentationFacts) -> list[tuple[str, str]]:
    """Return how sure the network was: the median, the least certain slices, and a small plot."""
    figures = found.trust or ()
    middle = median([f.certainty for f in figures])
    if middle is None:
        return []
    worst = ", ".join(
        f"{found.slices[0] + i} ({100 * value:.0f} %)" for i, value in least_certain(figures, 3)
    )
    scale = scale_of(figures)
    ends = "" if scale is None else f", ▁ {100 * scale.low:.0f} % to █ {100 * scale.high:.0f} %"
    rows = [
        ("certainty", f"{100 * middle:.0f} % (median); least certain slices: {worst}, counted from 0"),
        ("", f"{bars(figures)} first to last slice{ends}"),
    ]
    seen = median([f.recognised for f in figures])
    if seen is not None:
        rows.append(("recognised", f"{100 * seen:.0f} % of the pixels (median of the redrawn slices)"))
    return rows


def polarity_text(polarity: Polarity) -> str:
    """Return the polarity, how surely it is known, and what to do where that is not enough."""
    text = f"{polarity.value}: {polarity.reason}"
    return text if polarity.sure else f"{text} (--polarity {polarity.other})"


def _how_to_go_on(words: list[str], folder: Path, slices: tuple[int, int] | None) -> str:
    if slices is None or not folder.exists():
        return "Cancelled before the first slice was finished; nothing was written."
    again = [word for word in words if word not in ("--resume", "--restart")]
    return (
        f"Cancelled; {slices[0]} of {slices[1]} slices are finished and kept in {folder}. "
        f"Go on with: sxtstudio {shlex.join([*again, '--resume'])}"
    )
