"""What a user's labels bring: 1 or 3 labelled slices of 512×512 of a tomogram unlike what the model has seen.

The phantom comes from the second simulator; a band-pass filter, which leaves nothing but edges with double
halos, makes it look unlike any training data. The command line trains on its slices, as a user would; then
the model before and the model after label slices between and beyond those, through the shipped inference.
Pixels are right within 2 px. How far a judged slice lies from the nearest labelled one is said. Run
``python -m bench.retraining [--slices 1 --minutes 2]``; ``--set spectra=0.5`` tries another setting.
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
#: Labelled slices, and the judged ones, by the number of labelled ones.
PLANS = {3: ((8, 24, 40), (16, 32, 48)), 1: ((12,), (28, 36, 44, 52))}
CONFIG = """
name = "after"
start_from = {start}
[[labelled]]
tomogram = "phantom.tif"
labels = "phantom.labels.tif"
slices = "{slices}"
{unlabelled}
[training]
{limit}
evaluate_every = 25
"""
UNLABELLED = """
[[unlabelled]]
tomogram = "phantom.tif"
slices = "{slices}"
"""


def make_phantom() -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return a tomogram (z, y, x) of a new appearance, what an annotator outlines, and what is doubtful."""
    tomogram, truth, notes = other_simulator.simulate(SEED, SHAPE)
    fine, coarse = (ndimage.gaussian_filter(tomogram, (0, sd, sd)) for sd in BAND_PX)
    return fine - coarse, truth, notes["doubtful"]


def train(folder: Path, start: str, labelled: tuple[int, ...], limit: str, unlabelled: bool) -> Path:
    """Train as a user would, on the command line, and return the new model's file."""
    others = ", ".join(str(z) for z in range(SHAPE[0]) if z not in labelled)
    text = CONFIG.format(
        start=json.dumps(start),
        slices=", ".join(map(str, labelled)),
        unlabelled=UNLABELLED.format(slices=others) if unlabelled else "",
        limit=limit,
    )
    (folder / "retrain.toml").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "sxtstudio", "train", str(folder / "retrain.toml"), "--json"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder / "retrain.run" / "after.onnx"


def main() -> None:
    """Print precision, recall and F1 before and after."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="compact")
    parser.add_argument("--slices", type=int, choices=PLANS, default=3)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--steps", type=int, help="a number of steps instead of minutes")
    parser.add_argument("--unlabelled", action="store_true", help="the other slices are seen without labels")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of [training]")
    options = parser.parse_args()
    tomogram, truth, doubtful = make_phantom()
    chosen, judged = PLANS[options.slices]
    limit = f"steps = {options.steps}" if options.steps else f"minutes = {options.minutes}"
    limit = "\n".join([limit, *options.set])

    def judge(model: str, *slices: int) -> dict[str, float]:
        outlined = [Outlined(tomogram, z, truth[z], doubtful[z]) for z in slices]
        return score(outlined, SegmentParameters(model, device="cpu", polarity="dark"))

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        labels = np.zeros(SHAPE, np.uint8)
        for z in chosen:
            labels[z] = np.where(truth[z], 255, np.where(doubtful[z], 128, 0))
        tifffile.imwrite(folder / "phantom.tif", tomogram)
        tifffile.imwrite(folder / "phantom.labels.tif", labels)
        before = judge(options.model, *judged)
        began = time.monotonic()
        model = train(folder, options.model, chosen, limit, options.unlabelled)
        minutes = (time.monotonic() - began) / 60
        after = judge(str(model), *judged)
        for z in judged:
            away = min(abs(z - other) for other in chosen)
            one, other = (judge(name, z)["f1"] for name in (options.model, str(model)))
            print(f"  {away} slices from the nearest labelled one: F1 {one:.3f} before, {other:.3f} after")
    for name, figures in (("before", before), ("after", after)):
        print(f"{name}: " + ", ".join(f"{key} {value:.3f}" for key, value in figures.items()))
    gain = after["f1"] - before["f1"]
    count = f"{len(chosen)} labelled slice{'s' if len(chosen) > 1 else ''}"
    print(f"{count}, {minutes:.1f} min, {os.cpu_count()} cores: F1 {gain:+.3f} on other slices")


if __name__ == "__main__":
    main()
