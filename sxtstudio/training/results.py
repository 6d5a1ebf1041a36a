"""What a training leaves for the eye: preview, comparison of before and after, and curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.training_events import EVENTS, Event, read_events
from sxtstudio.training.evaluation import Judged


def write_preview(path: Path, judged: Judged) -> None:
    """Write one held-out slice: ``image``, ``label`` and ``redrawn`` (y, x) float32, ``truth`` uint8."""
    _write_arrays(
        path,
        {
            "image": judged.image,
            "label": judged.label,
            "redrawn": judged.redrawn,
            "truth": truth_bytes(judged.truth),
        },
    )


def write_comparison(path: Path, before: Sequence[Judged] | None, after: Sequence[Judged]) -> None:
    """Write held-out slices with the outlines of the model before and after training."""
    arrays: dict[str, NDArray[Any]] = {}
    for i, judged in enumerate(after):
        arrays |= {f"image_{i}": judged.image, f"truth_{i}": truth_bytes(judged.truth)}
        arrays[f"after_{i}"] = judged.label
        if before is not None:
            arrays[f"before_{i}"] = before[i].label
    _write_arrays(path, arrays)


def truth_bytes(truth: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Return labels −1, 0, 1 as 0 (background), 128 (does not count), 255 (membrane)."""
    return np.choose(truth + 1, np.array([0, 128, 255], np.uint8)).astype(np.uint8)


def draw_curves(folder: Path) -> None:
    """Draw both losses and both metrics of the run in ``folder`` into its ``curves.png``."""
    from sxtstudio.training.curves import TrainingCurve, draw

    events = read_events(folder / EVENTS)
    panels = {
        "label loss": [
            TrainingCurve("training", _series(events, "step", "label_loss")),
            TrainingCurve("test", _series(events, "evaluate", "test_label_loss")),
        ],
        "image loss": [
            TrainingCurve("training", _series(events, "step", "image_loss")),
            TrainingCurve("test", _series(events, "evaluate", "test_image_loss")),
        ],
        "pixels as labelled, redrawn": [
            TrainingCurve("label within 1 %", _series(events, "evaluate", "label_share")),
            TrainingCurve("image within 1 SD", _series(events, "evaluate", "image_share")),
        ],
        "outlines within 2 px": [
            TrainingCurve("F1", _series(events, "evaluate", "f1")),
            TrainingCurve("precision", _series(events, "evaluate", "precision")),
            TrainingCurve("recall", _series(events, "evaluate", "recall")),
        ],
    }
    with atomic_write(folder / "curves.png") as temporary:
        draw(panels).save(temporary)


def _series(events: Sequence[Event], kind: str, key: str) -> list[tuple[float, float]]:
    points = {
        entry["step"]: entry[key]
        for entry in events
        if entry["event"] == kind and entry.get(key) is not None and "step" in entry
    }
    return sorted(points.items())


def _write_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
