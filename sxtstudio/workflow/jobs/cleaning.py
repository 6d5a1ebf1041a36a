"""Clean-up of labels: on the labels of a running segmentation, or from file to file."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.cellmask import cell_mask
from sxtstudio.core.cleanup import (
    CleanParameters,
    CleanReport,
    check_numbers,
    check_parameters,
    clean,
    stages_of,
)
from sxtstudio.core.errors import OutsideError, UserError, outside_the_file
from sxtstudio.core.geometry import Triple
from sxtstudio.core.image_polarity import detect_polarity
from sxtstudio.core.label_values import LabelValues
from sxtstudio.core.labels import in_mask
from sxtstudio.core.pace import Work
from sxtstudio.core.polarity import PolarityChoice
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.volume import ArrayVolume, Volume, VoxelSize
from sxtstudio.core.walk import walk
from sxtstudio.core.wording import count, grouped
from sxtstudio.io import ExportReceipt, export_volume, open_volume
from sxtstudio.workflow.document.views import VolumeView, labels_to_disk, notes_of
from sxtstudio.workflow.jobs.outputs import (
    VOLUME_SUFFIXES,
    OutputFile,
    check_outputs,
    check_space,
    scratch_folder,
)
from sxtstudio.workflow.jobs.unchanged import KnownInput


@dataclass(frozen=True)
class CleanUp:
    """What to do to labels, for the window, the command line and a batch.

    Attributes
    ----------
    parameters
        Smoothing along z, gaps, holes, dilation, erosion, small objects, borders.
    mask, auto_mask, inside_mask
        At most one of them: remove what lies outside a mask in a file, outside the cell that is looked for in
        the tomogram, or outside the cell mask of the open document.
    threshold
        Make the labels anew from the network's output (−1…1) above this; None leaves them. Only the open
        document keeps the output.
    """

    parameters: CleanParameters = field(default_factory=CleanParameters)
    mask: Path | None = None
    auto_mask: bool = False
    inside_mask: bool = False
    threshold: float | None = None

    @property
    def wanted(self) -> bool:
        """Whether anything is to be done at all."""
        return self != CleanUp()

    def step(self) -> dict[str, Any]:
        """Return what stands in the record of steps: only what is switched on."""
        steps = self.parameters
        found: dict[str, Any] = {}
        if self.threshold is not None:
            found["threshold"] = self.threshold
        if steps.smooth_z:
            found["smooth_z"] = steps.smooth_z
        if steps.close:
            found["close"] = steps.close
        if steps.fill_px:
            found["fill_holes_px"] = steps.fill_px
        if steps.dilate:
            found["dilate"] = steps.dilate
        if self.inside_mask:
            found["inside_mask"] = True
        if steps.erode:
            found["erode"] = steps.erode
        if steps.close or steps.dilate or steps.erode:
            found["erode_3d" if steps.erode else "in_3d"] = steps.erode_3d
        if steps.min_size_voxels:
            found["min_size_voxels"] = steps.min_size_voxels
        if steps.min_size_nm3:
            found["min_size_nm3"] = steps.min_size_nm3
        if any(steps.crop):
            found["crop_zyx_px"] = list(steps.crop)
        return found

    @property
    def words(self) -> str:
        """What is switched on, in the order in which it is done: "threshold 0.50, erosion 1"."""
        p, found = self.parameters, []
        if self.threshold is not None:
            found.append(f"threshold {self.threshold:.2f}")
        for text, value in (
            ("smoothing along z {}", p.smooth_z),
            ("closing {}", p.close),
            ("holes up to {} px filled", p.fill_px),
            ("dilation {}", p.dilate),
        ):
            if value:
                found.append(text.format(grouped(value)))
        if self.inside_mask:
            found.append("inside the cell mask")
        if p.erode:
            found.append(f"erosion {p.erode}")
        if (p.close or p.dilate or p.erode) and not p.erode_3d:
            found.append("slice by slice")
        if p.min_size_voxels:
            found.append(f"smallest {count(p.min_size_voxels, 'voxel')}")
        if p.min_size_nm3:
            found.append(f"smallest {grouped(round(p.min_size_nm3))} nm³")
        if any(p.crop):
            found.append(f"borders {' × '.join(map(str, p.crop))} (z × y × x)")
        return ", ".join(found)


@dataclass(frozen=True)
class CleanJob:
    """One run of ``sxtstudio clean``.

    ``tomogram`` is that of the automatic mask, ``polarity`` how membranes look in it, ``label`` the only
    value of the labels that counts.
    """

    labels: Path
    output: Path
    clean_up: CleanUp
    tomogram: Path | None = None
    voxel_nm: VoxelSize | None = None
    label: int | None = None
    polarity: PolarityChoice = "auto"


@dataclass(frozen=True)
class CleanResult:
    """What was done and what was written, and what the user should know, or has to check."""

    report: CleanReport
    receipt: ExportReceipt
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


#: Cleans labels in place: the map of the labels, what counts progress → report, notes, warnings.
CleanedBy = Callable[[NDArray[np.uint8], Progress], tuple[CleanReport, tuple[str, ...], tuple[str, ...]]]


def clean_file(
    job: CleanJob, progress: Progress | None = None, *, cleaned_by: CleanedBy | None = None
) -> CleanResult:
    """Clean the labels of a file and write them to another one.

    Parameters
    ----------
    job
        Files and parameters. Labels are all voxels that are not 0, or those with the value ``label``.
    progress
        Counts reading, cleaning and writing.
    cleaned_by
        Does the clean-up; None does it here.

    Returns
    -------
    CleanResult
        Voxels before and after each step, and the receipt of the verified output.

    Raises
    ------
    UserError
        If an input or a parameter is bad, or the output cannot be written; an existing output is
        then as it was.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    progress = progress or Progress()
    check_outputs(
        [OutputFile(job.output, "labels", VOLUME_SUFFIXES)], [job.labels, job.clean_up.mask, job.tomogram]
    )
    with ExitStack() as stack:
        source = stack.enter_context(open_volume(job.labels))
        voxel_nm = job.voxel_nm or source.voxel_nm
        tomogram = stack.enter_context(open_volume(job.tomogram)) if job.tomogram else None
        mask = stack.enter_context(open_volume(job.clean_up.mask)) if job.clean_up.mask else None
        opened = ((job.labels, source), (job.tomogram, tomogram), (job.clean_up.mask, mask))
        inputs = [KnownInput.of(path, volume) for path, volume in opened if path and volume]
        check_clean_up(job.clean_up, source.shape, voxel_nm)
        for other, name in ((tomogram, "tomogram"), (mask, "mask")):
            if other is not None:
                check_same_shape(other, name, source.shape)
        if mask is not None:
            check_mask(mask, job.clean_up.mask)
        check_space(job.output.parent, 2 * int(np.prod(source.shape)))
        folder = stack.enter_context(scratch_folder(job.output))
        stages = Stages(
            progress,
            (
                Stage(Work.COPY, math.prod(source.shape), "reading labels"),
                clean_up_stage(job.clean_up, source.shape),
                Stage(Work.EXPORT, math.prod(source.shape), "writing"),
            ),
        )
        with stages.stage(Work.COPY) as counter:
            labels, values = labels_to_disk(
                source, folder / "labels", job.labels.name, counter, value=job.label
            )
        with stages.stage(Work.CLEAN_UP) as counter:
            if cleaned_by is not None:
                report, notes, warnings = cleaned_by(labels, counter)
            else:
                report, notes, warnings = run_clean_up(
                    labels,
                    job.clean_up,
                    out=labels,
                    voxel_nm=voxel_nm,
                    mask=mask,
                    tomogram=tomogram,
                    polarity=job.polarity,
                    progress=counter,
                )
        for known in inputs:
            known.check()
        with stages.stage(Work.EXPORT) as counter:
            receipt = export_volume(
                job.output,
                ArrayVolume(labels, voxel_nm),
                voxel_nm=voxel_nm,
                place=source.place,
                kind="labels",
                progress=counter,
            )
    merged = () if job.label is not None or not values.several else (merged_text(values),)
    warnings += nothing_left(report)
    return CleanResult(report, receipt, (*notes_of(source, job.voxel_nm), *merged, *notes), warnings)


