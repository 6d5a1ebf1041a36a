"""Networks that see several slices, against sums over slices that are computed here."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.checked_volume import InputChangedError
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io.network.layers import Network
from sxtstudio.io.network.model_files import write_model_files
from sxtstudio.io.network.onnx_graph import network_model
from sxtstudio.segment import context
from sxtstudio.segment.checkpoint import read_unfinished
from sxtstudio.segment.context import SliceRing, stack_of
from sxtstudio.segment.device import choose_device
from sxtstudio.segment.neighbours import Neighbours
from sxtstudio.segment.parameters import SegmentParameters
from sxtstudio.segment.pipeline import segment
from sxtstudio.segment.polarity import ask_network
from sxtstudio.segment.preview import estimate, recognise_slice, segment_slice, try_slice
from sxtstudio.segment.registry import load_card
from sxtstudio.segment.runner import make_runner
from sxtstudio.segment.slices import read_batches
from tests.segment.conftest import killed_run

Image = NDArray[np.floating[Any]]
MakeContextModel = Callable[..., Path]
SIZE = (37, 50)


def noise(*shape: int, seed: int = 0) -> Image:
    return np.random.default_rng(seed).normal(size=shape)


def tomogram(depth: int, seed: int = 0) -> Image:
    """Slices that change slowly, each with a little noise of its own, of different scales and offsets."""
    structure = ndimage.gaussian_filter(noise(depth + 16, *SIZE, seed=seed), (4, 3, 3))[8 : 8 + depth]
    image = structure / structure.std() + 0.1 * noise(depth, *SIZE, seed=seed + 1)
    return (image * np.arange(1, depth + 1)[:, None, None] + 100).astype(np.float32)


def kernel_of(slices: int) -> Image:
    """Another weight for each channel and each direction."""
    return noise(slices, 3, 3, seed=slices) * 0.2


# -- What has to come out -----------------------------------------------------------------------------


def normal(image: Image) -> Image:
    image = image.astype(np.float64)
    return (image - np.nanmean(image)) / np.nanstd(image)


def alike(one: Image, other: Image) -> bool:
    """Whether the means of 4×4 pixels correlate by more than 0.8."""
    height, width = (n // 4 for n in one.shape)
    small = [
        image[: 4 * height, : 4 * width].reshape(height, 4, width, 4).mean(axis=(1, 3)).ravel()
        for image in (one, other)
    ]
    known = np.isfinite(small[0]) & np.isfinite(small[1])
    a, b = (image[known] - image[known].mean() for image in small)
    return bool((a * b).sum() > 0.8 * np.sqrt((a * a).sum() * (b * b).sum()))


def shown(volume: Image, z: int, slices: int) -> Image:
    """What the network has to be shown of slice ``z`` (slices, y, x)."""
    channels = []
    for step in range(-(slices // 2), slices // 2 + 1):
        other = min(max(z + step, 0), len(volume) - 1)
        use = np.ptp(volume[other]) > 0 and alike(normal(volume[other]), normal(volume[z]))
        channels.append(normal(volume[other if use else z]))
    return np.stack(channels)


def sums(volume: Image, z: int, kernel: Image, quarters: int = 0) -> Image:
    """The channels' correlations with the kernel, for slices turned by some quarters, turned back."""
    turned = np.rot90(shown(volume, z, len(kernel)), quarters, axes=(1, 2))
    total = sum(ndimage.correlate(c, k, mode="constant") for c, k in zip(turned, kernel, strict=True))
    return np.rot90(np.asarray(total), -quarters)


def label(volume: Image, z: int, kernel: Image, quarters: int = 0) -> Image:
    return np.tanh(sums(volume, z, kernel, quarters))


def mean_of_three(volume: Image, z: int, kernel: Image) -> Image:
    """The mean over three positions, each with its own window; those beyond a border show its slice."""
    last = len(volume) - 1
    outputs = [label(volume, z, kernel, z)]
    for other in (z - 1, z + 1):
        place = min(max(other, 0), last)
        if place == z or alike(normal(volume[place]), normal(volume[z])):
            outputs.append(label(volume, place, kernel, other))
    return np.mean(outputs, axis=0)


# -- What comes out -----------------------------------------------------------------------------------


def parameters_of(model: Path, **options: Any) -> SegmentParameters:
    usual = {"device": "cpu", "polarity": "dark", "probability": True, "neighbours": 0}
    return SegmentParameters(model=model, **(usual | options))


