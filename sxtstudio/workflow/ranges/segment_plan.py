"""What all ranges of a segmentation have in common: decided once, checked by each."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from sxtstudio import __version__
from sxtstudio.core.cleanup import CleanParameters
from sxtstudio.core.geometry import Triple
from sxtstudio.core.left_out import NO_ARTEFACTS, Artefacts
from sxtstudio.core.polarity import Polarity, PolarityChoice
from sxtstudio.core.records import WrongKey
from sxtstudio.core.uses import Use
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io.export import suffix_of
from sxtstudio.segment.card import ModelCard
from sxtstudio.segment.parameters import PartOf, SegmentParameters, TrustChoice
from sxtstudio.segment.registry import load_card
from sxtstudio.workflow.jobs.cleaning import CleanUp
from sxtstudio.workflow.jobs.segmenting import SegmentationInput, SegmentJob
from sxtstudio.workflow.ranges.plan import (
    Count,
    DoesNotFit,
    FileName,
    Index,
    InputPlan,
    RangePlan,
    SharedImage,
    absolute,
)

LABELS, PROBABILITY = "labels", "probability"


class CleanUpPlan(Struct, frozen=True, forbid_unknown_fields=True):
    """The clean-up of the whole."""

    parameters: CleanParameters
    mask: FileName | None
    auto_mask: bool

    @classmethod
    def of(cls, clean_up: CleanUp) -> CleanUpPlan:
        """Take over what is asked for."""
        mask = None if clean_up.mask is None else absolute(clean_up.mask)
        return cls(clean_up.parameters, mask, clean_up.auto_mask)

    def clean_up(self) -> CleanUp:
        """Return it as the job of a single process has it."""
        return CleanUp(
            self.parameters, mask=None if self.mask is None else Path(self.mask), auto_mask=self.auto_mask
        )


class ModelPlan(Struct, frozen=True, forbid_unknown_fields=True):
    """The model: as it was asked for, and what it is."""

    asked_for: FileName | None
    name: str
    sha256: str


class SegmentPlan(
    RangePlan, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="segmentation"
):
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

    tomogram: InputPlan
    probability: FileName | None
    report: FileName | None
    voxel_nm: VoxelSize | None
    force: bool
    clean_up: CleanUpPlan
    model: ModelPlan
    tile_px: int | None
    batch: int | None
    threshold: float | None
    use: Use | None = None
    leave_out: bool = False
    noisy: bool = False
    artefacts: Artefacts = NO_ARTEFACTS
    polarity_asked_for: PolarityChoice
    trust: TrustChoice
    neighbours: Literal[0, 1]
    polarity: Polarity
    slices: tuple[Index, Count]
    spacing_nm: VoxelSize | None
    origin_nm: VoxelSize | None
    notes: list[str]

    def __post_init__(self) -> None:
        """Refuse slices that are not in the tomogram."""
        if not self.slices[0] < self.slices[1] <= self.tomogram.shape[0]:
            raise WrongKey("slices", f"two numbers, ascending, from 0 to {self.tomogram.shape[0]}")

    @property
    def shape(self) -> Triple:
        """Of the labels, (z, y, x)."""
        return (self.slices[1] - self.slices[0], *self.tomogram.shape[1:])

    @property
    def first_slice(self) -> int:
        """The first slice of the tomogram that is segmented."""
        return self.slices[0]

    @property
    def other_outputs(self) -> tuple[Path, ...]:
        """The network's output and the report."""
        return tuple(Path(name) for name in (self.probability, self.report) if name is not None)

    @property
    def images(self) -> tuple[SharedImage, ...]:
        """What all ranges write."""
        outputs = {LABELS: self.output, PROBABILITY: self.probability}
        return tuple(
            SharedImage(name, self.shape, "uint8", title_of(output), self.spacing_nm, self.origin_nm)
            for name, output in outputs.items()
            if output is not None
        )

    @property
    def whole(self) -> PartOf:
        """What each range is a part of."""
        return PartOf(self.slices, self.polarity, self.artefacts)

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
            use=self.use,
            polarity=self.polarity_asked_for,
            slices=slices or self.slices,
            probability=self.probability is not None,
            trust=self.trust,
            neighbours=self.neighbours,
            leave_out=self.leave_out,
            noisy=self.noisy,
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

    def asked(self) -> dict[str, Any]:
        """Return what was asked for."""
        return {
            **super().asked(),
            "the tomogram": Path(self.tomogram.path).name,
            "its size": self.tomogram.shape,
            "its content": self.tomogram.fingerprint.get("value"),
            "the file of the network's output": self.probability,
            "the report": self.report,
            "the voxel size": self.voxel_nm,
            "the clean-up": msgspec.to_builtins(self.clean_up),
            "the model": f"{self.model.name} {self.model.sha256[:12]}",
            "the threshold": self.threshold,
            "the use": self.use,
            "the polarity": self.polarity_asked_for,
            "the choice for trust": self.trust,
            "the number of neighbours": self.neighbours,
            "the choice to leave out frames and gold": self.leave_out,
            "the choice to see it as a noisy tomogram": self.noisy,
            "the choice of slices": self.slices,
        }


def title_of(output: str) -> str:
    """Return what an image is called within its file."""
    path = Path(output)
    return path.name[: -len(suffix_of(path))].removesuffix(".ome")


def plan_of(
    job: SegmentJob,
    source: SegmentationInput,
    card: ModelCard,
    polarity: Polarity,
    per_range: int,
    notes: list[str],
    artefacts: Artefacts = NO_ARTEFACTS,
) -> SegmentPlan:
    """Return the plan of a job whose inputs are open, in ranges of ``per_range`` slices.

    Raises
    ------
    UserError
        If a name in it is no text, so that it cannot be handed to other computers.
    """
    known, asked = source.tomogram, job.parameters.model
    if isinstance(asked, Path) or (asked is not None and Path(asked).is_file()):
        asked = absolute(Path(asked))
    return SegmentPlan(
        program=__version__,
        tomogram=InputPlan.of(known),
        output=absolute(job.output),
        probability=None if job.probability is None else absolute(job.probability),
        report=None if job.report is None else absolute(job.report),
        voxel_nm=job.voxel_nm,
        force=job.force,
        clean_up=CleanUpPlan.of(job.clean_up),
        model=ModelPlan(asked, card.name, card.sha256),
        tile_px=job.parameters.tile_px,
        batch=job.parameters.batch,
        threshold=job.parameters.threshold,
        use=job.parameters.use,
        polarity_asked_for=job.parameters.polarity,
        trust=job.parameters.trust,
        neighbours=job.parameters.neighbours,
        leave_out=job.parameters.leave_out,
        noisy=job.parameters.noisy,
        polarity=polarity,
        slices=source.slices,
        slices_per_range=per_range,
        spacing_nm=source.voxel_nm,
        origin_nm=source.place.origin_nm,
        notes=notes,
        artefacts=artefacts,
    )
