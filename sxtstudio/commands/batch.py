"""``sxtstudio batch``: many tomograms with one set of parameters, or each that arrives in a folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sxtstudio.commands.beamtime import add_beamtime, beamtime_of
from sxtstudio.commands.clean import clean_up_of
from sxtstudio.commands.guard import BAD_INPUT, CANCELLED, DONE, say
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
    not_empty,
)
from sxtstudio.commands.output import show
from sxtstudio.commands.terminal import ProgressDisplay, shown_progress
from sxtstudio.commands.text import note_item, note_result, note_rows
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.wording import count, duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from sxtstudio.workflow.jobs.batch import BatchParameters
    from sxtstudio.workflow.jobs.batch_files import BatchRow
    from sxtstudio.workflow.jobs.batch_jobs import JobRunner


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "batch",
        help="segment many tomograms, or each that arrives in a folder",
        description="Segment many tomograms, one after another, or on many machines (--cluster). An error "
        "in one does not stop the others. "
        "Ctrl-C keeps what is finished; the same command with --skip-existing goes on from there.",
    )
    parser.add_argument("tomograms", metavar="FILE", nargs="*", help="tomograms: files, or folders of slices")
    parser.add_argument(
        "--watch",
        metavar="FOLDER",
        help="segment each finished tomogram that arrives here, until Ctrl-C; "
        "folders of slices are not taken",
    )
    add_beamtime(parser)
    parser.add_argument("-o", "--output", metavar="FOLDER", help="for the labels (default: beside each)")
    parser.add_argument(
        "--format", choices=("tif", "mrc"), default="tif", help="of the labels (default: tif)"
    )
    parser.add_argument("--model", metavar="NAME|FILE", help="model by name, or an .onnx file")
    parser.add_argument("--device", default="auto", metavar="DEVICE", help="auto, cpu, cuda or cuda:N")
    add_threshold(parser)
    parser.add_argument(
        "--polarity", choices=("auto", "dark", "bright"), default="auto", help="how dense structures look"
    )
    add_tile(parser)
    add_trust(parser)
    add_neighbours(parser)
    add_leave_out(parser)
    add_noisy(parser)
    there = parser.add_mutually_exclusive_group()
    there.add_argument(
        "--skip-existing",
        dest="existing",
        action="store_const",
        const="skip",
        help="leave out tomograms whose labels are there already (with --watch always), unless a report says "
        "that those are of a former file of this name",
    )
    there.add_argument(
        "--replace",
        dest="existing",
        action="store_const",
        const="replace",
        help="overwrite labels that are there already (default: another name)",
    )
    parser.add_argument(
        "--restart", action="store_true", help="begin interrupted tomograms anew instead of going on"
    )
    parser.add_argument("--no-reports", action="store_true", help="write no JSON report beside each result")
    parser.add_argument("--contact-sheet", metavar="FILE.png", help="also write a picture of all results")
    parser.add_argument(
        "--summary", metavar="FILE", action="append", default=[], help="also write a table, .csv or .json"
    )
    parser.add_argument(
        "--cluster",
        type=not_empty,
        metavar="WHERE",
        help="on several workers: local:N (processes of this machine), slurm, pbs, lsf, sge, or "
        "tcp://HOST:PORT (a scheduler of dask); the results are the same",
    )
    parser.add_argument(
        "--profile",
        type=not_empty,
        metavar="NAME|FILE",
        help="what each worker gets: a TOML file ('sxtstudio cluster profile --example slurm' prints one)",
    )
    parser.add_argument(
        "--slices-per-task",
        type=slices_per_task,
        metavar="N",
        help="divide tomograms of more slices into ranges of N, which several workers share; 0: never "
        "(default: as the profile says; else large ones into 32, where workers are more than tomograms)",
    )
    add_axes(parser, "each FILE")
    add_voxel(parser)
    add_force(parser)
    add_clean_up(parser, own_tomogram=True)
    parser.set_defaults(run=run, existing="rename")


def run(arguments: argparse.Namespace) -> int:
    """Segment all of them, and say what became of each."""
    from sxtstudio.workflow.jobs.batch import run_batch
    from sxtstudio.workflow.jobs.watching import run_watch

    if bool(arguments.tomograms) == bool(arguments.watch):
        raise UserError("Give either tomograms or --watch FOLDER; 'sxtstudio batch --help' shows how.")
    parameters = _parameters(arguments)
    with shown_progress() as (progress, display):
        rows = _Rows(len(arguments.tomograms), display, reports=parameters.reports)
        runner = _runner(arguments, rows.note)
        follower = beamtime_of(arguments, rows.line)
        try:
            if arguments.watch:
                run_watch(
                    Path(arguments.watch),
                    parameters,
                    rows,
                    progress,
                    slices_from=0,
                    on_note=rows.note,
                    follower=follower,
                    runner=runner,
                )
            else:
                tomograms = [Path(name) for name in arguments.tomograms]
                run_batch(tomograms, parameters, rows, progress, slices_from=0, runner=runner)
        except Cancelled:
            display.clear()
            if arguments.watch and not rows.stopped:
                rows.conclude(parameters)
                return DONE
            say(f"Cancelled; {rows.total()}. The same command with --skip-existing goes on.")
            return CANCELLED
    rows.conclude(parameters)
    # Whoever calls this from a script must hear of errors.
    return BAD_INPUT if rows.states.count("failed") else DONE


def slices_per_task(text: str) -> int:
    """Read a number of slices, 0 or more."""
    number = int(text)
    if not 0 <= number <= 100_000:
        raise argparse.ArgumentTypeError(f"{text} is no number of slices from 0 to 100000")
    return number


def _runner(arguments: argparse.Namespace, on_note: Callable[[str], None]) -> JobRunner | None:
    """Return what runs the jobs on a cluster; nothing of dask is loaded without one."""
    if not arguments.cluster and not arguments.profile:
        if arguments.slices_per_task is not None:
            raise UserError(
                "--slices-per-task is for several workers: give --cluster too, such as --cluster local:2."
            )
        return None
    from sxtstudio.cluster.door import runner_of

    return runner_of(arguments.cluster, arguments.profile, arguments.slices_per_task, on_note)


def _parameters(arguments: argparse.Namespace) -> BatchParameters:
    from sxtstudio.segment import SegmentParameters
    from sxtstudio.workflow.jobs.batch import BatchParameters

    return BatchParameters(
        segmentation=SegmentParameters(
            model=arguments.model,
            device=arguments.device,
            tile_px=arguments.tile,
            threshold=arguments.threshold,
            use=arguments.use,
            polarity=arguments.polarity,
            trust=arguments.trust,
            neighbours=arguments.neighbours,
            leave_out=arguments.leave_out,
            noisy=arguments.noisy,
        ),
        clean_up=clean_up_of(arguments),
        voxel_nm=arguments.voxel,
        force=arguments.force,
        axes=arguments.axes,
        folder=Path(arguments.output) if arguments.output else None,
        suffix=f".{arguments.format}",
        existing=arguments.existing,
        resume=not arguments.restart,
        reports=not arguments.no_reports,
        contact_sheet=Path(arguments.contact_sheet) if arguments.contact_sheet else None,
        summary=tuple(Path(name) for name in arguments.summary),
    )


class _Rows:
    """Prints a line for each tomogram that has ended."""

    def __init__(self, count: int, display: ProgressDisplay, *, reports: bool) -> None:
        self._display = display
        self._count = count
        self._reports = reports
        self._states: dict[int, str] = {}
        self._texts: dict[int, tuple[str, str]] = {}
        self._outputs: dict[int, list[Path]] = {}

    def __call__(self, number: int, row: BatchRow) -> None:
        self._states[number] = row.state
        self._display.slices = row.slices if row.state == "running" and not row.worker else None
        if row.state in ("done", "skipped", "failed"):
            self._display.clear()
            self._texts[number] = (str(row.tomogram), _row_text(row))
            if row.state == "done" and row.output is not None:
                report = [row.output.with_suffix(".json")] if self._reports else []
                self._outputs[number] = [row.output, *report]
            if not self._noted(number, row):
                of = f" of {self._count}" if self._count else ""
                show(f"{number + 1}{of}  {row.tomogram}: {_row_text(row)}")

    def _noted(self, number: int, row: BatchRow) -> bool:
        figures = {"seconds": row.seconds, "labelled": row.labelled, **(row.details or {})}
        of, output = self._count or None, row.output if row.state != "failed" else None
        return note_item(
            row.tomogram, row.state, number + 1, of, output=output, message=_said(row), figures=figures
        )

    def note(self, text: str) -> None:
        """Print a note about all of them."""
        self.line(f"note: {text}")

    def line(self, text: str) -> None:
        """Print a line that is no row."""
        self._display.clear()
        show(text)

    @property
    def states(self) -> list[str]:
        return list(self._states.values())

    @property
    def stopped(self) -> bool:
        return "stopped" in self.states

    def counts(self) -> dict[str, int]:
        """Return how many ended how."""
        return {state: self.states.count(state) for state in ("done", "skipped", "failed")}

    def conclude(self, parameters: BatchParameters) -> None:
        """Say how many were segmented, and to other programs also what was written."""
        show(self.total())
        made = [path for number in sorted(self._outputs) for path in self._outputs[number]]
        made += [path for path in (parameters.contact_sheet, *parameters.summary) if path is not None]
        note_rows([*(self._texts[number] for number in sorted(self._texts)), ("total", self.total())])
        note_result([path for path in made if path.exists()], **self.counts())

    def total(self) -> str:
        words = [f"{self.states.count('done')} of {count(len(self.states), 'tomogram')} segmented"]
        words += [
            f"{self.states.count(state)} {state}" for state in ("skipped", "failed") if state in self.states
        ]
        return ", ".join(words)


def _row_text(row: BatchRow) -> str:
    if row.state != "done" or row.labelled is None or row.seconds is None:
        return f"{row.state}, {row.message}" if row.message else row.state
    note = f", on {row.worker}" if row.worker else ""
    said = _said(row)
    note += f"; {said}" if said else ""
    return f"{row.output}, {100 * row.labelled:.2f} % labelled, {duration(row.seconds)}{note}"


def _said(row: BatchRow) -> str:
    """Return the message, and why a worker has found no objects in labels that are there."""
    trouble = row.objects.trouble if row.objects is not None else ""
    return "; ".join(text for text in (row.message, f"no objects: {trouble}" if trouble else "") if text)