def run(volume: Any, parameters: SegmentParameters, folder: Path, **options: Any) -> tuple[Image, Image]:
    """Return the labels, and the outputs as they are kept."""
    volume = ArrayVolume(volume) if isinstance(volume, np.ndarray) else volume
    with segment(volume, parameters, folder, **options) as result:
        assert result.probability is not None
        return np.array(result.labels.array), np.array(result.probability.array)


def assert_is(found: tuple[Image, Image], expected: Any) -> None:
    labels, kept = found
    expected = np.asarray(expected)
    np.testing.assert_allclose(kept / 127.5 - 1, expected, atol=0.005)  # kept in 255 steps
    clear = np.abs(expected) > 1e-4
    np.testing.assert_array_equal(labels[clear], np.where(expected > 0, 255, 0)[clear])


@pytest.mark.parametrize("depth", [1, 2, 7])
@pytest.mark.parametrize("slices", [1, 3, 5, 7])
def test_every_slice_is_shown_with_its_neighbours_and_borders_repeat(
    make_context_model: MakeContextModel, tmp_path: Path, slices: int, depth: int
) -> None:
    volume, kernel = tomogram(depth), kernel_of(slices)
    model = make_context_model(tmp_path / "net.onnx", kernel)
    found = run(volume, parameters_of(model), tmp_path / "w")
    assert_is(found, [label(volume, z, kernel) for z in range(depth)])
    if slices > 1 and depth > 2:  # else nothing would show whether the right neighbours were read
        alone = [np.tanh(ndimage.correlate(normal(v), kernel.sum(axis=0), mode="constant")) for v in volume]
        assert np.abs(found[1] / 127.5 - 1 - alone).max() > 0.1


@pytest.mark.parametrize("slices", [3, 7])
def test_turned_looks_each_have_a_window_of_their_own(
    make_context_model: MakeContextModel, tmp_path: Path, slices: int
) -> None:
    volume, kernel = tomogram(6), kernel_of(slices)
    model = make_context_model(tmp_path / "net.onnx", kernel)
    found = run(volume, parameters_of(model, neighbours=1), tmp_path / "w")
    assert_is(found, [mean_of_three(volume, z, kernel) for z in range(6)])


@pytest.mark.parametrize("neighbours", [0, 1])
def test_what_does_not_resemble_a_slice_is_replaced_by_it(
    make_context_model: MakeContextModel, tmp_path: Path, neighbours: int
) -> None:
    """A jump, a slice of another tomogram, and a constant one; beyond these slices are alike again."""
    volume, kernel = np.concatenate([tomogram(3), tomogram(6, seed=7)]), kernel_of(5)
    volume[5], volume[7] = tomogram(1, seed=20)[0], 3
    assert alike(volume[4], volume[6]) and not alike(volume[2], volume[3])
    model = make_context_model(tmp_path / "net.onnx", kernel)
    labels, kept = run(volume, parameters_of(model, neighbours=neighbours), tmp_path / "w")
    assert not labels[7].any()
    seen = [z for z in range(9) if z != 7]
    # The truth knows of no constant slices: what their neighbours are averaged with is checked elsewhere.
    seen = seen if neighbours == 0 else [z for z in seen if abs(z - 7) > 1]
    one = mean_of_three if neighbours else label
    assert_is((labels[seen], kept[seen]), [one(volume, z, kernel) for z in seen])


def test_where_a_neighbour_was_not_measured_the_slice_stands_for_it(
    make_context_model: MakeContextModel, tmp_path: Path
) -> None:
    volume, kernel = tomogram(3), kernel_of(3)
    full = normal(volume[1])
    volume[0, :, :20] = np.nan
    stack = np.stack([normal(v) for v in volume])
    stack[0, :, :20] = full[:, :20]
    total = sum(ndimage.correlate(c, k, mode="constant") for c, k in zip(stack, kernel, strict=True))
    model = make_context_model(tmp_path / "net.onnx", kernel)
    values = segment_slice(ArrayVolume(volume), 1, parameters_of(model)).values
    assert values is not None
    np.testing.assert_allclose(values, np.tanh(np.asarray(total)), atol=1e-4)
    # The other way round: the network sees the field of the slice, and there each channel of its own.
    values = segment_slice(ArrayVolume(volume), 0, parameters_of(model)).values
    cut = np.stack([normal(volume[0])[:, 20:], normal(volume[0])[:, 20:], full[:, 20:]])
    total = sum(ndimage.correlate(c, k, mode="constant") for c, k in zip(cut, kernel, strict=True))
    assert values is not None and (values[:, :20] == -1).all()
    np.testing.assert_allclose(values[:, 20:], np.tanh(np.asarray(total)), atol=1e-4)


