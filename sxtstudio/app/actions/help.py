"""Help: tutorial, keys, files, diagnostics, log, about."""

from __future__ import annotations

import json
from functools import partial

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from sxtstudio.app.actions.info import ActionInfo
from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job, JobKind
from sxtstudio.app.widgets import outside
from sxtstudio.core.logs import log_file

COPIED = "This has been copied. Paste it into your message; read it first if your data are confidential."
# Settings that say how the program behaves; recent files and window layouts are nobody's business.
_DIAGNOSTICS = "Help/Diagnostics"
_TOLD = ("theme", "undo_mb", "work_folder", "model", "segment/device", "segment/tile_px", "view3d/canvas")


def tutorial(context: Context) -> None:
    """Show the tutorial."""
    from sxtstudio.app.help.tutorial import TutorialDialog

    context.dialogs.bring_up(TutorialDialog)


def tour(context: Context) -> None:
    """Begin the guided tour, or go on with it."""
    context.parts.tour.start()


def shortcuts(context: Context) -> None:
    """Show all keys and mouse gestures."""
    from sxtstudio.app.help.pages import GESTURES, shortcuts_html
    from sxtstudio.app.help.text import ShortcutsPage

    keys = context.parts.actions.keys()
    context.dialogs.bring_up(ShortcutsPage).show_html(shortcuts_html({**keys, **GESTURES}))


def measurements(context: Context) -> None:
    """Show what every column of a table of objects means."""
    from sxtstudio.app.help.pages import measurements_html
    from sxtstudio.app.help.text import MeasurementsPage

    def page() -> str:
        from sxtstudio.core.measure.dictionary import sections  # with all that measures: half a second

        return measurements_html(sections())

    context.jobs.start(
        "Opening the dictionary",
        lambda job: page(),
        on_done=lambda html: context.dialogs.bring_up(MeasurementsPage).show_html(html),
        kind=JobKind.ELSEWHERE,
    )


def documentation(context: Context, link: str = "index.md") -> None:
    """Show a page of the documentation, by default its contents."""
    from sxtstudio.app.help.reader import Documentation

    context.dialogs.bring_up(Documentation).show_page(link)


def programs(context: Context) -> None:
    """Show what is handed over to which program."""
    from sxtstudio.app.help.pages import programs_html
    from sxtstudio.app.help.text import ProgramsPage
    from sxtstudio.workflow.handover.programs import READ, routes

    context.dialogs.bring_up(ProgramsPage).show_html(programs_html(routes(), READ))


def copy_diagnostics(context: Context) -> None:
    """Collect what somebody who helps needs to know, copy it, and show it."""
    from sxtstudio.app.help.text import DiagnosticsPage
    from sxtstudio.workflow.document.diagnostics import diagnostics

    more = {"Qt": f"{qVersion()}, platform {QGuiApplication.platformName()}", "OpenGL": opengl_name(context)}
    more["3D view"] = context.parts.view3d.status.value.canvas or "not shown yet"
    for number, screen in enumerate(QGuiApplication.screens(), 1):
        size = screen.size()
        more[f"screen {number}"] = f"{size.width()} × {size.height()}, scale {screen.devicePixelRatio():g}"
    settings = {name: context.settings.get(name, None) for name in _TOLD}
    shown = {name: value for name, value in settings.items() if value not in (None, "")}
    log = log_file()

    def show(text: str) -> None:
        QApplication.clipboard().setText(text)
        context.session.message.emit("Diagnostics copied; paste them into your message.")
        context.dialogs.bring_up(DiagnosticsPage).show_plain(text, COPIED)

    context.jobs.start(
        "Collecting diagnostics",
        lambda job: diagnostics(more=more, settings=shown, log_file=log),
        on_done=show,
        kind=JobKind.ELSEWHERE,
    )


def check_installation(context: Context) -> None:
    """Try every part of the program on small data, and show what works."""
    from sxtstudio.app.help.text import SelfCheckPage
    from sxtstudio.workflow.selfcheck.record import SelfCheck

    def check(job: Job) -> SelfCheck:
        from sxtstudio.workflow.selfcheck.check import self_check

        return self_check(job.progress)

    def show(found: SelfCheck) -> None:
        rows = "\n".join(f"{name}\n    {said}\n" for name, said in found.rows())
        page = context.dialogs.bring_up(SelfCheckPage)
        page.show_plain(rows, found.verdict(), json.dumps(found.as_json(), indent=2))

    context.jobs.start("Checking the installation", check, on_done=show, kind=JobKind.ELSEWHERE)


