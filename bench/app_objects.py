"""Find objects, measure them and show them in 3D, in the real window, on a volume of full size.

    python -m bench.app_objects [--slices 350] [--rows 1324] [--columns 1284]

The volume is the sample tomogram with the outlines that the default model finds in it, mirrored until it is
full. Each step is begun by its action, as by its button, and ends when its job has ended. Beside each stand
the longest time in which the window did not answer, and how often that was longer than 0.3 s. The size of a
whole tomogram (above) needs 40 minutes, 8 GB on disk and an otherwise idle computer.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.measure import measure

SAMPLE = Path(__file__).resolve().parents[1] / "resources" / "sample.tif"
SLOW_S = 0.3


def mirrored(array: NDArray[Any], length: int) -> NDArray[np.intp]:
    """Return the indices along the first axis that fill ``length`` by going to and fro."""
    to_and_fro = np.concatenate([np.arange(len(array)), np.arange(len(array))[::-1]])
    return np.resize(to_and_fro, length)


def write_volumes(folder: str, shape: list[int]) -> None:
    """Write the tomogram (MRC, float32) and its labels (raw, uint8) of this shape (z, y, x)."""
    import mrcfile
    import tifffile

    from sxtstudio.cli import main as command

    labels_file = Path(folder, "sample.labels.tif")
    command(["segment", str(SAMPLE), "-o", str(labels_file), "--trust", "none"])
    image, labels = tifffile.imread(SAMPLE), tifffile.imread(labels_file)
    z, y, x = (mirrored(np.empty(n), m) for n, m in zip(image.shape, shape, strict=True))
    out = np.memmap(Path(folder, "labels.raw"), np.uint8, "w+", shape=tuple(shape))
    with mrcfile.new_mmap(Path(folder, "tomogram.mrc"), tuple(shape), 2) as file:
        file.voxel_size = 100.0
        for index, source in enumerate(z):
            file.data[index] = image[source][np.ix_(y, x)]
            out[index] = labels[source][np.ix_(y, x)]
        file.header.dmin, file.header.dmax, file.header.dmean = image.min(), image.max(), image.mean()
    out.flush()


def drive(folder: str, shape: list[int]) -> dict[str, Any]:
    """Do the work in the real window; returns seconds, stalls and peak memory of each step."""
    from PySide6.QtCore import QSettings
    from PySide6.QtWidgets import QApplication

    from bench.heartbeat import Heartbeat
    from sxtstudio.app.document.opening import open_path
    from sxtstudio.app.main_window import MainWindow
    from sxtstudio.app.settings import Settings

    app = QApplication.instance() or QApplication([])
    settings = Settings(QSettings(str(Path(folder, "settings.ini")), QSettings.Format.IniFormat))
    settings.set("work_folder", str(Path(folder, "work")))
    window = MainWindow(settings)
    window.resize(1366, 768)
    window.show()
    heart, session = Heartbeat(), window.session
    out: dict[str, Any] = {"steps": {}}

    def until(done: Callable[[], bool]) -> None:
        quiet_since = None
        while quiet_since is None or time.perf_counter() - quiet_since < 1.0:
            app.processEvents()
            time.sleep(0.002)
            is_quiet = done() and not window.jobs.running
            quiet_since = (quiet_since or time.perf_counter()) if is_quiet else None

    def step(name: str, act: Callable[[], object], done: Callable[[], bool]) -> None:
        begin, processor = time.perf_counter(), time.process_time()
        Path("/proc/self/clear_refs").write_text("5")
        act()
        until(done)
        stalls = heart.stalls(begin)
        status = Path("/proc/self/status").read_text()
        peak = {key: int(status.partition(f"{key}:")[2].split()[0]) / 2**20 for key in ("VmHWM", "RssAnon")}
        out["steps"][name] = {
            "seconds": time.perf_counter() - begin - 1.0,
            "processor": time.process_time() - processor,
            "stall": max(stalls),
            "slow": sum(stall > SLOW_S for stall in stalls),
            "peak_gib": peak["VmHWM"],
            "anonymous_gib": peak["RssAnon"],
        }
        print(name, out["steps"][name], file=sys.stderr, flush=True)

    def fill() -> None:
        given = np.memmap(Path(folder, "labels.raw"), np.uint8, "r", shape=tuple(shape))
        target = session.document.volume("labels")
        for z in range(shape[0]):
            target[z] = given[z]
            app.processEvents()
        session.document.recount("labels")
        session.history_changed.emit()

    def trigger(action: str) -> Callable[[], None]:
        return window.actions_.by_name[action].trigger

    view = window.context.parts.view3d

    def opened() -> bool:
        return session.document is not None

    def found() -> bool:
        return session.document.objects is not None

    def drawn() -> bool:
        return bool(view.status.value.summary) and not view.status.value.building

    tomogram = str(Path(folder, "tomogram.mrc"))
    step("open", lambda: open_path(window.context, tomogram), opened)
    step("labels", fill, opened)
    step("find objects", trigger("objects.find"), found)
    step("measure", trigger("objects.measure"), found)
    step("surfaces in 3D", trigger("surface.show"), drawn)
    out["objects"] = len(session.document.object_table.rows)
    out["surface"] = view.status.value.summary
    session.document.modified = False
    window.close()
    return out


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--slices", type=int, default=96)
    parser.add_argument("--rows", type=int, default=768)
    parser.add_argument("--columns", type=int, default=768)
    parser.add_argument(
        "--folder", type=Path, help="where the volumes are made (default: a temporary folder)"
    )
    arguments = parser.parse_args()
    shape = [arguments.slices, arguments.rows, arguments.columns]
    environment = dict(os.environ)
    if not environment.get("DISPLAY") or environment.get("CI"):
        environment["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        measure("bench.app_objects", "write_volumes", folder, shape)
        result = measure("bench.app_objects", "drive", folder, shape, environment=environment).result
    print(f"{' × '.join(map(str, shape))} voxels (z, y, x), {result['objects']} objects; {result['surface']}")
    head = ("step", "s", "s of processor", "longest stall", "stalls > 0.3 s", "peak", "of it own")
    print("{:16}{:>8}{:>16}{:>15}{:>16}{:>11}{:>11}".format(*head))
    for name, done in result["steps"].items():
        times = f"{done['seconds']:8.1f}{done['processor']:16.1f}{done['stall']:13.2f} s{done['slow']:16}"
        print(f"{name:16}{times}{done['peak_gib']:7.2f} GiB{done['anonymous_gib']:7.2f} GiB")


if __name__ == "__main__":
    main()
