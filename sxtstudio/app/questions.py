"""All questions to the user that need an answer at once; tests replace these functions.

Call them through the module (``questions.ask(...)``), so that the replacement takes effect.

Dialogs for files begin where the work is:

- for opening, in the folder of what was opened last, in a dialog or in any other way;
- for saving a file, or choosing the folder of one, beside the project or tomogram that is open; but where the
  last thing was saved elsewhere, there.

What is no work has a folder of its own and moves neither of them (``OwnFolder``).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox, QPushButton, QWidget

from sxtstudio.app.context import Context
from sxtstudio.app.theme import RESOURCES
from sxtstudio.app.widgets.hasty_clicks import ignore_hasty_clicks
from sxtstudio.io.project import is_project
from sxtstudio.io.volume_name import VolumeName
from sxtstudio.io.zarr import is_zarr


class Answer(StrEnum):
    """The buttons that a question may have; what stands on one may change, what it means does not."""

    CANCEL = "Cancel"
    CHOOSE_MODEL = "Choose the model…"
    CHOOSE_TOMOGRAM = "Choose the tomogram…"
    CLOSE_AND_GO_ON = "Close, and let it go on"
    DELETE = "Delete"
    DISCARD = "Discard"
    DISMISS = "Dismiss"
    GO_ON = "Go on with it"
    JUDGE_OTHERS = "Judge the others"
    KEEP_FOR_LATER = "Keep it for later"
    KEEP_TRAINING = "Keep training"
    KEEP_WORKING = "Keep working"
    LEAVE_THEM = "Leave them"
    MAKE_MOVIE = "Make the movie"
    OPEN_OTHER = "Open the other file"
    PAUSE_AND_CLOSE = "Pause it and close"
    REPLACE = "Replace"
    SAVE = "Save"
    SEGMENT_AGAIN = "Segment again"
    SEGMENT_ALL_THE_SAME = "Segment all the same"
    START_AGAIN = "Start again"
    STAY = "Stay here"
    STOP = "Stop"
    STOP_AND_CLOSE = "Stop it and close the program"
    TAKE_THEM = "Take them, too"
    THROW_AWAY = "Throw away"
    THROW_IT_AWAY = "Throw it away"


class OwnFolder(StrEnum):
    """What is opened that lies apart from the work; the values stand in the settings."""

    MODELS = "models"
    PROFILES = "profiles"


_ROLES: dict[str, QMessageBox.ButtonRole] = {
    Answer.CANCEL: QMessageBox.ButtonRole.RejectRole,
    Answer.KEEP_WORKING: QMessageBox.ButtonRole.RejectRole,
    Answer.DISCARD: QMessageBox.ButtonRole.DestructiveRole,
    Answer.DISMISS: QMessageBox.ButtonRole.DestructiveRole,
    Answer.JUDGE_OTHERS: QMessageBox.ButtonRole.DestructiveRole,
    Answer.START_AGAIN: QMessageBox.ButtonRole.DestructiveRole,
}
Button = TypeVar("Button", bound=str)

#: No icons that folders bring along: to find these, files are read, and some never answer.
FEW_ICONS = QFileDialog.Option.DontUseCustomDirectoryIcons
ONLY_FOLDERS = QFileDialog.Option.ShowDirsOnly


def ask(
    parent: QWidget | None,
    title: str,
    text: str,
    buttons: Sequence[Button],
    details: str = "",
    default: Button | None = None,
) -> Button:
    """Ask a question and return the one of ``buttons`` that was pressed.

    Return presses ``default``, else the first button; Escape counts as the last, the harmless one.
    """
    box = QMessageBox(parent)
    box.setWindowTitle(title)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setIcon(QMessageBox.Icon.Question)
    box.setText(text)
    box.setInformativeText(details)
    made: list[QPushButton] = []
    for name in buttons:
        made.append(box.addButton(name, _ROLES.get(name, QMessageBox.ButtonRole.AcceptRole)))
    box.setDefaultButton(made[0 if default is None else list(buttons).index(default)])
    box.setEscapeButton(made[-1])
    ignore_hasty_clicks(box)
    box.exec()
    pressed = box.clickedButton()
    box.deleteLater()
    return next(
        (answer for answer, button in zip(buttons, made, strict=True) if button is pressed), buttons[-1]
    )


def open_file(context: Context, title: str, filters: str, apart: OwnFolder | None = None) -> Path | None:
    """Let the user choose a file that exists; remembers its folder, of what lies ``apart`` separately."""
    name, _ = QFileDialog.getOpenFileName(
        _window_of(context), title, str(start_folder(context, apart)), filters, options=FEW_ICONS
    )
    return _remembered(context, name, apart)


def open_files(context: Context, title: str, filters: str) -> list[Path]:
    """Let the user choose files that exist; remembers their folder."""
    names, _ = QFileDialog.getOpenFileNames(
        _window_of(context), title, str(start_folder(context)), filters, options=FEW_ICONS
    )
    if names:
        context.settings.set_folder(names[0])
    return [Path(name) for name in names]


def open_folder(context: Context, title: str, begin: Path | None = None) -> Path | None:
    """Let the user choose a folder that exists."""
    return _remembered(context, _folder(context, title, begin or start_folder(context)))


def save_into_folder(context: Context, title: str, now: str = "") -> Path | None:
    """Let the user choose a folder that something is put into; it begins in ``now``, if that is there.

    Nothing is remembered: say what is written into it (``saves_to``).
    """
    begin = Path(now) if now and Path(now).is_absolute() and Path(now).is_dir() else save_folder(context)
    name = _folder(context, title, begin)
    return Path(name) if name else None


def _folder(context: Context, title: str, begin: Path) -> str:
    return QFileDialog.getExistingDirectory(
        _window_of(context), title, str(begin), options=FEW_ICONS | ONLY_FOLDERS
    )


def save_file(
    context: Context, title: str, suggested: str, filters: str, folder: Path | None = None
) -> Path | None:
    """Let the user choose a name to write to; the dialog asks before a file is replaced.

    It begins in ``folder``, by default beside the work, or where a file was saved last; its own is remembered
    for the next one if it can be written there. A missing suffix is added: that of the chosen filter,
    ``"PLY (*.ply);;STL (*.stl)"``.
    """
    folder = folder or save_folder(context)
    suggested = _no_folder(folder, suggested)
    while True:
        name, chosen = QFileDialog.getSaveFileName(
            _window_of(context), title, str(folder / suggested), filters, options=FEW_ICONS
        )
        path = with_suffix(name, filters, chosen) if name else None
        # The dialog has asked about the name as it was typed, not about the one with the suffix.
        if path is None or str(path) == name or not path.exists() or may_replace(context, path):
            if path is not None:
                saves_to(context, path)
            return path


def say_saved(context: Context, path: Path, *more: str) -> None:
    """Say in the status line that a file was written, and ``more`` sentences about it."""
    context.session.message.emit(" ".join([f"Saved {path}.", *filter(None, more)]))


def _window_of(context: Context) -> QWidget:
    """Return the window in which the user works now: it has the focus again after the question."""
    return QApplication.activeWindow() or context.window


def start_folder(context: Context, apart: OwnFolder | None = None) -> Path:
    """Return the folder that a dialog for opening begins in: never within a project or a Zarr store."""
    return _outside_stores(Path(context.settings.folder("" if apart is None else apart)))


def save_folder(context: Context) -> Path:
    """Return the folder that a dialog for saving begins in: never within a project or a Zarr store."""
    return _outside_stores(Path(context.settings.save_folder(_folder_of_the_work(context))))


def saves_to(context: Context, path: Path) -> None:
    """Note where something is about to be saved: once it is there, the next dialog begins in that folder."""
    context.settings.set_save_target(path, _folder_of_the_work(context))


def opened(context: Context, path: str | Path) -> None:
    """Note that something was opened without a dialog: the next one for opening begins beside it."""
    place = VolumeName.of(path).place
    if not place.is_relative_to(RESOURCES):  # nobody looks for files among those of the program
        context.settings.set_folder(place)


def _folder_of_the_work(context: Context) -> Path | None:
    """Return the folder of the project that is open, or of its tomogram; None for the sample."""
    document = context.session.document
    if document is None:
        return None
    # The sample lies among the files of the program, where nobody looks for his own.
    at = (document.project or VolumeName.of(document.source).place).absolute()
    return None if at.is_relative_to(RESOURCES) else _outside_stores(at.parent)


def _outside_stores(folder: Path) -> Path:
    inner = [place for place in (folder, *folder.parents) if is_project(place) or is_zarr(place)]
    return inner[-1].parent if inner else folder


def _no_folder(folder: Path, suggested: str) -> str:
    """Return a name like the suggested one that is no folder: a dialog would go into it and name nothing."""
    suffix = Path(suggested).suffix
    stem = suggested.removesuffix(suffix)
    names = (suggested, *(f"{stem}-{number}{suffix}" for number in range(2, 1000)))
    return next((name for name in names if not (folder / name).is_dir()), suggested)


def may_replace(context: Context, path: Path) -> bool:
    """Ask whether something that exists may be replaced."""
    answer = ask(
        context.window,
        "Replace?",
        f"{path.name} exists already in {path.parent}.",
        (Answer.REPLACE, Answer.CANCEL),
    )
    return answer == Answer.REPLACE


def with_suffix(name: str, filters: str, chosen: str = "") -> Path:
    """Return ``name`` with one of the suffixes of ``filters``; by default the first of the chosen filter.

    What was meant to be a suffix of theirs is replaced by it: "cell.sxtproj" becomes "cell.sxt".
    """
    known = _suffixes(filters)
    if any(name.lower().endswith(suffix) for suffix in known):
        return Path(name)
    typed = Path(name).suffix
    meant = next((suffix for suffix in known if typed.lower().startswith(suffix) and typed[1:].isalpha()), "")
    if meant:
        return Path(name.removesuffix(typed) + meant)
    return Path(name + (_suffixes(chosen) or known)[0])


def _suffixes(filters: str) -> list[str]:
    """Return [".tif", ".tiff"] for "TIFF (*.tif *.tiff)"."""
    found = []
    for part in filters.split(";;"):
        inside = part[part.find("(") + 1 : part.rfind(")")]
        found += [word[1:].lower() for word in inside.split() if word.startswith("*.")]
    return found


def _remembered(context: Context, name: str, apart: OwnFolder | None = None) -> Path | None:
    if not name:
        return None
    context.settings.set_folder(name, "" if apart is None else apart)
    return Path(name)
