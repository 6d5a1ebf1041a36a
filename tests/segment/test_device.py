"""The choice of a device. There is a card only where a fake one stands in for it."""

import ctypes
import os
import re
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest

from sxtstudio.core.add_ons import FoundAddOn
from sxtstudio.core.errors import UserError
from sxtstudio.segment import control_groups
from sxtstudio.segment import device as device_module
from sxtstudio.segment.device import Device, available_cpus, choose_device, create_session, session_device

RealSession = onnxruntime.InferenceSession
NETWORK = device_module._test_network()


class FakeDriver:
    """What libcuda answers on a computer with these cards."""

    def __init__(self, cards=("NVIDIA Test 1", "NVIDIA Test 2"), version=13000, init=0):
        self.cards, self.version, self.init = cards, version, init

    def cuInit(self, flags):
        return self.init

    def cuDeviceGetCount(self, count):
        count._obj.value = len(self.cards)
        return 0

    def cuDriverGetVersion(self, version):
        version._obj.value = self.version
        return 0

    def cuDeviceGet(self, handle, index):
        handle._obj.value = index
        return 0

    def cuDeviceGetName(self, text, length, handle):
        text.value = self.cards[handle.value].encode()
        return 0


class Computer:
    """A computer with NVIDIA cards on which ``session`` decides what a session on a card does."""

    def __init__(self):
        self.driver = FakeDriver()
        self.libraries = {"libcudnn.so.9"}
        self.providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
        self.preload_says = ""
        self.takes_cpu = False
        self.create_error = None
        self.run_error = None
        self.error_to_add = 0.0
        self.requests = []
        self.shapes = []

    def load(self, name, *args, **kwargs):
        if "libcuda.so" in str(name) and self.driver is not None:
            return self.driver
        if name in self.libraries:
            return object()
        raise OSError(f"{name}: cannot open shared object file")

    def open(self, model, options=None, providers=None, **settings):
        if not isinstance(providers[0], tuple):
            return RealSession(model, options, providers=providers)
        self.requests.append((providers, options, settings))
        if self.create_error:
            raise self.create_error
        return CardSession(self, RealSession(model, options, providers=["CPUExecutionProvider"]))


class CardSession:
    def __init__(self, computer, inner):
        self.computer, self.inner = computer, inner

    def get_providers(self):
        return ["CPUExecutionProvider"] if self.computer.takes_cpu else self.computer.providers

    def get_inputs(self):
        return self.inner.get_inputs()

    def run(self, names, feeds):
        self.computer.shapes.append(feeds["input"].shape)
        if self.computer.run_error:
            raise self.computer.run_error
        return [result + self.computer.error_to_add for result in self.inner.run(names, feeds)]


@pytest.fixture
def computer(monkeypatch):
    fake = Computer()
    monkeypatch.setattr(device_module, "problem_of_card", lambda: "")  # tests/segment/test_card_trial.py
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", fake.load)
    monkeypatch.setattr(onnxruntime, "InferenceSession", fake.open)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: fake.providers)
    monkeypatch.setattr(onnxruntime, "cuda_version", "13.0", raising=False)

    def preload(**_):
        print(fake.preload_says)

    monkeypatch.setattr(onnxruntime, "preload_dlls", preload, raising=False)
    return fake


def test_a_working_card_is_taken(computer, capfd):
    found = choose_device("auto")
    assert found.is_gpu and (found.kind, found.index, found.name) == ("cuda", 0, "NVIDIA Test 1")
    assert "works" in found.reason and not found.required
    ((name, settings), cpu), options, other = computer.requests[0]
    assert (name, cpu) == ("CUDAExecutionProvider", "CPUExecutionProvider")
    assert settings["device_id"] == 0 and settings["use_tf32"] == 0
    assert other == {"enable_fallback": 0} and options.log_severity_level == 4
    assert capfd.readouterr() == ("", "")


def test_a_card_can_be_chosen_by_number(computer):
    found = choose_device("cuda:1")
    assert (found.index, found.name, found.required) == (1, "NVIDIA Test 2", True)
    assert computer.requests[0][0][0][1]["device_id"] == 1
    assert choose_device(" CUDA ").index == 0
    with pytest.raises(UserError, match="cuda:2 cannot be used: the NVIDIA driver knows 2 cards only"):
        choose_device("cuda:2")


def spoil(computer, kind):
    match kind:
        case "no driver":
            computer.driver = None
        case "no card":
            computer.driver.init = 100
        case "no card counted":
            computer.driver.cards = ()
        case "broken driver":
            computer.driver.init = 803
        case "old driver":
            computer.driver.version = 12040
        case "no provider":
            computer.providers = ["CPUExecutionProvider"]
        case "no cuda":
            computer.preload_says = "Failed to load libcublasLt.so.13: no such file\nPlease follow https://…"
        case "no cudnn":
            computer.libraries.clear()
        case "cpu taken":
            computer.takes_cpu = True
        case "refused":
            computer.create_error = RuntimeError(
                "CUDA failure 35: driver version is insufficient\nmore lines"
            )
        case "full":
            computer.run_error = RuntimeError("CUDA error: out of memory in allocator")
        case "wrong":
            computer.error_to_add = 0.05
        case "nan":
            computer.error_to_add = np.nan


