"""What is found out about a tomogram is shown without holding the window up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

LOADING = """
import sys, threading, time
loaded = []
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "pyqtgraph":
            loaded.append(threading.current_thread() is threading.main_thread())
sys.meta_path.insert(0, Finder())
from PySide6.QtWidgets import QApplication
from sxtstudio.app.document.opening import open_path
from sxtstudio.app.main_window import MainWindow
app = QApplication([])
window = MainWindow()
window.show()
assert not loaded
open_path(window.context, sys.argv[1])
until = time.monotonic() + 60
histogram = window.context.parts.image.histogram
while not histogram.drawn and time.monotonic() < until:
    app.processEvents()
assert histogram.drawn
print(loaded)
window.session.document.discard()
window.close()
"""


def test_the_histogram_is_drawn_without_loading_its_library_in_the_window(
    tomogram: Path, tmp_path: Path
) -> None:
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "SXTSTUDIO_WORK": str(tmp_path / "work")}
    done = subprocess.run(
        [sys.executable, "-c", LOADING, str(tomogram)],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
    )
    assert done.stdout.split() == ["[False]"], done.stderr
