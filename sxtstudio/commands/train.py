"""``sxtstudio train``: a model from labels."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sxtstudio.commands.guard import CANCELLED, DONE, cancel_on_signals, say
from sxtstudio.commands.json_lines import JsonLines, active
from sxtstudio.commands.output import show, show_json
from sxtstudio.commands.text import note_result
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.progress import Progress, ProgressState
from sxtstudio.core.wording import count, duration

if TYPE_CHECKING:
    from sxtstudio.training.config import TrainConfig
    from sxtstudio.training.job import StartModel


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "train",
        help="train a model with your own labels",
        description="Train a model as CONFIG.toml says, or further with the slices of projects that were "
        "judged (Tools > Evaluate) or called complete, as Tools > Retrain does. The run's folder keeps its "
        "state: the same command goes on where a run was interrupted.",
    )
    parser.add_argument(
        "config",
        nargs="+",
        metavar="CONFIG.toml|PROJECT.sxt",
        help="what to train, with what, for how long; or one or several projects",
    )
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", help="the run's folder (default: CONFIG.run, PROJECT.run)"
    )
    parser.add_argument("--model", metavar="NAME", help="with projects: go on from it (default: the default)")
    parser.add_argument("--name", help="with projects: of the new model (default: one that is free)")
    parser.add_argument(
        "--minutes", metavar="N", type=_minutes, help="with projects: for how long (default: 8)"
    )
    parser.add_argument("--restart", action="store_true", help="begin anew; the old state is kept aside")
    parser.add_argument("--json", action="store_true", help="one JSON object a line on stdout, for programs")
    parser.add_argument(
        "--control",
        action="store_true",
        help="obey pause, resume, stop (keep the best so far) and cancel on stdin",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train, and say how far it is and how good it has become."""
    from sxtstudio.io.project import is_project

    path = Path(arguments.config[0])
    folder = Path(arguments.output) if arguments.output else path.with_suffix(".run")
    lines = active()
    as_json = arguments.json and lines is None
    listener = _as_json if as_json else _Words() if lines is None else _AsLines(lines)
    try:
        if is_project(path):
            path, folder = _from_projects(arguments, folder)
        elif len(arguments.config) > 1 or arguments.model or arguments.name or arguments.minutes:
            raise UserError(
                f"{path} is no project: give one CONFIG.toml, which says all, or projects (NAME.sxt) alone."
            )
        config, start = _prepared(path)
    except UserError as error:
        if as_json:
            _as_json({"event": "error", "text": str(error)})
        raise
    from sxtstudio.training.control import Control, lines_of
    from sxtstudio.training.job import train_model

    control = Control()
    first = os.environ.get("RANK", "0") == "0"  # torchrun numbers the processes it starts
    if arguments.control and first:
        control.listen(lines_of(sys.stdin))
    try:
        with cancel_on_signals(control.progress):
            model = train_model(
                config, folder, start=start, restart=arguments.restart, listener=listener, control=control
            )
    except (Cancelled, KeyboardInterrupt):
        say(f"Cancelled; the same command goes on from the state in {folder}.")
        return CANCELLED
    note_result([model])
    if first and not arguments.json and lines is None:
        show(f"The model is {model}. To use it everywhere by its name, install it with Tools > Models.")
    return DONE


def _minutes(text: str) -> float:
    """Return a number of minutes."""
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0
    if not 0 < minutes <= 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of minutes, such as 8")
    return minutes


def _from_projects(arguments: argparse.Namespace, folder: Path) -> tuple[Path, Path]:
    """Copy the slices of projects into a folder, unless a training was begun there; where both lie then."""
    from sxtstudio.workflow.retraining.projects import USUAL_MINUTES, begin_from_projects
    from sxtstudio.workflow.retraining.runs import CONFIG, RUN

    if (folder / CONFIG).exists() and not arguments.restart:
        say(f"Going on with the slices that were copied into {folder}; --restart copies them anew.")
        return folder / CONFIG, folder / RUN
    progress = Progress()
    with cancel_on_signals(progress):
        run = begin_from_projects(
            [Path(name) for name in arguments.config],
            folder,
            model=arguments.model or "",
            name=arguments.name or "",
            minutes=arguments.minutes or USUAL_MINUTES,
            say=say,
            progress=progress,
        )
    return run.config, run.run


