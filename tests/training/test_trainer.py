"""Whole trainings of a few steps: what they leave, how they go on, and what they obey."""

import errno
import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from sxtstudio.cli import main
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.training_events import JudgedOn, read_events
from sxtstudio.segment import check_model
from sxtstudio.training import checkpoint, trainer
from sxtstudio.training.checkpoint import load_state, save_state
from sxtstudio.training.config import load_config
from sxtstudio.training.control import Control
from sxtstudio.training.evaluation import Judged, NetworkScores
from sxtstudio.training.job import StartModel, first_network, train_model, uses_of
from sxtstudio.training.model_card import write_model
from sxtstudio.training.network import DeepSXT
from sxtstudio.training.network_files import load_onnx

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def exports():
    """Asked for by tests that look at the model."""


@pytest.fixture(autouse=True)
def quick_export(monkeypatch, request):
    """Exporting takes a second; only the tests that look at the model do it."""
    if "exports" in request.fixturenames:
        return

    def write(network, folder, card, slices):
        (folder / f"{card['name']}.json").write_text(json.dumps(card))
        return folder / f"{card['name']}.onnx"

    monkeypatch.setattr("sxtstudio.training.job.write_model", write)


def train(config, folder="run", **options):
    events = []
    options.setdefault("listener", events.append)
    train_model(load_config(config), config.parent / folder, **options)
    return events


def kinds(events, *wanted):
    return [event for event in events if event["event"] in wanted]


def weights(folder):
    """All arrays of a state but the counters, which hold times."""
    parts = load_state(folder / "state.npz")
    return {f"{part}/{key}": value for part in parts if part != "run" for key, value in parts[part].items()}


def counters(folder):
    with np.load(folder / "state.npz", allow_pickle=False) as file:  # this one of 2000 arrays
        return json.loads(file["run/state"].tobytes())


def assert_same_state(one, other):
    first, second = weights(one), weights(other)
    assert set(first) == set(second)
    assert all(torch.equal(first[key], second[key]) for key in first)
    reached, expected = counters(one), counters(other)
    for key in ("step", "best_step", "best_f1", "best_loss", "label_loss", "image_loss"):
        assert reached[key] == expected[key], key


def curve(folder):
    events = kinds(read_events(folder / "events.jsonl"), "evaluate")
    assert len({event["step"] for event in events}) == len(events)
    return events


@pytest.mark.parametrize("limit", ["steps = 8", "steps = 10000\nminutes = 3"], ids=["steps", "minutes"])
def test_the_remaining_time_is_what_it_then_takes(configure, monkeypatch, limit):
    """By a clock on which a step takes 10 s and an evaluation 20 s."""
    clock, seen = SimpleNamespace(now=500.0), []
    monkeypatch.setattr(trainer, "time", SimpleNamespace(monotonic=lambda: clock.now))
    step = trainer.Trainer.step

    def slow_step(*args):
        step(*args)
        clock.now += 10

    def slow_curves(folder):
        clock.now += 20

    monkeypatch.setattr(trainer.Trainer, "step", slow_step)
    monkeypatch.setattr(trainer, "draw_curves", slow_curves)

    def listener(event):
        if event["event"] == "step":
            seen.append((clock.now, event["remaining_s"]))

    train(configure(limit), listener=listener)
    assert len(seen) >= 8
    for now, remaining in seen:
        assert remaining == pytest.approx(clock.now - now, abs=20), "off by more than an evaluation"


@pytest.mark.usefixtures("exports")
def test_a_whole_training_leaves_a_model_and_tells_what_it_did(configure, project):
    events = train(configure())
    run = project / "run"
    assert events == read_events(run / "events.jsonl")
    start, end = events[0], events[-1]
    assert start == {
        "event": "start",
        "step": 0,
        "of": 4,
        "device": "cpu",
        "labelled": 3,
        "held_out": 1,
        "unlabelled": 3,
        "judged_on": "slices",
    }
    assert [event["step"] for event in kinds(events, "evaluate")] == [0, 2, 4]
    assert {"label_share", "image_share", "test_label_loss", "test_image_loss"} <= set(events[1])
    assert (end["event"], end["reason"], end["step"]) == ("done", "steps", 4)
    assert (end["before"], end["better"], end["model"]) == (None, True, "small.onnx")
    card = check_model(run / "small.onnx")
    assert (card.base_width, card.licence) == (2, "MIT")
    with np.load(run / "preview.npz") as preview:
        assert {key: preview[key].dtype.name for key in preview} == {
            "image": "float32",
            "label": "float32",
            "redrawn": "float32",
            "truth": "uint8",
        }
        assert preview["image"].shape == (64, 80)
        assert set(np.unique(preview["truth"])) == {0, 255}
    with np.load(run / "comparison.npz") as comparison:
        assert set(comparison) == {"image_0", "truth_0", "after_0"}
        assert np.abs(comparison["after_0"]).max() <= 1
    with Image.open(run / "curves.png") as picture:
        assert len(np.unique(np.asarray(picture.convert("L")))) > 20


