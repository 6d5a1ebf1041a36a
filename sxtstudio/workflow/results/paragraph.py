"""A paragraph for the methods section of a paper: what was done, in sentences, with the citation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sxtstudio import __version__
from sxtstudio.core.edit_kind import EditKind, edit_title
from sxtstudio.core.steps import Step, StepKind
from sxtstudio.core.wording import count, grouped, shape_text, slices_words
from sxtstudio.io.project import Record
from sxtstudio.workflow.document.label_history import (
    DEFAULT_MODEL,
    finished_slices,
    slices_of,
    together_text,
)
from sxtstudio.workflow.document.methods import evaluation_found, without_taken_back
from sxtstudio.workflow.results.in_labels import told_steps

TITLE = (
    "3D surface reconstruction of cellular cryo-soft X-ray microscopy tomograms using semisupervised deep "
    "learning"
)
CITATION = f"Dyhr M.C.A., Sadeghi M., et al., “{TITLE}”, PNAS 2023, 120(24) e2209938120."
DOI = "https://doi.org/10.1073/pnas.2209938120"


def paragraph(record: Record, tomogram: str, objects: int = 0) -> str:
    """Return the paragraph.

    Parameters
    ----------
    record
        What was done.
    tomogram
        The name of its file.
    objects
        How many there are; 0: none.
    """
    size = shape_text(record.tomogram.shape)
    voxel = "an unknown voxel size"
    if record.voxel_nm is not None:
        edges = " × ".join(f"{edge:.4g}" for edge in record.voxel_nm)
        voxel = f"voxels of {edges} nm (z × y × x)"
    sentences = [
        f"The soft X-ray tomogram {tomogram} ({size} voxels, {voxel}) was analysed with SXT Studio "
        f"{__version__}."
    ]
    former = ""
    for sentence in _sentences(record.steps, record.tomogram.shape[0]):
        if sentence != former:  # of many strokes of the brush one is said
            sentences.append(sentence)
        former = sentence
    together = together_text(record.steps, record.tomogram.shape[0])
    if together:
        sentences.append(together)
    if record.lac is not None:
        sentences.append(f"Linear absorption coefficients: {record.lac.description()}.".replace("..", "."))
    if objects:
        sentences.append(
            f"Size, shape and grey values of {count(objects, 'object')} were measured; the dictionary beside "
            "the table gives definition, formula and source of each column."
        )
    judged = evaluation_found(record)
    if judged:
        sentences.append(judged)
    sentences.append(f"The segmentation method is that of Dyhr, Sadeghi et al. ({DOI}).")
    return " ".join(sentences)


def _sentences(steps: Sequence[Step], slice_count: int) -> Iterator[str]:
    told = told_steps(steps, slice_count)
    checked = without_taken_back([one.step for one in told])
    for one in told:
        step = one.step
        if step.kind not in (StepKind.EDIT, StepKind.OTHER) or step.target == "marks":
            continue  # marks of an evaluation change no result
        if step.edit is EditKind.CHECKED and not any(step is other for other in checked):
            continue
        say = _OF.get(step.edit) if step.edit is not None else None
        if say is None:
            yield _by_hand(step)
        elif step.partial:
            yield _part(step, slice_count)
        else:
            yield say({**step.parameters, "anew": one.anew})


def _part(step: Step, slice_count: int) -> str:
    """Say that no hand did it, and that it is not whole."""
    slices = slices_of(step, slice_count)
    if step.edit is not EditKind.SEGMENT or not slices:
        assert step.edit is not None
        title = edit_title(step.edit, step.target)
        return f"“{title}” was ended half-way, and what it had changed until then was kept."
    model, left_out = _with_model(step.parameters), _left_out(step.parameters)
    made = finished_slices(step, slice_count)
    if not made:
        return (
            f"A part of {slices_words(slices.start, slices.stop)} was segmented {model}: it was ended before "
            f"the last slice.{left_out}"
        )
    words = slices_words(made.start, made.stop)
    return (
        f"{words[0].upper()}{words[1:]} {'was' if len(made) == 1 else 'were'} segmented {model}: it was "
        f"ended before the others of {slices_words(slices.start, slices.stop)}.{left_out}"
    )


def _by_hand(step: Step) -> str:
    words = {"labels": "The labels", "mask": "The cell mask", "objects": "The objects"}
    return f"{words[step.target]} were then changed by hand.".replace("mask were", "mask was")


def _segment(values: dict[str, Any]) -> str:
    text = f"Membranes were segmented {_with_model(values)}"
    slices = values.get("slices")
    if isinstance(slices, list | tuple) and len(slices) == 2 and all(isinstance(z, int) for z in slices):
        text += f", in {slices_words(slices[0], slices[1])}"
    return f"{text}.{_left_out(values)}"


def _with_model(values: Mapping[str, Any]) -> str:
    """Return "with the model “compact” (SHA-256 …) at a threshold of …", as far as it is known."""
    model = values.get("model", "unknown")
    text = f"with {DEFAULT_MODEL}" if model is None else f"with the model “{model}”"
    sha = values.get("model_sha256")
    text += f" (SHA-256 {sha[:12]}…)" if isinstance(sha, str) and sha else ""
    if values.get("noisy") is True:
        text += ", which saw the slices in four fifths of their size,"
    threshold = values.get("threshold")
    text += f" at a threshold of {threshold:g} on its output" if isinstance(threshold, int | float) else ""
    if values.get("neighbours") == 1:
        text += " (the mean of the outputs for each slice and its two neighbours)"
    use = values.get("use")
    return text + (f", chosen for the use “{use}”" if isinstance(use, str) and use else "")


def _left_out(values: Mapping[str, Any]) -> str:
    """Say that frames and gold have no labels, and what of them there is; "" where they may have some."""
    if values.get("leave_out") is not True:
        return ""
    found = values.get("left_out")
    which = f" ({found})" if isinstance(found, str) and found else ", where there were any"
    return f" Frames of the reconstruction and gold beads were left out{which}."


def _clean(values: dict[str, Any]) -> str:
    parts, anew = [], values["anew"]
    for key, words, unit in _CLEANED:
        value = values.get(key)
        if _is_number(value):
            parts.append(words.format(value, unit if value == 1 else f"{unit}s"))
    if values.get("inside_mask"):
        parts.append("labels outside of the cell mask were removed")
    if isinstance(values.get("crop_zyx_px"), list):
        parts.append(f"{values['crop_zyx_px']} voxels (z, y, x) were cleared at each border")
    cleaned = f" cleaned up: {'; '.join(parts)}." if parts else " cleaned up."
    threshold = values.get("threshold")
    if not _is_number(threshold):
        return f"The labels were{cleaned}"
    text = f"The labels were made anew from the network's output at a threshold of {threshold:g}"
    text += "" if anew is None else f" in {slices_words(anew.start, anew.stop)}"
    if not parts:
        return f"{text}."
    return f"{text}, and {'' if anew is None else 'all labels were '}then{cleaned}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


#: In the order in which they are done: the name in the record, the words, and what is counted.
_CLEANED = (
    ("smooth_z", "the majority of {:g} {} to either side decided", "slice"),
    ("close", "gaps of up to twice {:g} {} were closed", "voxel"),
    ("fill_holes_px", "holes of up to {:g} {} within a slice were filled", "pixel"),
    ("dilate", "labels were dilated by {:g} {}", "voxel"),
    ("erode", "labels were eroded by {:g} {}", "voxel"),
    ("min_size_voxels", "objects of fewer than {:g} {} were removed", "voxel"),
    ("min_size_nm3", "objects smaller than {:g} nm³ were removed", ""),
)


def _objects(values: dict[str, Any]) -> str:
    if values.get("method") == "components":
        text = "Objects are the connected pieces of the labels"
    else:
        text = "Objects are the bodies that the outlines enclose"
        gap, split = values.get("gap_px"), values.get("split")
        text += f", gaps of up to {gap:g} px closed" if isinstance(gap, int | float) else ""
        if values.get("network_output") is True:
            text += ", and wider ones of large bodies where the network's output showed a faint membrane"
        if isinstance(split, int | float) and split > 0:
            text += f", divided at necks narrower than {split:g} of the narrower part"
    least = values.get("min_voxels")
    text += f"; those of fewer than {grouped(least)} voxels were left out" if isinstance(least, int) else ""
    return text + "."


_OF: Mapping[EditKind, Callable[[dict[str, Any]], str]] = {
    EditKind.SEGMENT: _segment,
    EditKind.CLEAN_UP: _clean,
    EditKind.FIND_OBJECTS: _objects,
    EditKind.FIND_CELL: lambda values: "The cell was told from ice by grey values and outlines.",
    EditKind.REMOVE_OUTSIDE: lambda values: "What lay outside of the cell mask was removed.",
    EditKind.CLASS_BY_RULE: lambda values: "Objects got their classes by rules on their measurements.",
    EditKind.CLASSIFY: lambda values: (
        "Objects got their classes by a random forest trained with objects that were named by hand."
    ),
    EditKind.FILOPODIUM: lambda values: (
        "Filopodia were chosen by hand; each was cut from the cell at its base, and its outline closed."
    ),
    EditKind.CLASS: lambda values: "Objects got their classes by hand.",
    EditKind.CHECKED: lambda values: "Classes of objects were checked by hand.",
    EditKind.NOTE: lambda values: "Notes were written.",
    EditKind.EDIT_CLASSES: lambda values: "The list of classes was edited.",
}