def _prepared(path: Path) -> tuple[TrainConfig, StartModel | None]:
    """Read the configuration and find the model to go on from."""
    from sxtstudio.training.config import load_config
    from sxtstudio.workflow.retraining.child import bring_torch, why_not

    config = load_config(path)
    bring_torch()
    try:
        import sxtstudio.training.job as job
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise UserError(why_not()) from error
    if config.start_from is None:
        return config, None
    from sxtstudio.segment import load_card

    name = config.start_from
    card = load_card(Path(name) if name.lower().endswith((".onnx", ".json")) else name)
    if card.path is None:
        raise UserError(f"The model {name} has no file to go on from.")
    uses = {use.value: vars(entry) for use, entry in card.uses.items()}
    return config, job.StartModel(card.path, card.name, card.threshold, card.voxel_nm, card.trained_on, uses)


def _as_json(event: dict[str, Any]) -> None:
    show_json(event)


class _AsLines:
    """Tells events to other programs, in the lines that every command has."""

    def __init__(self, lines: JsonLines) -> None:
        from sxtstudio.workflow.retraining.events import History

        self._lines, self._words, self._history = lines, _Words(), History()

    def __call__(self, event: dict[str, Any]) -> None:
        self._history.add(event)
        if event["event"] == "step":
            so_far = self._history
            state = ProgressState("training", so_far.fraction, so_far.seconds or 0.0, so_far.remaining_s)
            self._lines.progress(state, so_far.step, so_far.of or None)
        else:
            self._lines.note(self._words.sentence(event))
        if event["event"] == "done":
            self._lines.found((), {key: value for key, value in event.items() if key != "event"})


class _Words:
    """Tells events to people."""

    def __call__(self, event: dict[str, Any]) -> None:
        text = self.sentence(event)
        if text:
            show(text)

    def sentence(self, event: dict[str, Any]) -> str:
        """Return what is said of an event; "" where nothing is."""
        from sxtstudio.core.training_events import JudgedOn

        match event["event"]:
            case "start":
                if event.get("judged_on") == JudgedOn.STRIP:
                    judge = "a fifth of it to judge by"
                else:
                    judge = f"{count(event['held_out'], 'slice')} to judge by"
                slices = ", ".join(
                    f"{count(event[key], 'slice')} {what}" if key != "held_out" else judge
                    for key, what in (
                        ("labelled", "to learn from"),
                        ("held_out", "to judge by"),
                        ("unlabelled", "without labels"),
                    )
                )
                begun = f"Going on from step {event['step']}" if event["step"] else "Training"
                return f"{begun} on {event['device']}: {slices}."
            case "evaluate":
                best = ", the best so far" if event["best"] else ""
                return (
                    f"step {event['step']}: precision {event['precision']:.2f}, "
                    f"recall {event['recall']:.2f}, F1 {event['f1']:.2f}{best}"
                )
            case "step":
                return self._progress(event)
            case "note":
                return str(event["text"])
            case "done":
                return self._end(event)
        return ""

    def _progress(self, event: dict[str, Any]) -> str:
        if event["step"] % 10 or event["remaining_s"] is None or event["label_loss"] is None:
            return ""
        of = f" of {event['of']}" if event["of"] else ""
        return (
            f"step {event['step']}{of}: loss {event['label_loss']:.3g}, {duration(event['remaining_s'])} left"
        )

    def _end(self, event: dict[str, Any]) -> str:
        from sxtstudio.core.training_events import JudgedOn, is_clear

        after, before = event["after"], event["before"]
        strip = event.get("judged_on") == JudgedOn.STRIP
        where = "on a strip of the same slice" if strip else "on held-out slices"
        text = f"Done ({event['reason']}) at step {event['step']}: F1 {after['f1']:.2f} {where}"
        if before is None:
            return f"{text}."
        worse = "" if event["better"] else "; it is not better than the model it started from"
        if not is_clear(before["f1"], after["f1"]):
            worse = "; too little to tell whether it is better than the model it started from"
        return f"{text}, before {before['f1']:.2f}{worse}."
