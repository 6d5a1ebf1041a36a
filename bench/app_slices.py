"""The slice views on a tomogram of full size: start, opening, slice change, brush, overlay, peak memory.

    python -m bench.app_slices [--slices 500] [--rows 1324] [--columns 1284]

Drives the real window (off screen, so that no graphics card or display server counts). Times end when the
pixels are drawn. Beside each stands the same work done by something else in the same run: an empty Qt window,
pyqtgraph's ImageView, or numpy alone. The file is made in a temporary folder; where the disk has no room for
500 slices, fewer are taken, and the first line says so.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import measure

STEPS = 60
START = """
import sys
from PySide6.QtWidgets import QApplication, QMainWindow
app = QApplication([])
{make}
window.show()
for _ in range(20):
    app.processEvents()
window.repaint()
import os, resource
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)
os._exit(0)
"""
EMPTY = "window = QMainWindow()"
OURS = """
from PySide6.QtCore import QSettings
from sxtstudio.app import theme
from sxtstudio.app.main_window import MainWindow
from sxtstudio.app.settings import Settings
theme.apply(app, "dark")
window = MainWindow(Settings(QSettings({settings!r}, QSettings.Format.IniFormat)))
"""


def write_tomogram(path: str, shape: list[int]) -> None:
    """Write an MRC file of noise with a few round structures; every slice differs."""
    import mrcfile

    rng = np.random.default_rng(0)
    noise = rng.normal(100, 15, shape[1:]).astype(np.float32)
    y, x = np.ogrid[: shape[1], : shape[2]]
    noise -= 60.0 * (((y - shape[1] / 2) ** 2 + (x - shape[2] / 2) ** 2) < (min(shape[1:]) / 3) ** 2)
    with mrcfile.new_mmap(path, tuple(shape), 2) as file:
        file.voxel_size = 100.0
        for z in range(shape[0]):
            file.data[z] = np.roll(noise, z * 7, axis=1)
        file.header.dmin, file.header.dmax, file.header.dmean = 0, 200, 100


class Peaks:
    """Peak resident memory of each phase of this process, in MiB."""

    def __init__(self) -> None:
        self.mib: dict[str, float] = {}
        self.begin()

    def begin(self) -> None:
        """Put the kernel's high-water mark back; elsewhere than on Linux it only ever grows."""
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")

    def end(self, phase: str) -> None:
        """Note the peak since ``begin``, and begin the next phase."""
        try:
            status = Path("/proc/self/status").read_text()
            self.mib[phase] = int(status.partition("VmHWM:")[2].split()[0]) / 1024
        except (OSError, IndexError):
            self.mib[phase] = float("nan")
        self.begin()


