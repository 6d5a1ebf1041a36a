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
LABELLED, OBJECTS_FOUND = "labelled", "objects found"
_COMPARED = (
    FigureName.RESOLUTION, FigureName.CONTRAST, FigureName.CELL_CONTRAST, FigureName.NOISE, FigureName.CELL,
    FigureName.STREAKS, FigureName.DOUBLES, FigureName.CERTAINTY, FigureName.RECOGNISED,
)  # fmt: skip
_KEYS = (LABELLED, *_COMPARED, OBJECTS_FOUND)
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
    texts += [*_reasons_to_look(record), *record.messages]
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
    total = objects_total(record)
    return ", ".join([*words, *([] if total is None else [count(total, "object")])])


def objects_total(record: TomogramRecord) -> int | None:
    """Return how many objects there are; None where none were looked for."""
    return None if record.objects is None else sum(record.objects.values())


def objects_text(record: TomogramRecord) -> str:
    """Return "3 Mitochondrion, 12 Vesicle, 4 without a class"; "" where none were looked for."""
    if record.objects is None:
        return ""
    named = sorted((name, number) for name, number in record.objects.items() if name and number)
    words = [f"{grouped(number)} {name}" for name, number in named]
    rest = record.objects.get("", 0)
    if rest:
        words.append(f"{grouped(rest)} without a class" if named else count(rest, "object"))
    return ", ".join(words) or "no object"


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
        elif key == OBJECTS_FOUND:
            total = objects_total(record)
            value = None if total is None else float(total)
        elif isinstance(key, FigureName) and record.quality is not None:
            figure = record.quality.figure(key)
            value = None if figure is None else figure.value
            unit = unit if figure is None else figure.unit
        if value is not None and math.isfinite(value):
            values.append(value)
    return (sum(values) / len(values) if values else None), unit


def _text(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    if unit == "share":
        return share(value)
    return f"{significant(value, 3)} {unit}".rstrip()
