"""Drives the real window as somebody with a mouse and a camera would; on a virtual screen, or a real one."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_API", "pyside6")
# Sessions, logs and models of the person who runs this are left alone.
SCRATCH = Path(tempfile.mkdtemp())
for variable in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "LOCALAPPDATA", "SXTSTUDIO_WORK"):
    os.environ[variable] = str(SCRATCH)

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
from PySide6.QtCore import QPoint, QSettings, QSize  # noqa: E402
from PySide6.QtGui import QPixmap  # noqa: E402
from PySide6.QtWidgets import QApplication, QDialog, QWidget  # noqa: E402
from shown_texts import LARGEST_BYTES, WIDEST_PX  # noqa: E402

from sxtstudio.app.labels.tools.base import PointerEvent  # noqa: E402
from sxtstudio.app.main_window import MainWindow  # noqa: E402
from sxtstudio.app.settings import Settings  # noqa: E402
from sxtstudio.app.states import Panel  # noqa: E402

LONGEST_S = 900
WINDOW = QSize(1280, 780)


class Driver:
    """A user with a camera."""

    def __init__(self, app: QApplication, folder: Path) -> None:
        self.app = app
        self.folder = folder
        self.made: list[str] = []
        settings = Settings(QSettings(str(SCRATCH / "settings.ini"), QSettings.Format.IniFormat))
        self.window = MainWindow(settings)
        self.window.resize(WINDOW)
        self.window.show()
        self.rest(0.5)

    def rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.app.processEvents()
            time.sleep(0.01)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + LONGEST_S
        while not condition():
            if time.monotonic() > end:
                raise SystemExit(f"waited too long for {what}")
            self.rest(0.05)

    def idle(self) -> None:
        """Wait until all jobs are done, those that follow them too, and the window has caught up."""
        for seconds in (0.3, 0.6):  # a good picture of a new surface in 3D is a job of its own
            self.rest(seconds)
            self.until(lambda: not self.window.jobs.running, "the jobs")
        self.rest(0.3)

    def act(self, name: str) -> None:
        self.window.actions_.by_name[name].trigger()
        self.rest(0.1)

    def panel(self, panel: Panel) -> QWidget:
        side = self.window.context.parts.side
        side.show_panel(panel)
        self.rest(0.4)
        return side.widget(panel)

    def stroke(self, points: list[tuple[float, float]]) -> None:
        """Paint along points (row, column) of the XY view with the tool in the hand."""
        toolbox = self.window.context.parts.toolbox
        depth = self.window.session.cursor[0]
        for number, (row, column) in enumerate(points):
            event = PointerEvent("xy", row, column, depth, "left")
            (toolbox.move if number else toolbox.press)(event)
            self.rest(0.02)
        toolbox.release(PointerEvent("xy", *points[-1], depth, "left"))

    def shot(self, name: str) -> None:
        """Take the window, without what may lie above it."""
        self.rest(0.4)
        self.save(self.window.grab(), name)

    def dialog(self, name: str, size: QSize | None = None) -> None:
        """Take the picture of the open dialog alone, and close it."""
        self.rest(0.5)
        dialogs = [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]
        if not dialogs:
            raise SystemExit(f"no dialog is open for {name}")
        for dialog in dialogs:
            dialog.move(self.window.pos() + QPoint(160, 60))
            if size is not None:
                dialog.resize(size)
        self.rest(0.5)
        self.idle()
        self.save(dialogs[-1].grab(), name)
        for dialog in dialogs:
            dialog.close()
        self.rest(0.2)

    def save(self, picture: QPixmap, name: str) -> None:
        """Write it with as fine colours as the limit allows."""
        path = self.folder / f"{name}.png"
        picture.save(str(path))
        with Image.open(path) as full:
            small = full.convert("RGB")
        if small.width > WIDEST_PX:
            height = round(small.height * WIDEST_PX / small.width)
            small = small.resize((WIDEST_PX, height), Image.Resampling.LANCZOS)
        # The grain of tomograms does not compress: coarser steps of colour until it fits.
        for step in (1, 4, 8, 12, 16, 20, 26, 32, 40):
            coarse = np.minimum(255, (np.asarray(small, np.int32) + step // 2) // step * step)
            image = Image.fromarray(coarse.astype(np.uint8))
            image.quantize(256, kmeans=3, dither=Image.Dither.NONE).save(path, optimize=True)
            if path.stat().st_size <= LARGEST_BYTES:
                break
        self.made.append(name)
        print(f"{path}  {path.stat().st_size // 1024} kB", flush=True)