PROBLEMS = {
    "no driver": r"no NVIDIA driver was found \(libcuda\.so\.1 is missing\)",
    "no card": "the NVIDIA driver knows no card",
    "no card counted": "the NVIDIA driver knows no card",
    "broken driver": r"the NVIDIA driver does not work \(error 803\)",
    "old driver": r"too old: it knows CUDA 12\.4, and 13 is needed",
    "no provider": "onnxruntime has no CUDA provider",
    "no cuda": r"CUDA libraries are missing \(libcublasLt\.so\.13\): install sxtstudio\[cuda\]",
    "no cudnn": r"CUDA libraries are missing \(libcudnn\.so\.9\): install sxtstudio\[cuda\]",
    "cpu taken": "onnxruntime took the CPU",
    "refused": r"it failed \(CUDA failure 35: driver version is insufficient\)",
    "full": "its memory is full",
    "wrong": r"its result differs from the CPU's by 0\.05",
    "nan": "its result differs from the CPU's by nan",
}


@pytest.mark.parametrize(("kind", "said"), PROBLEMS.items(), ids=PROBLEMS)
def test_auto_takes_the_cpu_and_says_why(computer, kind, said, capfd):
    spoil(computer, kind)
    found = choose_device("auto")
    assert found.kind == "cpu" and not found.is_gpu
    assert re.search(said, found.reason), found.reason
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("kind", "said"), PROBLEMS.items(), ids=PROBLEMS)
def test_a_card_asked_for_by_name_is_an_error(computer, kind, said):
    spoil(computer, kind)
    with pytest.raises(UserError, match=f"cuda cannot be used: .*{said}.*Choose cpu or auto"):
        choose_device("cuda")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            FoundAddOn(),
            r"there is a card \(NVIDIA Test 1\), but not the NVIDIA package; .* install sxtstudio-cuda",
        ),
        (FoundAddOn(problem="it is of last year"), "cannot be used: it is of last year; put sxtstudio-cuda"),
    ],
    ids=["none", "misfit"],
)
def test_the_installed_program_names_the_package_for_a_card(computer, monkeypatch, found, said):
    monkeypatch.setattr(device_module, "is_packaged", lambda: True)
    monkeypatch.setattr(device_module, "find", lambda add_on: found)
    chosen = choose_device("auto")
    assert chosen.kind == "cpu" and re.search(said, chosen.reason), chosen.reason
    assert computer.requests == []
    computer.driver = None  # who has no card is not asked to install anything
    assert "no NVIDIA driver" in choose_device("auto").reason


def test_the_installed_program_uses_a_card_with_its_package(computer, monkeypatch, tmp_path):
    monkeypatch.setattr(device_module, "is_packaged", lambda: True)
    monkeypatch.setattr(device_module, "find", lambda add_on: FoundAddOn(tmp_path))
    assert choose_device("auto").kind == "cuda"
    spoil(computer, "no cuda")
    assert re.search(
        r"CUDA libraries are missing .*: install sxtstudio-cuda.* again", choose_device("auto").reason
    )


@pytest.mark.parametrize("kind", ["no driver", "no card", "no provider", "old driver"])
def test_cuda_is_not_even_tried_where_it_cannot_work(computer, kind):
    spoil(computer, kind)
    choose_device("auto")
    assert computer.requests == []


@pytest.mark.parametrize("kind", ["full", "wrong", "refused", "cpu taken"])
def test_a_model_that_fails_on_the_card_runs_on_the_cpu(computer, kind):
    card = choose_device("auto")
    spoil(computer, kind)
    session = create_session(NETWORK, card)
    assert session.get_providers() == ["CPUExecutionProvider"]
    taken = session_device(session, card)
    assert taken.kind == "cpu" and "does not run on NVIDIA Test 1" in taken.reason
    with pytest.raises(UserError, match="does not run on NVIDIA Test 1"):
        create_session(NETWORK, choose_like(card, required=True))


def choose_like(card, **changes):
    return Device(**({field: getattr(card, field) for field in card.__dataclass_fields__} | changes))


def test_a_model_that_works_stays_on_the_card(computer):
    card = choose_device("cuda:1")
    session = create_session(NETWORK, card)
    assert isinstance(session, CardSession) and session_device(session, card) is card


def test_the_callers_sample_is_compared(computer):
    card = choose_device("cuda")
    computer.shapes.clear()
    create_session(NETWORK, card, sample={"input": np.zeros((1, 1, 16, 16), np.float32)})
    assert set(computer.shapes) == {(1, 1, 16, 16)}


