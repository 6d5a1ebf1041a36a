"""What was done, for the methods section of a paper: a text to read, and the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sxtstudio import __version__
from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.classes.given import class_together, objects_read, same_class
from sxtstudio.core.classes.queue import CHECKED_OBJECT, TAKEN_BACK
from sxtstudio.core.classes.rules import Among, ClassRule, ValueRange, rules_of
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.errors import UserError
from sxtstudio.core.evaluation.sentence import evaluation_sentence
from sxtstudio.core.steps import Step, StepKind, effective
from sxtstudio.core.verified import EVERY_LETTER, read_back, write_content
from sxtstudio.core.wording import bytes_text, count, shape_text, slice_number, slices_text, voxel_zyx_text
from sxtstudio.io.project import Record, to_json
from sxtstudio.io.volume_name import VolumeName
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.evaluation import evaluation_of_record
from sxtstudio.workflow.document.exporting import Receipt
from sxtstudio.workflow.document.label_history import (
    DEFAULT_MODEL,
    FINISHED_SLICES,
    finished_slices,
    slices_of,
    together_text,
)
from sxtstudio.workflow.jobs.unchanged import KnownInput

CITATION = (
    "The segmentation method is that of Dyhr, Sadeghi et al., PNAS 120(24), e2209938120 (2023), "
    "doi:10.1073/pnas.2209938120."
)
SCHEMA = "sxtstudio-methods/1"
_TO_CHECK = (
    "a text alone cannot be done again. File > Export results… makes a folder of it with labels, objects and "
    "tables, which File > Check results again… (or sxtstudio rerun) does again and compares"
)
#: Made with values that matter; what is not ``by_hand`` is as well.
_WITH_VALUES = (EditKind.FIND_CELL, EditKind.THRESHOLD, EditKind.CLASS_BY_RULE, EditKind.CLASSIFY)


@dataclass(frozen=True)
class Done:
    """Equal steps that follow each other; ``parameters`` are those of the last.

    ``segmented`` are the slices of a segmentation that was ended half-way, in words.
    """

    name: str
    parameters: Mapping[str, Any]
    times: int = 1
    kind: StepKind = StepKind.EDIT
    segmented: str = ""


def methods_text(document: Document) -> str:
    """Return what was done to a document, as text."""
    return text_of(document.record(), document.tomogram.path.name)


def text_of(record: Record, tomogram: str) -> str:
    """Return a paragraph and a numbered list of what was done and not undone.

    Parameters
    ----------
    record
        Of the document.
    tomogram
        Name of its file.
    """
    checksum = str(record.tomogram.fingerprint.get("value", ""))
    voxel = "unknown size" if record.voxel_nm is None else voxel_zyx_text(record.voxel_nm)
    lines = [
        f"The soft X-ray tomogram {tomogram} ({shape_text(record.tomogram.shape)} voxels (z × y × x) of "
        f"{voxel}"
        f"{f'; SHA-256 {checksum}' if checksum else ''}) was processed with "
        f"SXT Studio {__version__}. {CITATION}"
    ]
    axes = VolumeName.of(record.tomogram.absolute).axes
    if axes is not None:
        lines[0] += f" Its stored axes were read as {axes} (a minus: backwards)."
    if record.polarity is not None:
        lines[0] += f" Absorbing structures are {record.polarity.value} in it."
    if record.lac is not None:
        lines[0] += f" Linear absorption coefficients: {record.lac.description()}"
    slice_count = record.tomogram.shape[0]
    done = grouped_steps(record.steps, slice_count)
    lines += ["", "What was done, in this order:", ""] if done else ["", "Nothing was changed."]
    for number, step in enumerate(done, 1):
        if step.kind is StepKind.EVALUATION:
            lines.append(f"{number}. {step.name}{_found(record)}")
            continue
        times = f" ({step.times} times)" if step.times > 1 else ""
        values = "; ".join(_parameters(step))
        lines.append(f"{number}. {step.name}{times}{f' – {values}' if values else ''}")
    together = together_text(record.steps, slice_count)
    lines += ["", together] if together else []
    if any(_PLACES.keys() & step.parameters for step in done):
        lines += ["", "Slices are counted from 1, pixels within a slice from 0, as SXT Studio shows them."]
    return "\n".join(lines) + "\n"


def grouped_steps(steps: Iterable[Step], slice_count: int) -> list[Done]:
    """Return the steps that stand, without exports; equal ones in a row become one.

    Strokes by hand are equal whatever their size; what the program made is equal with the same values only.
    Of an evaluation, which goes mark by mark and slice by slice, the last step stands for all, and of the
    checks of an object the last one.
    """
    found: list[Done] = []
    former: Step | None = None
    stand = without_taken_back(effective(steps))
    last = max((i for i, step in enumerate(stand) if step.kind is StepKind.EVALUATION), default=None)
    for i, step in enumerate(stand):
        if step.kind is StepKind.EXPORT or (of_evaluation(step) and i != last):
            continue
        same = former is not None and _is_alike(former, step)
        former = step
        if same:
            # Of objects that were checked none is named: the last one is not the only one.
            values = {} if step.edit is EditKind.CHECKED else step.parameters
            if step.edit is EditKind.CLASS:
                values = class_together(found[-1].parameters, values)
            found[-1] = Done(step.name, values, found[-1].times + 1, step.kind)
        else:
            words = _ended_at(step, slice_count)
            found.append(Done(step.name, step.parameters, kind=step.kind, segmented=words))
    return found


def without_taken_back(stand: Sequence[Step]) -> list[Step]:
    """Return steps that stand (``effective``) without checks of objects that do not count any more.

    Of each object the last check counts, unless it was taken back by *Back*. Former versions did not note
    which object it was: all of theirs count. So do those of objects that were found anew later.
    """
    latest: dict[tuple[int, int], Step] = {}
    dropped: set[int] = set()
    made = 0
    for step in stand:
        if step.kind is not StepKind.EDIT or step.target != "objects" or step.edit is None:
            continue
        if step.edit.replaces_objects:
            made += 1
        number = step.parameters.get(CHECKED_OBJECT)
        if step.edit is not EditKind.CHECKED or not isinstance(number, int):
            continue
        former = latest.get((made, number))
        if former is not None:
            dropped.add(id(former))
        latest[made, number] = step
        if step.parameters.get(TAKEN_BACK) is True:
            dropped.add(id(step))
    return [step for step in stand if id(step) not in dropped]


def _is_alike(former: Step, step: Step) -> bool:
    if (former.kind, former.identity) != (step.kind, step.identity):
        return False
    if step.edit is EditKind.CLASS:
        return same_class(former.parameters, step.parameters)
    made = step.edit is not None and (not step.edit.by_hand or step.edit in _WITH_VALUES)
    return not made or former.parameters == step.parameters


def of_evaluation(step: Step) -> bool:
    """Whether a step belongs to an evaluation by an expert: marks, and the slices that are judged."""
    return step.kind is StepKind.EVALUATION or step.target == "marks"


def evaluation_found(record: Record) -> str:
    """Return what an expert found in judged slices, or nothing: none are, or it is damaged."""
    try:
        return evaluation_sentence(evaluation_of_record(record, "The evaluation"))
    except UserError:
        return ""


def _found(record: Record) -> str:
    """Return the result of an evaluation and its slices, as they follow the name of the step."""
    text = evaluation_found(record)
    if not text:
        return " – no slice was judged"
    judged = evaluation_of_record(record, "The evaluation").judged
    return f" – {text} Judged slices: {slices_text(sorted(judged))}"


def write_methods(path: Path, record: Record, tomogram: KnownInput) -> Receipt:
    """Write the text, and beside it all that is known as JSON.

    Raises
    ------
    UserError
        If one of the files cannot be written; then none is.
    """
    record = replace(record, tomogram=replace(record.tomogram, fingerprint=dict(tomogram.fingerprint)))
    content = {"schema": SCHEMA, **to_json(record), "program": __version__, "counted_from": 0}
    beside = path.with_suffix(".json")
    # Both get their names when both are complete.
    with atomic_write(path) as text, atomic_write(beside) as values:
        words = text_of(record, tomogram.volume.path.name)
        write_content(text, path, words.encode(errors="replace"))
        write_content(values, beside, (json.dumps(content, indent=1) + "\n").encode())
    listed = len(grouped_steps(record.steps, record.tomogram.shape[0]))
    recorded = len(record.steps)
    rows = (
        ("Steps in the text", str(listed)),
        ("With all parameters", f"{beside}, {count(recorded, 'recorded step')}{_why_more(listed, recorded)}"),
        ("On disk", bytes_text(path.stat().st_size + beside.stat().st_size)),
        ("Check", _TO_CHECK),
    )
    return Receipt("Methods text", path, rows, read_back(EVERY_LETTER))


def _why_more(listed: int, recorded: int) -> str:
    """Say why the record has more steps than the text."""
    return ", also what was undone, repeated or exported" if recorded > listed else ""


def _span(value: Any) -> str:
    """Return the first and the last slice; the record holds the one after the last."""
    first, last = value
    return f"{slice_number(first)} to {last}"


def _spans(value: Any) -> str:
    return ", ".join(map(_span, value))


def _voxel(value: Any) -> str:
    z, y, x = value
    return f"slice {slice_number(z)}, y {y}, x {x}"


#: What in the record is a place, counted from 0, and how people say it. Segmented slices are recorded as the
#: first one and the one after the last, complete ones as all of them.
_PLACES: Mapping[str, Callable[[Any], str]] = {
    "slice": lambda value: str(slice_number(value)),
    "first": lambda value: str(slice_number(value)),
    "last": lambda value: str(slice_number(value)),
    "copied_from": lambda value: str(slice_number(value)),
    "around": lambda value: str(slice_number(value)),
    "slices": _span,
    "within_slices": _spans,
    "complete_slices": slices_text,
    "slices_to_judge": slices_text,
    "judged_slices": slices_text,
    "voxel": _voxel,
    "first_voxel": _voxel,
    "second_voxel": _voxel,
    "behind_slice": lambda value: str(slice_number(value)),
}


def _ended_at(step: Step, slice_count: int) -> str:
    """Return "1 to 20, then ended; 1 to 64 were asked for" of a segmentation that was ended half-way."""
    asked = slices_of(step, slice_count)
    if not step.partial or step.edit is not EditKind.SEGMENT or not asked:
        return ""
    whole = _span((asked.start, asked.stop))
    made = finished_slices(step, slice_count)
    if made is None:
        return f"a part of {whole}, as it was ended half-way"
    if not made:
        return f"none of {whole}, as it was ended before the first"
    return f"{_span((made.start, made.stop))}, then ended; {whole} were asked for"


def _parameters(step: Done) -> Iterator[str]:
    for name, value in step.parameters.items():
        if step.segmented and name in ("slices", FINISHED_SLICES):
            if name == "slices":
                yield f"slices: {step.segmented}"
        else:
            yield _parameter(name, value, step.parameters)


def _parameter(name: str, value: Any, beside: Mapping[str, Any]) -> str:
    """Return a parameter as people read it; of foreign or former kinds, as it stands."""
    if name == "slices" and "model" not in beside:
        name = "complete_slices"  # as earlier versions wrote it
    if name == "model" and value is None:
        return f"{_words(name)}: {DEFAULT_MODEL}"
    if name == "tile_px" and value is None:
        return f"{_words(name)}: automatic"
    if name == "objects":
        return f"{_words(name)}: {objects_read(value)}"
    if name == "rules":
        return f"rules: {_rules(value)}"
    try:
        text = _value(value) if name not in _PLACES or value is None else _PLACES[name](value)
    except (TypeError, ValueError):
        text = _value(value)
    return f"{_words(name)}: {text}"


def _rules(value: Any) -> str:
    """Return "Vesicle: volume 0.01 to 2 um3", one rule after the other; of foreign kinds, as they stand."""
    try:
        rules = rules_of(dict(value), "The rules cannot be said").rules
    except (UserError, TypeError, ValueError):
        return _value(value)
    return "; ".join(f"{rule.class_name}: " + ", ".join(_conditions(rule)) for rule in rules)


def _conditions(rule: ClassRule) -> list[str]:
    kinds = {
        Among.ALL: [],
        Among.BODIES: ["bodies (no pieces of membrane)"],
        Among.SHEETS: ["pieces of membrane (no bodies)"],
    }
    return [*kinds[rule.among], *(_range(one) for one in rule.ranges)]


def _range(one: ValueRange) -> str:
    unit = f" {one.unit}" if one.unit else ""
    if one.low is None or one.high is None:
        return (
            f"{one.column} ≤ {one.high:g}{unit}" if one.low is None else f"{one.column} ≥ {one.low:g}{unit}"
        )
    return f"{one.column} {one.low:g} to {one.high:g}{unit}"


def _words(name: str) -> str:
    """Return "smallest object (nm³)" for "smallest_object_nm3"."""
    units = {"_nm3": " (nm³)", "_um3": " (µm³)", "_nm": " (nm)", "_px": " (pixels)"}
    for end, unit in units.items():
        if name.endswith(end):
            return name.removesuffix(end).replace("_", " ") + unit
    return name.replace("_", " ")


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return (
            " × ".join(_value(item) for item in value) if len(value) == 3 else ", ".join(map(_value, value))
        )
    if isinstance(value, Mapping):
        return "(" + ", ".join(f"{_words(str(k))}: {_value(v)}" for k, v in value.items()) + ")"
    return str(value)
