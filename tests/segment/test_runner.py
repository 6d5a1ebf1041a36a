from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.segment import runner as module
from sxtstudio.segment.card import ModelCard
from sxtstudio.segment.device import Device, choose_device
from sxtstudio.segment.registry import load_card
from sxtstudio.segment.runner import SliceRunner, batch_size, make_runner
from sxtstudio.segment.session_executor import SessionExecutor
from sxtstudio.segment.stages import StagedExecutor

GPU = Device("cuda", "a card", "for a test")


def whole(path: Path, slices: np.ndarray, head: str = "label") -> np.ndarray:
    """The output of one call of onnxruntime for slices that were padded with numpy."""
    height, width = slices.shape[1:]
    mode = "reflect" if min(height, width) > 1 else "edge"
    padded = np.pad(slices, [(0, 0), (0, -height % 16), (0, -width % 16)], mode=mode)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run([head], {"input": padded[:, np.newaxis]})[0][:, 0, :height, :width]


@pytest.fixture(params=["staged", "plain"])
def path(request: Any, model_path: Path, plain_model_path: Path) -> Path:
    return model_path if request.param == "staged" else plain_model_path


@pytest.fixture
def open_runner(path: Path) -> Any:
    opened = []

    def opener(**settings: Any) -> SliceRunner:
        opened.append(make_runner(load_card(path), choose_device("cpu"), **settings))
        return opened[-1]

    yield opener
    for runner in opened:
        runner.close()


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (16, 33), (37, 53)], ids=str)
def test_odd_sizes(open_runner: Any, path: Path, make_slices: Any, shape: tuple[int, int]) -> None:
    slices = make_slices(2, *shape)
    result = open_runner().run(slices)["label"]
    assert result.shape == slices.shape
    np.testing.assert_allclose(result, whole(path, slices), atol=1e-5)


@pytest.mark.parametrize("tile_px", [None, 16, 50, 96, 4000])
def test_the_result_does_not_depend_on_the_tiles(
    open_runner: Any, path: Path, make_slices: Any, tile_px: int | None
) -> None:
    # Longer than a tile with its halo of 192 px on both sides.
    slices = make_slices(1, 501, 21)
    runner = open_runner(tile_px=tile_px)
    result = runner.run(slices)["label"]
    expected = whole(path, slices)
    assert expected.std() > 0.1
    assert np.abs(result - expected).max() < 1e-4


def test_a_halo_that_is_too_small_would_be_noticed(open_runner: Any, path: Path, make_slices: Any) -> None:
    slices = make_slices(1, 501, 21)
    runner = open_runner(tile_px=96)
    runner.halo_px = 48
    assert np.abs(runner.run(slices)["label"] - whole(path, slices)).max() > 1e-4


def test_both_heads(open_runner: Any, path: Path, make_slices: Any) -> None:
    slices = make_slices(1, 40, 40)
    results = open_runner(image=True).run(slices)
    assert set(results) == {"label", "image"}
    np.testing.assert_allclose(results["image"], whole(path, slices, "image"), atol=1e-5)
    assert set(open_runner().run(slices)) == {"label"}


def test_a_model_with_a_map_is_run_in_stages_on_the_cpu(model_path: Path, plain_model_path: Path) -> None:
    cpu = choose_device("cpu")
    for path, kind in ((model_path, StagedExecutor), (plain_model_path, SessionExecutor)):
        runner = make_runner(load_card(path), cpu)
        assert type(runner.executor) is kind
        runner.close()


def test_a_map_that_does_not_fit_the_graph_costs_only_speed(
    model_path: Path, tmp_path: Path, make_slices: Any
) -> None:
    model = onnx.load(model_path)
    model.metadata_props[0].value = model.metadata_props[0].value.replace("skip_2", "nowhere")
    path = tmp_path / "odd.onnx"
    onnx.save(model, path)
    runner = make_runner(load_card(path), choose_device("cpu"))
    slices = make_slices(1, 33, 33)
    np.testing.assert_allclose(runner.run(slices)["label"], whole(path, slices), atol=1e-5)
    assert type(runner.executor) is SessionExecutor
    runner.close()


