"""Drive the real window through its main workflow and draw the pictures of the documentation.

``make screenshots`` runs it on a virtual screen; ``python docs/screenshots.py FOLDER`` on a real one.
"""

from __future__ import annotations

import os
import sys
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
from PySide6.QtCore import QPoint, QSettings  # noqa: E402
from PySide6.QtGui import QGuiApplication, QPixmap  # noqa: E402
from PySide6.QtWidgets import QApplication, QDialog, QWidget  # noqa: E402
from scipy import ndimage  # noqa: E402

from sxtstudio.app import theme  # noqa: E402
from sxtstudio.app.labels.tools.base import PointerEvent  # noqa: E402
from sxtstudio.app.main_window import MainWindow  # noqa: E402
from sxtstudio.app.retrain.dialog import RetrainDialog  # noqa: E402
from sxtstudio.app.settings import Settings  # noqa: E402
from sxtstudio.app.states import Panel  # noqa: E402
from sxtstudio.core.evaluation.marks import Mark  # noqa: E402

LONGEST_S = 240


class Driver:
    """A user with a camera."""

    def __init__(self, app: QApplication, folder: Path) -> None:
        self.app = app
        self.folder = folder
        settings = Settings(QSettings(str(SCRATCH / "settings.ini"), QSettings.Format.IniFormat))
        self.window = MainWindow(settings)
        self.window.resize(1440, 900)
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

    def shot(self, name: str) -> None:
        """Take the whole screen where the window stands, with the dialogs above it."""
        self.rest(0.2)
        frame = self.window.frameGeometry()
        screen = QGuiApplication.primaryScreen()
        self.save(screen.grabWindow(0, frame.x(), frame.y(), frame.width(), frame.height()), name)

    def dialog(self, name: str) -> None:
        """Take the picture of the open dialog alone, and close it."""
        self.rest(0.5)
        dialogs = [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]
        if not dialogs:
            raise SystemExit(f"no dialog is open for {name}")
        for dialog in dialogs:
            dialog.move(self.window.pos() + QPoint(160, 60))
        self.rest(0.5)
        self.save(dialogs[-1].grab(), name)
        for dialog in dialogs:
            dialog.close()
        self.rest(0.2)

    def save(self, picture: QPixmap, name: str) -> None:
        path = self.folder / f"{name}.png"
        picture.save(str(path))
        # Few colours: the grain of tomograms does not compress otherwise.
        with Image.open(path) as full:
            small = full.convert("RGB").quantize(256, kmeans=3, dither=Image.Dither.NONE)
        small.save(path, optimize=True)
        print(f"{path}  {path.stat().st_size // 1024} kB", flush=True)


def stroke(driver: Driver, points: list[tuple[float, float]]) -> None:
    """Paint along points (row, column) of the XY view."""
    toolbox = driver.window.context.parts.toolbox
    depth = driver.window.session.cursor[0]
    for number, (row, column) in enumerate(points):
        event = PointerEvent("xy", row, column, depth, "left")
        (toolbox.move if number else toolbox.press)(event)
        driver.rest(0.02)
    toolbox.release(PointerEvent("xy", *points[-1], depth, "left"))


