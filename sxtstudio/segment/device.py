"""Where a network runs, and why: on an NVIDIA card where that demonstrably works, else on the processors.

onnxruntime takes the CPU without an error when CUDA does not work, and fills the terminal with alarming
text on computers that have no such card at all. So the driver is asked first; only if it knows a card is
CUDA tried, with a patch whose result is compared with the CPU's.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import math
import os
import re
import sys
import warnings
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import psutil
from numpy.typing import NDArray

from sxtstudio.core.add_ons import AddOn, find, way_to_add
from sxtstudio.core.errors import UserError
from sxtstudio.core.packaged import is_packaged
from sxtstudio.segment.allocation import allocated_cpus
from sxtstudio.segment.card_trial import problem_of_card
from sxtstudio.segment.control_groups import processor_quota
from sxtstudio.segment.runtime import ort

Model = bytes | str | Path
Feeds = Mapping[str, NDArray[Any]]

# What the environment variable that the package sets does not reach: the events of Windows.
ort.disable_telemetry_events()
# Whatever it logs as an error is raised as well, or comes back as the reason why a card is not used.
_FATAL_ONLY = 4
ort.set_default_logger_severity(_FATAL_ONLY)

_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_TOLERANCE = 1e-2  # between card and CPU, in units of the output's spread where that is above 1
_PATCH_PX = 64


@dataclass(frozen=True)
class Device:
    """A place where networks run.

    Attributes
    ----------
    kind
        "cpu" or "cuda".
    name
        For the user, such as "CPU (8 threads)" or "NVIDIA GeForce RTX 3090".
    reason
        Why this one; for a CPU that was not asked for, why no card is used.
    index
        Which card, counted as the driver does, after CUDA_VISIBLE_DEVICES.
    required
        The user asked for exactly this device: a failure is an error, no other one is taken.
    """

    kind: Literal["cpu", "cuda"]
    name: str
    reason: str
    index: int = 0
    required: bool = False

    @property
    def is_gpu(self) -> bool:
        """Whether it is a graphics card."""
        return self.kind == "cuda"


class _Unusable(Exception):
    """Why a card cannot be used: the end of a sentence."""


def choose_device(wanted: str = "auto") -> Device:
    """Return the device for "auto", "cpu", "cuda" (the first card) or "cuda:N".

    "auto" takes the first card if a small test network runs on it, else the CPU, and ``reason`` says why.

    Raises
    ------
    UserError
        If the text is none of these, or the card that was asked for cannot be used.
    """
    match = check_device_name(wanted)
    if match[0] == "cpu":
        return _cpu("it was chosen", required=True)
    index, required = int(match[1] or 0), match[0] != "auto"
    try:
        name = _working_card(index)
    except _Unusable as problem:
        if required:
            raise UserError(f"{match[0]} cannot be used: {problem}. Choose cpu or auto instead.") from problem
        return _cpu(str(problem))
    reason = "it was chosen" if required else "it works and is faster than the CPU"
    return Device("cuda", name, reason, index, required)


def check_device_name(wanted: str) -> re.Match[str]:
    """Raise UserError unless it is the name of a device, which may be that of another computer."""
    match = re.fullmatch(r"auto|cpu|cuda(?::(\d{1,3}))?", wanted.strip().lower())
    if match is None:
        raise UserError(f"The device {wanted!r} is not known: choose auto, cpu, cuda or cuda:N.")
    return match


def providers() -> list[str]:
    """Return the ways to compute that the installed onnxruntime was built with; not all of them may work."""
    return [str(name) for name in ort.get_available_providers()]


def available_cpus() -> int:
    """Return how many processors this process may use: affinity, control groups' quota, batch system."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        process = psutil.Process()
        count = len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else os.cpu_count() or 1
    quota = processor_quota() if sys.platform == "linux" else math.inf
    return max(1, math.ceil(min(count, quota, allocated_cpus() or math.inf)))


def create_session(
    model: Model,
    device: Device,
    *,
    threads: int | None = None,
    whole_slice: bool = False,
    sample: Feeds | None = None,
) -> ort.InferenceSession:
    """Load a model on a device.

    On a card, a patch is computed there and on the CPU first. If that fails or the results differ, a card
    that was merely chosen automatically is given up for the CPU; ``session_device`` says so.

    Parameters
    ----------
    model
        The ONNX model itself, or its file.
    device
        Where to run it.
    threads
        CPU threads; None takes all processors that this process may use.
    whole_slice
        Inputs are whole slices: memory is asked for piece by piece and given back, because
        onnxruntime's own pool doubles with big inputs (13 GB become 5 GB at base width 64).
    sample
        Inputs for the comparison, by name. None: noise, 64 px wide, if the model has a single input.

    Raises
    ------
    UserError
        If the card was asked for by name and does not work with this model.
    """
    if not device.is_gpu:
        return _open_on_cpu(model, threads, whole_slice)
    try:
        return _open_on_card(model, device.index, threads, sample)
    except _Unusable as problem:
        if device.required:
            raise UserError(
                f"The model does not run on {device.name}: {problem}. Choose cpu or auto instead."
            ) from problem
        session = _open_on_cpu(model, threads, whole_slice)
        _given_up[session] = f"the model does not run on {device.name}: {problem}"
        return session