@pytest.mark.parametrize("after", [0.0, 0.3])
def test_a_cancel_takes_effect_within_a_second(open_runner: Any, make_slices: Any, after: float) -> None:
    runner = open_runner()
    begin = time.monotonic()

    def check() -> None:
        if time.monotonic() - begin > after:
            raise Cancelled

    with pytest.raises(Cancelled):
        runner.run(make_slices(1, 1200, 1200), check)
    # A busy test machine is slow; computing on would take several times as long.
    assert time.monotonic() - begin < after + 3
    assert runner.run(make_slices(1, 16, 16))["label"].shape == (1, 16, 16)


class Limited:
    """Doubles its input, and runs out of memory beyond ``limit`` pixels."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.areas: list[int] = []
        self.refused = 0

    def run(self, slices: np.ndarray, check: Callable[[], None], heads: Any = None) -> dict[str, np.ndarray]:
        if slices.size > self.limit:
            self.refused += 1
            raise RuntimeError("Failed to allocate memory for requested buffer")
        self.areas.append(slices[0].size)
        return {"label": slices[:, 0] * 2}

    def peak_bytes(self, shape: tuple[int, int], batch: int = 1) -> int:
        return 100 * shape[0] * shape[1] * batch

    def economise(self, shape: tuple[int, int], budget: float) -> None:
        pass

    def close(self) -> None:
        pass


def limited(limit: float = 1e9, **settings: Any) -> SliceRunner:
    return SliceRunner(Limited(limit), device=choose_device("cpu"), halo_px=32, multiple=16, **settings)


def test_when_memory_runs_out_tiles_are_halved_with_a_note(make_slices: Any) -> None:
    slices = make_slices(1, 500, 300)
    runner = limited(200 * 200)
    np.testing.assert_array_equal(runner.run(slices)["label"], slices * 2)
    assert runner.tile_px == 128
    assert any("tiles of 128 px" in note for note in runner.notes)
    notes = list(runner.notes)
    runner.run(slices)
    assert runner.notes == notes, "the smaller tiles are kept, and told once"


def test_smaller_tiles_are_kept_for_slices_of_another_size(make_slices: Any) -> None:
    """Memory that ran out once is not asked for again with the next tomogram or batch."""
    runner = limited(200 * 200)
    runner.run(make_slices(1, 500, 300))
    refused = runner.executor.refused
    assert refused > 0 and runner.tile_px == 128
    for slices in (make_slices(1, 300, 500), make_slices(1, 900, 250)):
        np.testing.assert_array_equal(runner.run(slices)["label"], slices * 2)
        assert (runner.executor.refused, runner.tile_px) == (refused, 128)


def test_fewer_slices_at_once_come_before_smaller_tiles(make_slices: Any) -> None:
    slices = make_slices(5, 64, 64)
    runner = limited(2 * 64 * 64)
    np.testing.assert_array_equal(runner.run(slices)["label"], slices * 2)
    assert runner.tile_px is None
    assert runner.notes == ["Memory ran out with 5 slices at once; went on with 2."]


def test_too_little_memory_for_anything_is_told(make_slices: Any) -> None:
    with pytest.raises(UserError, match="smallest tiles"):
        limited(100).run(make_slices(1, 256, 256))


def test_other_errors_are_not_taken_for_lack_of_memory() -> None:
    runner = limited()
    runner.executor.run = lambda slices, check, heads=None: 1 / 0
    with pytest.raises(ZeroDivisionError):
        runner.run(np.zeros((1, 16, 16), np.float32))


def test_little_memory_leads_to_smaller_tiles_with_a_note(make_slices: Any) -> None:
    slices = make_slices(1, 500, 500)
    runner = limited(available=100 * 300 * 300)
    np.testing.assert_array_equal(runner.run(slices)["label"], slices * 2)
    assert runner.tile_px is not None and runner.tile_px < 300
    assert max(runner.executor.areas) * 100 <= 0.8 * 100 * 300 * 300
    assert len(runner.notes) == 1 and "too little" in runner.notes[0]


def test_a_model_that_fits_in_no_way_is_refused_before_it_runs(make_slices: Any) -> None:
    runner = limited(available=100 * 30 * 30)
    with pytest.raises(UserError, match="even with the smallest tiles"):
        runner.run(make_slices(1, 500, 500))
    assert runner.executor.areas == []


def test_enough_memory_needs_no_note(make_slices: Any) -> None:
    runner = limited(available=10**9)
    runner.run(make_slices(1, 500, 500))
    assert runner.tile_px is None and runner.notes == []


def test_tiles_that_were_asked_for_are_kept_where_they_fit(make_slices: Any) -> None:
    runner = limited(available=10**9, tile_px=100)
    runner.run(make_slices(1, 500, 500))
    assert runner.tile_px == 112 and runner.notes == []


def test_the_staged_way_knows_its_memory(model_path: Path) -> None:
    runner = make_runner(load_card(model_path), choose_device("cpu"), threads=2)
    floats = 4 * (8 + 4 + 5 + 10) * 1.0  # width 4 at the worst moment: skip_0, skip_1, label_1, label_2
    least = 4 * (floats / 4) * 1024 * 1024
    assert least < runner.executor.peak_bytes((1024, 1024)) < 4 * least
    runner.close()


def test_with_little_memory_fewer_tiles_run_at_once(model_path: Path, make_slices: Any) -> None:
    card, cpu = load_card(model_path), choose_device("cpu")
    rich = make_runner(card, cpu, threads=8, available=10**12)
    slices = make_slices(1, 320, 300)
    expected = rich.run(slices)["label"]
    needed = rich.executor.peak_bytes((320, 304))
    poor = make_runner(card, cpu, threads=8, available=int(0.6 * needed / 0.8))
    np.testing.assert_allclose(poor.run(slices)["label"], expected, atol=1e-5)
    assert poor.executor.peak_bytes((320, 304)) <= 0.6 * needed
    assert poor.tile_px is None and poor.notes == [], "smaller tiles of the network are the last resort"
    for runner in (rich, poor):
        runner.close()


@pytest.mark.parametrize(
    ("device", "shape", "wanted", "expected"),
    [
        pytest.param(choose_device("cpu"), (350, 64, 64), None, 1, id="cpu"),
        pytest.param(choose_device("cpu"), (350, 64, 64), 4, 4, id="cpu, asked for"),
        pytest.param(GPU, (350, 1324, 1284), None, 1, id="gpu"),
        pytest.param(GPU, (350, 400, 500), None, 10, id="gpu, small slices"),
        pytest.param(GPU, (3, 64, 64), None, 3, id="gpu, few slices"),
        pytest.param(GPU, (3, 64, 64), 8, 3, id="gpu, more than there are"),
    ],
)
def test_batch_size(device: Device, shape: tuple[int, int, int], wanted: int | None, expected: int) -> None:
    assert batch_size(device, shape, wanted) == expected


def test_a_card_that_does_not_run_the_model_is_given_up(
    model_path: Path, make_slices: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpu = Device("cpu", "CPU", "the card failed")
    monkeypatch.setattr(module, "session_device", lambda session, device: cpu)
    runner = make_runner(load_card(model_path), GPU)
    assert runner.device == cpu
    assert type(runner.executor) is StagedExecutor
    slices = make_slices(1, 20, 20)
    np.testing.assert_allclose(runner.run(slices)["label"], whole(model_path, slices), atol=1e-5)
    runner.close()


def net(nodes: list[Any], weights: list[Any]) -> onnx.ModelProto:
    free = ["n", 1, "y", "x"]
    entries = [onnx.helper.make_tensor_value_info(name, 1, free) for name in ("input", "label")]
    graph = onnx.helper.make_graph(nodes, "net", entries[:1], entries[1:], weights)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)


def runner_of(model: onnx.ModelProto, folder: Path, **settings: Any) -> SliceRunner:
    path = folder / "net.onnx"
    onnx.save(model, path)
    return make_runner(ModelCard(**CARD, path=path, **settings), choose_device("cpu"))


CARD = {
    "name": "net",
    "description": "",
    "trained_on": "",
    "base_width": 1,
    "label_output": "label",
    "sha256": "0" * 64,
    "licence": "",
}


def test_tiles_are_made_for_what_a_foreign_model_takes_at_their_size(tmp_path: Path) -> None:
    """Every pixel becomes 32 × 32 and one again: 4 kB a pixel, 5 GB for a slice of 1152 px."""
    size = np.array([1, 1, 32, 32], np.float32)
    nodes = [
        onnx.helper.make_node("Resize", ["input", "", "s"], ["large"], mode="nearest"),
        onnx.helper.make_node("MaxPool", ["large"], ["small"], kernel_shape=[32, 32], strides=[32, 32]),
        onnx.helper.make_node("Tanh", ["small"], ["label"]),
    ]
    model = net(nodes, [onnx.numpy_helper.from_array(size, "s")])
    runner = runner_of(model, tmp_path, halo_px=0)
    runner._available = 10**12
    _, needed = runner.plan((1152, 1152))
    assert runner.tile_px and 64 < runner.tile_px < 1152
    outer = runner.tile_px**2
    assert 2 * 4 * 1024 * outer < needed < 2 * 4 * 1100 * outer <= 1.1 * 2**32
    assert runner.executor.session.get_session_options().enable_cpu_mem_arena
    runner.close()
    runner = runner_of(model, tmp_path, halo_px=640)  # its smallest tile is the whole slice
    with pytest.raises(UserError, match=r"about 1\d\.\d GB of memory for a piece of 1152×1152"):
        runner.plan((1152, 1152))
    runner.close()


@pytest.mark.parametrize(("growth", "arena"), [(32, True), (40, False)])
def test_an_arena_is_for_networks_of_usual_size(growth: int, arena: bool, tmp_path: Path) -> None:
    """It keeps what tiles of each size have needed."""
    size = np.array([1, 1, growth, growth], np.float32)
    nodes = [
        onnx.helper.make_node("Resize", ["input", "", "s"], ["large"], mode="nearest"),
        onnx.helper.make_node(
            "MaxPool", ["large"], ["small"], kernel_shape=[growth] * 2, strides=[growth] * 2
        ),
        onnx.helper.make_node("Tanh", ["small"], ["label"]),
    ]
    runner = runner_of(net(nodes, [onnx.numpy_helper.from_array(size, "s")]), tmp_path)
    assert runner.executor.session.get_session_options().enable_cpu_mem_arena is arena
    runner.close()


def test_memory_that_grows_with_the_square_of_the_pixels_is_seen(tmp_path: Path) -> None:
    """Every row is compared with every row, in each of 64 channels: y² of them."""
    nodes = [
        onnx.helper.make_node("Concat", ["input"] * 64, ["wide"], axis=1),
        onnx.helper.make_node("Transpose", ["wide"], ["turned"], perm=[0, 1, 3, 2]),
        onnx.helper.make_node("MatMul", ["wide", "turned"], ["pairs"]),
        onnx.helper.make_node("ReduceMean", ["pairs"], ["mean"], axes=[1, 2, 3], keepdims=1),
        onnx.helper.make_node("Add", ["input", "mean"], ["sum"]),
        onnx.helper.make_node("Tanh", ["sum"], ["label"]),
    ]
    runner = runner_of(net(nodes, []), tmp_path)
    narrow = runner.executor.peak_bytes((4096, 16)) - runner.executor.peak_bytes((2048, 16))
    assert narrow > 2 * 4 * 64 * (4096**2 - 2048**2)
    runner.close()


def test_what_onnxruntime_cannot_compute_is_told_in_a_sentence(tmp_path: Path, make_slices: Any) -> None:
    """Good on the patterns of 32 to 64 px; a sum with 1, 16, 32, 48 or 64 columns only."""
    wide = onnx.numpy_helper.from_array(np.zeros((1, 1, 1, 48), np.float32), "w")
    nodes = [
        onnx.helper.make_node("Add", ["input", "w"], ["sum"]),
        onnx.helper.make_node("Tanh", ["sum"], ["label"]),
    ]
    runner = runner_of(net(nodes, [wide]), tmp_path)
    assert runner.run(make_slices(1, 48, 48))["label"].shape == (1, 48, 48)
    with pytest.raises(UserError, match=r"cannot compute a piece of 64×80 px \(.*\)\. Choose other tiles"):
        runner.run(make_slices(1, 64, 80))
    runner.close()


def test_a_stage_that_onnxruntime_cannot_compute_as_well(model_path: Path, make_slices: Any) -> None:
    class Failing:
        def run(self, heads: Any, feeds: Any, options: Any = None) -> Any:
            raise ValueError("[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Non-zero status code.\nand more")

    runner = make_runner(load_card(model_path), choose_device("cpu"))
    assert isinstance(runner.executor, StagedExecutor)
    last = runner.executor.plan.stages[-1].output
    runner.executor._sessions[last] = Failing()
    with pytest.raises(UserError, match=r"\(Non-zero status code\)"):
        runner.run(make_slices(1, 48, 48))
    runner.close()
