"""The program as it is started: by its command, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings

from sxtstudio.app.settings import Settings
from sxtstudio.io.project_marker import NAME as MARKER
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.project import save, snapshot

SAMPLE = Path(__file__).resolve().parents[2] / "resources" / "sample.tif"

# Starts as the command does, waits until the file is open, and closes the window as a user would.
DRIVE = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from sxtstudio.app import start

def look():
    (window,) = [w for w in QApplication.topLevelWidgets() if w.objectName() == "main"]
    if window.session.document is None:
        return QTimer.singleShot(50, look)
    print(window.windowTitle(), window.isVisible(), "vtkmodules" in sys.modules, flush=True)
    window.close()

QTimer.singleShot(0, look)
sys.exit(start.run(sys.argv[1]))
"""


def test_window_opens_with_a_file_and_ends_cleanly(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "SXTSTUDIO_WORK": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", DRIVE, str(SAMPLE)],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    title, visible, vtk_loaded = done.stdout.strip().rsplit(" ", 2)
    assert "sample.tif" in title and visible == "True"
    # VTK takes a second to load and is not needed to look at slices.
    assert vtk_loaded == "False"
    assert "Traceback" not in done.stderr


# Opens a file, says what message comes with it, and closes when a line comes in.
SECOND = """
import sys, threading
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMessageBox
from sxtstudio.app import start

def main():
    return [w for w in QApplication.topLevelWidgets() if w.objectName() == "main"][0]

def look():
    window = main()
    boxes = [w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox) and w.isVisible()]
    if (window.session.document is None and not boxes) or window.jobs.running:  # an error is told, too
        return QTimer.singleShot(50, look)
    print("TOLD", *[" ".join(box.text().split()) for box in boxes], flush=True)
    for box in boxes:
        box.close()
    window.actions_.by_name["view.sides"].trigger()
    threading.Thread(target=wait, daemon=True).start()

def wait():
    sys.stdin.readline()
    QTimer.singleShot(0, main(), main().close)

QTimer.singleShot(0, look)
sys.exit(start.run(sys.argv[1]))
"""


def begin(file: Path, folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder), "SXTSTUDIO_WORK": str(folder / "work")}
    return subprocess.Popen(
        [sys.executable, "-c", SECOND, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def told(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None and process.stderr is not None
    line = next((line for line in process.stdout if line.startswith("TOLD")), None)
    assert line is not None, process.stderr.read()
    return line.removeprefix("TOLD").strip()


def end(process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate("close\n", timeout=60)
    assert process.returncode == 0 and "Traceback" not in errors, errors


@pytest.fixture
def saved_project(tomogram: Path, tmp_path: Path) -> Path:
    """A project that nobody has open, in a folder with a space and an umlaut."""
    folder = tmp_path / "Zellen übrig" / "cell 1.sxt"
    folder.parent.mkdir()
    document = Document.open(tomogram, tmp_path / "work")
    saved = save(snapshot(document), folder)
    saved.lock.release()
    document.discard()
    document.close()
    return folder


def test_a_second_start_is_a_second_window_and_a_project_is_open_in_one(
    saved_project: Path, tmp_path: Path
) -> None:
    """Nobody loses recent files or settings by it, and each project is written by one window."""
    config = tmp_path / "config"
    windows = [begin(saved_project / MARKER, config)]
    try:
        assert told(windows[0]) == ""
        windows.append(begin(saved_project, config))
        said = told(windows[1])
        assert said.startswith("The project cell 1.sxt is open in another window (")
        assert said.endswith("You can look at it and save it under another name.")
        windows.append(begin(SAMPLE, config))
        assert told(windows[2]) == ""
        for window in (windows[1], windows[0], windows[2]):
            end(window)
    finally:
        for window in windows:
            window.kill()
    (store,) = config.rglob("*.ini")
    settings = Settings(QSettings(str(store), QSettings.Format.IniFormat))
    assert settings.recent == [str(SAMPLE), str(saved_project)]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a screen")
@pytest.mark.parametrize("words", [["gui"], []], ids=["gui", "no command"])
def test_without_a_screen_there_is_one_sentence(words: list[str]) -> None:
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [sys.executable, "-m", "sxtstudio", *words],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
    )
    assert done.returncode == 2
    assert "no screen" in done.stderr and done.stderr.count("\n") == 1


def test_the_window_starts_without_the_libraries_of_network_3d_view_and_training() -> None:
    """They take a second, and are loaded when they are needed first."""
    code = "import sys, sxtstudio.app.main_window; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    heavy = {"onnx", "onnxruntime", "torch", "vtkmodules", "pyvista", "pyqtgraph", "zarr", "sklearn"}
    assert not heavy & set(loaded.split())


def test_the_wall_of_a_beamtime_opens_without_the_library_of_the_3d_view() -> None:
    """The thread of the work loads it with the first picture; the window would stand still meanwhile."""
    code = "import sys, sxtstudio.app.beamtime.dialog; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    names = set(loaded.split())
    assert "sxtstudio.workflow.beamtime.pictures" in names
    assert not {"vtkmodules", "pyvista", "sxtstudio.surface", "torch", "sklearn", "fpdf"} & names


# Closes the window in the first turn of the event loop.
HASTY = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from sxtstudio.app import main_window, start

class Hasty(main_window.MainWindow):
    def show(self):
        if "before" in sys.argv:
            super().show()
            self.close()
        else:
            QTimer.singleShot(0, self.close)
            super().show()

main_window.MainWindow = Hasty
sys.exit(start.run(None))
"""


@pytest.mark.parametrize("when", ["before", "first"])
def test_a_window_that_is_closed_at_once_ends_the_program(tmp_path: Path, when: str) -> None:
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "SXTSTUDIO_WORK": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", HASTY, when], capture_output=True, text=True, timeout=60, env=environment
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr
