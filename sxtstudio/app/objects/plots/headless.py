"""Figures without a window, for the command line: they look as those of the window do."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QApplication

from sxtstudio.app.objects.plots.export import write_figures
from sxtstudio.core.figures import Figure


def draw_figures(figures: Sequence[Figure], path: Path, *, columns: int = 3) -> None:
    """Write figures as ``.png`` or ``.svg``, also where there is no screen.

    Raises
    ------
    UserError
        For another ending, or if the file cannot be written.
    """
    if QApplication.instance() is None:
        if sys.platform.startswith("linux"):
            os.environ["QT_QPA_PLATFORM"] = "offscreen"
        _kept.append(QApplication([]))
    write_figures(figures, path, columns=columns)


#: It lives as long as the program: widgets must not outlive it.
_kept: list[QApplication] = []