@pytest.mark.parametrize("neighbours", [0, 1])
def test_neither_range_nor_batch_nor_interruption_changes_a_bit(
    make_context_model: MakeContextModel, tmp_path: Path, neighbours: int
) -> None:
    volume = tomogram(11)
    volume[6] = tomogram(1, seed=30)[0]
    parameters = parameters_of(make_context_model(tmp_path / "net.onnx", kernel_of(5)), neighbours=neighbours)
    whole = run(volume, parameters, tmp_path / "whole")

    def assert_same(found: tuple[Image, Image], slices: slice) -> None:
        for mine, other in zip(found, whole, strict=True):
            np.testing.assert_array_equal(mine, other[slices])

    for first, last in ((0, 1), (3, 4), (4, 9), (10, 11)):
        part = run(volume, replace(parameters, slices=(first, last)), tmp_path / f"{first}")
        assert_same(part, slice(first, last))
    assert_same(run(volume, replace(parameters, batch=4), tmp_path / "batches"), slice(None))
    for stops in range(2):  # is cancelled twice, with the first slice that comes
        stop = Progress()
        with pytest.raises(Cancelled):
            segment(
                ArrayVolume(volume),
                parameters,
                tmp_path / "cut",
                progress=stop,
                resume=bool(stops),
                on_earlier=lambda z, labels: None,
                on_slices=lambda z, labels, stop=stop: stop.cancel(),
            )
    assert_same(run(volume, parameters, tmp_path / "cut", resume=True), slice(None))
    for z in (0, 6, 10):
        tried = segment_slice(ArrayVolume(volume), z, parameters)
        assert tried.labels is not None
        np.testing.assert_array_equal(tried.labels, whole[0][z])


@pytest.mark.parametrize(("slices", "neighbours", "farthest"), [(1, 0, 0), (1, 1, 1), (5, 0, 2), (7, 1, 4)])
def test_a_run_does_not_go_on_where_a_slice_that_had_a_say_is_another(
    make_context_model: MakeContextModel, tmp_path: Path, slices: int, neighbours: int, farthest: int
) -> None:
    """Slice 10 was finished; the slice as far away as it was seen is replaced then, and one beyond."""
    volume = tomogram(31)
    model = make_context_model(tmp_path / "net.onnx", kernel_of(slices))
    parameters = parameters_of(model, neighbours=neighbours, slices=(10, 31))
    stop = Progress()
    with pytest.raises(Cancelled):
        segment(
            ArrayVolume(volume), parameters, tmp_path / "w", progress=stop, on_slices=lambda *_: stop.cancel()
        )
    assert (tmp_path / "w" / "finished.log").read_text().startswith("0 ")
    for z, is_refused in ((10 - farthest, True), (9 - farthest, False)):
        changed = volume.copy()
        changed[z, 5, 5] += 1
        if is_refused and z == 10:
            continue  # the first slice of a range is compared before
        copy = tmp_path / f"{z}"
        shutil.copytree(tmp_path / "w", copy)
        if is_refused:
            with pytest.raises(InputChangedError, match="neighbour of it, is another"):
                run(changed, parameters, copy, resume=True)
        else:
            run(changed, parameters, copy, resume=True)


def test_a_killed_run_goes_on_to_the_same_bits(make_context_model: MakeContextModel, tmp_path: Path) -> None:
    volume = tomogram(60)
    model = make_context_model(tmp_path / "net.onnx", kernel_of(5))
    killed_run(volume, model, tmp_path, probability=True)
    parameters = parameters_of(model, neighbours=1)
    finished = read_unfinished(tmp_path / "w")
    assert finished is not None and 4 <= finished.finished < 60
    whole = run(volume, parameters, tmp_path / "whole")
    for mine, other in zip(run(volume, parameters, tmp_path / "w", resume=True), whole, strict=True):
        np.testing.assert_array_equal(mine, other)


class Counted(ArrayVolume):
    """Remembers which slices were read, in their order."""

    def __init__(self, array: Image) -> None:
        super().__init__(array)
        self.slices: list[int] = []

    def read(self, box: Box) -> Any:
        self.slices += range(box.start[0], box.stop[0])
        return super().read(box)


