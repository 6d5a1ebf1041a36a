"""What is kept of a finished range of a segmentation, and what all ranges together say."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata
from typing import Annotated

from msgspec import Meta, Struct

from sxtstudio.core.checked_volume import InputChangedError
from sxtstudio.core.trust import SliceTrust
from sxtstudio.core.trust_records import TrustColumns
from sxtstudio.segment.card import ModelCard
from sxtstudio.segment.parameters import (
    Fill,
    Segmentation,
    SegmentationFacts,
    all_blank,
    kept_note,
    warnings_of,
)
from sxtstudio.workflow.ranges.plan import SegmentPlan
from sxtstudio.workflow.ranges.split import Range

_Index = Annotated[int, Meta(ge=0)]
_Checksum = Annotated[int, Meta(ge=0, lt=1 << 32)]
# On whose version the last bits of the network's output depend.
_LIBRARIES = ("numpy", "onnxruntime", "onnxruntime-gpu", "scikit-image", "scipy")


class RangeRecord(Struct, frozen=True, kw_only=True):
    """A finished range of a segmentation.

    Attributes
    ----------
    plan
        Checksum of the plan.
    first
        First slice of the range, counted from the first one that is segmented.
    labels, probability
        The CRC-32 of each of its slices; ``probability`` is None where it is not kept.
    sources
        Slices of the tomogram that were read, those of the neighbours as well, with their CRC-32.
    voxels
        Labelled voxels of each slice.
    kept
        How many slices an earlier attempt had finished.
    seconds
        Of the last attempt, in all and by stage.
    """

    plan: str
    first: _Index
    labels: list[_Checksum]
    probability: list[_Checksum] | None
    sources: list[tuple[_Index, _Checksum]]
    voxels: list[_Index]
    blank: list[bool]
    trust: TrustColumns
    kept: _Index
    seconds: float
    stages: dict[str, float]
    on_gpu: bool
    device: str
    device_reason: str
    computer: str
    libraries: dict[str, str]
    notes: list[str]

    def is_of(self, plan: str, part: Range) -> bool:
        """Whether it is the record of a range of the plan with this checksum."""
        return self.plan == plan and (self.first, len(self.labels)) == (part.first, part.depth)

    @property
    def figures(self) -> tuple[SliceTrust, ...]:
        """The figures of trust of its slices."""
        return self.trust.of_slices(len(self.labels))


def record_of_range(
    found: Segmentation,
    figures: Sequence[SliceTrust],
    *,
    plan: str,
    first: int,
    labels: list[int],
    probability: list[int] | None,
    voxels: list[int],
    seconds: float,
    known_notes: Sequence[str],
) -> RangeRecord:
    """Return the record of a range that was just segmented; ``known_notes`` stand in the plan already."""
    blank = set(found.blank)
    return RangeRecord(
        plan=plan,
        first=first,
        labels=labels,
        probability=probability,
        sources=sorted(found.sources.items()),
        voxels=voxels,
        blank=[z in blank for z in range(*found.slices)],
        trust=TrustColumns(
            [f.certainty for f in figures], [f.recognised for f in figures], [f.measured for f in figures]
        ),
        kept=found.resumed,
        seconds=round(seconds, 3),
        stages=found.seconds,
        on_gpu=found.on_gpu,
        device=found.device,
        device_reason=found.device_reason,
        computer=platform.node(),
        libraries=_versions(),
        notes=[note for note in found.notes if note not in known_notes],
    )


def facts_of(plan: SegmentPlan, card: ModelCard, records: Sequence[RangeRecord]) -> SegmentationFacts:
    """Return what the ``records`` of all ranges, in their order, say of the whole.

    Raises
    ------
    UserError
        If nothing is to be seen in any slice.
    InputChangedError
        If two ranges were made of different tomograms.
    """
    figures = tuple(one for record in records for one in record.figures)
    blank = [is_blank for record in records for is_blank in record.blank]
    if all(blank):
        raise all_blank()
    voxels = sum(sum(record.voxels) for record in records)
    resumed = sum(record.kept for record in records)
    threshold = card.threshold if plan.threshold is None else plan.threshold
    fill = Fill.of(figures)
    notes = [
        *plan.notes,
        *([kept_note(resumed)] if resumed else []),
        *dict.fromkeys(note for record in records for note in record.notes),
        *([fill.note] if fill.note else []),
    ]
    stages: dict[str, float] = {}
    for record in records:
        for name, seconds in record.stages.items():
            stages[name] = stages.get(name, 0.0) + seconds
    return SegmentationFacts(
        card=card,
        parameters=plan.parameters(),
        on_gpu=any(record.on_gpu for record in records),
        device=_joined([record.device for record in records]),
        device_reason=_joined([record.device_reason for record in records]),
        polarity=plan.polarity,
        threshold=threshold,
        slices=plan.slices,
        resumed=resumed,
        voxels=voxels,
        seconds={name: round(seconds, 3) for name, seconds in stages.items()},
        notes=tuple(notes),
        warnings=(*warnings_of(voxels, plan.polarity, threshold), *_mixture(records)),
        fill_share=fill.share,
        trust=None if plan.trust == "none" else figures,
        sources=_sources(records),
        blank=tuple(plan.slices[0] + z for z, is_blank in enumerate(blank) if is_blank),
    )


def _sources(records: Sequence[RangeRecord]) -> dict[int, int]:
    """Join the checksums of the tomogram's slices; neighbouring ranges have read some of the same ones."""
    found: dict[int, int] = {}
    for number, record in enumerate(records):
        for z, checksum in record.sources:
            if found.setdefault(z, checksum) != checksum:
                raise InputChangedError(
                    f"The tomogram was changed between the ranges {number - 1} and {number}, which both read "
                    "{slices}. Plan anew once it is complete.",
                    slices=(z, z),
                )
    return found


def _mixture(records: Sequence[RangeRecord]) -> list[str]:
    """Say where the last bits of the network's output need not be alike in all ranges."""
    found = []
    kinds = {record.device if record.on_gpu else "processors" for record in records}
    if len(kinds) > 1:
        found.append(
            f"The ranges were computed on {len(kinds)} kinds of devices ({', '.join(sorted(kinds))}), whose "
            "outputs may differ in the last digits: single voxels can have another label than "
            "one device gives."
        )
    versions = {tuple(sorted(record.libraries.items())) for record in records}
    if len(versions) > 1:
        common = set.intersection(*(set(one) for one in versions))
        names = sorted({name for one in versions for name, version in one if (name, version) not in common})
        found.append(
            f"The ranges were computed with several versions of {', '.join(names)}: single voxels can have "
            "another label than one version gives. Install the same on all computers."
        )
    return found


def _joined(texts: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(texts))


def _versions() -> dict[str, str]:
    versions = {}
    for name in _LIBRARIES:
        with suppress(metadata.PackageNotFoundError):  # of the two of onnxruntime only one is there
            versions[name] = metadata.version(name)
    return versions
