import itertools
import json

import numpy as np
import pytest
import tifffile
import torch

from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.progress import Progress
from sxtstudio.training.augment import add_soft_bodies, cut_patch, normalise, random_look, texture_spectra
from sxtstudio.training.checkpoint import load_state, save_state
from sxtstudio.training.data import batches, load_labelled
from sxtstudio.training.loop import Plan, train
from sxtstudio.training.network import DeepSXT
from sxtstudio.training.recipe import Recipe, fit, predict, read_unlabelled, simulate_set


@pytest.fixture
def pair(tmp_path):
    """A tomogram with one dark upright line on grain, and its outline."""
    rng = np.random.default_rng(0)
    outline = np.zeros((10, 64, 64), np.uint8)
    outline[:, :, 30:34] = 1
    tomogram = 0.3 * rng.normal(size=outline.shape) - 3.0 * outline
    np.save(tmp_path / "a.npy", tomogram.astype(np.float16))
    np.save(tmp_path / "a.labels.npy", outline)
    return tmp_path


def some_batches(folder, seed=0, unlabelled=()):
    return batches(np.random.default_rng(seed), load_labelled(folder), list(unlabelled), 32, 2, 1)


def test_a_patch_and_its_label_are_cut_alike():
    rng = np.random.default_rng(1)
    label = np.zeros((80, 80), np.float32)
    label[20:50, 35:40] = 1
    for zoom in (0.8, 1.0, 1.4):
        image, outline = cut_patch(rng, label.copy(), label, 48, zoom)
        assert np.array_equal(image, outline)
        assert image.shape == (48, 48)


def test_a_zoomed_patch_is_magnified():
    spot = np.zeros((101, 101), np.float32)
    spot[40:61, 40:61] = 1
    rng = np.random.default_rng(0)
    for _ in range(5):
        patch, _ = cut_patch(rng, spot, None, 140, 1.4)
        assert patch.sum() <= 1.05 * 21 * 21 * 1.4**2


def test_looks_are_normalised_finite_and_differ():
    rng = np.random.default_rng(0)
    image = normalise(rng.normal(size=(64, 64)).astype(np.float32))
    spectra = texture_spectra([image], 32)
    looks = [random_look(rng, image, spectra) for _ in range(40)]
    assert all(np.isfinite(look).all() and look.dtype == np.float32 for look in looks)
    assert all(0.5 < look.std() < 1.6 for look in looks)
    assert any(np.corrcoef(look.ravel(), image.ravel())[0, 1] < -0.3 for look in looks)  # other polarity
    assert not np.array_equal(looks[0], looks[1])


def test_batches_hold_labels_first_and_repeat_by_seed(pair):
    real = np.random.default_rng(3).normal(size=(70, 90)).astype(np.float32)
    first, again = (next(some_batches(pair, unlabelled=[real])) for _ in range(2))
    assert first.images.shape == (3, 1, 32, 32)
    assert first.labels.shape == (2, 1, 32, 32)
    assert set(np.unique(first.labels)) == {-1.0, 1.0}
    assert np.array_equal(first.images, again.images)


def test_a_pair_that_does_not_fit_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 8, 8), np.float16))
    np.save(tmp_path / "a.labels.npy", np.zeros((4, 8, 9), np.uint8))
    with pytest.raises(UserError, match="same size"):
        load_labelled(tmp_path)
    with pytest.raises(UserError, match="no pairs"):
        load_labelled(tmp_path / "nothing")


def test_training_lowers_the_loss_and_finds_the_line(pair, tmp_path):
    torch.manual_seed(0)
    plan = Plan(steps=40, warm_up=5, average=0.8, save_every=10)
    network = DeepSXT(4)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 0.2  # 40 steps are too few for statistics that forget slowly
    network = train(network, some_batches(pair), plan, tmp_path / "run")
    events = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    assert [event["step"] for event in events] == [10, 20, 30, 40]
    assert events[-1]["label_loss"] < events[0]["label_loss"]
    image, outline = load_labelled(pair)[0].slice(5)
    label = predict(network, image)
    assert label[outline > 0].mean() > label[outline == 0].mean() + 0.1


def test_an_interrupted_training_goes_on_with_the_same_weights(pair, tmp_path):
    plan = Plan(steps=6, save_every=3)
    data = list(itertools.islice(some_batches(pair), 6))
    torch.manual_seed(0)
    whole = train(DeepSXT(2), iter(data), plan, tmp_path / "whole")
    progress = Progress(listener=lambda state: progress.cancel() if state.fraction > 0.6 else None)
    torch.manual_seed(0)
    with pytest.raises(Cancelled):
        train(DeepSXT(2), iter(data), plan, tmp_path / "parts", progress=progress)
    parts = train(DeepSXT(2), iter(data[3:]), plan, tmp_path / "parts")
    for ours, theirs in zip(parts.parameters(), whole.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)


def test_slices_without_labels_leave_the_label_decoder_alone(pair, tmp_path):
    """Gradients of the unlabelled patch must not reach the label decoder: its input there changes nothing."""
    network = DeepSXT(2)
    images = torch.randn(3, 1, 32, 32)
    scores, neck = network.outline(images, 2)
    assert scores.shape[0] == 2
    assert neck.shape[0] == 3
    network.draw_image(neck).sum().backward()
    assert all(weight.grad is None for weight in network.label_decoder.parameters())


def test_a_state_is_arrays_only_and_a_broken_one_is_refused(tmp_path):
    path = tmp_path / "state.npz"
    save_state(path, network={"a.b": torch.arange(3)}, run={"step": torch.tensor(5)})
    assert torch.equal(load_state(path)["network"]["a.b"], torch.arange(3))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match=r"state\.npz"):
        load_state(path)
    path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(UserError, match=r"state\.npz"):
        load_state(path)


def test_unlabelled_images_come_out_dark_and_clipped(tmp_path):
    rng = np.random.default_rng(0)
    image = rng.normal(size=(2, 120, 130)).astype(np.float32)
    image[0, 3, 3] = 1e6
    tifffile.imwrite(tmp_path / "real.tif", image)
    slices = read_unlabelled([tmp_path / "real.tif"])
    assert len(slices) == 2
    assert np.abs(slices[0]).max() < 10


def test_the_whole_recipe_runs_small(tmp_path):
    recipe = Recipe(
        width=2,
        tomograms=2,
        held_out=1,
        shape=(12, 48, 64),
        patch_px=32,
        patches=1,
        unlabelled_patches=0,
        steps=1,
    )
    simulate_set(tmp_path / "data", recipe)
    network = fit(tmp_path / "data", tmp_path / "run", recipe, [], compiled=False)
    assert network.width == 2
    event = json.loads((tmp_path / "run" / "events.jsonl").read_text())
    assert {"precision", "recall", "f1", "label_loss"} <= set(event)


def test_soft_bodies_are_dark_and_their_rims_are_labelled():
    rng = np.random.default_rng(0)
    empty = np.zeros((96, 96), np.float32)
    made = [add_soft_bodies(rng, empty, empty) for _ in range(12)]
    drawn = [(image, label) for image, label in made if label.any()]
    assert len(drawn) >= 3
    assert all(image[label > 0].mean() < -0.1 for image, label in drawn)
    assert not empty.any()
    full = np.ones((96, 96), np.float32)
    assert all(np.array_equal(add_soft_bodies(rng, empty, full)[0], empty) for _ in range(6))