@pytest.mark.parametrize("reach", [0, 1])
@pytest.mark.parametrize("slices", [1, 3, 7])
def test_each_slice_is_read_once_and_few_are_held(
    monkeypatch: pytest.MonkeyPatch, slices: int, reach: Any
) -> None:
    monkeypatch.setattr(context, "_READ_BYTES", 1)
    made: list[SliceRing] = []
    monkeypatch.setattr(
        "sxtstudio.segment.slices.SliceRing", lambda *a, **b: made.append(SliceRing(*a, **b)) or made[-1]
    )
    volume = Counted(tomogram(12))
    neighbours = Neighbours(reach, 12, slices)
    wanted = neighbours.needed(range(12))
    for batch in read_batches(volume, neighbours, wanted, 1, flip=False):
        (position,) = batch.positions
        assert len(made[0].held) <= max(slices, 1 + reach)
        assert max(volume.slices) <= max(0, position) + slices // 2
    assert volume.slices == list(range(12))


def test_only_the_windows_of_what_is_left_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    volume = Counted(tomogram(30))
    list(read_batches(volume, Neighbours(0, 30, 5), [4, 5, 20], 1, flip=False))
    assert volume.slices == [*range(2, 8), *range(18, 23)]


def test_a_slice_is_recognised_by_itself_not_by_its_neighbours(
    make_context_model: MakeContextModel, tmp_path: Path
) -> None:
    """The network redraws the last of its channels, which is not the slice."""
    kernel = np.zeros((3, 1, 1))
    kernel[2] = 1
    volume = np.stack([tomogram(1, seed=n)[0] for n in range(2)])
    volume[1] = volume[0] * 0.9 + volume[1] * 0.1
    volume = np.concatenate([volume, 0.7 * normal(volume[1:]) + 0.3 * normal(tomogram(1, seed=5))])
    parameters = parameters_of(make_context_model(tmp_path / "net.onnx", kernel), trust="every", neighbours=1)
    with segment(ArrayVolume(volume), parameters, tmp_path / "w") as result:
        assert result.trust is not None
        shares = [figures.recognised for figures in result.trust]
    again = [shown(volume, z, 3)[2] for z in range(3)]
    expected = [np.mean(np.abs(again[z] - normal(volume[z])) < 1) for z in range(3)]
    assert shares == pytest.approx(expected, abs=1e-3) and min(expected) < 0.999
    assert recognise_slice(ArrayVolume(volume), 1, parameters).share == pytest.approx(expected[1], abs=1e-3)


