"""The wall of a beamtime with thousands of tomograms: what loading, sorting, filtering and searching hold up.

    python -m bench.app_wall [--records 2000]

Drives the real dialog, off screen. Printed is the processor time of the window's thread, which other work on
the machine does not change: that of the call, and that of the longest turn of the event loop after it.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from sxtstudio.core.quality.dictionary import FigureName
from sxtstudio.core.quality.record import Quality, QualityFigure, QualityFlag
from sxtstudio.workflow.beamtime.record import PictureKind, TomogramRecord, TomogramState, record_for

_BEGIN_S, _EVERY_S, _SPIN_S = 1.764e9, 600, 0.7
_FLAGS = (QualityFlag.GOOD, QualityFlag.GOOD, QualityFlag.GOOD, QualityFlag.LOOK, QualityFlag.BAD)


def made(number: int, rng: random.Random) -> TomogramRecord:
    """Return a tomogram of a long beamtime with every figure, every 40th of them a failed one."""
    when = _BEGIN_S + number * _EVERY_S
    record = record_for(
        Path(f"/data/day {number // 150}/cell {number}.mrc"), {"n": number}, (1, 1, when, when)
    )
    if number % 40 == 0:
        return replace(
            record, state=TomogramState.FAILED, messages=("The file ends after 12 of 350 slices.",)
        )
    text = "The {} of this tomogram is {:.3f}, which is far from what the others of its day have."
    figures = tuple(
        QualityFigure(
            name, 50 * rng.random(), "nm", rng.choice(_FLAGS), text.format(name.value, rng.random())
        )
        for name in FigureName
    )
    return replace(
        record,
        state=TomogramState.DONE,
        quality=Quality("bench", (350, 1324, 1284), None, figures),
        labelled=rng.random() / 5,
        objects={"Mitochondrion": number % 9, "Vesicle": number % 50, "": 3},
        messages=("polarity dark (94 %)",),
        pictures=tuple(PictureKind),
    )


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=2000)
    count = parser.parse_args().records
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ.setdefault("QT_API", "pyside6")
    from PySide6.QtCore import QSettings
    from PySide6.QtWidgets import QApplication

    from sxtstudio.app.beamtime.dialog import BeamtimeDialog
    from sxtstudio.app.beamtime.model import Order, Show
    from sxtstudio.app.main_window import MainWindow
    from sxtstudio.app.settings import Settings

    app = QApplication([])
    rng = random.Random(0)
    records = [made(number, rng) for number in range(count)]

    def spin(seconds: float) -> float:
        """Let the window work, and return the longest turn of its event loop."""
        until, longest = time.monotonic() + seconds, 0.0
        while time.monotonic() < until:
            begin = time.thread_time()
            app.processEvents()
            longest = max(longest, time.thread_time() - begin)
            time.sleep(0.002)
        return longest

    def timed(what: str, act: Callable[[], object]) -> None:
        begin = time.thread_time()
        act()
        took = time.thread_time() - begin
        print(f"{what:28s} {1000 * took:5.0f} ms, then {1000 * spin(_SPIN_S):4.0f} ms", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(QSettings(str(Path(folder) / "s.ini"), QSettings.Format.IniFormat))
        window = MainWindow(settings)
        window.show()
        dialog = window.context.dialogs.bring_up(BeamtimeDialog)
        spin(_SPIN_S)
        timed(f"show {count} tomograms", lambda: dialog.show_records(records))
        for number, key in enumerate((*Order, *FigureName)):
            timed(f"sort: {key.name.lower()}", partial(dialog.sieve.order.setCurrentIndex, number))
        for number, show in enumerate(Show):
            timed(f"filter: {show.value}", dialog.sieve.kinds.button(number).click)
        for text in ("c", "cell 1", "mitochondrion", "nothing has this", ""):
            timed(f"search: {text!r}", partial(dialog.sieve.search.setText, text))
        timed("days", lambda: dialog.tabs.setCurrentIndex(1))
        timed("one tomogram changes", lambda: dialog.take(replace(records[5], labelled=0.1)))
        window.close()
        spin(_SPIN_S)


if __name__ == "__main__":
    main()
