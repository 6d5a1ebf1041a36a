"""``sxtstudio classify``: classes of objects by rules or by a classifier."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sxtstudio.commands.guard import BAD_INPUT, DONE, say
from sxtstudio.commands.json_lines import active
from sxtstudio.commands.options import add_axes, add_flags, add_voxel, named
from sxtstudio.commands.output import show
from sxtstudio.commands.terminal import shown_progress
from sxtstudio.commands.text import note_item, note_result, print_rows
from sxtstudio.core.errors import UserError, sentence_of
from sxtstudio.core.wording import count, share

if TYPE_CHECKING:
    from sxtstudio.workflow.jobs.classifying import ClassifyJob, ClassifyResult

_TABLES = (".csv", ".xlsx", ".parquet")
_REASONS = 3


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "classify",
        help="give objects their classes by rules or by a classifier",
        description="Measure the objects of files and give each a class: by a classifier that was trained in "
        "the window or here, and by rules, which come before it. The table is that of 'measure', with the "
        "class, who gave it, and how sure the classifier was.",
    )
    parser.add_argument("objects", metavar="OBJECTS", nargs="+", help="files of objects, one number each")
    parser.add_argument("--classifier", metavar="FILE", help="a classifier, .json")
    parser.add_argument("--rules", metavar="FILE", help="rules, .json")
    parser.add_argument(
        "--image",
        metavar="TOMOGRAM",
        nargs="+",
        default=[],
        help="the tomograms, in the order of OBJECTS, for classifiers and rules that go by grey values",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="TABLE",
        required=True,
        help=".csv, .xlsx or .parquet; of several OBJECTS a folder, for a .csv of each",
    )
    parser.add_argument(
        "--train",
        metavar="TABLE",
        help="train a classifier with the classes that this table (columns object and class) gives some of "
        "the objects, together with the examples of --classifier",
    )
    parser.add_argument("--save", metavar="FILE", help="write the trained classifier, .json")
    parser.add_argument(
        "--polarity",
        choices=("auto", "dark", "bright"),
        default="auto",
        help="whether absorbing structures are dark or bright in the tomogram (default: found by itself)",
    )
    add_flags(parser)
    add_axes(parser, "OBJECTS")
    add_voxel(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Classify file after file, and say what was found."""
    from sxtstudio.workflow.jobs.classifying import classify_file

    jobs = _jobs(arguments)
    failed = 0
    for number, job in enumerate(jobs, 1):
        name, of = job.measure.source, len(jobs)
        if len(jobs) > 1 and active() is None:
            show(f"{number} of {len(jobs)}  {job.measure.source.name}")
        try:
            with shown_progress() as (progress, _):
                result = classify_file(job, progress)
        except Exception as error:  # the others are classified all the same
            sentence = sentence_of(error, slices_from=0)
            if sentence is None or len(jobs) == 1:
                raise
            say(sentence)
            note_item(name, "failed", number, of, message=sentence)
            failed += 1
            continue
        print_rows(_rows(result, job))
        written = [*result.measured.written, job.save]
        found = {"objects": sum(result.counts.values()), "classes": dict(result.counts)}
        note_result(written)
        note_item(name, "done", number, of, output=job.measure.table, figures=found)
    if failed:
        say(f"{count(failed, 'file')} of {len(jobs)} could not be classified.")
    return BAD_INPUT if failed else DONE


def _jobs(arguments: argparse.Namespace) -> list[ClassifyJob]:
    from sxtstudio.workflow.jobs.classifying import ClassifyJob
    from sxtstudio.workflow.jobs.measuring import MeasureJob
    from sxtstudio.workflow.jobs.objects import TakenAs

    sources = [named(file, arguments.axes) for file in arguments.objects]
    if arguments.image and len(arguments.image) != len(sources):
        images = count(len(arguments.image), "tomogram")
        raise UserError(
            f"There are {count(len(sources), 'file')} of objects and {images}: "
            "give one tomogram for each, in their order (--image)."
        )
    if arguments.train and len(sources) > 1:
        raise UserError("A classifier is trained with one file of objects at a time: give a single one.")
    if arguments.save and not arguments.train:
        raise UserError(
            "Only a classifier that is trained can be saved: give --train, too, or leave --save out."
        )
    if arguments.flags and len(sources) > 1:
        raise UserError("The flags of a table belong to one file of objects: give a single one with --flags.")
    given: list[Path | None] = [Path(file) for file in arguments.image]
    tables = _tables(Path(arguments.output), sources)
    job = ClassifyJob(
        MeasureJob(
            sources[0],
            tables[0],
            taken_as=TakenAs.OBJECTS,
            voxel_nm=arguments.voxel,
            flags=_path(arguments.flags),
        ),
        classifier=_path(arguments.classifier),
        rules=_path(arguments.rules),
        training=_path(arguments.train),
        save=_path(arguments.save),
        polarity=arguments.polarity,
    )
    return [
        replace(job, measure=replace(job.measure, source=source, table=table, image=image))
        for source, table, image in zip(sources, tables, given or [None] * len(sources), strict=True)
    ]


def _tables(output: Path, sources: list[Path]) -> list[Path]:
    """Return the table of each file."""
    if len(sources) == 1 and not output.is_dir():
        return [output]
    if output.suffix.lower() in _TABLES:
        raise UserError(f"Several files need a table each: give a folder with -o, not {output.name}.")
    tables = [output / f"{source.name.split('.')[0] or source.name}.classes.csv" for source in sources]
    twice = {table.name for table in tables if tables.count(table) > 1}
    if twice:
        raise UserError(
            f"Several files would have the table {min(twice)}: classify them apart, into other folders."
        )
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"The folder {output} cannot be made: {error.strerror or error}.") from error
    return tables


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _rows(result: ClassifyResult, job: ClassifyJob) -> list[tuple[str, str]]:
    """Return what is said of a file."""
    found = sum(result.counts.values())
    rows = [("objects", count(found, "object"))]
    trained = result.trained
    if trained is not None:
        rows.append(("classifier", trained.scores.text))
        rows += [(f"  {one.name}", f"{one.right} of {one.objects} right") for one in trained.scores.classes]
        reasons = ", ".join(f"{one.title} ({share(one.part)})" for one in trained.reasons[:_REASONS])
        rows.append(("goes by", reasons))
        if job.save is not None:
            rows.append(("written", str(job.save)))
    for name, objects in sorted(result.counts.items(), key=lambda item: (not item[0], -item[1], item[0])):
        rows.append((name or "no class", count(objects, "object")))
    if result.unsure:
        rows.append(("check", f"{count(result.unsure, 'object')} of whose class it is less than 60 % sure"))
    rows += [("note", text) for text in (*result.notes, *result.measured.notes)]
    rows += [("written", str(path)) for path in result.measured.written]
    return rows
