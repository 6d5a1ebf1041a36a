"""A network that stays loaded for the next tomogram."""

from __future__ import annotations

from pathlib import Path

import mrcfile
import numpy as np
import tifffile

from sxtstudio.segment import SegmentParameters, choose_device, load_card
from sxtstudio.segment.keeper import RunnerKeeper
from sxtstudio.workflow.jobs.segmenting import SegmentJob, segment_file


def test_the_network_is_loaded_once_and_the_result_is_the_same(
    tomogram: Path, toy_model: Path, tmp_path: Path, expected_labels
) -> None:
    keeper = RunnerKeeper()
    parameters = SegmentParameters(model=toy_model, device="cpu", polarity="dark")
    for name in ("first", "second"):
        segment_file(SegmentJob(tomogram, tmp_path / f"{name}.tif", parameters), keeper=keeper)
        assert np.array_equal(
            tifffile.imread(tmp_path / f"{name}.tif") > 0, expected_labels(mrcfile.read(tomogram))
        )
    assert keeper.loaded == 1
    keeper.close()


def test_another_model_or_other_tiles_are_another_network(
    toy_model: Path, make_model, tmp_path: Path
) -> None:
    keeper, device = RunnerKeeper(), choose_device("cpu")
    card, other = load_card(toy_model), load_card(make_model(tmp_path / "other.onnx", layers=1))
    first = keeper.lend(card, device)
    assert keeper.lend(card, device) is first
    assert keeper.lend(card, device, tile_px=32) is not first
    assert keeper.lend(other, device, tile_px=32).tile_px == 32
    assert keeper.loaded == 3
    keeper.close()


def test_what_one_tomogram_taught_of_memory_is_forgotten(toy_model: Path) -> None:
    keeper, device = RunnerKeeper(), choose_device("cpu")
    runner = keeper.lend(load_card(toy_model), device)
    runner.plan((640, 640))
    runner.tile_px, runner._wanted, runner._at_once = 64, 64, 1
    runner.notes.append("Memory ran out.")
    again = keeper.lend(load_card(toy_model), device)
    again.plan((640, 640))
    assert (again.tile_px, again.notes) == (None, [])
    keeper.close()