def find_objects(driver: Driver) -> None:
    """Find and measure objects, and choose one of them."""
    session = driver.window.session
    driver.act("objects.find")
    driver.until(lambda: session.busy is None and session.document.objects is not None, "the objects")
    driver.act("objects.measure")
    measured = driver.window.context.parts.measured
    driver.until(lambda: measured.value is not None, "the measurements")
    driver.idle()
    volumes = measured.value.values["volume"]
    typical = int(measured.value.numbers[volumes.argsort()[len(volumes) // 2]])
    session.objects.set(selected=(typical,))
    driver.act("objects.go_to")
    driver.act("view.fit")
    driver.idle()


def main_workflow(driver: Driver) -> None:
    session = driver.window.session
    driver.shot("window-start")
    driver.act("file.open_sample")
    driver.until(lambda: session.document is not None, "the sample")
    driver.idle()
    session.set_cursor((30, 165, 205))
    driver.shot("window-slices")

    driver.panel(Panel.SEGMENT)
    driver.idle()
    driver.act("segment.try")
    driver.until(lambda: session.preview is not None, "the preview")
    driver.shot("window-try")

    driver.act("segment.start")
    driver.until(lambda: session.document.labels is not None, "labels")
    driver.until(lambda: bool(session.document.labels[30].any()), "the slice that is shown")
    driver.rest(1.0)
    driver.shot("window-segmenting")
    driver.idle()

    driver.act("segment.mask_automatic")
    driver.idle()
    driver.panel(Panel.MASK)
    driver.idle()
    driver.shot("window-mask")
    driver.act("edit.undo")  # in the sample there is no ice, so the mask holds all of it

    clean = driver.panel(Panel.CLEAN)
    clean.form.smallest.setValue(300)
    clean.form.crop_y.setValue(6)
    clean.form.crop_x.setValue(6)
    driver.idle()
    driver.shot("window-clean")
    driver.act("segment.clean_all")
    driver.idle()

    driver.panel(Panel.LABELS)
    session.tool.set(tool="brush", brush_px=6)
    stroke(driver, [(150 + 2 * i, 250 + 3 * i) for i in range(16)])
    driver.shot("window-labels")
    driver.act("edit.undo")

    driver.panel(Panel.OBJECTS)
    driver.idle()
    find_objects(driver)
    driver.shot("window-table")
    session.layout.set(objects_pane=False)

    evaluation(driver)
    driver.panel(Panel.SURFACE)
    driver.act("surface.show")
    driver.idle()
    driver.shot("window-bodies")
    driver.window.context.parts.view3d.scene.set(bodies_visible=False, surface_visible=True)
    driver.act("surface.update")
    driver.idle()
    driver.shot("window-3d")
    view = driver.window.context.parts.view3d
    view.scene.set(objects=True)
    driver.act("surface.update")
    driver.idle()
    driver.shot("window-objects")
    for action, name in (("tools.batch", "batch"), ("tools.models", "models"), ("help.tutorial", "tutorial")):
        driver.act(action)
        driver.idle()
        driver.dialog(f"window-{name}")
    retraining(driver)


def evaluation(driver: Driver) -> None:
    """Judge a slice: a piece of the labels is false, and something is missing."""
    session, panel = driver.window.session, driver.panel(Panel.EVALUATE)
    session.objects.set(visible=False)
    panel.choice.number.setValue(8)
    panel.choice.begin.click()
    panel.work.go(panel.work.evaluation.slices[3])
    driver.idle()
    labels = session.document.labels[session.cursor[0]]
    parts, count = ndimage.label(labels, np.ones((3, 3)))
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    for mark, rank in ((Mark.FALSE_POSITIVE, count // 2), (Mark.ARTEFACT, count // 2 + 1)):
        panel.judging.take(mark)
        row, column = np.argwhere(parts == np.argsort(sizes)[rank])[0]
        stroke(driver, [(float(row), float(column))])
    panel.judging.take(Mark.MISSING)
    stroke(driver, [(60 + 2 * i, 200 + 3 * i) for i in range(30)])
    driver.idle()
    driver.shot("window-evaluate")
    session.objects.set(visible=True)


def retraining(driver: Driver) -> None:
    """Let the shipped model learn from three slices for a moment; without PyTorch there is no picture."""
    from sxtstudio.app import questions
    from sxtstudio.workflow.retraining.child import can_train

    if not can_train():
        return
    for z in (20, 30, 42):
        driver.window.session.set_cursor((z, 165, 205))
        driver.act("tools.complete")
    driver.act("tools.retrain")
    dialog = driver.window.context.dialogs.bring_up(RetrainDialog)
    driver.until(lambda: bool(dialog.labels.rows) and dialog.model.ready, "the labels")
    driver.idle()
    for _ in range(3):
        dialog.next.click()
    page = dialog.running
    driver.until(lambda: page.training is not None, "the training")
    history = page.training.history
    driver.until(lambda: history.step >= 20 or page.problem.isVisible(), "some steps of the training")
    if page.problem.isVisible():
        raise SystemExit(page.problem.text())
    dialog.resize(1100, 760)
    driver.rest(0.5)
    driver.save(dialog.grab(), "window-retrain")
    questions.ask = lambda *_, **__: "Throw it away"  # type: ignore[assignment]
    page.cancel.click()
    driver.idle()
    dialog.close()


def main(folder: Path, scheme: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    app = QApplication(sys.argv[:1])
    theme.apply(app, "light" if scheme == "--light" else "dark")
    driver = Driver(app, folder)
    main_workflow(driver)
    if driver.window.session.document is not None:
        driver.window.session.document.discard()
        driver.window.session.document.modified = False
    driver.window.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"), (sys.argv[2:] or [""])[0])
