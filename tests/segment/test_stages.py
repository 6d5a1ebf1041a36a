from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper

from sxtstudio.segment import stages
from sxtstudio.segment.graph import cut, footprint, peak_floats
from sxtstudio.segment.stages import StagedExecutor, place_tensors, read_plan

WIDTH = 4
BOTH = ("label", "image")
# Tiles and the whole slice add up the same numbers in another order, and that order is the processor's:
# the results differ by up to 150 steps of float32, as shares of the result's deviation. A halo that
# misses a single pixel shows 100 times as much as is allowed here (the second test below).
ROUNDING = 1000 * float(np.finfo(np.float32).eps)


def whole(model: onnx.ModelProto, slices: np.ndarray, heads: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The outputs for whole slices from onnxruntime as it comes: the independent truth."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    results = session.run(list(heads), {"input": slices[:, np.newaxis]})
    return {head: result[:, 0] for head, result in zip(heads, results, strict=True)}


@pytest.fixture(scope="module")
def model(make_network: Any) -> onnx.ModelProto:
    return make_network(WIDTH)


@pytest.fixture(scope="module")
def executor(model: onnx.ModelProto) -> Iterator[StagedExecutor]:
    plan = read_plan(model, BOTH)
    assert plan is not None
    executor = StagedExecutor(model, plan, BOTH, workers=2)
    yield executor
    executor.close()


@pytest.mark.parametrize("area", [3_000, 10**9], ids=lambda area: f"{area} px")
@pytest.mark.parametrize("shape", [(16, 16), (208, 176), (320, 48)], ids=str)
def test_stages_in_tiles_give_the_result_of_the_whole_slice(
    model: onnx.ModelProto,
    executor: StagedExecutor,
    monkeypatch: pytest.MonkeyPatch,
    make_slices: Any,
    shape: tuple[int, int],
    area: float,
) -> None:
    monkeypatch.setattr(stages, "_TILE_AREA_NARROW", area)
    slices = make_slices(2, *shape)
    expected = whole(model, slices, BOTH)
    if area == 3_000 and min(shape) > 100:
        assert len(executor.tiles(executor.plan.stages[-1], shape)) > 4
    for head, result in executor.run(slices[:, np.newaxis], lambda: None).items():
        assert expected[head].std() > 0.1, "a dead network, with which the test could not fail"
        assert_same(result, expected[head])


def assert_same(result: np.ndarray, expected: np.ndarray) -> None:
    """Two ways to add up the same numbers agree."""
    np.testing.assert_allclose(result, expected, rtol=ROUNDING, atol=ROUNDING * expected.std())


@pytest.fixture(scope="module")
def whole_slice(model: onnx.ModelProto, make_slices: Any) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A slice and what the network makes of it in one piece."""
    slices = make_slices(1, 144, 160)
    return slices, whole(model, slices, BOTH)


STAGES = [f"skip_{i}" for i in range(4)] + ["neck"]
STAGES += [f"{head}{part}" for head in BOTH for part in ("_0", "_1", "_2", "")]


@pytest.mark.parametrize("output", STAGES)
def test_every_stage_needs_its_halo_to_the_pixel(
    model: onnx.ModelProto,
    monkeypatch: pytest.MonkeyPatch,
    whole_slice: tuple[np.ndarray, dict[str, np.ndarray]],
    output: str,
) -> None:
    """A network whose map claims one pixel less gives another result: the test above can fail."""
    head = "image" if output.startswith("image") else "label"
    content = json.loads(model.metadata_props[0].value)
    (entry,) = (entry for entry in content[head] if entry["output"] == output)
    # A pixel of the coarsest tensor that the stage reads or writes: tiles are aligned to it.
    entry["halo_px"] -= max(content["tensors"][name] for name in (*entry["inputs"], output))
    plan = read_plan(with_map(model, content), [head])
    assert plan is not None
    wrong = StagedExecutor(model, plan, [head], workers=1)

    def many(part: stages.NetworkStage, shape: tuple[int, int]) -> list[stages.Tile]:
        return stages.plan_tiles(shape, (3, 3), part.halo_px, plan.multiple(part))

    monkeypatch.setattr(wrong, "tiles", many)
    slices, expected = whole_slice
    difference = np.abs(wrong.run(slices[:, np.newaxis], lambda: None)[head] - expected[head]).max()
    wrong.close()
    assert difference > 100 * ROUNDING * expected[head].std()


def with_map(model: onnx.ModelProto, content: Any) -> onnx.ModelProto:
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    del changed.metadata_props[:]
    helper.set_model_props(changed, {"sxt_stages": json.dumps(content)})
    return changed


def test_only_the_label_path_is_computed_for_labels(model: onnx.ModelProto) -> None:
    plan = read_plan(model, ["label"])
    assert plan is not None
    assert not any(stage.output.startswith("image") for stage in plan.stages)
    assert plan.stages[-1].output == "label"


def test_a_model_without_a_map_has_no_plan(make_network: Any) -> None:
    assert read_plan(make_network(WIDTH, staged=False), ["label"]) is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda c: c.pop("tensors"), id="no tensors"),
        pytest.param(lambda c: c["label"][0].pop("output"), id="no output"),
        pytest.param(lambda c: c["label"][1].update(inputs=["nothing"]), id="unknown input"),
        pytest.param(lambda c: c["label"][1].update(halo_px=-3), id="negative halo"),
        pytest.param(lambda c: c["label"].reverse(), id="wrong order"),
        pytest.param(lambda c: c["tensors"].update(skip_1="x"), id="scale is no number"),
        pytest.param(lambda c: c["tensors"].update(skip_1=0), id="scale of zero"),
        pytest.param(lambda c: c["tensors"].update(skip_1="2"), id="scale is a text"),
        pytest.param(lambda c: c["label"][0].update(inputs="input"), id="inputs are one text"),
        pytest.param(lambda c: c["label"][0].update(halo_px=2.5), id="half a pixel of halo"),
        pytest.param(lambda c: c.update(label=3), id="no list of stages"),
    ],
)
def test_a_senseless_map_is_refused(model: onnx.ModelProto, change: Any) -> None:
    content = json.loads(model.metadata_props[0].value)
    change(content)
    with pytest.raises(ValueError, match="sxt_stages"):
        read_plan(with_map(model, content), ["label"])


def test_a_map_that_is_no_json_is_refused(model: onnx.ModelProto) -> None:
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    changed.metadata_props[0].value = "{"
    with pytest.raises(ValueError, match="cannot be read"):
        read_plan(changed, ["label"])


def test_cutting_needs_all_inputs(model: onnx.ModelProto) -> None:
    sizes = footprint(model)
    part = cut(model, ["neck", "skip_3"], ["label_0"], sizes)
    onnx.checker.check_model(part)
    assert [entry.name for entry in part.graph.input] == ["neck", "skip_3"]
    with pytest.raises(ValueError, match="label_0"):
        cut(model, ["neck"], ["label_0"], sizes)


def test_footprint_counts_floats_per_pixel(model: onnx.ModelProto) -> None:
    sizes = footprint(model)
    assert sizes.channels["skip_0"] == 2 * WIDTH
    assert sizes.floats_per_px["skip_0"] == 2 * WIDTH
    assert sizes.floats_per_px["skip_3"] == 16 * WIDTH / 64
    assert sizes.floats_per_px["neck"] == 48 * WIDTH / 256
    assert sizes.floats_per_px["label_2"] == 10 * WIDTH / 4


def test_peak_counts_what_is_alive_at_once() -> None:
    names = ["input", "a", "b", "c"]
    nodes = [helper.make_node("Relu", [x], [y]) for x, y in pairwise(names)]
    shape = ["n", 1, "y", "x"]
    ends = [helper.make_tensor_value_info(name, 1, shape) for name in ("input", "c")]
    model = helper.make_model(helper.make_graph(nodes, "chain", ends[:1], ends[1:]))
    # The input, what a node reads, and what it writes.
    assert peak_floats(model, footprint(model)) == 3


def test_tensors_needed_together_do_not_overlap(executor: StagedExecutor) -> None:
    places, total = place_tensors(executor.plan, BOTH, executor.sizes)
    order = {stage.output: i for i, stage in enumerate(executor.plan.stages)}
    last = {name: i for i, stage in enumerate(executor.plan.stages) for name in stage.inputs}
    size = executor.sizes.floats_per_px
    for a in places:
        for b in places:
            if a < b and order[a] <= last[b] and order[b] <= last[a]:
                assert places[a] + size[a] <= places[b] or places[b] + size[b] <= places[a], (a, b)
    assert total < sum(size[name] for name in places)
    assert total == max(places[name] + size[name] for name in places)


def test_a_cancel_ends_within_a_tile(executor: StagedExecutor, make_slices: Any) -> None:
    calls = []

    def check() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        executor.run(make_slices(1, 1, 208, 176), check)
    assert len(calls) == 3
    assert executor.run(make_slices(1, 1, 32, 32), lambda: None)["label"].shape == (1, 32, 32)
