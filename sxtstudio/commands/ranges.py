"""``sxtstudio ranges``: one large tomogram in ranges of slices, by many processes or computers."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sxtstudio.commands import clean, measure, objects, segment
from sxtstudio.commands.guard import CANCELLED, DONE, say
from sxtstudio.commands.options import named, not_empty, positive_int, whole_number
from sxtstudio.commands.output import show, show_json
from sxtstudio.commands.terminal import shown_progress
from sxtstudio.commands.text import note_item, note_result, print_rows
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.wording import duration

if TYPE_CHECKING:
    from sxtstudio.commands.terminal import ProgressDisplay
    from sxtstudio.core.progress import Progress
    from sxtstudio.workflow.ranges.state import RangesState


def add(commands: Any) -> None:
    """Add the command's parsers."""
    parser = commands.add_parser(
        "ranges",
        help="work on a large tomogram in ranges of slices, on many computers",
        description="Segment one large tomogram in ranges of slices: plan them, run each on any computer, "
        "and finish. The result is that of 'segment'. What is finished is kept in LABELS.ranges, which all "
        "computers must see. Labels are cleaned, and objects found and measured, in ranges as well.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_plan(actions)
    _add_plan_of_labels(actions)
    _add_run(actions)
    _add_finish(actions)
    _add_show(actions)


def _add_plan(actions: Any) -> None:
    parser = actions.add_parser(
        "plan",
        help="divide a tomogram into ranges",
        description="Divide a tomogram into ranges, and decide on all that they have in common. The same "
        "command again goes on with the same plan.",
    )
    segment.add_job(parser)
    _add_per_range(parser)
    parser.set_defaults(run=run_plan)


def _add_plan_of_labels(actions: Any) -> None:
    kinds = (
        ("plan-clean", "divide the clean-up of labels into ranges", clean.add_job, run_plan_clean),
        ("plan-objects", "divide the search for objects into ranges", objects.add_job, run_plan_objects),
        (
            "plan-measure",
            "divide the measurement of objects into ranges; 'measure --ranges' joins them",
            measure.add_job,
            run_plan_measure,
        ),
    )
    for name, what, add_job, run in kinds:
        parser = actions.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
        add_job(parser)
        _add_per_range(parser)
        parser.set_defaults(run=run)


def _add_per_range(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--slices-per-range",
        type=positive_int,
        metavar="N",
        help="slices in a range, rounded up to a multiple of 16 (default: 32, which takes 6 %% more work)",
    )
    parser.add_argument(
        "--restart", dest="resume", action="store_const", const=False, help="discard what is finished"
    )
    _add_json(parser)


def _add_run(actions: Any) -> None:
    parser = actions.add_parser(
        "run",
        help="do ranges; stopped, the same command goes on",
        description="Do one range, several, or all that are left. What is finished already takes no "
        "time, and a range that was stopped goes on from its finished slices, on whatever computer.",
    )
    _add_folder(parser)
    parser.add_argument(
        "--range",
        type=whole_number,
        nargs="+",
        dest="numbers",
        metavar="N",
        help="numbers of ranges, from 0 (default: all that are left and that nobody else works on)",
    )
    parser.add_argument(
        "--device", default="auto", metavar="DEVICE", help="auto, cpu, cuda or cuda:N (default: auto)"
    )
    parser.add_argument(
        "--tile", type=positive_int, metavar="PX", help="edge of the tiles; the result is the same"
    )
    _add_places(parser)
    for option, metavar in (("--cluster", "WHERE"), ("--profile", "NAME|FILE")):
        parser.add_argument(option, type=not_empty, metavar=metavar, help="as for 'sxtstudio batch'")
    parser.set_defaults(run=run_ranges)


def _add_finish(actions: Any) -> None:
    parser = actions.add_parser(
        "finish",
        help="join the ranges: clean up, write labels and report",
        description="Check that all ranges are there and as they were written, clean up, write the outputs, "
        "and remove LABELS.ranges.",
    )
    _add_folder(parser)
    _add_places(parser)
    parser.set_defaults(run=run_finish)


def _add_show(actions: Any) -> None:
    parser = actions.add_parser(
        "show", help="say what is finished", description="Say which ranges there are and what is finished."
    )
    _add_folder(parser)
    _add_json(parser)
    parser.set_defaults(run=run_show)


def _add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="LABELS", help="label file of the plan, or LABELS.ranges")


