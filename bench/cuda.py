"""An NVIDIA card: is it really used, are its results those of the CPU, how fast is it, and does it draw?

    python -m bench.cuda [--device auto] [--slices 350] [--rounds 5] [--quick] [--no-view] [--json FILE]

Made to run once, unattended, on a computer with a card (pip install "sxtstudio[cuda,train]"); about five
minutes on a large one. Without a card it measures the CPU and says why. ``--quick`` shrinks everything, to
see that it works; its figures mean nothing. Each part runs in a process of its own; one that fails is said,
and the others go on. The exit code is 1 if a card was asked for and not used, or differed too much.

- session: the provider that the session itself names, and how many of the network's nodes ran where,
  by ONNX Runtime's own profile.
- results: a slice at base width 64 (random weights) on the card and on the CPU, the largest difference in
  units of the output's spread; in float32 it must stay below 1e-3. TF32 is off.
- seconds for a slice of 1324×1284 at base width 64, in float32 and with the graph converted to float16.
- the whole job: 350×1324×1284, as `sxtstudio segment` does it, slices made when they are read.
- 3D: turning the surface of 128×1024×1024 labels in the real window, and who draws it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import Measured, measure
from bench.segment import COMPACT, noise
from bench.surface import make_labels

MOST_DIFFERENT = 1e-3


@dataclass(frozen=True)
class Sizes:
    """What is measured: slice (y, x), base width, slices of the whole job, labels of the 3D view."""

    shape: tuple[int, int] = (1324, 1284)
    width: int = 64
    slices: int = 350
    labels: tuple[int, int, int] = (128, 1024, 1024)


QUICK = Sizes((204, 188), 8, 4, (24, 128, 128))


def feeds_of(shape: list[int]) -> dict[str, Any]:
    """A slice as a bare session takes it: edges are multiples of 16."""
    from sxtstudio.segment.tiles import pad_slices

    return {"input": np.ascontiguousarray(pad_slices(noise(shape)[np.newaxis], 16))[:, np.newaxis]}


def facts(wanted: str) -> dict[str, Any]:
    """What the program chooses here, and what is below it."""
    import onnxruntime

    from sxtstudio.segment.device import choose_device, driver_cards, providers

    chosen = choose_device(wanted)
    try:
        cards = driver_cards()
    except Exception as problem:  # the end of a sentence that says why there is none
        cards = [str(problem)]
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        smi = subprocess.run(query, capture_output=True, text=True, timeout=60).stdout.strip()
    except OSError:
        smi = "no nvidia-smi"
    return {
        "device": asdict(chosen),
        "cards": cards,
        "nvidia-smi": smi,
        "onnxruntime": onnxruntime.__version__,
        "built with": providers(),
    }


def session(model: str, wanted: str, shape: list[int]) -> dict[str, Any]:
    """The provider by the session's own word, and by where its nodes ran."""
    import onnxruntime

    from sxtstudio.segment import choose_device
    from sxtstudio.segment.device import create_session, session_device

    device = choose_device(wanted)
    opened = create_session(model, device)
    used = session_device(opened, device)
    options = onnxruntime.SessionOptions()
    options.enable_profiling = True
    options.log_severity_level = 4
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder, "profile"))
        wanted_too = list(opened.get_provider_options().items())
        profiled = onnxruntime.InferenceSession(model, options, providers=wanted_too)
        profiled.run(["label"], feeds_of(shape))
        events = json.loads(Path(profiled.end_profiling()).read_text(encoding="utf-8"))
    ran = Counter(
        event["args"]["provider"]
        for event in events
        if event.get("cat") == "Node" and event.get("args", {}).get("provider")
    )
    return {
        "providers": opened.get_providers(),
        "device": f"{used.name}, because {used.reason}",
        "nodes": dict(ran),
    }


