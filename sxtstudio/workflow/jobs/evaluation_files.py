"""The report of an evaluation: JSON with definitions, or a table as CSV."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.evaluation.agreement import Agreement
from sxtstudio.core.evaluation.objects import LEAST_IOU, ObjectScores
from sxtstudio.core.evaluation.pixels import SCORES, PixelScores, scores_of
from sxtstudio.core.printable import csv_text
from sxtstudio.workflow.jobs.objects import TakenAs
from sxtstudio.workflow.jobs.report import write_report

SUFFIXES = (".json", ".csv")
_COUNTS = ("predicted", "reference", "true_positive", "false_positive", "false_negative", "reference_found")
_DEFINITIONS = {
    "true_positive": "predicted pixels within the tolerance of a pixel of the reference, in the same slice",
    "false_positive": "predicted pixels that are not",
    "reference_found": "pixels of the reference within the tolerance of a predicted pixel",
    "false_negative": "pixels of the reference that are not",
    "precision": "true_positive / predicted",
    "recall": "reference_found / reference",
    "f1": "2 precision recall / (precision + recall); with a tolerance the F1 of boundaries (Csurka et al., "
    "BMVC 2013)",
    "dice": "2 common / (predicted + reference), common pixels without any tolerance (Dice 1945)",
    "over_slices": "mean and SD (of a sample) over the slices that have the score, each with one weight; "
    "'all' counts each pixel with one weight",
    "null": "there is nothing of which it could be a share",
}
_OBJECT_DEFINITIONS = {
    "found": f"one predicted object for one of the reference, IoU of their voxels {LEAST_IOU} or more",
    "f1": "2 found / (predicted + reference) (Caicedo et al., Cytometry A 95 (2019) 952)",
    "part": "an object of which more than half lies in another, of which it makes up a tenth or more (after "
    "Hoover et al., IEEE PAMI 18 (1996) 673)",
    "split": "reference objects with two or more predicted parts",
    "merged": "predicted objects with two or more parts of the reference",
    "missed": "reference objects that are neither found, nor split, nor part of a merged one",
    "spurious": "predicted objects that are neither found, nor merged, nor part of a split one",
}


def write_evaluation(
    path: Path,
    head: dict[str, Any],
    pixels: PixelScores,
    objects: ObjectScores | None,
    taken_as: Sequence[TakenAs],
    notes: Sequence[str],
) -> None:
    """Write a report; its ending says whether as JSON or as CSV.

    ``head`` says of a JSON which program, files and parameters; ``taken_as`` what the numbers of the
    predicted and of the reference file were taken for.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    if path.suffix.lower() == ".csv":
        with atomic_write(path) as temporary:
            text = csv_text(columns(objects), rows(pixels, objects))
            temporary.write_text(text, encoding="utf-8", newline="")
        return
    entry = None
    if objects is not None:
        entry = {"definitions": _OBJECT_DEFINITIONS, **_object_entry(objects)}
        entry["taken_as"] = dict(zip(("predicted", "reference"), taken_as, strict=True))
    write_report(
        path,
        {
            **head,
            "slices_are_counted_from": 0,
            "definitions": _DEFINITIONS,
            "all": _entry(pixels.total),
            "over_slices": {
                name: {"slices": spread.n, "mean": spread.mean, "sd": spread.sd}
                for name in SCORES
                for spread in (pixels.spread(name),)
            },
            "per_slice": [{"slice": one.z, **_entry(one.agreement)} for one in pixels.slices],
            "objects": entry,
            "notes": list(notes),
        },
    )


def columns(objects: ObjectScores | None) -> tuple[str, ...]:
    """Return the names of the columns of the CSV."""
    return ("slice", *_COUNTS, *SCORES, *(_object_row(objects) if objects is not None else ()))


def rows(pixels: PixelScores, objects: ObjectScores | None) -> Iterator[dict[str, Any]]:
    """Yield the rows of the CSV: each slice (from 0), then "all", and "mean" and "sd" over the slices."""
    for one in pixels.slices:
        yield {"slice": one.z, **_entry(one.agreement)}
    of_objects = {} if objects is None else _object_row(objects)
    yield {"slice": "all", **_entry(pixels.total), **of_objects}
    spreads = {name: pixels.spread(name) for name in SCORES}
    yield {"slice": "mean", **{name: _known(spread.mean) for name, spread in spreads.items()}}
    yield {"slice": "sd", **{name: _known(spread.sd) for name, spread in spreads.items()}}


def _entry(agreement: Agreement) -> dict[str, Any]:
    counts = (
        agreement.predicted,
        agreement.truth,
        agreement.predicted_right,
        agreement.false_positive,
        agreement.false_negative,
        agreement.truth_found,
    )
    return {**dict(zip(_COUNTS, counts, strict=True)), **scores_of(agreement)}


def _object_row(objects: ObjectScores) -> dict[str, Any]:
    return {f"objects_{name}": value for name, value in object_figures(objects).items()}


def object_figures(objects: ObjectScores) -> dict[str, int | float | None]:
    """Return the counts and scores of objects by the names that reports give them."""
    return {
        "predicted": objects.predicted,
        "reference": objects.reference,
        "found": objects.found,
        "precision": objects.precision,
        "recall": objects.recall,
        "f1": objects.f1,
        "mean_iou": objects.mean_iou,
        "split": int(objects.split.sum()),
        "merged": int(objects.merged.sum()),
        "missed": int(objects.missed.sum()),
        "spurious": int(objects.spurious.sum()),
    }


def _object_entry(objects: ObjectScores) -> dict[str, Any]:
    """Return the figures, and which objects they count by number."""
    table, partner = objects.table, objects.partner
    return {
        **object_figures(objects),
        "found_objects": [
            {"predicted": int(table.predicted[i]), "reference": int(table.reference[partner[i]]), "iou": iou}
            for i, iou in enumerate(objects.iou.tolist())
            if partner[i] >= 0
        ],
        "split_objects": table.reference[objects.split].tolist(),
        "merged_objects": table.predicted[objects.merged].tolist(),
        "missed_objects": table.reference[objects.missed].tolist(),
        "spurious_objects": table.predicted[objects.spurious].tolist(),
    }


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