def test_macos_has_no_cuda(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "macOS" in choose_device("auto").reason


@pytest.mark.parametrize(
    "text", ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:9999", "cpu:0", "cuda 0", "tpu\ncpu"]
)
def test_unknown_devices_are_refused(text):
    with pytest.raises(UserError, match="choose auto, cpu, cuda or cuda:N"):
        choose_device(text)


def test_the_cpu_is_named_with_its_threads(monkeypatch):
    monkeypatch.setattr(device_module, "available_cpus", lambda: 2)
    found = choose_device("cpu")
    assert (found.kind, found.name, found.reason) == ("cpu", "CPU (2 threads)", "it was chosen")
    monkeypatch.setattr(device_module, "available_cpus", lambda: 1)
    assert choose_device("cpu").name == "CPU (1 thread)"


@pytest.mark.parametrize("whole_slice", [False, True])
def test_a_session_on_the_cpu(whole_slice, tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(NETWORK)
    image = np.random.default_rng(0).normal(size=(2, 1, 32, 48)).astype(np.float32)
    results = []
    for model in (NETWORK, path, str(path)):
        session = create_session(model, choose_device("cpu"), threads=1, whole_slice=whole_slice)
        options = session.get_session_options()
        assert session.get_providers() == ["CPUExecutionProvider"]
        assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
        assert options.enable_cpu_mem_arena is options.enable_mem_pattern is not whole_slice
        results.append(session.run(None, {"input": image})[0])
        assert session_device(session, choose_device("cpu")).kind == "cpu"
    assert results[0].shape == image.shape
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


def test_threads_follow_the_processors(monkeypatch):
    monkeypatch.setattr(device_module, "available_cpus", lambda: 3)
    session = create_session(NETWORK, choose_device("cpu"))
    assert session.get_session_options().intra_op_num_threads == 3


def test_no_alarming_text_on_a_computer_without_a_card():
    code = (
        "import ctypes, sys\n"
        "real = ctypes.CDLL\n"
        "def load(name, *a, **k):\n"
        "    if 'libcuda' in str(name): raise OSError('missing')\n"
        "    return real(name, *a, **k)\n"
        "ctypes.CDLL = load\n"
        "from sxtstudio.segment import device as d\n"
        "chosen = d.choose_device('auto')\n"
        "d.create_session(d._test_network(), chosen)\n"
        "print(chosen.kind)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=180)
    assert (done.stdout.strip(), done.stderr) == ("cpu", "")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no processor affinity")
def test_affinity_is_respected():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert available_cpus() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert 1 <= available_cpus() <= len(before)


@pytest.mark.parametrize(("quota", "expected"), [(0.5, 1), (1.0, 1), (2.5, 3), (64.0, 4), (float("inf"), 4)])
@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system has no processor affinity")
def test_the_quota_limits_the_affinity(monkeypatch, quota, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    monkeypatch.setattr(device_module, "processor_quota", lambda: quota)
    assert available_cpus() == (expected if sys.platform == "linux" else 4)


GROUPS = {
    "v2": ("0::/user/job", {"user/job/cpu.max": "150000 100000"}, 1.5),
    "v2 parent is stricter": ("0::/a/b", {"a/b/cpu.max": "max 100000", "a/cpu.max": "200000 100000"}, 2.0),
    "v2 unlimited": ("0::/a", {"a/cpu.max": "max 100000"}, float("inf")),
    "v2 in a container": ("0::/outer/name", {"cpu.max": "300000 100000"}, 3.0),
    "v2 beside v1": ("1:cpu:/\n0::/", {"unified/cpu.max": "100000 100000"}, 1.0),
    "v1": (
        "4:cpu,cpuacct:/job\n3:memory:/x",
        {"cpu,cpuacct/job/cpu.cfs_quota_us": "50000", "cpu,cpuacct/job/cpu.cfs_period_us": "100000"},
        0.5,
    ),
    "v1 linked name": (
        "4:cpuacct,cpu:/job",
        {"cpu/job/cpu.cfs_quota_us": "400000", "cpu/job/cpu.cfs_period_us": "100000"},
        4.0,
    ),
    "v1 unlimited": (
        "4:cpu:/",
        {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"},
        float("inf"),
    ),
    "nothing": ("", {}, float("inf")),
    "nonsense": ("0::/a\nno colons", {"a/cpu.max": "many"}, float("inf")),
}


@pytest.mark.parametrize(("membership", "files", "expected"), GROUPS.values(), ids=GROUPS)
def test_control_groups(tmp_path, monkeypatch, membership, files, expected):
    listing = tmp_path / "cgroup"
    listing.write_text(membership + "\n")
    root = tmp_path / "root"
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    monkeypatch.setattr(control_groups, "ROOT", root)
    monkeypatch.setattr(control_groups, "MEMBERSHIP", listing)
    assert control_groups.processor_quota() == expected


def test_no_control_groups_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(control_groups, "ROOT", tmp_path)
    monkeypatch.setattr(control_groups, "MEMBERSHIP", tmp_path / "none")
    assert control_groups.processor_quota() == float("inf") and not control_groups.memory_left()


@pytest.mark.skipif(choose_device("auto").kind != "cuda", reason="this computer has no usable NVIDIA card")
def test_a_real_card():
    card = choose_device("cuda")
    session = create_session(NETWORK, card)
    assert session.get_providers()[0] == "CUDAExecutionProvider"