def session_device(session: ort.InferenceSession, device: Device) -> Device:
    """Return the device on which a session from ``create_session(…, device)`` really runs."""
    reason = _given_up.get(session)
    return device if reason is None else _cpu(reason)


_given_up: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()


def _cpu(reason: str, *, required: bool = False) -> Device:
    count = available_cpus()
    return Device("cpu", f"CPU ({count} thread{'s' if count > 1 else ''})", reason, 0, required)


def _working_card(index: int) -> str:
    """Return the name of a card on which a small network gives the right result."""
    _driver_library()
    problem = problem_of_card()  # in another process first: a broken driver raises no error, it ends this one
    if problem:
        _refuse_broken_package()
        raise _Unusable(f"the NVIDIA driver or CUDA {problem}; update the driver, or restart the computer")
    names = driver_cards()
    if index >= len(names):
        raise _Unusable(f"the NVIDIA driver knows {_count(len(names))} only, counted from 0")
    if is_packaged():
        _check_add_on(names[index])
    if _CUDA not in ort.get_available_providers():
        raise _Unusable("onnxruntime has no CUDA provider: install onnxruntime-gpu instead of onnxruntime")
    missing = _load_cuda_libraries()
    if missing:
        raise _Unusable(f"CUDA libraries are missing ({', '.join(missing)}): {_how_to_install()}")
    _open_on_card(_test_network(), index, None, None)
    return names[index]


def _check_add_on(card: str) -> None:
    """Raise _Unusable where the installed program has no package for NVIDIA's cards that fits."""
    _refuse_broken_package()
    file = way_to_add(AddOn.NVIDIA).file
    if find(AddOn.NVIDIA).folder is None:
        raise _Unusable(f"there is a card ({card}), but not the NVIDIA package; to use it, install {file}")


def _refuse_broken_package() -> None:
    found, file = find(AddOn.NVIDIA), way_to_add(AddOn.NVIDIA).file
    if found.problem:
        raise _Unusable(f"the NVIDIA package cannot be used: {found.problem}; put {file} in its place")


def _how_to_install() -> str:
    return f"install {way_to_add(AddOn.NVIDIA).file} again" if is_packaged() else "install sxtstudio[cuda]"


def _driver_library() -> ctypes.CDLL:
    library = {"win32": "nvcuda.dll", "darwin": None}.get(sys.platform, "libcuda.so.1")
    if library is None:
        raise _Unusable("CUDA does not exist for macOS")
    try:
        return ctypes.CDLL(library)
    except OSError:
        raise _Unusable(f"no NVIDIA driver was found ({library} is missing)") from None


def driver_cards() -> list[str]:
    """Return the names of the cards that the NVIDIA driver knows; _Unusable if there are none."""
    try:
        return _cards_of(_driver_library())
    except AttributeError as error:  # a function is not in it
        raise _Unusable(f"the NVIDIA driver is damaged ({_first_line(error)}): reinstall it") from error


def _cards_of(driver: ctypes.CDLL) -> list[str]:
    count, version = ctypes.c_int(), ctypes.c_int()
    status = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    if status not in (0, 100):  # 100: there is a driver, but no card
        raise _Unusable(
            f"the NVIDIA driver does not work (error {status}): reinstall it or restart the computer"
        )
    if status or not count.value:
        raise _Unusable("the NVIDIA driver knows no card")
    needed = int(str(getattr(ort, "cuda_version", "") or "0").split(".")[0])
    if driver.cuDriverGetVersion(ctypes.byref(version)) == 0 and version.value // 1000 < needed:
        had = f"{version.value // 1000}.{version.value % 1000 // 10}"
        raise _Unusable(
            f"the NVIDIA driver is too old: it knows CUDA {had}, and {needed} is needed; update it"
        )
    return [_card_name(driver, i) for i in range(count.value)]


def count_cards() -> int:
    """Return how many cards the NVIDIA driver knows; whether they work is not tried."""
    try:
        return len(driver_cards())
    except _Unusable:
        return 0


def _card_name(driver: Any, index: int) -> str:
    text, handle = ctypes.create_string_buffer(256), ctypes.c_int()
    if driver.cuDeviceGet(ctypes.byref(handle), index) or driver.cuDeviceGetName(text, len(text), handle):
        return f"NVIDIA card {index}"
    return text.value.decode(errors="replace")