def opengl_name(context: Context) -> str:
    """Return who draws the 3D view, where that is known already."""
    return context.parts.view3d.status.value.opengl or "not used yet"


def open_log_folder(context: Context) -> None:
    """Show the folder of the log file."""
    folder = log_file().parent
    folder.mkdir(parents=True, exist_ok=True)
    outside.show_folder(context.window, folder)


def about(context: Context) -> None:
    """Show version, citation and licences."""
    from sxtstudio.app.help.about import AboutDialog

    context.dialogs.bring_up(AboutDialog)


ACTIONS = (
    ActionInfo(
        "help.tutorial",
        "Tutorial",
        "Help",
        "Five minutes on the sample tomogram, step by step",
        tutorial,
        shortcut="F1",
        icon="mdi6.school-outline",
    ),
    ActionInfo(
        "help.documentation",
        "Documentation",
        "Help",
        "All pages, with search: the work step by step, files, other programs, when something goes wrong",
        documentation,
        shortcut="Shift+F1",
        icon="mdi6.book-open-page-variant-outline",
    ),
    ActionInfo(
        "help.trouble",
        "When something goes wrong",
        "Help",
        "What to do about a message or a result that is not as it should be",
        partial(documentation, link="trouble.md"),
        icon="mdi6.lifebuoy",
    ),
    ActionInfo(
        "help.tour",
        "Guided tour",
        "Help",
        "Seven steps on the sample, from slices to a measured object; begins where it was left",
        tour,
        icon="mdi6.sign-direction",
    ),
    ActionInfo(
        "help.shortcuts",
        "Keyboard shortcuts",
        "Help",
        "All keys, and what the mouse does",
        shortcuts,
        icon="mdi6.keyboard-outline",
    ),
    ActionInfo(
        "help.files",
        "Files and formats",
        "Help",
        "What is read and written, which axis is which, how rows run in MRC and TIFF",
        partial(documentation, link="files.md"),
        icon="mdi6.file-question-outline",
    ),
    ActionInfo(
        "help.programs",
        "Other programs",
        "Help",
        "What is handed over to which program, how it is opened there, and what gets lost",
        programs,
        icon="mdi6.swap-horizontal",
    ),
    ActionInfo(
        "help.objects",
        "Objects",
        "Help",
        "How objects are found, corrected, classed, measured and compared",
        partial(documentation, link="objects.md"),
        icon="mdi6.book-open-outline",
    ),
    ActionInfo(
        "help.evaluation",
        "Evaluation",
        "Help",
        "How labels are judged slice by slice, and compared with a reference",
        partial(documentation, link="evaluate.md"),
        icon="mdi6.clipboard-check-outline",
    ),
    ActionInfo(
        "help.measurements",
        "Measurements",
        "Help",
        "What every column of a table of objects means: definition, formula, source",
        measurements,
        icon="mdi6.table-question",
    ),
    ActionInfo(
        "help.selfcheck",
        "Check the installation",
        _DIAGNOSTICS,
        "Try every part on small data: segment, find objects, write files, draw in 3D; takes half a minute",
        check_installation,
        icon="mdi6.check-decagram-outline",
    ),
    ActionInfo(
        "help.diagnostics",
        "Copy diagnostics",
        _DIAGNOSTICS,
        "Versions, device and the end of the log, to paste when you ask for help",
        copy_diagnostics,
        icon="mdi6.clipboard-pulse-outline",
    ),
    ActionInfo(
        "help.log",
        "Open log folder",
        _DIAGNOSTICS,
        "Show the folder of the log file, to attach it when you report a problem",
        open_log_folder,
        icon="mdi6.folder-text-outline",
    ),
    ActionInfo(
        "help.about",
        "About SXT Studio",
        "Help",
        "Version, how to cite, licences",
        about,
        icon="mdi6.information-outline",
        separator=True,
    ),
)
