"""The first 3D picture of 128×1024×1024 labels in the real window, and turning it, with peak memory.

    python -m bench.app_view3d [--slices 128] [--edge 1024]

The labels are those of bench.surface. The clock runs from the click on "Show the 3D view", with nothing of
VTK loaded, until the picture with the surface is painted. Beside it stands what a script of scikit-image
and pyvista needs for a picture of the same labels in the same run: marching cubes, normals, one picture.

Both canvases are measured, where OpenGL works in windows at all.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bench.measure import measure
from bench.surface import VOXEL_NM, make_labels

SIZE = (900, 800)


def window(tomogram: str, labels: str, shape: list[int], folder: str, canvas: str) -> dict[str, Any]:
    """Open the file in the real window, show the 3D view, turn it, save a picture; returns seconds."""
    from PySide6.QtCore import QPoint, QSettings, Qt
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    from bench.heartbeat import Heartbeat
    from sxtstudio.app.document.opening import open_path
    from sxtstudio.app.main_window import MainWindow
    from sxtstudio.app.settings import Settings

    app = QApplication.instance() or QApplication([])
    settings = Settings(QSettings(str(Path(folder, f"{canvas}.ini")), QSettings.Format.IniFormat))
    settings.set("view3d/canvas", canvas)
    main = MainWindow(settings)
    main.resize(1600, 1000)
    main.show()
    heart = Heartbeat()

    def until(done: Any) -> None:
        while not done():
            app.processEvents()
            time.sleep(0.002)

    def rested() -> None:
        end = time.perf_counter() + 1.0
        until(lambda: time.perf_counter() > end and not main.jobs.running)

    def stall(begin: float) -> float:
        return max(heart.stalls(begin))

    open_path(main.context, tomogram)
    until(lambda: main.session.document is not None and not main.jobs.running)
    target = main.session.document.volume("labels")
    given = np.memmap(labels, np.uint8, "r", shape=tuple(shape))
    for z in range(shape[0]):
        target[z] = given[z]
    main.session.document.recount("labels")
    view = main.context.parts.view3d

    begin = time.perf_counter()
    main.actions_.by_name["surface.show"].trigger()
    ready = None

    def shown() -> bool:
        nonlocal ready
        if ready is None and view.canvas is not None:
            ready = time.perf_counter() - begin
        return bool(view.status.value.summary and view.canvas.frames and not view.status.value.building)

    until(shown)
    view.canvas.widget.repaint()
    first = time.perf_counter() - begin
    rested()
    opening = stall(begin)

    moves = []
    widget = view.canvas.widget
    begin, processor = time.perf_counter(), time.process_time()
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, pos=QPoint(100, 200))
    for step in range(40):
        frames, moved = view.canvas.frames, time.perf_counter()
        QTest.mouseMove(widget, QPoint(110 + 5 * step, 210 + step))
        until(lambda frames=frames: view.canvas.frames > frames)
        widget.repaint()
        moves.append(time.perf_counter() - moved)
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=QPoint(310, 250))
    processor = (time.process_time() - processor) / len(moves)
    rested()
    turning = stall(begin)
    here = psutil.Process()
    memory = sum(process.memory_info().rss for process in (here, *here.children()))

    begin = time.perf_counter()
    view.pictures.save_picture(Path(folder, "window.png"), (2400, 1800))
    until(lambda: not main.jobs.running)
    picture = time.perf_counter() - begin
    saving = stall(begin)
    status = view.status.value
    main.session.document.modified = False
    main.close()
    until(lambda: not main.isVisible())
    return {
        "seconds": first,
        "ready": ready,
        "turn": float(np.median(moves)),
        "slow_turn": float(np.percentile(moves, 95)),
        "processor": processor,
        "opening": opening,
        "turning": turning,
        "picture": picture,
        "saving": saving,
        "memory": memory / 2**20,
        "summary": status.summary,
        "opengl": status.opengl,
        "canvas": status.canvas,
    }


def script(labels: str, shape: list[int], folder: str) -> dict[str, Any]:
    """Make a picture as a script of scikit-image and pyvista does."""
    begin = time.perf_counter()
    import pyvista as pv
    from skimage.measure import marching_cubes

    volume = np.memmap(labels, np.uint8, "r", shape=tuple(shape))
    points, faces, _, _ = marching_cubes(np.pad(volume > 0, 1).astype(np.float32), 0.5, spacing=VOXEL_NM)
    mesh = pv.PolyData.from_regular_faces(points[:, ::-1], faces)
    plotter = pv.Plotter(off_screen=True, window_size=SIZE)
    plotter.add_mesh(mesh, smooth_shading=True, color="tan")
    plotter.screenshot(str(Path(folder, "picture.png")))
    plotter.close()
    return {"seconds": time.perf_counter() - begin, "faces": mesh.n_cells}


def write_tomogram(path: Path, shape: tuple[int, int, int]) -> None:
    """Write an MRC file (int8) of noise, so that there is something to open."""
    import mrcfile

    noise = np.random.default_rng(0).integers(-100, 100, shape[1:], np.int8)
    with mrcfile.new_mmap(path, shape, 0) as file:
        file.voxel_size = 10 * VOXEL_NM[0]
        for z in range(shape[0]):
            file.data[z] = np.roll(noise, 7 * z, axis=1)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--slices", type=int, default=128)
    parser.add_argument("--edge", type=int, default=1024, help="rows and columns")
    arguments = parser.parse_args()
    shape = (arguments.slices, arguments.edge, arguments.edge)
    environment = dict(os.environ)
    if not environment.get("DISPLAY") or environment.get("CI"):
        environment["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory() as folder:
        labels, tomogram = Path(folder, "labels.raw"), Path(folder, "tomogram.mrc")
        make_labels(labels, shape, int(200 * np.prod(shape) / (128 * 1024 * 1024)))
        write_tomogram(tomogram, shape)
        ours = [
            measure(
                "bench.app_view3d", "window", str(tomogram), str(labels), list(shape), folder, canvas,
                environment=environment,
            )
            for canvas in ("offscreen", "native")
        ]  # fmt: skip
        theirs = measure("bench.app_view3d", "script", str(labels), list(shape), folder)
    print(f"3D picture of {'×'.join(map(str, shape))} labels, {ours[0].result['opengl']}")
    for run in ours:
        values = run.result
        print(f"\n{values['canvas']}")
        print(f"{'':46s}{'time':>9s}{'peak':>11s}")
        print(
            f"{'first picture in the window, VTK not loaded':46s}{run.seconds:7.1f} s{run.peak_mib:7.0f} MiB"
        )
        print(f"{'  of which until the empty view stands':46s}{values['ready']:7.1f} s")
        print(f"{'  longest time that the window did not answer':46s}{values['opening']:7.2f} s")
        print(f"{'turning it, median and 95th percentile':46s}{1000 * values['turn']:6.0f} ms", end="")
        print(f"{1000 * values['slow_turn']:8.0f} ms  ({1000 * values['processor']:.0f} ms of the processor)")
        print(f"{'  longest time that the window did not answer':46s}{values['turning']:7.2f} s")
        print(f"{'saving a picture of 2400×1800':46s}{values['picture']:7.1f} s")
        print(f"{'  longest time that the window did not answer':46s}{values['saving']:7.2f} s")
        print(f"{'memory at rest, with child processes':46s}{'':9s}{values['memory']:7.0f} MiB")
    print(f"\n{'scikit-image and pyvista, one picture':46s}{theirs.seconds:7.1f} s{theirs.peak_mib:7.0f} MiB")
    print(f"shown: {ours[0].result['summary']}; script: {theirs.result['faces']:,} faces")
    print(
        f"ratio: time {ours[0].seconds / theirs.seconds:.2f}, "
        f"peak memory {ours[0].peak_mib / theirs.peak_mib:.2f}"
    )


if __name__ == "__main__":
    main()