def nothing_left(report: CleanReport) -> tuple[str, ...]:
    """Return a warning if no label is left, or there was none before."""
    if report.voxels_after:
        return ()
    if not report.voxels_before:
        return ("There are no labels: every voxel is 0, or has not the label asked for.",)
    removed = count(report.voxels_before, "voxel")
    return (f"The clean-up removed all labels ({removed}): look at its steps, and choose milder ones.",)


def merged_text(values: LabelValues) -> str:
    """Return that labels of several values were taken as one kind."""
    return f"{values.name} holds {values.text()}: all were taken as one kind. --label N takes one of them."


def run_clean_up(
    labels: NDArray[np.uint8],
    clean_up: CleanUp,
    *,
    out: NDArray[np.uint8],
    voxel_nm: VoxelSize | None,
    mask: Volume | None,
    tomogram: Volume | None,
    polarity: PolarityChoice,
    progress: Progress,
) -> tuple[CleanReport, tuple[str, ...], tuple[str, ...]]:
    """Clean ``labels`` into ``out``, with the mask of a file or one made from the tomogram.

    "auto" has the polarity detected in the tomogram. Returns what was done, what the user should know of the
    mask, and what to check.
    """
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    z, y, x = labels.shape
    stages = Stages(progress, clean_up_stage(clean_up, (z, y, x), polarity_known=polarity != "auto").inner)
    if clean_up.auto_mask:
        mask, notes, warnings = auto_mask(ArrayVolume(labels), tomogram, polarity, stages)
    with stages.stage(Work.CLEAN_UP) as counter:
        report = clean(labels, clean_up.parameters, out=out, voxel_nm=voxel_nm, mask=mask, progress=counter)
    return report, notes, warnings


