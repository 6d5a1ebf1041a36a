"""Do the steps of a record again on a new document, as far as they are no work by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sxtstudio.core.bodies.method import Method
from sxtstudio.core.edit_kind import EditKind
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.mask_slices import ThresholdMask
from sxtstudio.core.polarity import chosen_polarity
from sxtstudio.core.progress import Progress
from sxtstudio.core.records import record_of
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.core.volume import ArrayVolume, VoxelSize
from sxtstudio.segment.card import ModelCard
from sxtstudio.segment.parameters import SegmentParameters
from sxtstudio.segment.registry import installed_card, load_card
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.network_output import find_output
from sxtstudio.workflow.jobs import document_mask as masking
from sxtstudio.workflow.jobs.document_cleaning import CleanInput, clean_document
from sxtstudio.workflow.jobs.document_objects import FindObjects, ObjectsInput, find_document_objects
from sxtstudio.workflow.jobs.document_segmenting import segment_document
from sxtstudio.workflow.jobs.standing_clean_up import recorded_clean_up
from sxtstudio.workflow.results.parameters import FindStep, SegmentStep, ThresholdStep, VoxelStep

Part = Literal["labels", "mask", "objects"]
PARTS: tuple[Part, ...] = ("labels", "mask", "objects")
#: Changes of the table of objects and of no voxel.
OF_ROWS = (
    EditKind.CLASS,
    EditKind.CLASS_BY_RULE,
    EditKind.CLASSIFY,
    EditKind.CHECKED,
    EditKind.EDIT_CLASSES,
    EditKind.NOTE,
)


class NotAsRecorded(UserError):
    """What a record names is not here, or is another one; ``what`` says so without what to do about it."""

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(f"{what}: {advice}")
        self.what = what


class NotTheModel(NotAsRecorded):
    """It is the model."""


class NotTheTomogram(NotAsRecorded):
    """It is the tomogram."""


@dataclass(frozen=True)
class Options:
    """What a user may say: another place of the model, and where it computes."""

    model: Path | None = None
    device: str = "auto"


@dataclass
class Replay:
    """A document on which steps are done again.

    Attributes
    ----------
    document
        New, of the same tomogram.
    give
        Takes labels, mask or objects from the folder into the document; whether they are there as they were
        written.
    by_hand
        Of each part, the names of the steps that are not done again, and how often; a part that has some is
        given from the folder.
    done
        The names of the steps that were done again.
    """

    document: Document
    options: Options
    give: Callable[[Part], bool]
    by_hand: dict[Part, dict[str, int]] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    _begun: bool = False
    _corrected: bool = False
    _known: dict[Part, bool] = field(default_factory=lambda: dict.fromkeys(PARTS, True))

    def run(self, steps: list[Step], progress: Progress) -> None:
        """Do all steps that stand, in their order.

        After the last step of a part that has work by hand, that part is taken from the folder, and what
        follows goes on from it.

        Raises
        ------
        UserError
            If the model is not the same, or a step cannot be done.
        Cancelled
            If the user stopped it.
        """
        last = {part: _last_step(steps, part) for part in PARTS}
        keep_output = any(
            step.edit is EditKind.CLEAN_UP and step.parameters.get("threshold") is not None for step in steps
        )
        edits = [step for step in steps if _is_edit(step)]
        for number, step in enumerate(steps):
            if step.kind is StepKind.VOXEL_SIZE:
                self.document.voxel_nm = _voxel(step)
            elif step.kind is StepKind.POLARITY and step.parameters.get("value") in ("dark", "bright"):
                self.document.polarity = chosen_polarity(step.parameters["value"])
            elif _is_edit(step):
                self._edit(step, keep_output, progress.part(1 / len(edits), step.name))
            for part in PARTS:
                if last[part] == number and not self._known[part]:
                    self._known[part] = self.give(part)

    def _edit(self, step: Step, keep_output: bool, progress: Progress) -> None:
        part = _part_of(step)
        if part is None or step.edit in OF_ROWS:
            return
        needs = _NEEDS.get((step.edit, part)) if step.edit is not None else None
        replaces = step.edit in _REPLACES or (self._segments_all(step) and not self._corrected)
        if part == "labels":
            self._follow_parts(step)
        wanted = () if needs is None else tuple(one for one in needs(step) if one != part or not replaces)
        if needs is None or step.partial or not all(self._known[one] for one in wanted):
            self._known[part] = False
            names = self.by_hand.setdefault(part, {})
            names[step.name] = names.get(step.name, 0) + 1
            return
        recorder = Recorder(_kind(step), self.document.volume(part), part)
        _RUN[_kind(step), part](self, step, recorder, keep_output, progress)
        if recorder.rows is not None and recorder.rows.changes:
            self.document.change_table(recorder.rows)
        self.document.recount(part)
        self._known[part] = True
        if replaces:
            self.by_hand.pop(part, None)  # what was drawn before is gone
        self.done.append(step.name)

    def _follow_parts(self, step: Step) -> None:
        """Note whether labels were corrected after a segmentation was ended half-way.

        Its finished slices stay as they were corrected if it is gone on with; the record does not tell that
        from one that was begun anew.
        """
        if step.edit is not EditKind.SEGMENT:
            self._corrected = self._begun
        elif step.partial:
            self._begun = True
        else:
            self._begun = self._corrected = False

    def _segments_all(self, step: Step) -> bool:
        """Whether it is a segmentation of all slices: nothing is left of the labels before it."""
        slices = step.parameters.get("slices")
        return (
            step.edit is EditKind.SEGMENT
            and isinstance(slices, list | tuple)
            and list(slices) == [0, self.document.shape[0]]
        )

    # -- what can be done again --------------------------------------------------------------------

    def segment(self, step: Step, recorder: Recorder, keep_output: bool, progress: Progress) -> None:
        """Segment with the model that is recorded."""
        said = record_of(dict(step.parameters), SegmentStep, "A segmentation of the record is damaged")
        card = self._card(said.model, said.model_sha256)
        document = self.document
        parameters = SegmentParameters(
            model=card.card_path or card.path,
            device=self.options.device,
            threshold=said.threshold,
            polarity=said.polarity,
            slices=said.slices,
            probability=keep_output or said.output_kept,
            trust="none",
            neighbours=1 if said.neighbours else 0,
            leave_out=said.leave_out,
            noisy=said.noisy,
        )
        segment_document(
            recorder,
            document.identify(),
            parameters,
            document.bulk,
            document.segmentation_folder,
            progress,
            _nobody,
        )

    def _card(self, name: str, sha256: str) -> ModelCard:
        try:
            # The record may be a stranger's: no file is opened because it is named there.
            card = load_card(self.options.model) if self.options.model else installed_card(name)
        except UserError as error:
            raise NotTheModel(
                f"The labels were made with the model {name} ({_short(sha256)}), which is not here",
                f"{error} Say where it is with --model.",
            ) from error
        if card.sha256 != sha256:
            raise NotTheModel(
                f"The labels were made with the model {name} of SHA-256 {_short(sha256)}, and the one "
                f"that is here has {_short(card.sha256)}",
                "give the right one with --model.",
            )
        return card

    def clean(self, step: Step, recorder: Recorder, keep_output: bool, progress: Progress) -> None:
        """Clean up as recorded."""
        wanted, document = recorded_clean_up(step.parameters), self.document
        if document.labels is None:
            return
        given = CleanInput(
            document.labels,
            document.mask,
            find_output(document.bulk, document.shape),
            document.voxel_nm,
        )
        clean_document(recorder, given, wanted, document.bulk, progress, _nobody)

    def find_cell(self, step: Step, recorder: Recorder, keep_output: bool, progress: Progress) -> None:
        """Look for the cell."""
        document, value = self.document, step.parameters.get("polarity")
        polarity = chosen_polarity(value) if value in ("dark", "bright") else None
        labels = None if document.labels is None else ArrayVolume(document.labels)
        masking.make_automatic(recorder, document.tomogram, polarity, labels, progress, _nobody)

    def threshold(self, step: Step, recorder: Recorder, keep_output: bool, progress: Progress) -> None:
        """Make the mask from a grey value."""
        said = record_of(dict(step.parameters), ThresholdStep, "A threshold of the record is damaged")
        how = ThresholdMask(said.value, said.above, said.smooth_px, said.large_only, said.fill)
        masking.make_by_threshold(recorder, self.document.tomogram, how, progress, _nobody)

    def cut(self, step: Step, recorder: Recorder, keep_output: bool, progress: Progress) -> None:
        """Remove the labels outside of the mask."""
        if self.document.mask is not None:
            masking.cut_labels(recorder, self.document.mask, progress, _nobody)

    def find_objects(self, step: Step, recorder: Recorder, keep_output: bool, progress: Progress) -> None:
        """Find objects as recorded."""
        said = record_of(dict(step.parameters), FindStep, "Finding objects in the record is damaged")
        document = self.document
        if document.labels is None:
            return
        given = ObjectsInput(
            document.labels,
            document.mask,
            document.voxel_nm,
            document.tomogram,
            document.object_table,
            document.object_boxes,
            find_output(document.bulk, document.shape),
        )
        wanted = FindObjects(
            Method(said.method),
            said.gap_px,
            said.split,
            said.min_voxels,
            said.inside_mask,
            said.image,
            said.within_slices,
            said.network_output,
        )
        find_document_objects(recorder, given, wanted, document.bulk, progress)


def _mask_alone(work: Callable[..., masking.MaskResult]) -> Run:
    return lambda replay, step, recorder, keep, progress: _ignore(work(recorder, progress, _nobody))


def _ignore(_: object) -> None:
    """What is said to the user of a step is not wanted here."""


def _nobody(_: Box) -> None:
    """Nobody looks at what changes meanwhile."""


Run = Callable[[Replay, Step, Recorder, bool, Progress], None]
_RUN: Mapping[tuple[EditKind, Part], Run] = {
    (EditKind.SEGMENT, "labels"): Replay.segment,
    (EditKind.CLEAN_UP, "labels"): Replay.clean,
    (EditKind.REMOVE_OUTSIDE, "labels"): Replay.cut,
    (EditKind.FIND_CELL, "mask"): Replay.find_cell,
    (EditKind.THRESHOLD, "mask"): Replay.threshold,
    (EditKind.CONTINUE, "mask"): _mask_alone(masking.continue_to_ends),
    (EditKind.INVERT, "mask"): _mask_alone(masking.invert),
    (EditKind.FILL_HOLES, "mask"): _mask_alone(masking.fill),
    (EditKind.CLEAR, "mask"): _mask_alone(masking.clear),
    (EditKind.FIND_OBJECTS, "objects"): Replay.find_objects,
}
#: After these nothing is left of what was there before.
_REPLACES = (EditKind.FIND_CELL, EditKind.THRESHOLD, EditKind.FIND_OBJECTS)


def _after_labels_and_mask(step: Step) -> tuple[Part, ...]:
    return ("labels", "mask") if step.parameters.get("inside_mask") else ("labels",)


def _clean_needs(step: Step) -> tuple[Part, ...]:
    return _after_labels_and_mask(step)


#: Which parts must be as they were then, for a step to be done again.
_NEEDS: Mapping[tuple[EditKind, Part], Callable[[Step], tuple[Part, ...]]] = {
    (EditKind.SEGMENT, "labels"): lambda step: ("labels",),
    (EditKind.CLEAN_UP, "labels"): _clean_needs,
    (EditKind.REMOVE_OUTSIDE, "labels"): lambda step: ("labels", "mask"),
    (EditKind.FIND_CELL, "mask"): lambda step: ("labels",),
    (EditKind.THRESHOLD, "mask"): lambda step: (),
    (EditKind.CONTINUE, "mask"): lambda step: ("mask",),
    (EditKind.INVERT, "mask"): lambda step: ("mask",),
    (EditKind.FILL_HOLES, "mask"): lambda step: ("mask",),
    (EditKind.CLEAR, "mask"): lambda step: (),
    (EditKind.FIND_OBJECTS, "objects"): _after_labels_and_mask,
}


def _is_edit(step: Step) -> bool:
    return step.kind in (StepKind.EDIT, StepKind.OTHER)


def _part_of(step: Step) -> Part | None:
    return next((part for part in PARTS if part == step.target), None)


def _kind(step: Step) -> EditKind:
    assert step.edit is not None
    return step.edit


def _last_step(steps: list[Step], part: Part) -> int | None:
    """Return the number of the last step that changed voxels of a part."""
    found = [
        number
        for number, step in enumerate(steps)
        if _is_edit(step) and step.target == part and step.edit not in OF_ROWS
    ]
    return found[-1] if found else None


def _voxel(step: Step) -> VoxelSize | None:
    said = record_of(dict(step.parameters), VoxelStep, "A voxel size of the record is damaged")
    return said.voxel_nm


def _short(sha256: str) -> str:
    return f"{sha256[:12]}…" if len(sha256) > 12 else sha256
