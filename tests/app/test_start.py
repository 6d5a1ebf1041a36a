"""The program as it is started: by its command, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