def test_all_channels_of_a_bright_tomogram_are_turned_dark(
    make_context_model: MakeContextModel, tmp_path: Path
) -> None:
    volume, kernel = tomogram(3), kernel_of(3)
    model = make_context_model(tmp_path / "net.onnx", kernel)
    bright = run(-volume, parameters_of(model, polarity="bright"), tmp_path / "bright")
    for mine, other in zip(bright, run(volume, parameters_of(model), tmp_path / "dark"), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_the_network_is_asked_for_the_polarity_with_all_its_channels(
    make_context_model: MakeContextModel, tmp_path: Path
) -> None:
    volume, kernel = tomogram(5), np.zeros((3, 1, 1))
    kernel[0], kernel[2] = 2, -2  # sees but differences, which a slice repeated has none of
    card = load_card(make_context_model(tmp_path / "net.onnx", kernel))
    card = replace(card, polarity_rule=load_card("compact").polarity_rule)
    asked: list[Image] = []
    runner = make_runner(card, choose_device("cpu"))
    real = runner.run
    runner.run = lambda slices, *a, **b: asked.append(slices) or real(slices, *a, **b)  # type: ignore[method-assign]
    ask_network(ArrayVolume(np.pad(volume, ((0, 0), (8, 8), (8, 8)), mode="reflect")), card, runner)
    assert len(asked) >= 6 and all(one.shape[1] == 3 for one in asked)
    assert all(np.abs(one[0, 0] - one[0, 2]).max() > 0.1 for one in asked[2:4])
    trial = try_slice(ArrayVolume(volume), 2, parameters_of(card.path, polarity="auto"))
    assert trial.judged.values is not None
    runner.close()


def test_a_single_slice_stands_for_all_channels(make_context_model: MakeContextModel, tmp_path: Path) -> None:
    kernel = kernel_of(5)
    runner = make_runner(load_card(make_context_model(tmp_path / "net.onnx", kernel)), choose_device("cpu"))
    image = normal(noise(*SIZE))
    (found,) = runner.run(image[None].astype(np.float32))["label"]
    expected = np.tanh(ndimage.correlate(image, kernel.sum(axis=0), mode="constant"))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    runner.close()
    stack = stack_of(ArrayVolume(tomogram(1)), 0, 7)
    assert stack is not None and (stack == stack[0]).all() and len(stack) == 7


def network_file(folder: Path, slices: int, seed: int = 0, others: float = 1.0) -> Path:
    """Write this program's network; the weights of all channels but the middle one are times ``others``."""
    network, random = Network(4, slices), np.random.default_rng(seed)
    arrays = {
        name: np.ones(shape, np.float32)
        if len(shape) == 1 and name.endswith(("weight", "running_var"))
        else random.normal(0, (1 / max(1, np.prod(shape[1:]))) ** 0.5, shape).astype(np.float32)
        for name, shape in Network(4).shapes().items()
    }
    first = arrays["encoder.stem.0.weight"]
    wide = others * random.normal(0, 0.5, (first.shape[0], slices, 1, 1)).astype(np.float32)
    wide[:, slices // 2] = first[:, 0]
    arrays["encoder.stem.0.weight"] = wide.astype(np.float32)
    card = {"name": f"net-{slices}", "description": "A test.", "trained_on": "nothing", "licence": "MIT"}
    return write_model_files(network_model(network, arrays), folder, card, 4)


def test_the_stages_and_tiles_of_a_network_for_several_slices(tmp_path: Path, make_slices: Any) -> None:
    path = network_file(tmp_path, 3)
    stacks = make_slices(1, 3, 130, 100)
    padded = np.pad(stacks, [(0, 0), (0, 0), (0, 14), (0, 12)], mode="reflect")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    expected = session.run(["label", "image"], {"input": padded})
    for tile_px in (None, 64):
        runner = make_runner(load_card(path), choose_device("cpu"), image=True, tile_px=tile_px)
        assert type(runner.executor).__name__ == "StagedExecutor"
        found = runner.run(stacks)
        for name, values in zip(("label", "image"), expected, strict=True):
            np.testing.assert_allclose(found[name], values[:, 0, :130, :100], atol=1e-4)
        runner.close()


def test_channels_without_weights_change_nothing(tmp_path: Path) -> None:
    """A model that was widened from one slice to five labels the same, before it is trained."""
    volume = tomogram(4)
    one, five = (network_file(tmp_path, slices, others=0) for slices in (1, 5))
    assert (load_card(one).slices, load_card(five).slices) == (1, 5)
    for neighbours in (0, 1):
        found, other = (
            run(volume, parameters_of(path, neighbours=neighbours), tmp_path / f"{path.stem}-{neighbours}")
            for path in (one, five)
        )
        np.testing.assert_allclose(found[1].astype(int), other[1].astype(int), atol=1)
        np.testing.assert_array_equal(found[0], other[0])
        assert np.ptp(found[1]) > 10, "else anything would be the same"


def test_a_card_without_the_key_is_that_of_a_single_slice(tmp_path: Path) -> None:
    volume, path = tomogram(4), network_file(tmp_path, 1)
    with_key = run(volume, parameters_of(path, neighbours=1), tmp_path / "with")
    entries = json.loads(path.with_suffix(".json").read_bytes())
    assert entries.pop("slices") == 1
    path.with_suffix(".json").write_text(json.dumps(entries))
    for mine, other in zip(
        run(volume, parameters_of(path, neighbours=1), tmp_path / "w"), with_key, strict=True
    ):
        np.testing.assert_array_equal(mine, other)


def test_the_estimate_counts_the_slices_that_are_held(
    make_context_model: MakeContextModel, tmp_path: Path
) -> None:
    found = [
        estimate((10, 512, 512), load_card(make_context_model(tmp_path / f"{n}.onnx", kernel_of(n))), cpu)
        for n in (1, 7)
        for cpu in [choose_device("cpu")]
    ]
    assert found[1].memory_bytes - found[0].memory_bytes >= 6 * 4 * 512 * 512 and found[1].seconds > 0


def test_a_model_for_another_number_of_slices_is_refused(
    make_context_model: MakeContextModel, tmp_path: Path
) -> None:
    model = make_context_model(tmp_path / "net.onnx", kernel_of(3), slices=5)
    with pytest.raises(UserError, match=r"takes 3 slices at once.*says 5 slices"):
        run(tomogram(3), parameters_of(model), tmp_path / "w")
    assert not (tmp_path / "w").exists()