def test_the_published_method_runs_its_protocols_in_turn(configure):
    events = train(configure(top='base_width = 2\nmethod = "published"', training="steps = 3"))
    state = kinds(events, "evaluate")[-1]
    assert state["step"] == 3
    assert kinds(events, "done")[0]["reason"] == "steps"
    config = load_config(configure(top='base_width = 2\nmethod = "published"'))
    run = configure().parent / "run"
    adam = load_state(run / "state.npz")["optimiser"]
    # Steps 0 and 2 were labelled, step 1 was not: the label decoder learned twice, the rest thrice.
    assert config.augmentation == "published"
    assert int(adam["label_head.out.weight|step"]) == 2
    assert int(adam["encoder.stem.0.weight|step"]) == 3
    assert int(adam["image_head.2.2.weight|step"]) == 3


def test_a_training_repeats_by_its_seed(configure, project):
    for folder, seed in (("one", 5), ("two", 5), ("three", 6)):
        train(configure(f"seed = {seed}\nsteps = 2"), folder)
    assert_same_state(project / "one", project / "two")
    assert curve(project / "one") == curve(project / "two")
    assert not torch.equal(
        weights(project / "one")["network/encoder.stem.0.weight"],
        weights(project / "three")["network/encoder.stem.0.weight"],
    )


@pytest.mark.parametrize("method", ["quick", "published"])
def test_killed_in_the_middle_it_goes_on_with_the_same_curve(configure, project, method):
    config = configure("steps = 8\nsave_every = 3", top=f'base_width = 2\nmethod = "{method}"')
    train(config, "whole")
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "sxtstudio", "train", str(config), "-o", str(project / "run"), "--json"]
    # Slow steps, so that the kill falls between two of them, after a state was written.
    slow = "import sys, time, sxtstudio.training.trainer as t; step = t.Trainer.step\n"
    slow += "t.Trainer.step = lambda *a: (step(*a), time.sleep(0.3))\n"
    slow += "import sxtstudio.cli; sys.exit(sxtstudio.cli.main(sys.argv[1:]))"
    with subprocess.Popen(
        [sys.executable, "-c", slow, *command[3:]], stdout=subprocess.PIPE, text=True, env=environment
    ) as child:
        for line in child.stdout:
            event = json.loads(line)
            if event["event"] == "evaluate" and event["step"] == 4:
                break
        child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert counters(project / "run")["step"] == 3
    events = train(config, "run")
    assert events[0]["step"] == 3
    assert_same_state(project / "run", project / "whole")
    assert curve(project / "run") == curve(project / "whole")


def obeying(orders):
    """A control that gets orders when events come: {(event, step): order}; and the events."""
    control, events = Control(), []

    def listen(event):
        events.append(event)
        order = orders.get((event["event"], event.get("step")))
        if order:
            control.obey(order)

    return {"control": control, "listener": listen}, events


def test_pause_resume_and_stop(configure, project):
    options, events = obeying({("evaluate", 2): "pause", ("paused", 2): "resume", ("evaluate", 4): "stop"})
    train(configure("steps = 50"), **options)
    told = [(event["event"], event.get("step")) for event in kinds(events, "paused", "resumed", "done")]
    assert told == [("paused", 2), ("resumed", 2), ("done", 4)]
    assert events[-1]["reason"] == "stopped"
    assert (project / "run" / "small.json").exists()


