"""Drive the real window through its main workflow and draw the pictures of the documentation.

``make screenshots`` runs it on a virtual screen; ``python docs/screenshots.py FOLDER`` on a real one.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from window_driver import SCRATCH, Driver  # first: it leaves the files of the person who runs this alone

import numpy as np  # isort: skip
import tifffile  # isort: skip
from PySide6.QtCore import QSize  # isort: skip
from PySide6.QtWidgets import QApplication  # isort: skip
from scipy import ndimage  # isort: skip

import shown_texts  # isort: skip

from sxtstudio.app import theme
from sxtstudio.app.batch.dialog import BatchDialog
from sxtstudio.app.beamtime.dialog import BeamtimeDialog
from sxtstudio.app.exports.dialog import ExportDialog
from sxtstudio.app.help.reader import Documentation
from sxtstudio.app.retrain.dialog import RetrainDialog
from sxtstudio.app.states import Panel
from sxtstudio.core.evaluation.marks import Mark
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import export_volume
from sxtstudio.workflow.beamtime.record import TomogramState
from sxtstudio.workflow.jobs.demo import SAMPLE

ENOUGH_S = 120  # of a training, on a slow computer


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


def tour(driver: Driver) -> None:
    """Take the steps of the work on the sample."""
    session = driver.window.session
    driver.shot("start")
    driver.act("help.documentation")
    driver.window.context.dialogs.bring_up(Documentation).show_page(
        "errors-open.md#it-is-damaged-cut-off-or-empty"
    )
    driver.dialog("documentation")
    driver.act("file.open_sample")
    driver.until(lambda: session.document is not None, "the sample")
    driver.idle()
    driver.panel(Panel.IMAGE)
    driver.shot("open")
    session.set_cursor((30, 165, 205))
    driver.idle()
    driver.shot("look")

    driver.panel(Panel.SEGMENT)
    driver.idle()
    driver.act("segment.try")
    driver.until(lambda: session.preview is not None, "the preview")
    driver.idle()
    driver.shot("try")
    driver.act("segment.start")
    driver.until(lambda: session.busy is None and session.document.labels is not None, "labels")
    driver.rest(1.5)  # the estimate waits until the fields have settled
    driver.idle()
    driver.shot("segment")

    driver.act("segment.mask_automatic")
    driver.idle()
    driver.panel(Panel.MASK)
    driver.idle()
    driver.shot("mask")
    driver.act("edit.undo")  # in the sample there is no ice, so the mask holds all of it

    clean = driver.panel(Panel.CLEAN)
    clean.form.smallest.setValue(200)
    clean.form.crop_y.setValue(6)
    clean.form.crop_x.setValue(6)
    driver.idle()
    driver.shot("clean")
    driver.act("segment.clean_all")
    driver.until(lambda: session.busy is None, "the clean-up")
    driver.idle()

    driver.panel(Panel.LABELS)
    driver.act("labels.brush")
    # The rim of this organelle was found in part only.
    driver.stroke([(146 + abs(i - 6) / 3, 131 + 1.6 * i) for i in range(13)])
    driver.idle()
    driver.shot("paint")
    driver.act("edit.undo")
    driver.act("labels.look")

    driver.panel(Panel.OBJECTS)
    driver.idle()
    find_objects(driver)
    driver.shot("objects")
    driver.act("objects.plots")
    driver.idle()
    driver.shot("plots")
    driver.act("file.export")
    driver.idle()
    # A folder of nobody.
    driver.window.context.dialogs.bring_up(ExportDialog).where.setText("/home/you/tomograms/cell.labels.tif")
    driver.dialog("export")
    session.layout.set(objects_pane=False)

    evaluation(driver)
    driver.panel(Panel.SURFACE)
    driver.act("surface.show")
    driver.idle()
    driver.shot("bodies")
    driver.window.context.parts.view3d.scene.set(bodies_visible=False, surface_visible=True, objects=True)
    driver.act("surface.update")
    driver.idle()
    driver.shot("surface")
    driver.act("tools.batch")
    driver.window.context.dialogs.bring_up(BatchDialog).add([SAMPLE])
    driver.dialog("batch")
    beamtime(driver)
    driver.act("tools.models")
    driver.dialog("models")
    retraining(driver)


def beamtime(driver: Driver) -> None:
    """Let the sample arrive a few times, as it is and spoilt, and one that is cut off."""
    incoming = SCRATCH / "incoming"
    incoming.mkdir()
    values = tifffile.imread(SAMPLE)
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 3 * values.std(), values.shape)
    others = {
        "cell_011": values[:, ::-1],
        "cell_012": values[:, :, ::-1],
        "cell_013": np.clip(values + grain, 0, np.iinfo(values.dtype).max).astype(values.dtype),
        "cell_014": values.transpose(0, 2, 1),
    }
    for name, changed in others.items():
        export_volume(
            incoming / f"{name}.mrc", ArrayVolume(np.ascontiguousarray(changed), (10.0,) * 3), kind="image"
        )
    whole = (incoming / "cell_014.mrc").read_bytes()
    (incoming / "cell_015.mrc").write_bytes(whole[: len(whole) // 2])
    driver.act("tools.beamtime")
    dialog = driver.window.context.dialogs.bring_up(BeamtimeDialog)
    form = dialog.form
    driver.until(lambda: form.batch.segment.ready, "the models")
    form.watched.setText(str(incoming))
    form.objects.setChecked(True)
    dialog.start.click()
    ends = (TomogramState.DONE, TomogramState.FAILED)
    driver.until(
        lambda: (
            len(dialog.model.records) == len(others) + 1
            and all(record.state in ends for record in dialog.model.records.values())
        ),
        "the tomograms",
    )
    noisy = next(one for one in dialog.model.records.values() if one.name == "cell_013.mrc")
    dialog.wall.setCurrentIndex(dialog.model.index(dialog.model.row_of(noisy.id) or 0))
    dialog.resize(QSize(1120, 700))
    driver.rest(1.5)
    driver.save(dialog.grab(), "beamtime")
    dialog.stop.click()
    driver.idle()
    dialog.close()


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
        driver.stroke([(float(row), float(column))])
    panel.judging.take(Mark.MISSING)
    driver.stroke([(60 + 2 * i, 200 + 3 * i) for i in range(30)])
    driver.idle()
    driver.shot("evaluate")
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
    enough = time.monotonic() + ENOUGH_S
    driver.until(
        lambda: (
            history.step >= 20
            or (history.step >= 4 and time.monotonic() > enough)
            or page.problem.isVisible()
        ),
        "some steps of the training",
    )
    if page.problem.isVisible():
        raise SystemExit(page.problem.text())
    dialog.resize(QSize(1100, 760))
    driver.rest(0.5)
    driver.save(dialog.grab(), "retrain")
    questions.ask = lambda *_, **__: "Throw it away"  # type: ignore[assignment]
    page.cancel.click()
    driver.idle()
    dialog.close()


def main(folder: Path, take: Callable[[Driver], None] = tour) -> None:
    """Draw them all, in the light scheme, and note what they show."""
    folder.mkdir(parents=True, exist_ok=True)
    app = QApplication(sys.argv[:1])
    theme.apply(app, "light")
    driver = Driver(app, folder)
    shown_texts.note(driver.window)
    take(driver)
    missing = shown_texts.ROOMS.keys() - set(driver.made)
    print(f"not made: {', '.join(sorted(missing))}" if missing else "all pictures are new")
    if driver.window.session.document is not None:
        driver.window.session.document.discard()
        driver.window.session.document.modified = False
    driver.window.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else shown_texts.PICTURES)
