"""Folders in the desktop's file manager; where there is none, their path is said."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget


def show_folder(parent: QWidget | None, folder: Path) -> None:
    """Have the desktop show a folder, or say where it is, with its path on the clipboard."""
    if open_outside(folder):
        return
    QApplication.clipboard().setText(str(folder))
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowTitle("Folder")
    box.setIcon(QMessageBox.Icon.Information)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    box.setText(f"No program of this computer shows folders. It is this one:\n{folder}")
    box.setInformativeText("Its path was copied.")
    box.open()


def open_outside(path: Path) -> bool:
    """Hand a file or folder to the program that the desktop has for it; return whether there is one."""
    return QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