def test_cancel_saves_the_state_and_the_curve_stays_the_same(configure, project):
    config = configure("steps = 5\nsave_every = 100")
    train(config, "whole")
    options, _ = obeying({("preview", 2): "cancel"})
    with pytest.raises(Cancelled):
        train(config, **options)
    assert counters(project / "run")["step"] in (2, 3)
    train(config)
    assert_same_state(project / "run", project / "whole")


def test_the_command_line_obeys_and_tells_by_its_exit_codes(configure, project, monkeypatch, capsys):
    command = ["train", str(configure("steps = 3")), "--json", "--control"]
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))  # the parent is gone
    assert main(command) == 130
    reading, writing = os.pipe()
    with open(reading) as silent, open(writing, "w"):
        monkeypatch.setattr(sys, "stdin", silent)
        capsys.readouterr()
        assert main(command) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [events[0]["event"], events[-1]["event"]] == ["start", "done"]
    (project / "a.labels.tif").unlink()
    assert main(command) == 2
    (error,) = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert error["event"] == "error"
    assert "a.labels.tif, which does not exist" in error["text"]


def test_bad_data_is_told_as_an_event_before_anything_starts(configure, project):
    labels = tifffile.imread(project / "a.labels.tif")
    tifffile.imwrite(project / "a.labels.tif", 0 * labels, photometric="minisblack")
    events = []
    with pytest.raises(UserError):
        train(configure(), listener=events.append)
    assert [event["event"] for event in events] == ["error"]
    assert "labels are empty" in events[0]["text"]