def _add_places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tomogram", metavar="FILE", help="the tomogram, where it lies elsewhere on this computer"
    )
    parser.add_argument(
        "--model", metavar="NAME|FILE", help="the model, where it lies elsewhere on this computer"
    )


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def run_plan(arguments: argparse.Namespace) -> int:
    """Plan, and say which ranges there are."""
    from sxtstudio.workflow.jobs.segmenting import LooksLikeTiltSeries
    from sxtstudio.workflow.ranges.planning import plan_segmentation
    from sxtstudio.workflow.ranges.split import SLICES_PER_RANGE

    job = segment.job_of(arguments)
    with shown_progress() as (progress, _):
        try:
            state = plan_segmentation(job, arguments.slices_per_range or SLICES_PER_RANGE, progress)
        except LooksLikeTiltSeries as error:
            raise UserError(f"{error} (--force segments it all the same.)") from error
    _show_state(state, arguments.json, arguments.slices_per_range)
    return DONE


def run_plan_clean(arguments: argparse.Namespace) -> int:
    """Plan a clean-up, and say which ranges there are."""
    from sxtstudio.workflow.ranges.cleaning import plan_cleaning

    return _plan(arguments, clean.job_of(arguments), plan_cleaning)


def run_plan_objects(arguments: argparse.Namespace) -> int:
    """Plan the search for objects, and say which ranges there are."""
    from sxtstudio.workflow.ranges.objects import plan_objects

    return _plan(arguments, objects.job_of(arguments), plan_objects)


def run_plan_measure(arguments: argparse.Namespace) -> int:
    """Plan a measurement, and say which ranges there are."""
    from sxtstudio.workflow.ranges.measuring import plan_measuring

    return _plan(arguments, measure.job_of(arguments), plan_measuring)


def _plan(arguments: argparse.Namespace, job: Any, plan: Callable[..., RangesState]) -> int:
    from sxtstudio.workflow.ranges.split import SLICES_PER_RANGE

    per_range = arguments.slices_per_range or SLICES_PER_RANGE
    with shown_progress() as (progress, _):
        state = plan(job, per_range, progress, restart=arguments.resume is False)
    _show_state(state, arguments.json, arguments.slices_per_range)
    return DONE


def run_show(arguments: argparse.Namespace) -> int:
    """Say what is finished."""
    from sxtstudio.workflow.ranges.state import read_state

    _show_state(read_state(_folder(arguments)), arguments.json)
    return DONE


def run_ranges(arguments: argparse.Namespace) -> int:
    """Do ranges, and say of each what was done."""
    folder = _folder(arguments)
    chosen: list[int] | None = arguments.numbers
    done = count()

    def say_done(number: int, first: int, last: int, seconds: float, figures: Mapping[str, Any]) -> None:
        if not note_item(
            Path(f"range {number}"),
            "done",
            number=next(done) + 1,
            of=None if chosen is None else len(chosen),
            output=folder,
            figures={"range": number, "slices": [first, last], "seconds": seconds, **figures},
        ):
            said = [f"slices {first} to {last - 1}"]
            said += [f"{name} {value}" for name, value in figures.items()]
            show(f"range {number}: {', '.join(said)}, {duration(seconds)}")

    with shown_progress() as (progress, display):
        try:
            if arguments.cluster or arguments.profile:
                _run_on_cluster(arguments, folder, progress, display, say_done)
            else:
                _run_here(arguments, folder, progress, display, say_done)
        except (Cancelled, KeyboardInterrupt):
            display.clear()
            again = shlex.join(arguments.words)
            say(f"Cancelled; what is finished is kept in {folder}. Go on with: sxtstudio {again}")
            return CANCELLED
    return DONE