def _load_cuda_libraries() -> list[str]:
    """Load CUDA and cuDNN from where pip put them; return the files that are missing."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ort.preload_dlls(directory="")
        except Exception as error:
            raise _Unusable(f"the CUDA libraries cannot be loaded ({_first_line(error)})") from error
    missing = re.findall(r"Failed to load ([\w.+-]+):", printed.getvalue())
    cudnn = "cudnn64_9.dll" if sys.platform == "win32" else "libcudnn.so.9"
    try:  # preload_dlls says nothing about this one
        ctypes.CDLL(cudnn)
    except OSError:
        missing.append(cudnn)
    return missing


def _open_on_cpu(model: Model, threads: int | None, whole_slice: bool) -> ort.InferenceSession:
    options = _options(threads)
    options.enable_cpu_mem_arena = options.enable_mem_pattern = not whole_slice
    return ort.InferenceSession(_source(model), options, providers=[_CPU], enable_fallback=0)


def _open_on_card(
    model: Model, index: int, threads: int | None, sample: Feeds | None
) -> ort.InferenceSession:
    """Open a session on a card and compare a patch; _Unusable says what went wrong."""
    settings = {
        "device_id": index,
        "cudnn_conv_algo_search": "HEURISTIC",  # the default tries all algorithms anew for each size
        "arena_extend_strategy": "kSameAsRequested",
        "use_tf32": 0,  # ten bits of mantissa would make the result depend on the tiles
    }
    options = _options(threads)
    try:
        # Without enable_fallback=0 onnxruntime prints, and goes on with the CPU, when a run fails.
        session = ort.InferenceSession(
            _source(model), options, providers=[(_CUDA, settings), _CPU], enable_fallback=0
        )
        if session.get_providers()[0] != _CUDA:
            # The libraries were there and could be loaded.
            raise _Unusable(
                "onnxruntime took the CPU, as CUDA does not start; update the NVIDIA driver or restart the "
                "computer"
            )
        _compare_with_cpu(session, model, sample)
    except _Unusable:
        raise
    except Exception as error:
        raise _Unusable(_explain(error)) from error
    return session


def _compare_with_cpu(session: ort.InferenceSession, model: Model, sample: Feeds | None) -> None:
    feeds = _noise(session) if sample is None else dict(sample)
    if feeds is None:
        return
    session.run(None, feeds)  # warm up: the first run loads kernels
    on_card = session.run(None, feeds)
    on_cpu = _open_on_cpu(model, None, False).run(None, feeds)
    for ours, right in zip(on_card, on_cpu, strict=True):
        scale = max(1.0, float(np.std(right)))
        difference = float(np.max(np.abs(np.asarray(ours, np.float64) - right), initial=0.0)) / scale
        if not difference < _TOLERANCE:
            raise _Unusable(f"its result differs from the CPU's by {difference:.2g}")


def _noise(session: ort.InferenceSession) -> dict[str, NDArray[np.float32]] | None:
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4:
        return None
    free = (1, 1, _PATCH_PX, _PATCH_PX)
    shape = [n if isinstance(n, int) and n > 0 else d for n, d in zip(inputs[0].shape, free, strict=True)]
    return {inputs[0].name: np.random.default_rng(0).normal(size=shape).astype(np.float32)}


def _options(threads: int | None) -> ort.SessionOptions:
    options = ort.SessionOptions()
    # Set in any case: left to itself, onnxruntime binds threads to processors that the process may not use.
    options.intra_op_num_threads = threads or available_cpus()
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    return options


def _source(model: Model) -> bytes | str:
    return model if isinstance(model, bytes) else str(model)


def _explain(error: Exception) -> str:
    text = str(error)
    if re.search(r"out of memory|failed to allocate|alloc_failed|bad allocation", text, re.IGNORECASE):
        return "its memory is full; close other programs that use it"
    return f"it failed ({_first_line(error)})"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    line = lines[0] if lines else type(error).__name__
    return line if len(line) <= 200 else line[:199] + "…"


def _count(cards: int) -> str:
    return f"{cards} card{'s' if cards != 1 else ''}"


def _test_network() -> bytes:
    """A convolution, as most of the network is: 1 → 8 channels, 3×3, then 1×1 to one, then tanh."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    first = numpy_helper.from_array(rng.normal(0, 0.3, (8, 1, 3, 3)).astype(np.float32), "first")
    second = numpy_helper.from_array(rng.normal(0, 0.3, (1, 8, 1, 1)).astype(np.float32), "second")
    shape = ["batch", 1, "height", "width"]
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["input", "first"], ["wide"], pads=[1, 1, 1, 1]),
            helper.make_node("Conv", ["wide", "second"], ["narrow"]),
            helper.make_node("Tanh", ["narrow"], ["label"]),
        ],
        "test",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("label", TensorProto.FLOAT, shape)],
        [first, second],
    )
    opsets = [helper.make_opsetid("", 17)]
    content: bytes = helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()
    return content