def scores_of(*tiles):
    """Scores of one window whose tiles hold 100 true pixels each, and so many of 100 predicted are right."""
    hits = np.array(tiles * (16 // len(tiles)))
    return NetworkScores(
        0.5, 0.5, 1.0, 1.0, np.stack([hits * 0 + 100, hits, hits * 0 + 100, hits], -1)[np.newaxis]
    )


def constant_scores(*_, **__):
    return scores_of(50)


def test_it_ends_on_a_plateau(configure, monkeypatch):
    monkeypatch.setattr(trainer, "judge", constant_scores)
    monkeypatch.setattr("sxtstudio.training.job.write_comparison", lambda *_: None)
    # Evaluations at 0 (untrained), 2 (the best), then three at 4, 6 and 8 that are no better.
    events = train(configure("steps = 99\nplateau = 3"))
    assert (events[-1]["reason"], events[-1]["step"]) == ("plateau", 8)


def script(monkeypatch, *evaluations):
    """Let the evaluations of a training come out like this, in turn, and those after it like the last."""
    left = list(evaluations)
    monkeypatch.setattr(trainer, "judge", lambda *_, **__: left.pop(0) if len(left) > 1 else left[0])
    monkeypatch.setattr("sxtstudio.training.job.write_comparison", lambda *_: None)


def chosen(events):
    return {event["step"]: event["best"] for event in kinds(events, "evaluate")}


def test_later_weights_are_kept_unless_they_are_clearly_worse(configure, monkeypatch):
    """All tiles alike, nothing scatters: F1 0.600, 0.603, 0.599, 0.597; 0.598 is 0.005 below the best."""
    mixed = [(50, 50), (60, 60), (60.3, 60.3), (59.9, 59.9), (59.7, 59.7)]
    thousands = [scores_of(*tiles) for tiles in mixed]
    for scores, (share, _) in zip(thousands, mixed, strict=True):
        scores.windows[..., [0, 2]] = 1000
        scores.windows[..., [1, 3]] = round(10 * share)
    script(monkeypatch, *thousands)
    # An untrained network is never the best.
    events = train(configure("steps = 8\nevaluate_every = 2"))
    assert chosen(events) == {0: False, 2: True, 4: True, 6: True, 8: False}


def test_a_difference_within_its_own_noise_does_not_beat_later_weights(configure, monkeypatch):
    """F1 0.62, then 0.60: in every tile alike that is worse; from −8 to +5 by tile it says nothing."""
    before, alike, scattered = scores_of(62, 62), scores_of(60, 60), scores_of(54, 60, 67, 59)
    assert alike.agreement.f1 == scattered.agreement.f1 == 0.6
    script(monkeypatch, scores_of(50), before, alike)
    assert chosen(train(configure("steps = 4"), "alike")) == {0: False, 2: True, 4: False}
    script(monkeypatch, scores_of(50), before, scattered)
    assert chosen(train(configure("steps = 4"), "scattered")) == {0: False, 2: True, 4: True}


def test_a_start_is_not_kept_for_a_difference_that_says_nothing(configure, monkeypatch, start):
    """What happened twice: the start seemed better on six slices, and the end was on all judges."""
    config = configure("steps = 4", top='start_from = "first.onnx"')
    script(monkeypatch, scores_of(81), scores_of(86, 72, 85, 73))
    assert chosen(train(config, "noise", start=start)) == {0: True, 2: True, 4: True}
    script(monkeypatch, scores_of(81), scores_of(79))
    assert chosen(train(config, "worse", start=start)) == {0: True, 2: False, 4: False}


def test_what_is_judged_is_what_is_made_of_the_weights(configure, project, monkeypatch, start):
    """With keep_start = 0.5 the figure of step 4 is that of the half-way model, not of the weights."""
    seen = []

    def noting(network, *args, **kwargs):
        seen.append(network.state_dict()["label_head.out.weight"].clone())
        return scores_of(50)

    monkeypatch.setattr(trainer, "judge", noting)
    monkeypatch.setattr("sxtstudio.training.job.write_comparison", lambda *_: None)
    more = "steps = 4\nevaluate_every = 4\nlearning_rate = 0.01\nkeep_start = 0.5"
    config = configure(more, top='start_from = "first.onnx"')
    train(config, start=start)
    first = load_onnx(start.path).state_dict()["label_head.out.weight"]
    learned = load_state(project / "run" / "state.npz")["averaged"]["label_head.out.weight"]
    assert not torch.allclose(first, learned)
    torch.testing.assert_close(seen[1], (first + learned) / 2)
    torch.testing.assert_close(seen[2], seen[1])  # the model that is made
    # And of the state, which may be gone on from with another share.
    best = load_state(project / "run" / "state.npz")["best"]["label_head.out.weight"]
    torch.testing.assert_close(best, learned)


def test_the_best_is_judged_anew_where_a_training_goes_on_with_other_slices(configure, project, monkeypatch):
    """As a version before left it: figures of other windows, and no pixels they come from."""
    script(monkeypatch, scores_of(50), scores_of(90))
    train(configure("steps = 2"))
    state = counters(project / "run")
    assert state["highest_f1"] == pytest.approx(0.9)
    parts = load_state(project / "run" / "state.npz")
    old = {key: value for key, value in state.items() if key not in ("judged", "highest_counts")}
    text = np.frombuffer(json.dumps(old | {"before": None}).encode(), np.uint8).copy()
    parts["run"]["state"] = torch.from_numpy(text)
    save_state(project / "run" / "state.npz", **parts)
    script(monkeypatch, scores_of(70), scores_of(72))
    events = train(configure("steps = 4"))
    assert chosen(events) == {4: True}
    state = counters(project / "run")
    assert (state["best_step"], state["highest_f1"]) == (4, pytest.approx(0.72))
    script(monkeypatch, scores_of(60))
    assert chosen(train(configure("steps = 6"))) == {6: False}
    # Likewise where predictions are counted otherwise than by the version before.
    monkeypatch.setattr(trainer, "COUNTED_AS", trainer.COUNTED_AS + 1)
    script(monkeypatch, scores_of(61), scores_of(62))
    assert chosen(train(configure("steps = 8"))) == {8: True}


def test_it_ends_when_the_time_is_over(configure):
    events = train(configure("steps = 10000\nminutes = 0.005\nevaluate_every = 1000"))
    assert events[-1]["reason"] == "minutes"
    assert 0 < events[-1]["step"] < 1000


def test_a_full_disk_is_told_and_leaves_the_former_state(configure, project, monkeypatch):
    train(configure("steps = 2"))
    before = weights(project / "run")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint.np, "savez", full)
    events = []
    with pytest.raises(UserError, match="disk is full"):
        train(configure("steps = 4\npreview = false"), listener=events.append)
    assert events[-1]["event"] == "error"
    assert "disk is full" in events[-1]["text"]
    after = weights(project / "run")
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert not list((project / "run").glob("*.part*"))


def test_no_memory_is_told(configure, monkeypatch):
    def fail(*_):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr("sxtstudio.training.protocols.Losses.forward", fail)
    with pytest.raises(UserError, match="not enough memory for crops of 32 pixels"):
        train(configure())


def test_a_loss_that_is_not_a_number_is_told(configure, monkeypatch):
    nan = torch.tensor(float("nan"), requires_grad=True)
    monkeypatch.setattr(
        "sxtstudio.training.protocols.Losses.forward", lambda *_: (nan * 1, nan.detach(), nan.detach())
    )
    with pytest.raises(UserError, match="smaller learning_rate"):
        train(configure())


def test_other_settings_need_a_new_beginning(configure, project):
    train(configure("steps = 2"))
    with pytest.raises(UserError, match="other data or settings"):
        train(configure("steps = 2\nseed = 9"))
    events = train(configure("steps = 2\nseed = 9"), restart=True)
    assert events[0]["step"] == 0
    assert (project / "run" / "state.old.npz").exists()


@pytest.mark.parametrize(
    ("counters", "said"),
    [
        ('{"step": -4}', "the key 'step' is wrong; it must be a whole number from 0"),
        ('{"step": 2, "best_loss": "small"}', "the key 'best_loss' is wrong; it must be a number"),
        ("[2]", "it must be an object"),
        ("{", "it is no JSON"),
    ],
)
def test_counters_that_are_none_are_refused_with_their_key(configure, project, counters, said):
    train(configure("steps = 2"))
    parts = load_state(project / "run" / "state.npz")
    parts["run"]["state"] = torch.from_numpy(np.frombuffer(counters.encode(), np.uint8).copy())
    save_state(project / "run" / "state.npz", **parts)
    with pytest.raises(UserError, match=rf"is damaged: {said}.*Begin anew"):
        train(configure("steps = 4"))


@pytest.fixture
def start(project, configure):
    """A model to go on from; untrained, but its batch norms know their inputs."""
    torch.manual_seed(1)
    network = DeepSXT(2).train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        for _ in range(2):
            scores, _ = network.outline(torch.randn(2, 1, 64, 64), 2)
            network.draw_image(network.encode(torch.randn(2, 1, 64, 64))[1])
            network.label_head.out.weight /= scores.std()
    card = {"name": "first", "description": "d", "trained_on": "noise", "licence": "MIT", "voxel_nm": [5, 6]}
    return StartModel(write_model(network.eval(), project, card), "first", 0.1, (5.0, 6.0), "noise")


@pytest.mark.usefixtures("exports")
def test_going_on_from_a_model(configure, project, start):
    config = configure("learning_rate = 0.01\nsteps = 6", top='start_from = "first.onnx"')
    first = first_network(load_config(config), start)
    stored = load_onnx(start.path)
    assert all(map(torch.equal, first.state_dict().values(), stored.state_dict().values()))
    events = train(config, start=start)
    end, before = events[-1], kinds(events, "evaluate")[0]
    assert end["before"] == {key: round(before[key], 4) for key in ("precision", "recall", "f1")}
    assert end["better"] == (end["after"]["f1"] > end["before"]["f1"] + 0.01)
    with np.load(project / "run" / "comparison.npz") as comparison:
        assert set(comparison) == {"image_0", "truth_0", "before_0", "after_0"}
    card = check_model(project / "run" / "small.onnx")
    assert (card.threshold, card.voxel_nm) == (0.1, (5.0, 6.0))
    assert card.uses == {}  # one slice was kept aside, and the model before knew none
    assert "as the model first: noise" in card.trained_on


@pytest.mark.usefixtures("exports")
def test_uses_come_from_the_model_before_where_one_strip_is_all_that_is_judged(configure, project, start):
    outline = np.zeros((4, 100, 80), np.uint8)
    outline[2, :, ::7] = 1
    tomogram = (np.random.default_rng(0).normal(size=outline.shape) - 2.0 * outline).astype(np.float32)
    for name, array in (("a.tif", tomogram), ("a.labels.tif", outline * 255)):
        tifffile.imwrite(project / name, array, photometric="minisblack")
    data = '[[labelled]]\ntomogram = "a.tif"\nlabels = "a.labels.tif"\npolarity = "dark"\nslices = "2"\n'
    config = configure("steps = 2", top='start_from = "first.onnx"', data=data)
    uses = {
        "few-false": {"threshold": 0.4, "scores": {"cells": {"precision": 0.9, "recall": 0.7}}},
        "everything": {"threshold": -0.4, "scores": {}},
    }
    events = train(config, start=replace(start, uses=uses))
    assert events[0]["judged_on"] == events[-1]["judged_on"] == "strip"
    card = check_model(project / "run" / "small.onnx")
    assert {use.value: entry.threshold for use, entry in card.uses.items()} == {
        "few-false": 0.4, "everything": -0.4,
    }  # fmt: skip
    assert list(card.uses["few-false"].scores) == ["cells (measured of first)"]
    assert list(card.scores) == ["a strip of the slice that it learned from"]
    assert any("are those of first" in limit for limit in card.limits)
    uses["few-false"]["threshold"] = 0.05  # below the model's own 0.1: of no use
    train(config, start=replace(start, uses=uses), restart=True)
    assert check_model(project / "run" / "small.onnx").uses == {}


def judged(count, seed=0):
    """Slices of a network that is so sure of itself that F alone would set every threshold low."""
    rng = np.random.default_rng(seed)
    truth = np.full((100, 100), -1, np.int8)
    truth[10:90:8] = 1
    label = np.where(truth > 0, -0.2, -0.9).astype(np.float32) + rng.normal(0, 0.02, truth.shape)
    return [Judged(label * 0, truth, label.astype(np.float32), label * 0)] * count


def test_uses_are_measured_on_three_slices_or_more_and_lie_about_the_models_own_threshold():
    assert uses_of(judged(2), JudgedOn.SLICES, 0.1) == {}
    assert uses_of(judged(6), JudgedOn.STRIP, 0.1) == {}
    found = {use: entry["threshold"] for use, entry in uses_of(judged(4), JudgedOn.SLICES, 0.1).items()}
    assert found["few-false"] == 0.1 and found["balanced"] < 0 and found["everything"] < 0
    # What is predicted within two pixels of labels that do not count is not wrong, as in bench.accuracy.
    doubtful = judged(4)[0]
    truth, label = doubtful.truth.copy(), doubtful.label.copy()
    truth[13::8], label[15::8] = 0, 0.9
    beside = uses_of([replace(doubtful, truth=truth, label=label)] * 4, JudgedOn.SLICES, 0.1)
    assert beside["balanced"]["scores"]["held-out slices of the training"]["precision"] == 1
    few_pixels = [replace(one, truth=np.where(np.arange(100) < 20, one.truth, -1)) for one in judged(4)]
    assert uses_of(few_pixels, JudgedOn.SLICES, 0.1) == {}


def test_pictures_are_kept_of_six_however_many_are_judged(configure, project, monkeypatch):
    arrays = []
    monkeypatch.setattr("sxtstudio.training.job.write_comparison", lambda *found: arrays.append(found[2]))
    data = "\n".join(
        f'[[{kind}]]\ntomogram = "a.tif"\nlabels = "a.labels.tif"\npolarity = "dark"\nslices = "{slices}"'
        for kind, slices in [("labelled", "0"), *(("held_out", f"{n % 4}") for n in range(9))]
    )
    # A window of 64×80 px: 9 of them are a twentieth of the arithmetic of 20 steps with crops of 160 px.
    train(configure("steps = 1\nevaluate_every = 20\ncrop_px = 160", data=data))
    assert len(arrays) == 1 and len(arrays[0]) == 6


def test_a_model_that_does_not_get_better_is_kept_as_it_was(configure, project, start):
    events = train(
        configure('learning_rate = 1e-9\nnorms = "keep"', top='start_from = "first.onnx"'), start=start
    )
    assert events[-1]["before"] == events[-1]["after"]
    assert events[-1]["better"] is False


@pytest.mark.usefixtures("exports")
def test_a_wider_model_begins_as_good_as_the_narrow_one(configure, project, start):
    top = 'start_from = "first.onnx"\nbase_width = 4'
    events = train(configure('steps = 2\nlearning_rate = 1e-9\nnorms = "keep"', top=top), start=start)
    assert events[-1]["before"] == events[-1]["after"]
    assert check_model(project / "run" / "small.onnx").base_width == 4
    with pytest.raises(UserError, match="can be widened, not narrowed"):
        first_network(replace(load_config(configure(top=top)), base_width=1), start)
    events: list[dict] = []
    with pytest.raises(UserError):
        train_model(
            replace(load_config(configure(top=top)), base_width=1), project / "new", start=start,
            listener=events.append,
        )  # fmt: skip
    assert not (project / "new").exists() and [event["event"] for event in events] == ["error"]


def test_what_real_slices_teach_is_the_same_after_an_interruption(configure, project):
    """All options at once, with neighbours; the teacher, the running mean, is part of the state."""
    more = "spectra = 0.5\nrestore = true\nagree = 1.0\nteach = 1.0\nimage_every = 2\nlearning_rate = 0.01"
    top = "base_width = 2\nslices = 3"
    train(configure(f"steps = 6\n{more}", top=top), "whole")
    train(configure(f"steps = 4\n{more}", top=top))
    train(configure(f"steps = 6\n{more}", top=top))
    assert_same_state(project / "run", project / "whole")
    train(configure("steps = 6\nimage_every = 2\nlearning_rate = 0.01", top=top), "without")
    ours, others = (weights(project / name)["network/label_head.out.weight"] for name in ("run", "without"))
    assert not torch.equal(ours, others)


@pytest.mark.usefixtures("exports")
def test_of_the_start_as_much_is_kept_as_was_asked(configure, project, monkeypatch, start):
    """Half-way the model lies between its start and what the same training makes without that."""
    script(monkeypatch, scores_of(50))  # so that both keep their last weights
    top = 'start_from = "first.onnx"'
    for name, keep in (("all", 0), ("half", 0.5)):
        train(configure(f"steps = 3\nlearning_rate = 0.001\nkeep_start = {keep}", top=top), name, start=start)
    first = first_network(load_config(configure(top=top)), start).state_dict()
    learned, half = (load_onnx(project / name / "small.onnx").state_dict() for name in ("all", "half"))
    for name, values in half.items():
        if values.is_floating_point():
            torch.testing.assert_close(values, (first[name] + learned[name]) / 2, rtol=1e-6, atol=1e-7)
    assert not torch.allclose(half["label_head.out.weight"], learned["label_head.out.weight"])
    assert json.loads((project / "half" / "small.json").read_text())["recipe"]["keep_start"] == 0.5
    with pytest.raises(UserError, match="keep_start does nothing without start_from"):
        load_config(configure("steps = 3\nkeep_start = 0.5"))


@pytest.mark.usefixtures("exports")
def test_a_model_for_three_slices_goes_on_from_one_for_one(configure, project, start):
    """It begins as good as that; interrupted, it goes on to the same weights; the card says what it sees."""
    top = 'start_from = "first.onnx"\nslices = 3'
    slow = configure('steps = 2\nlearning_rate = 1e-9\nnorms = "keep"', top=top)
    events = train(slow, "slow", start=start)
    assert events[-1]["before"] == events[-1]["after"]
    train(configure("steps = 4\nlearning_rate = 0.01", top=top), "whole", start=start)
    train(configure("steps = 2\nlearning_rate = 0.01", top=top), start=start)
    train(configure("steps = 4\nlearning_rate = 0.01", top=top), start=start)
    assert_same_state(project / "run", project / "whole")
    stem = weights(project / "run")["network/encoder.stem.0.weight"]
    assert stem.shape[1] == 3 and (stem != 0).all()
    assert check_model(project / "run" / "small.onnx").slices == 3
    # Its child sees three slices, too, without being told to.
    child = StartModel(project / "run" / "small.onnx", "small")
    further = load_config(configure(top='start_from = "run/small.onnx"'))
    assert first_network(further, child).slices == 3
    with pytest.raises(UserError, match="other data or settings"):
        train(configure("steps = 4\nlearning_rate = 0.01", top=top.replace("3", "5")), start=start)


def test_the_command_line_finds_the_model_to_go_on_from(configure, project, start, capsys):
    assert main(["train", str(configure("steps = 1", top='start_from = "first.onnx"'))]) == 0
    assert "before" in capsys.readouterr().out
    assert main(["train", str(configure(top='start_from = "nobody"'))]) == 2
    assert "nobody" in capsys.readouterr().err