def drive(path: str, folder: str) -> dict[str, Any]:
    """Open the file in the real window and use it; returns seconds."""
    from PySide6.QtCore import QEvent, QEventLoop, QPointF, QSettings, Qt, QTimer
    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QApplication

    from sxtstudio.app import theme
    from sxtstudio.app.document.opening import open_path
    from sxtstudio.app.main_window import MainWindow
    from sxtstudio.app.settings import Settings
    from sxtstudio.core.geometry import Box

    app = QApplication.instance() or QApplication([])
    theme.apply(app, "dark")
    settings = Settings(QSettings(f"{folder}/settings.ini", QSettings.Format.IniFormat))
    settings.set("work_folder", f"{folder}/work")
    window = MainWindow(settings)
    window.resize(1600, 1000)
    window.show()
    session, slices = window.session, window.context.parts.slices
    view = slices.views["xy"]

    def until(done: Callable[[], bool], seconds: float = 120) -> None:
        end = time.perf_counter() + seconds
        while not done():  # resting between events, as a window does, so that threads get their turn
            app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
            if time.perf_counter() > end:
                raise TimeoutError
        app.processEvents()

    beat = QTimer(interval=50)  # wakes a wait whose event has gone by
    beat.start()
    until(lambda: window.isVisible())
    out: dict[str, Any] = {}
    peaks = Peaks()
    begin = time.perf_counter()
    open_path(window.context, path)
    until(lambda: view.image.image is not None)
    view.repaint()
    out["open"] = time.perf_counter() - begin
    peaks.end("open")
    until(lambda: not slices.first_scan.running)
    until(lambda: not any(reader.busy for reader in slices.readers.values()))
    out["side views"] = time.perf_counter() - begin
    peaks.end("side views")
    depth, rows, columns = session.document.shape

    def change(axis: int, targets: list[int]) -> list[float]:
        plane = slices.views[("xy", "xz", "yz")[axis]]
        times = []
        for target in targets:
            place = list(session.cursor)
            place[axis] = target
            begin = time.perf_counter()
            session.set_cursor((place[0], place[1], place[2]))
            until(lambda target=target, plane=plane: plane.shown_depth == target)
            plane.repaint()
            times.append(time.perf_counter() - begin)
        return times

    rng = np.random.default_rng(1)
    count = min(STEPS, depth - 2)
    first = (depth - count) // 2
    labels = session.document.volume("labels")
    y, x = np.ogrid[:rows, :columns]
    ring = np.where(abs(np.hypot(y - rows / 2, x - columns / 2) - rows / 3) < 3, 255, 0).astype(np.uint8)
    for z in range(depth):  # as a segmentation leaves them, and with it the system's memory of the file
        labels[z] = np.roll(ring, z, axis=1)
    peaks.begin()
    session.set_cursor((first - 1, rows // 2, columns // 2))
    until(lambda: view.shown_depth == first - 1)
    busy = time.thread_time()
    out["next"] = change(0, [first + i for i in range(count)])
    out["next, processor"] = (time.thread_time() - busy) / count
    peaks.end("next")
    out["jump"] = change(0, [int(z) for z in rng.permutation(depth)[:count]])
    peaks.end("jump")
    out["xz"] = change(1, [rows // 2 + i for i in range(count)])
    peaks.end("xz")
    out["yz"] = change(2, [columns // 2 + i for i in range(count)])
    peaks.end("yz")
    until(lambda: not any(reader.busy for reader in slices.readers.values()))

    def send(kind: QEvent.Type, x: float, y: float, button: Any, held: Any) -> None:
        place = QPointF(x, y)
        none = Qt.KeyboardModifier.NoModifier
        app.sendEvent(view, QMouseEvent(kind, place, view.mapToGlobal(place), button, held, none))

    def stroke(brush_px: int) -> list[float]:
        session.tool.set(tool="brush", brush_px=brush_px)
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        centre = view.rect().center()
        send(QEvent.Type.MouseButtonPress, centre.x(), centre.y(), left, left)
        app.processEvents()
        times = []
        for i in range(150):
            angle = i / 12
            x, y = centre.x() + 2 * i * np.cos(angle) / 3, centre.y() + 2 * i * np.sin(angle) / 3
            begin = time.perf_counter()
            send(QEvent.Type.MouseMove, float(x), float(y), none, left)
            app.processEvents()  # this is where it is painted
            times.append(time.perf_counter() - begin)
        send(QEvent.Type.MouseButtonRelease, centre.x(), centre.y(), left, none)
        app.processEvents()
        return times

    out["brush 4 px"] = stroke(4)
    peaks.end("brush 4 px")
    out["brush 100 px"] = stroke(100)
    peaks.end("brush 100 px")
    out["painted"] = int(np.count_nonzero(session.document.labels[session.cursor[0]]))
    session.tool.set(tool="look")
    z = session.cursor[0]
    times = []
    for i in range(20):
        session.document.labels[z] = np.where(np.roll(view.labels.labels, i * 3, axis=0) > 0, 255, 0)
        begin = time.perf_counter()
        session.touched("labels", Box.slab(z, z + 1, session.document.shape))
        app.processEvents()
        times.append(time.perf_counter() - begin)
    out["overlay"] = times
    peaks.end("overlay")
    out["peaks"] = peaks.mib
    window.jobs.cancel_all()
    until(lambda: not window.jobs.running)
    session.document.discard()
    session.document.modified = False
    window.close()
    return out


def pyqtgraph_slices(path: str) -> dict[str, Any]:
    """Show slices of the same file one after the other in pyqtgraph's ImageView, and nothing else."""
    import mrcfile
    import pyqtgraph
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance() or QApplication([])
    view = pyqtgraph.ImageView()
    view.resize(1100, 800)
    view.show()
    times = []
    with mrcfile.mmap(path, "r", permissive=True) as file:
        data = file.data
        count = min(STEPS, data.shape[0])
        for z in range(count):
            begin = time.perf_counter()
            image = np.array(data[z])
            view.setImage(
                image.T, autoRange=z == 0, autoLevels=False, levels=(0, 150), autoHistogramRange=False
            )
            app.processEvents()
            view.repaint()
            times.append(time.perf_counter() - begin)
    view.close()
    return {"next": times}


def numpy_slices(path: str, shape: list[int]) -> dict[str, Any]:
    """Read slices and scale them to bytes with numpy, without drawing; and fill a slice of labels."""
    rng = np.random.default_rng(1)
    size = shape[1] * shape[2] * 4
    start = os.path.getsize(path) - shape[0] * size
    reading, filling = [], []
    with open(path, "rb") as file:
        for z in rng.permutation(shape[0])[:STEPS]:
            begin = time.perf_counter()
            file.seek(start + int(z) * size)
            image = np.frombuffer(file.read(size), np.float32)
            (np.clip(image / 150, 0, 1) * 255).astype(np.uint8)
            reading.append(time.perf_counter() - begin)
            labels = np.zeros(shape[1:], np.uint8)
            begin = time.perf_counter()
            np.array([0xFFB000] * 256, np.uint32)[labels]
            filling.append(time.perf_counter() - begin)
    return {"read": reading, "colour": filling}


def start_up(make: str) -> tuple[float, float]:
    """Return how long a fresh process takes until its window can be used, the best of three; and its MiB."""
    best, peak_mib = np.inf, 0.0
    for _ in range(3):
        begin = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", START.format(make=make)], check=True, capture_output=True, text=True
        )
        best = min(best, time.perf_counter() - begin)
        peak_mib = int(done.stdout.split()[-1]) / 1024
    return best, peak_mib


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--slices", type=int, default=500)
    parser.add_argument("--rows", type=int, default=1324)
    parser.add_argument("--columns", type=int, default=1284)
    arguments = parser.parse_args()
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    slice_bytes = arguments.rows * arguments.columns * 4
    with tempfile.TemporaryDirectory() as folder:
        room = int(0.6 * shutil.disk_usage(folder).free / (slice_bytes * 1.5))
        slices = min(arguments.slices, room)
        shape = (slices, arguments.rows, arguments.columns)
        cut = "" if slices == arguments.slices else f" ({arguments.slices} do not fit on the disk)"
        print(f"Slice views of a tomogram of {'×'.join(map(str, shape))} float32{cut}", flush=True)
        path = Path(folder, "tomogram.mrc")
        measure("bench.app_slices", "write_tomogram", str(path), list(shape))  # its memory is not ours
        own = measure("bench.app_slices", "drive", str(path), folder)
        graph = measure("bench.app_slices", "pyqtgraph_slices", str(path)).result
        plain = measure("bench.app_slices", "numpy_slices", str(path), list(shape)).result
        empty, _ = start_up(EMPTY)
        start, start_mib = start_up(OURS.format(settings=f"{folder}/start.ini"))
        done = own.result
        print(f"{'':24s}{'median':>10s}{'95 %':>10s}{'target':>10s}{'peak':>10s}   ratio")
        read, colour, graph_s = p50(plain["read"]), p50(plain["colour"]), p50(graph["next"])
        row("start to usable window", [start], None, start_mib, empty, "empty Qt window")
        for name, key, target, other, what in (
            ("open to first slice", "open", 2.0, read, "one slice read by numpy"),
            ("… to sharp side views", "side views", None, read * slices, "all slices"),
            ("next slice", "next", 0.033, graph_s, "pyqtgraph ImageView"),
            ("slice anywhere", "jump", 0.033, graph_s, "pyqtgraph ImageView"),
            ("next XZ", "xz", None, graph_s, "pyqtgraph ImageView"),
            ("next YZ", "yz", None, graph_s, "pyqtgraph ImageView"),
            ("brush 4 px", "brush 4 px", 0.016, colour, "numpy colouring a slice"),
            ("brush 100 px", "brush 100 px", 0.016, colour, "numpy colouring a slice"),
            ("overlay of a slice", "overlay", 0.033, colour, "numpy colouring a slice"),
        ):
            times = done[key] if isinstance(done[key], list) else [done[key]]
            row(name, times, target, done["peaks"][key], other, what)
        print(
            f"next slice: the window's thread computes for {1000 * done['next, processor']:.1f} ms; "
            f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} (others slow all of this down)"
        )
        peak_mib, file_mib = max(done["peaks"].values()), path.stat().st_size / 2**20
        print(f"peak memory {peak_mib:.0f} MiB, with mapped labels; the file has {file_mib:.0f} MiB")
        if not done["painted"]:
            print("the brush painted nothing: its times are those of moving the pointer")


def p50(times: list[float]) -> float:
    """Return the median."""
    return float(np.median(times))


def row(
    name: str, times: list[float], target: float | None, peak_mib: float, other: float, what: str
) -> None:
    """Print one line of the table."""
    late = float(np.percentile(times, 95))
    goal = "" if target is None else f"{1000 * target:.0f} ms"
    verdict = "" if target is None or late <= target else "  SLOWER THAN THE TARGET"
    print(
        f"{name:24s}{1000 * p50(times):7.1f} ms{1000 * late:7.1f} ms{goal:>10s}{peak_mib:6.0f} MiB"
        f"   {p50(times) / other:.2f} × {what}{verdict}",
        flush=True,
    )


if __name__ == "__main__":
    main()
