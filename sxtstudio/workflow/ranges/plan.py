"""What all ranges of a segmentation have in common: decided once, checked by each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from sxtstudio import __version__
from sxtstudio.core.checked_volume import InputChangedError
from sxtstudio.core.cleanup import CleanParameters
from sxtstudio.core.errors import UserError
from sxtstudio.core.polarity import Polarity, PolarityChoice
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io import FileVolume
from sxtstudio.io.stamp import stamp_of
from sxtstudio.segment.card import ModelCard
from sxtstudio.segment.parameters import PartOf, SegmentParameters, TrustChoice
from sxtstudio.segment.registry import load_card
from sxtstudio.workflow.jobs.cleaning import CleanUp
from sxtstudio.workflow.jobs.segmenting import SegmentJob, Source
from sxtstudio.workflow.jobs.unchanged import KnownInput
from sxtstudio.workflow.ranges.split import Range, split

LABELS, PROBABILITY = "labels", "probability"
_Count = Annotated[int, Meta(ge=1)]
_Index = Annotated[int, Meta(ge=0)]


class DoesNotFit(UserError):
    """The tomogram, the model or the program is not the one of the plan: trying again does not help."""


class CleanUpPlan(Struct, frozen=True, forbid_unknown_fields=True):
    """The clean-up of the whole."""

    parameters: CleanParameters
    mask: str | None
    auto_mask: bool

    @classmethod
    def of(cls, clean_up: CleanUp) -> CleanUpPlan:
        """Take over what is asked for."""
        mask = None if clean_up.mask is None else _absolute(clean_up.mask)
        return cls(clean_up.parameters, mask, clean_up.auto_mask)

    def clean_up(self) -> CleanUp:
        """Return it as the job of a single process has it."""
        return CleanUp(
            self.parameters, mask=None if self.mask is None else Path(self.mask), auto_mask=self.auto_mask
        )


class ModelPlan(Struct, frozen=True, forbid_unknown_fields=True):
    """The model: as it was asked for, and what it is."""

    asked_for: str | None
    name: str
    sha256: str


class InputPlan(Struct, frozen=True, forbid_unknown_fields=True):
    """The tomogram as it was planned for.

    Attributes
    ----------
    fingerprint
        That of ``io.fingerprint``.
    written
        Size, and times of the last changes, of each of its files; [] where these would not tell.
    """

    path: str
    shape: tuple[_Count, _Count, _Count]
    dtype: str
    fingerprint: dict[str, str | int]
    written: list[tuple[int, int, int]]


class SegmentPlan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A segmentation in ranges.

    Attributes
    ----------
    slices
        First slice of the tomogram and the one after the last; ranges are counted from the first one.
    voxel_nm, spacing_nm
        Voxel size as the user has given it, and the one that counts.
    origin_nm
        Where the first of the slices lies.
    notes
        What the user should know of the model.
    """

    kind: Literal["segmentation in ranges"] = "segmentation in ranges"
    program: str
    tomogram: InputPlan
    output: str
    probability: str | None
    report: str | None
    voxel_nm: VoxelSize | None
    force: bool
    clean_up: CleanUpPlan
    model: ModelPlan
    tile_px: int | None
    batch: int | None
    threshold: float | None
    polarity_asked_for: PolarityChoice
    trust: TrustChoice
    neighbours: Literal[0, 1]
    polarity: Polarity
    slices: tuple[_Index, _Count]
    slices_per_range: _Count
    spacing_nm: VoxelSize | None
    origin_nm: VoxelSize | None
    notes: list[str]

    @property
    def ranges(self) -> tuple[Range, ...]:
        """The ranges, counted from the first slice that is segmented."""
        return split(self.slices[1] - self.slices[0], self.slices_per_range)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the labels, (z, y, x)."""
        return (self.slices[1] - self.slices[0], *self.tomogram.shape[1:])

    @property
    def images(self) -> tuple[str, ...]:
        """What all ranges write."""
        return (LABELS,) if self.probability is None else (LABELS, PROBABILITY)

    @property
    def whole(self) -> PartOf:
        """What each range is a part of."""
        return PartOf(self.slices, self.polarity)

    def parameters(
        self,
        *,
        slices: tuple[int, int] | None = None,
        device: str = "auto",
        tile_px: int | None = None,
        model: str | Path | None = None,
    ) -> SegmentParameters:
        """Return the parameters of the whole, or of some slices of the tomogram on one machine."""
        return SegmentParameters(
            model=model or self.model.asked_for,
            device=device,
            tile_px=tile_px or self.tile_px,
            batch=self.batch,
            threshold=self.threshold,
            polarity=self.polarity_asked_for,
            slices=slices or self.slices,
            probability=self.probability is not None,
            trust=self.trust,
            neighbours=self.neighbours,
        )

    def job(self, tomogram: Path | None = None, model: str | Path | None = None) -> SegmentJob:
        """Return the job of which this is the plan; ``tomogram`` and ``model`` are where they lie here."""
        return SegmentJob(
            tomogram=tomogram or Path(self.tomogram.path),
            output=Path(self.output),
            parameters=self.parameters(model=model),
            clean_up=self.clean_up.clean_up(),
            probability=None if self.probability is None else Path(self.probability),
            report=None if self.report is None else Path(self.report),
            voxel_nm=self.voxel_nm,
            force=self.force,
        )

    def part(self, number: int) -> Range:
        """Return a range by its number; raises UserError if there is none."""
        ranges = self.ranges
        if not 0 <= number < len(ranges):
            raise UserError(f"There is no range {number}: they are numbered 0 to {len(ranges) - 1}.")
        return ranges[number]

    def check_program(self) -> None:
        """Raise DoesNotFit if another version of the program has made the plan."""
        if self.program != __version__:
            raise DoesNotFit(
                f"The ranges were planned by version {self.program} of SXT Studio, and this is "
                f"{__version__}: their labels could differ. Use one version on all computers, or plan anew."
            )

    def check_model(self, model: str | Path | None = None) -> ModelCard:
        """Return the card of the model here; raises DoesNotFit if it is another one than that of the plan."""
        card = load_card(model or self.model.asked_for)
        if card.sha256 != self.model.sha256:
            raise DoesNotFit(
                f"The model {card.name} ({card.path}) is not the one that the ranges were planned with: its "
                f"checksum is {card.sha256[:12]}… and should be {self.model.sha256[:12]}…. Copy that one to "
                "this computer, or plan anew."
            )
        return card

    def check_tomogram(self, known: KnownInput) -> None:
        """Raise InputChangedError if an opened tomogram is another one than that of the plan."""
        volume, planned = known.volume, self.tomogram
        if (
            volume.shape != planned.shape
            or str(volume.dtype) != planned.dtype
            or dict(known.fingerprint) != planned.fingerprint
        ):
            raise InputChangedError(
                f"{known.path} is not the tomogram that the ranges were planned for: it was changed or "
                "replaced. Plan anew once it is complete; what is finished is of no use then."
            )

    def changes_from(self, other: SegmentPlan) -> list[str]:
        """Return what differs from another plan, in words of the user."""
        mine, others = (_asked(plan) for plan in (self, other))
        return [
            f"{name} was {others[name]} and is now {mine[name]}"
            for name in mine
            if mine[name] != others[name]
        ]


def written_at(volume: FileVolume) -> list[tuple[int, int, int]]:
    """Return size and times of the files of a tomogram; [] where a later change might not show in them."""
    if volume.just_written or volume.touched:
        return []
    return [(size, changed, status) for _, size, changed, status, _, _ in stamp_of(volume.files)]


def _asked(plan: SegmentPlan) -> dict[str, Any]:
    """Return what was asked for and is the same however often the plan is made."""
    values: dict[str, Any] = {
        "the program": plan.program,
        "the tomogram": Path(plan.tomogram.path).name,
        "its size": plan.tomogram.shape,
        "its content": plan.tomogram.fingerprint.get("value"),
        "the label file": plan.output,
        "the file of the network's output": plan.probability,
        "the report": plan.report,
        "the voxel size": plan.voxel_nm,
        "the clean-up": msgspec.to_builtins(plan.clean_up),
        "the model": f"{plan.model.name} {plan.model.sha256[:12]}",
        "the threshold": plan.threshold,
        "the polarity": plan.polarity_asked_for,
        "the choice for trust": plan.trust,
        "the number of neighbours": plan.neighbours,
        "the choice of slices": plan.slices,
        "the number of slices in a range": plan.slices_per_range,
    }
    return values


def _absolute(path: Path) -> str:
    return str(path.absolute())


def plan_of(
    job: SegmentJob, source: Source, card: ModelCard, polarity: Polarity, per_range: int, notes: list[str]
) -> SegmentPlan:
    """Return the plan of a job whose inputs are open, in ranges of ``per_range`` slices.

    Raises
    ------
    UserError
        If a name in it is no text, so that it cannot be handed to other computers.
    """
    known, asked = source.tomogram, job.parameters.model
    if isinstance(asked, Path) or (asked is not None and Path(asked).is_file()):
        asked = _absolute(Path(asked))
    for path in (job.tomogram, job.output, job.probability, job.report, job.clean_up.mask):
        try:
            str(path).encode()
        except UnicodeEncodeError:
            raise UserError(
                f"The name {path} is no text in UTF-8, which not every computer can read: rename it."
            ) from None
    return SegmentPlan(
        program=__version__,
        tomogram=InputPlan(
            _absolute(job.tomogram),
            known.volume.shape,
            str(known.volume.dtype),
            dict(known.fingerprint),
            written_at(known.volume),
        ),
        output=_absolute(job.output),
        probability=None if job.probability is None else _absolute(job.probability),
        report=None if job.report is None else _absolute(job.report),
        voxel_nm=job.voxel_nm,
        force=job.force,
        clean_up=CleanUpPlan.of(job.clean_up),
        model=ModelPlan(asked, card.name, card.sha256),
        tile_px=job.parameters.tile_px,
        batch=job.parameters.batch,
        threshold=job.parameters.threshold,
        polarity_asked_for=job.parameters.polarity,
        trust=job.parameters.trust,
        neighbours=job.parameters.neighbours,
        polarity=polarity,
        slices=source.slices,
        slices_per_range=per_range,
        spacing_nm=source.voxel_nm,
        origin_nm=source.place.origin_nm,
        notes=notes,
    )
