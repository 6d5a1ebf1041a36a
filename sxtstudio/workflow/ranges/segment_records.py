"""What is kept of a finished range of a segmentation, and what all ranges together say."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata

from sxtstudio.core.trust import SliceTrust
from sxtstudio.core.trust_records import TrustColumns
from sxtstudio.segment.card import ModelCard
from sxtstudio.segment.parameters import (
    FillSummary,
    Segmentation,
    SegmentationFacts,
    all_blank,
    kept_note,
    warnings_of,
)
from sxtstudio.workflow.ranges.plan import Index, RangeRecord, sources_of
from sxtstudio.workflow.ranges.segment_plan import SegmentPlan

# On whose version the last bits of the network's output depend.
_LIBRARIES = ("numpy", "onnxruntime", "onnxruntime-gpu", "scikit-image", "scipy")


class SegmentRecord(RangeRecord, frozen=True, kw_only=True):
    """A finished range of a segmentation.

    Attributes
    ----------
    voxels
        Labelled voxels of each slice.
    kept
        How many slices an earlier attempt had finished.
    stages
        Seconds by stage.
    """

    voxels: list[Index]
    blank: list[bool]
    trust: TrustColumns
    kept: Index
    stages: dict[str, float]
    on_gpu: bool
    device: str
    device_reason: str
    libraries: dict[str, str]
    notes: list[str]

    @property
    def figures(self) -> tuple[SliceTrust, ...]:
        """The figures of trust of its slices."""
        return self.trust.of_slices(self.depth)


def record_of_range(
    found: Segmentation,
    figures: Sequence[SliceTrust],
    *,
    plan: str,
    first: int,
    checksums: dict[str, list[int]],
    voxels: list[int],
    seconds: float,
    known_notes: Sequence[str],
) -> SegmentRecord:
    """Return the record of a range that was just segmented; ``known_notes`` stand in the plan already."""
    blank = set(found.blank)
    return SegmentRecord(
        plan=plan,
        first=first,
        depth=len(voxels),
        checksums=checksums,
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


def facts_of(plan: SegmentPlan, card: ModelCard, records: Sequence[SegmentRecord]) -> SegmentationFacts:
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
    threshold = plan.parameters().threshold_for(card)
    fill = FillSummary.of(figures)
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
        sources=sources_of(records),
        left_out=plan.artefacts.text,
        blank=tuple(plan.slices[0] + z for z, is_blank in enumerate(blank) if is_blank),
    )


def _mixture(records: Sequence[SegmentRecord]) -> list[str]:
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
