"""The first 3D picture of 128×1024×1024 labels in the real window, and turning it, with peak memory.

    python -m bench.app_view3d [--slices 128] [--edge 1024]

The labels are those of bench.surface. The clock runs from the click on "Show the 3D view", with nothing of
VTK loaded, until the picture with the surface is painted. Beside it stands what a script of scikit-image
and pyvista needs for a picture of the same labels in the same run: marching cubes, normals, one picture.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import measure
from bench.surface import VOXEL_NM, make_labels

SIZE = (900, 800)


def window(tomogram: str, labels: str, shape: list[int], folder: str) -> dict[str, Any]:
    """Open the file in the real window, show the 3D view, turn it; returns seconds."""
    from PySide6.QtCore import QPoint, QSettings, Qt
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    from sxtstudio.app.document.opening import open_path
    from sxtstudio.app.main_window import MainWindow
    from sxtstudio.app.settings import Settings

    app = QApplication.instance() or QApplication([])
    settings = Settings(QSettings(str(Path(folder, "settings.ini")), QSettings.Format.IniFormat))
    main = MainWindow(settings)
    main.resize(1600, 1000)
    main.show()

    def until(done: Any) -> None:
        while not done():
            app.processEvents()
            time.sleep(0.002)

    open_path(main.context, tomogram)
    until(lambda: main.session.document is not None and not main.jobs.running)
    target = main.session.document.volume("labels")
    given = np.memmap(labels, np.uint8, "r", shape=tuple(shape))
    for z in range(shape[0]):
        target[z] = given[z]
    view = main.context.parts.view3d

    longest = 0.0
    begin = last = time.perf_counter()
    main.actions_.by_name["surface.show"].trigger()
    ready = None
    while True:
        app.processEvents()
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
        if ready is None and view.canvas is not None:
            ready = now - begin
        if view.status.value.summary and view.canvas.frames and not view.status.value.building:
            break
        time.sleep(0.002)
    view.canvas.render()
    view.canvas.widget.repaint()
    first = time.perf_counter() - begin

    moves = []
    canvas = view.canvas
    QTest.mousePress(canvas.widget, Qt.MouseButton.LeftButton, pos=QPoint(100, 200))
    for step in range(40):
        frames, begin = canvas.frames, time.perf_counter()
        QTest.mouseMove(canvas.widget, QPoint(110 + 5 * step, 210 + step))
        until(lambda frames=frames: canvas.frames > frames)
        canvas.widget.repaint()
        moves.append(time.perf_counter() - begin)
    QTest.mouseRelease(canvas.widget, Qt.MouseButton.LeftButton, pos=QPoint(310, 250))
    summary, opengl = view.status.value.summary, view.status.value.opengl
    main.session.document.modified = False
    main.close()
    until(lambda: not main.isVisible())
    return {
        "seconds": first,
        "ready": ready,
        "turn": float(np.percentile(moves, 95)),
        "stall": longest,
        "summary": summary,
        "opengl": opengl,
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
        ours = measure(
            "bench.app_view3d", "window", str(tomogram), str(labels), list(shape), folder,
            environment=environment,
        )  # fmt: skip
        theirs = measure("bench.app_view3d", "script", str(labels), list(shape), folder)
    print(f"3D picture of {'×'.join(map(str, shape))} labels, {ours.result['opengl']}")
    print(f"{'':46s}{'time':>9s}{'peak':>11s}")
    print(f"{'first picture in the window, VTK not loaded':46s}{ours.seconds:7.1f} s{ours.peak_mib:7.0f} MiB")
    print(f"{'  of which until the empty view stands':46s}{ours.result['ready']:7.1f} s")
    print(f"{'  longest time that the window did not answer':46s}{ours.result['stall']:7.2f} s")
    print(f"{'turning it, 95th percentile per picture':46s}{1000 * ours.result['turn']:6.0f} ms")
    print(f"{'scikit-image and pyvista, one picture':46s}{theirs.seconds:7.1f} s{theirs.peak_mib:7.0f} MiB")
    print(f"shown: {ours.result['summary']}; script: {theirs.result['faces']:,} faces")
    print(
        f"ratio: time {ours.seconds / theirs.seconds:.2f}, peak memory {ours.peak_mib / theirs.peak_mib:.2f}"
    )


if __name__ == "__main__":
    main()