def to_half(model: str, path: str) -> dict[str, Any]:
    """Convert the whole graph to float16; inputs and outputs stay float32."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16
    from onnxruntime.transformers.onnx_model import OnnxModel

    half = OnnxModel(convert_float_to_float16(onnx.load(model), keep_io_types=True))
    half.topological_sort()
    onnx.save(half.model, path)
    return {}


def results(model: str, half: str, wanted: str, shape: list[int]) -> dict[str, Any]:
    """The largest difference of the label map from that of the CPU in float32, in units of its spread."""
    from sxtstudio.segment import choose_device
    from sxtstudio.segment.device import create_session

    feeds = feeds_of(shape)

    def label(path: str, device: str) -> Any:
        opened = create_session(path, choose_device(device), whole_slice=True)
        return opened.run(["label"], feeds)[0].astype(np.float64)

    right = label(model, "cpu")
    scale = max(1.0, float(right.std()))
    return {
        name: float(np.abs(label(path, wanted) - right).max() / scale)
        for name, path in (("float32", model), ("float16", half))
    }


def pace(model: str, wanted: str, shape: list[int], rounds: int) -> dict[str, Any]:
    """Seconds for a slice as the program computes it, warm, and the device that did it."""
    import time

    from sxtstudio.segment import choose_device, load_card, make_runner

    runner = make_runner(load_card(Path(model)), choose_device(wanted))
    image = noise(shape)[np.newaxis]
    runner.run(image)
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        runner.run(image)
        seconds.append(time.perf_counter() - begin)
    return {"seconds": float(np.median(seconds)), "device": runner.device.name, "notes": runner.notes}


def session_pace(model: str, wanted: str, shape: list[int], rounds: int) -> dict[str, Any]:
    """The same of a bare session, which also takes a graph that computes in float16."""
    import time

    from sxtstudio.segment import choose_device
    from sxtstudio.segment.device import create_session, session_device

    device = choose_device(wanted)
    opened = create_session(model, device, whole_slice=True)
    feeds = feeds_of(shape)
    opened.run(["label"], feeds)
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        opened.run(["label"], feeds)
        seconds.append(time.perf_counter() - begin)
    return {"seconds": float(np.median(seconds)), "device": session_device(opened, device).name}


def whole_job(model: str, wanted: str, shape: list[int], slices: int, folder: str) -> dict[str, Any]:
    """``segment`` for a tomogram of which slices are made when they are read."""
    import time

    from sxtstudio.core.geometry import Box
    from sxtstudio.segment import SegmentParameters, segment

    pictures = [noise(shape, z) for z in range(4)]  # making one takes longer than a card needs for it

    class Generated:
        """A tomogram that takes no memory."""

        shape = (slices, *tuple(pictures[0].shape))
        dtype = np.dtype(np.float32)
        voxel_nm = (10.0, 10.0, 10.0)

        def read(self, box: Box) -> Any:
            images = [pictures[z % len(pictures)] for z in range(box.start[0], box.stop[0])]
            return np.stack(images)[:, *box.slices[1:]]

    parameters = SegmentParameters(model=Path(model), device=wanted, polarity="dark")
    begin = time.perf_counter()
    with segment(Generated(), parameters, Path(folder, f"work-{Path(model).stem}")) as result:
        seconds = time.perf_counter() - begin
        device = result.device
        result.discard()
    return {"seconds": seconds, "device": device}


def view(shape: list[int], folder: str, canvas: str) -> dict[str, Any]:
    """Turn the surface of labels in the real window, as `python -m bench.app_view3d` does."""
    from bench.app_view3d import window, write_tomogram

    labels, tomogram = Path(folder, "labels.raw"), Path(folder, "tomogram.mrc")
    if not tomogram.exists():
        make_labels(labels, tuple(shape), max(1, int(200 * np.prod(shape) / (128 * 1024 * 1024))))
        write_tomogram(tomogram, tuple(shape))
    return window(str(tomogram), str(labels), shape, folder, canvas)


def main() -> int:
    """Measure one after the other, print, and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--slices", type=int, help="of the whole job")
    parser.add_argument("--rounds", type=int, default=5, help="slices that are timed")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it work?")
    parser.add_argument("--no-view", action="store_true", help="without the 3D view")
    parser.add_argument("--json", type=Path, help="write all figures to a file")
    options = parser.parse_args()
    sizes = QUICK if options.quick else Sizes()
    slices = options.slices or sizes.slices
    found: dict[str, Any] = {}
    failed = []

    def tried(name: str, call: Callable[[], Measured]) -> Any:
        try:
            done = call()
            found[name] = {"peak_mib": done.peak_mib, **done.result}
        except subprocess.CalledProcessError as error:
            found[name] = {"failed": error.returncode}
            failed.append(name)
        print(f"{name}: {json.dumps(found[name], ensure_ascii=False)}", flush=True)
        if options.json:
            options.json.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")
        return found[name]

    def run(name: str, function: str, *arguments: Any, environment: dict[str, str] | None = None) -> Any:
        return tried(name, lambda: measure("bench.cuda", function, *arguments, environment=environment))

    shape, device = list(sizes.shape), options.device
    with tempfile.TemporaryDirectory() as folder:
        model, half = str(Path(folder, "wide.onnx")), str(Path(folder, "half.onnx"))
        measure("bench.segment", "make_model", model, sizes.width)
        measure("bench.cuda", "to_half", model, half)
        told = run("facts", "facts", device)
        seen = run("session", "session", model, device, shape)
        off = run("results", "results", model, half, device, shape)
        run("slice as the program computes it", "pace", model, device, shape, options.rounds)
        run("slice by a session, float32", "session_pace", model, device, shape, options.rounds)
        run("slice by a session, float16", "session_pace", half, device, shape, options.rounds)
        run("whole job, base width 64", "whole_job", model, device, shape, slices, folder)
        run("whole job, compact model", "whole_job", str(COMPACT), device, shape, slices, folder)
        if not options.no_view:
            environment = dict(os.environ)
            if not environment.get("DISPLAY"):
                environment["QT_QPA_PLATFORM"] = "offscreen"
            for canvas in ("offscreen", "native"):
                name = f"3D view, {canvas} canvas"
                turned = run(name, "view", list(sizes.labels), folder, canvas, environment=environment)
                if turned.get("turn"):
                    print(f"{name}: {1 / turned['turn']:.0f} frames per second, by {turned['opengl']}")
    if off.get("float32", 1) >= MOST_DIFFERENT:
        failed.append(f"float32 differs by {off.get('float32', 1):.2g} of the spread")
    card = told.get("device", {}).get("kind") == "cuda"
    if (card or device.startswith("cuda")) and seen.get("providers", [""])[0] != "CUDAExecutionProvider":
        failed.append("the session did not take the card")
    print("FAILED: " + "; ".join(failed) if failed else "All is well.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
