"""The tabs of the pane below the views, table, plots and filopodia."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from sxtstudio.app.context import Context, Parts
from sxtstudio.app.objects.pane import PaneTab


def add_pages(context: Context, parts: Parts) -> None:
    """Add the tabs; each is made, and what it needs loaded, when it is first seen."""

    def table() -> QWidget:
        from sxtstudio.app.objects.table.page import TablePage

        return TablePage(context, parts.measured, parts.style)

    def plots() -> QWidget:
        from sxtstudio.app.objects.plots.page import PlotsPage

        return PlotsPage(context, parts.measured)

    def filopodia() -> QWidget:
        from sxtstudio.app.objects.filopodia.page import FilopodiaPage

        return FilopodiaPage(context, parts.toolbox.filopodia)

    parts.pane.add_page(PaneTab.TABLE, "Table", "All objects, a row each", table)
    parts.pane.add_page(
        PaneTab.PLOTS,
        "Plots",
        "Dot plots, histograms and scatter plots; what is caught in them is chosen",
        plots,
    )
    parts.pane.add_page(
        PaneTab.FILOPODIA,
        "Filopodia",
        "Click a filopodium, cut it from the cell, put it on the list",
        filopodia,
    )
