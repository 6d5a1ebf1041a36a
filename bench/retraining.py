"""What a user's labels bring: 3 labelled slices of 512×512 of a tomogram unlike those the model has seen.

The phantom comes from the second simulator; a band-pass filter, which leaves nothing but edges with double
halos, makes it look unlike any training data. The command line trains on 3 of its slices, as a user would;
then the model before and the model after label slices between and beyond those, through the shipped
inference. Pixels are right within 2 px. Run ``python -m bench.retraining``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage

from bench.accuracy import Outlined, score
from bench.judges import other_simulator
from sxtstudio.segment import SegmentParameters

SEED, SHAPE = 911, (56, 512, 512)
BAND_PX = (1.5, 2.5)  # standard deviations of the Gaussians whose difference is the filter
LABELLED, JUDGED = (8, 24, 40), (16, 32, 48)
CONFIG = """
name = "after"
start_from = {start}
[[labelled]]
tomogram = "phantom.tif"
labels = "phantom.labels.tif"
slices = "{slices}"
[training]
minutes = {minutes}
evaluate_every = 25
"""


def make_phantom() -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return a tomogram (z, y, x) of a new appearance, what an annotator outlines, and what is doubtful."""
    tomogram, truth, notes = other_simulator.simulate(SEED, SHAPE)
    fine, coarse = (ndimage.gaussian_filter(tomogram, (0, sd, sd)) for sd in BAND_PX)
    return fine - coarse, truth, notes["doubtful"]


def train(folder: Path, start: str, minutes: float) -> Path:
    """Train as a user would, on the command line, and return the new model's file."""
    slices = ", ".join(map(str, LABELLED))
    text = CONFIG.format(start=json.dumps(start), slices=slices, minutes=minutes)
    (folder / "retrain.toml").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "sxtstudio", "train", str(folder / "retrain.toml"), "--json"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder / "retrain.run" / "after.onnx"


def main() -> None:
    """Print precision, recall and F1 before and after."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--minutes", type=float, default=8.0)
    options = parser.parse_args()
    tomogram, truth, doubtful = make_phantom()

    judged = [Outlined(tomogram, z, truth[z], doubtful[z]) for z in JUDGED]

    def judge(model: str) -> dict[str, float]:
        return score(judged, SegmentParameters(model, device="cpu", polarity="dark"))

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        chosen = list(LABELLED)
        labels = np.zeros(SHAPE, np.uint8)
        labels[chosen] = np.where(truth[chosen], 255, np.where(doubtful[chosen], 128, 0))
        tifffile.imwrite(folder / "phantom.tif", tomogram)
        tifffile.imwrite(folder / "phantom.labels.tif", labels)
        before = judge(options.model)
        began = time.monotonic()
        model = train(folder, options.model, options.minutes)
        minutes = (time.monotonic() - began) / 60
        after = judge(str(model))
    for name, figures in (("before", before), ("after", after)):
        print(f"{name}: " + ", ".join(f"{key} {value:.3f}" for key, value in figures.items()))
    gain = after["f1"] - before["f1"]
    print(f"3 labelled slices, {minutes:.1f} min, {os.cpu_count()} cores: F1 {gain:+.3f} on other slices")


if __name__ == "__main__":
    main()