def _run_here(
    arguments: argparse.Namespace,
    folder: Path,
    progress: Progress,
    display: ProgressDisplay,
    say_done: Callable[..., None],
) -> None:
    from sxtstudio.segment.keeper import RunnerKeeper
    from sxtstudio.workflow.ranges.any_range import AnyRange, any_range
    from sxtstudio.workflow.ranges.state import ranges_left

    def on_slice(z: int, labels: object, finished: int, total: int) -> None:
        display.slices = finished, total

    keeper = RunnerKeeper()
    tomogram, model = _places(arguments)
    for number in ranges_left(folder) if arguments.numbers is None else arguments.numbers:
        job = AnyRange(folder, number, arguments.device, arguments.tile, tomogram, model)
        progress.restart(f"range {number}")
        result = any_range(job, progress, on_slice, keeper=keeper)
        display.clear()
        say_done(number, result.first, result.last, result.seconds, result.figures)
    keeper.close()


def _run_on_cluster(
    arguments: argparse.Namespace,
    folder: Path,
    progress: Progress,
    display: ProgressDisplay,
    say_done: Callable[..., None],
) -> None:
    from sxtstudio.cluster.door import need_dask
    from sxtstudio.cluster.profile import profile_of
    from sxtstudio.workflow.ranges.state import read_state

    profile = profile_of(arguments.cluster, arguments.profile)
    need_dask()
    from sxtstudio.cluster.planned import PlannedRanges, run_planned_ranges

    tomogram, model = _places(arguments)
    numbers = arguments.numbers or read_state(folder).unfinished
    job = PlannedRanges(folder, numbers, arguments.device, arguments.tile, tomogram, model)

    def on_range(number: int, worker: str, found: dict[str, int | float | str]) -> None:
        display.clear()
        figures = {name: value for name, value in found.items() if name not in ("first", "last", "seconds")}
        figures = {**figures, "worker": worker}
        say_done(number, int(found["first"]), int(found["last"]), float(found["seconds"]), figures)

    run_planned_ranges(job, profile, progress, on_range)


def run_finish(arguments: argparse.Namespace) -> int:
    """Join the ranges, and say what was found and how."""
    from sxtstudio.workflow.jobs.cleaning import CleanResult
    from sxtstudio.workflow.jobs.segmenting import SegmentResult
    from sxtstudio.workflow.ranges.any_range import finish_any

    tomogram, model = _places(arguments)
    with shown_progress() as (progress, _):
        result = finish_any(_folder(arguments), progress, tomogram=tomogram, model=model)
    if isinstance(result, SegmentResult):
        print_rows(segment.result_rows(result))
        segment.note_segmented(result)
    elif isinstance(result, CleanResult):
        clean.show_cleaned(result)
    else:
        objects.show_found(*result)
    return DONE


def _folder(arguments: argparse.Namespace) -> Path:
    """Return the folder of the plan; the label file names it, too."""
    from sxtstudio.workflow.ranges.state import ranges_folder

    given = Path(arguments.folder)
    return given if given.suffix == ".ranges" else ranges_folder(given)


def _places(arguments: argparse.Namespace) -> tuple[Path | None, str | Path | None]:
    tomogram = None if arguments.tomogram is None else named(arguments.tomogram, None)
    return tomogram, arguments.model


def _show_state(state: RangesState, as_json: bool, asked_for: int | None = None) -> None:
    """Print what is planned and done; ``asked_for`` are the slices per range that the user has given."""
    from sxtstudio.workflow.ranges.split import whole_layers

    ranges = [
        {
            "range": one.range.number,
            "slices": [state.first_slice + one.range.first, state.first_slice + one.range.last],
            "finished": one.finished,
            "slices_finished": one.slices_finished,
        }
        for one in state.ranges
    ]
    figures = {"folder": str(state.folder), "output": str(state.output), "ranges": ranges}
    note_result([], **figures)
    if as_json:
        show_json(figures, indent=2)
        return
    rows = [("folder", str(state.folder)), ("labels", str(state.output))]
    for one in state.ranges:
        first, last = (state.first_slice + z for z in (one.range.first, one.range.last))
        done = "finished" if one.finished else f"{one.slices_finished} of {one.range.depth} slices finished"
        rows.append((f"range {one.range.number}", f"slices {first} to {last - 1}, {done}"))
    if asked_for is not None and whole_layers(asked_for) != asked_for:
        rows.append(
            (
                "note",
                f"{asked_for} slices per range were rounded up to {whole_layers(asked_for)}: ranges end "
                "where layers of chunks end",
            )
        )
    left = len(state.unfinished)
    rows.append(("left", f"{left} of {len(state.ranges)}" if left else "nothing: finish it"))
    print_rows(rows)