def auto_mask(
    labels: Volume, tomogram: Volume | None, polarity: PolarityChoice, stages: Stages
) -> tuple[Volume, tuple[str, ...], tuple[str, ...]]:
    """Return the mask of the cell that is looked for in the tomogram, notes on it, and what to check.

    Raises
    ------
    UserError
        If there is no tomogram, or nothing to be seen in it.
    """
    warnings: tuple[str, ...] = ()
    if tomogram is None:
        raise UserError("The automatic mask needs the tomogram of these labels: give its file.")
    if polarity == "auto":
        with stages.stage(Work.POLARITY) as counter:
            judged = detect_polarity(tomogram, progress=counter)
        polarity = judged.value
        if not judged.sure:
            warnings = (judged.doubt(f"If the wrong labels are left, give --polarity {judged.other}."),)
    with stages.stage(Work.CELL_MASK) as counter:
        found = cell_mask(tomogram, polarity=polarity, labels=labels, progress=counter)
    return found, found.notes, warnings


def clean_up_stage(clean_up: CleanUp, shape: Triple, *, polarity_known: bool = False) -> Stage:
    """Return what ``run_clean_up`` of labels of ``shape`` consists of, for what it will take."""
    voxels = math.prod(shape)
    inner: list[Stage] = []
    if clean_up.auto_mask and not polarity_known:
        inner.append(Stage(Work.POLARITY, shape[1] * shape[2], "polarity"))
    if clean_up.auto_mask:
        inner.append(Stage(Work.CELL_MASK, voxels, "cell mask"))
    masked = clean_up.auto_mask or clean_up.mask is not None
    steps = stages_of(clean_up.parameters, shape, masked=masked)
    inner.append(Stage(Work.CLEAN_UP, voxels, "clean-up", steps))
    return Stage(Work.CLEAN_UP, voxels, "clean-up", tuple(inner))


def check_clean_up(clean_up: CleanUp, shape: tuple[int, int, int], voxel_nm: VoxelSize | None) -> None:
    """Raise UserError, before any long work, if the clean-up of a file's labels cannot be done."""
    check_clean_up_values(clean_up)
    if clean_up.parameters.min_size_nm3 and voxel_nm is None:
        raise UserError(
            "The smallest size is given in nm³ but the voxel size is unknown: give it with --voxel, "
            "or give the smallest size in voxels."
        )
    check_parameters(clean_up.parameters, shape)


def check_clean_up_values(clean_up: CleanUp) -> None:
    """Raise OutsideError if the clean-up can be done to no file's labels."""
    if clean_up.inside_mask or clean_up.threshold is not None:
        raise OutsideError(
            "The cell mask and the network's output belong to a tomogram that is open in the window: give "
            "the file of a mask, and set the threshold of the segmentation."
        )
    with outside_the_file():
        check_numbers(clean_up.parameters)


def check_same_shape(volume: Volume, name: str, shape: tuple[int, int, int]) -> None:
    """Raise UserError unless a mask or tomogram has the shape (z, y, x) of the labels."""
    if tuple(volume.shape) != tuple(shape):
        theirs, ours = (" × ".join(str(n) for n in s) for s in (volume.shape, shape))
        advice = f"give the {name} that belongs to these labels"
        if sorted(volume.shape) == sorted(shape):
            advice = "one of them stores its axes in another order, which can be named: FILE::axes=xyz"
        raise UserError(f"The {name} has {theirs} voxels (z × y × x) but the labels have {ours}: {advice}.")


def check_mask(mask: Volume, path: Path | None) -> None:
    """Raise UserError if no voxel is in a mask: everything would be erased."""
    if not any(in_mask(mask.read(box)).any() for box in walk(mask.shape)):
        name = "The mask" if path is None else path.name
        raise UserError(
            f"{name} is empty: no voxel is a number other than 0, so nothing would be left: give another."
        )


def mask_for(mask: Volume, whole: tuple[int, int, int], slices: tuple[int, int]) -> Volume:
    """Return the part of a mask of a whole tomogram that lies over its segmented slices.

    A mask that was made for just these slices is taken as it is.
    """
    if tuple(mask.shape) == tuple(whole):
        return VolumeView(mask, slices)
    check_same_shape(mask, "mask", (slices[1] - slices[0], *whole[1:]))
    return mask
