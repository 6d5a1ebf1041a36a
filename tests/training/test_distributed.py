import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from sxtstudio.core.errors import UserError
from sxtstudio.core.training_events import read_events
from sxtstudio.training.checkpoint import load_state
from sxtstudio.training.distributed import TrainingGroup, choose_device, choose_precision

SCRIPT = Path(__file__).with_name("two_processes.py")


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("two_processes", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def arrays(path):
    with np.load(path) as file:
        return {key: file[key] for key in file}


def test_two_processes_learn_as_one_from_the_joint_batch(configure, project, script, one_thread):
    configure('steps = 3\ndevice = "cpu"\ncrops = 1\npreview = false')
    environment = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*torchrun, str(SCRIPT), str(project)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    images, labels = script.joint_batch()
    alone = script.losses()
    both = [arrays(project / f"gradients_{rank}.npz") for rank in (0, 1)]
    for protocol, truth in (("labelled", labels), ("unlabelled", None)):
        for name, grad in script.gradients(alone, images, truth).items():
            key = f"{protocol}/{name}"
            if grad is None:
                assert not any(file[key].any() for file in both if key in file), key
                continue
            assert np.array_equal(both[0][key], both[1][key])
            scale = float(grad.abs().max())
            assert both[0][key] == pytest.approx(grad.numpy(), rel=2e-3, abs=1e-3 * scale), key
    # The training after that: one voice, one state, a model.
    events = read_events(project / "run" / "events.jsonl")
    assert [event["event"] for event in events].count("start") == 1
    assert (events[-1]["event"], events[-1]["step"]) == ("done", 3)
    assert done.stdout.count("'done'") == 1
    assert load_state(project / "run" / "state.npz")["network"]
    assert (project / "run" / "small.onnx").exists()


def test_processes_share_the_crops_of_a_step():
    shares = [TrainingGroup(torch.device("cpu"), rank, 3).share(2) for rank in range(3)]
    assert [number for share in shares for number in share] == list(range(6))


def test_a_device_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    with pytest.raises(UserError, match=r'cuda:1 is not there.*Use device = "cpu"'):
        choose_device("cuda:1")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("auto", 1) == torch.device("cuda", 1)
    assert choose_device("cuda:0", 1) == torch.device("cuda", 0)
    assert choose_device("cpu") == torch.device("cpu")


def test_the_precision_follows_from_the_hardware(monkeypatch):
    cpu, gpu = torch.device("cpu"), torch.device("cuda", 0)
    units = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    for unit in units:
        for name in units:
            monkeypatch.setattr(torch.cpu, name, lambda there=name == unit: there, raising=False)
        assert choose_precision("auto", "quick", cpu)
    assert not choose_precision("auto", "published", cpu)
    assert choose_precision("auto", "published", gpu)
    assert not choose_precision("float32", "quick", gpu)
    for name in units:
        monkeypatch.setattr(torch.cpu, name, lambda: False, raising=False)
    assert not choose_precision("auto", "quick", cpu)
    assert choose_precision("bfloat16", "quick", cpu)
