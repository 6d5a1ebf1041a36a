"""What a wall shows in words and numbers: of a tomogram, of a day, and of a day beside the one before.

Page, PDF and window say the same, because they say this.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sxtstudio.core.quality.dictionary import DEFINITIONS, FigureName
from sxtstudio.core.quality.record import QualityFlag
from sxtstudio.core.wording import count, grouped, share, significant
from sxtstudio.workflow.beamtime.record import TomogramRecord, TomogramState

#: What days are compared by, beside the figures of quality.
LABELLED, BODIES, PIECES = "labelled", "bodies", "pieces of membrane"
#: Of records of versions that did not tell bodies from pieces of membrane.
OBJECTS_FOUND = "bodies and pieces of membrane"
_COMPARED = (
    FigureName.RESOLUTION, FigureName.CONTRAST, FigureName.CELL_CONTRAST, FigureName.NOISE, FigureName.CELL,
    FigureName.STREAKS, FigureName.DOUBLES, FigureName.CERTAINTY, FigureName.RECOGNISED,
)  # fmt: skip
_KEYS = (LABELLED, *_COMPARED, BODIES, PIECES, OBJECTS_FOUND)
_Means = dict[str, tuple[float | None, str]]


class TomogramMark(StrEnum):
    """What a tomogram is sorted and filtered by, from what asks most for a look."""

    FAILED = "failed"
    BAD = "bad"
    LOOK = "worth a look"
    GOOD = "good"
    RUNNING = "in work"
    WAITING = "waiting"
    SKIPPED = "left out"


def mark_of(record: TomogramRecord) -> TomogramMark:
    """Return the one word for a tomogram."""
    match record.state:
        case TomogramState.FAILED:
            return TomogramMark.FAILED
        case TomogramState.SKIPPED:
            return TomogramMark.SKIPPED
        case TomogramState.RUNNING:
            return TomogramMark.RUNNING
        case TomogramState.WAITING:
            return TomogramMark.WAITING
    return {QualityFlag.BAD: TomogramMark.BAD, QualityFlag.LOOK: TomogramMark.LOOK}.get(
        record.flag, TomogramMark.GOOD
    )


def needs_look(record: TomogramRecord) -> bool:
    """Whether somebody should look at it."""
    return (
        mark_of(record) in (TomogramMark.FAILED, TomogramMark.BAD, TomogramMark.LOOK) and not record.replaced
    )


def sentences_of(record: TomogramRecord) -> list[str]:
    """Return what to know of a tomogram, what asks for a look first, each a whole sentence."""
    texts = ["Another file of this name has taken its place since."] if record.replaced else []
    texts += [*_reasons_to_look(record), *record.messages, _at_border(record)]
    names = {Path(path).stem.split(".")[0] for path in (record.path, record.labels or record.path)}
    whole = (text if text.endswith((".", "!", "?")) else f"{text}." for text in texts if text)
    return [text if _begins_with_name(text, names) else f"{text[0].upper()}{text[1:]}" for text in whole]


def _reasons_to_look(record: TomogramRecord) -> list[str]:
    """Return why it asks for a look: what is bad, what is doubted of its labels, what else is not good."""
    flagged = () if record.quality is None else record.quality.flagged
    bad = [figure.sentence for figure in flagged if figure.flag is QualityFlag.BAD]
    return [
        *bad,
        *record.doubts,
        *(figure.sentence for figure in flagged if figure.flag is not QualityFlag.BAD),
    ]


def _begins_with_name(text: str, names: Iterable[str]) -> bool:
    """Whether a sentence begins with the name of a file, which has its own letters."""
    first = text.split()[0].rstrip(".,:;!?") if text.split() else ""
    return not first.isalpha() or any(name and text.startswith(name) for name in names)


def headline_of(record: TomogramRecord) -> str:
    """Return the line below a thumbnail: why it asks for a look, or what was found."""
    if record.state in (TomogramState.WAITING, TomogramState.RUNNING):
        return record.messages[0] if record.messages else ""  # the mark says the rest
    if record.state is not TomogramState.DONE:
        return record.messages[0] if record.messages else record.state.value
    reasons = _reasons_to_look(record)
    if reasons:
        return reasons[0]
    words = [] if record.labelled is None else [f"{share(record.labelled)} labelled"]
    found = found_text(record)
    return ", ".join([*words, *([found] if found else [])])


def objects_total(record: TomogramRecord) -> int | None:
    """Return how many objects there are; None where none were looked for."""
    return None if record.objects is None else sum(record.objects.values())


def pieces_of(record: TomogramRecord) -> int | None:
    """Return how many of the objects are pieces of membrane; None where that is not known."""
    total = objects_total(record)
    return None if total is None or record.bodies is None else max(0, total - record.bodies)


def sorted_by(record: TomogramRecord) -> int | None:
    """Return what a wall is sorted by: how many bodies there are, or objects where that is not known."""
    return objects_total(record) if pieces_of(record) is None else record.bodies


def found_text(record: TomogramRecord) -> str:
    """Return "7 bodies and 2 pieces of membrane, most at the border"; "" where none were looked for."""
    total, pieces = objects_total(record), pieces_of(record)
    if total is None:
        return ""
    if record.bodies is None or pieces is None:
        return count(total, "object")
    words = count(record.bodies, "body", "bodies")
    if pieces:
        words = f"{words} and {count(pieces, 'piece')} of membrane"
    most = _most_at_border(record)
    if not most:
        return words
    return f"{words}, at the border" if total == 1 else f"{words}, {most} at the border"


def classes_text(record: TomogramRecord) -> str:
    """Return "3 Mitochondrion, 12 Vesicle, 4 without a class"; "" where none has a class."""
    objects = record.objects or {}
    words = [f"{grouped(number)} {name}" for name, number in sorted(objects.items()) if name and number]
    rest = objects.get("", 0)
    return ", ".join([*words, *([f"{grouped(rest)} without a class"] if rest else [])]) if words else ""


def objects_text(record: TomogramRecord) -> str:
    """Return all that is known of the objects: how many of each class, and what they are."""
    found, classes = found_text(record), classes_text(record)
    if not classes:
        return found
    return classes if record.bodies is None else f"{classes} ({found})"


def _most_at_border(record: TomogramRecord) -> str:
    """Return "all" or "most" where so many of the objects touch the border, else ""."""
    total, border = objects_total(record), record.border
    if not total or border is None or 2 * border <= total:
        return ""
    return "all" if border >= total else "most"


def _at_border(record: TomogramRecord) -> str:
    """Return what it means that most objects touch the border, as a sentence; "" where they do not."""
    total = objects_total(record)
    if total is None or record.border is None or not _most_at_border(record):
        return ""
    who = "The only one" if total == 1 else f"{grouped(record.border)} of the {grouped(total)}"
    touch = "touches" if total == 1 else "touch"
    kinds = "bodies and pieces of membrane" if pieces_of(record) else "bodies"
    what = "" if total == 1 else f" {kinds}"
    leave = "it" if total == 1 else "them"
    return (
        f"{who}{what} {touch} the border of the volume, or of what was reconstructed; "
        f"measurements leave {leave} out."
    )


def search_text(record: TomogramRecord) -> str:
    """Return all that is said of a tomogram, in small letters: its place, its mark, sentences and figures."""
    said = [record.path, mark_of(record).value, *sentences_of(record), objects_text(record)]
    for figure in () if record.quality is None else record.quality.figures:
        said += [figure.definition.title, figure.text, figure.sentence]
    return " ".join(said).lower()


@dataclass(frozen=True)
class DayFigure:
    """A figure of a day: the mean of its tomograms, and the difference to the day before."""

    title: str
    mean: float | None
    unit: str
    change: float | None

    @property
    def text(self) -> str:
        """The mean as people read it; "–" where there is none."""
        return _text(self.mean, self.unit)

    @property
    def change_text(self) -> str:
        """The difference with its sign; "" where there is none."""
        if self.change is None:
            return ""
        size = abs(self.change)
        text = f"{100 * size:.1f} points" if self.unit == "share" else f"{significant(size, 2)} {self.unit}"
        sign = "±" if not text.strip("0. points") or size == 0 else "+" if self.change > 0 else "−"
        return f"{sign}{text}".rstrip()


@dataclass(frozen=True)
class Day:
    """What came of a day; ``before`` is the day that it is compared with, the one before with tomograms."""

    day: str
    before: str | None
    tomograms: int
    done: int
    failed: int
    to_look_at: int
    figures: tuple[DayFigure, ...]


def days_of(records: Iterable[TomogramRecord]) -> list[Day]:
    """Return the days, the latest first; tomograms whose file was replaced since do not count."""
    groups: dict[str, list[TomogramRecord]] = {}
    for record in records:
        if not record.replaced and record.state is not TomogramState.SKIPPED:
            groups.setdefault(record.day, []).append(record)
    names = sorted(groups)
    means = {name: {key: _mean(groups[name], key) for key in _KEYS} for name in names}
    days = []
    for number, name in enumerate(names):
        ours = groups[name]
        before = names[number - 1] if number else None
        days.append(
            Day(
                name,
                before,
                len(ours),
                sum(one.state is TomogramState.DONE for one in ours),
                sum(one.state is TomogramState.FAILED for one in ours),
                sum(needs_look(one) for one in ours),
                tuple(_compared(means[name], {} if before is None else means[before])),
            )
        )
    return days[::-1]


def _compared(ours: _Means, theirs: _Means) -> Iterable[DayFigure]:
    for key, (mean, unit) in ours.items():
        other, other_unit = theirs.get(key, (None, ""))
        if mean is None and other is None:
            continue
        comparable = mean is not None and other is not None and unit == other_unit
        title = DEFINITIONS[key].title if isinstance(key, FigureName) else key.capitalize()
        change = mean - other if comparable and mean is not None and other is not None else None
        yield DayFigure(title, mean, unit, change)


def _mean(records: Sequence[TomogramRecord], key: str) -> tuple[float | None, str]:
    """Return the mean over the tomograms that are done and have the figure, and its unit."""
    values: list[float] = []
    unit = "share" if key == LABELLED else ""
    for record in records:
        if record.state is not TomogramState.DONE:
            continue
        value: float | None = None
        if key == LABELLED:
            value = record.labelled
        elif key in (BODIES, PIECES, OBJECTS_FOUND):
            value = _number(record, key)
        elif isinstance(key, FigureName) and record.quality is not None:
            figure = record.quality.figure(key)
            value = None if figure is None else figure.value
            unit = unit if figure is None else figure.unit
        if value is not None and math.isfinite(value):
            values.append(value)
    return (sum(values) / len(values) if values else None), unit


def _number(record: TomogramRecord, key: str) -> float | None:
    """Return how many there are of a kind; None where none were looked for, or they are counted otherwise."""
    pieces = pieces_of(record)
    numbers = {
        BODIES: None if pieces is None else record.bodies,
        PIECES: pieces,
        OBJECTS_FOUND: objects_total(record) if pieces is None else None,
    }
    number = numbers[key]
    return None if number is None else float(number)


def _text(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    if unit == "share":
        return share(value)
    return f"{significant(value, 3)} {unit}".rstrip()
