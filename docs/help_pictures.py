"""Draw the pictures of the tutorial from the real window; needs a screen, which may be a virtual one."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication
from screenshots import Driver, find_objects, stroke

from sxtstudio.app import theme
from sxtstudio.app.help.contents import HELP
from sxtstudio.app.states import Panel

WIDTH_PX = 900
LARGEST_BYTES = 150_000


class HelpDriver(Driver):
    """Saves the window alone, small, as PNG of few colours."""

    def shot(self, name: str) -> None:
        """Take the window without what may lie above it."""
        self.rest(0.3)
        self.save(self.window.grab(), name)

    def save(self, picture: QPixmap, name: str) -> None:
        """Write it with as fine colours as the limit allows."""
        path = self.folder / f"{name}.png"
        picture.save(str(path))
        with Image.open(path) as full:
            height = round(full.height * WIDTH_PX / full.width)
            small = full.convert("RGB").resize((WIDTH_PX, height), Image.Resampling.LANCZOS)
        # The grain of tomograms does not compress: coarser steps of colour until it fits.
        for step in (4, 8, 12, 16, 20, 26, 32):
            coarse = small.point(lambda value, step=step: min(255, (value + step // 2) // step * step))
            coarse.quantize(256, kmeans=3, dither=Image.Dither.NONE).save(path, optimize=True)
            if path.stat().st_size <= LARGEST_BYTES:
                break
        print(f"{path}  {path.stat().st_size // 1024} kB", flush=True)


def tour(driver: HelpDriver) -> None:
    """Take the steps of the tutorial."""
    session = driver.window.session
    driver.window.resize(1100, 720)
    driver.act("file.open_sample")
    driver.until(lambda: session.document is not None, "the sample")
    driver.idle()
    driver.shot("open")
    driver.panel(Panel.IMAGE)
    session.set_cursor((30, 165, 205))
    driver.idle()
    driver.shot("look")

    driver.panel(Panel.SEGMENT)
    driver.idle()
    driver.act("segment.start")
    driver.until(lambda: session.busy is None and session.document.labels is not None, "labels")
    driver.rest(1.5)  # the estimate waits until the fields have settled
    driver.idle()
    driver.shot("segment")

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
    stroke(driver, [(146 + abs(i - 6) / 3, 131 + 1.6 * i) for i in range(13)])
    driver.idle()
    driver.shot("paint")
    driver.act("edit.undo")
    driver.act("labels.look")

    driver.window.resize(1280, 760)
    driver.panel(Panel.OBJECTS)
    find_objects(driver)
    driver.shot("objects")
    session.layout.set(objects_pane=False)

    driver.panel(Panel.SURFACE)
    view = driver.window.context.parts.view3d
    driver.act("surface.show")
    view.scene.set(objects=True)
    driver.idle()
    driver.act("surface.update")
    driver.idle()
    driver.shot("surface")


def main() -> None:
    """Draw them all, in the dark scheme."""
    app = QApplication(sys.argv[:1])
    theme.apply(app, "dark")
    driver = HelpDriver(app, Path(sys.argv[1]) if len(sys.argv) > 1 else HELP / "pictures")
    tour(driver)
    if driver.window.session.document is not None:
        driver.window.session.document.modified = False
    driver.window.close()


if __name__ == "__main__":
    main()
