"""The pictures of the wall: read by threads when they are first painted, kept while there is room."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QSize, Qt, QThreadPool, Signal
from PySide6.QtGui import QImage, QImageReader, QPixmap

# Of the wall: a screen holds some 60; a picture takes 0.4 MB.
_MOST_KEPT = 400
_THREADS = 2


class _Reading(QRunnable):
    """Reads one picture; a share may take its time."""

    def __init__(self, owner: Thumbnails, path: Path, edge_px: int) -> None:
        super().__init__()
        self._owner, self._path, self._edge_px = owner, path, edge_px

    def run(self) -> None:
        """Read it, no larger than it is drawn."""
        reader = QImageReader(str(self._path))
        size = reader.size()
        if size.isValid() and max(size.width(), size.height()) > self._edge_px:
            room = QSize(self._edge_px, self._edge_px)
            reader.setScaledSize(size.scaled(room, Qt.AspectRatioMode.KeepAspectRatio))
        self._owner.was_read.emit(str(self._path), self._edge_px, reader.read())


class Thumbnails(QObject):
    """Pictures by their files.

    Signals
    -------
    arrived
        A picture that was asked for is there now; its file, as text.
    """

    arrived = Signal(str)
    was_read = Signal(str, int, QImage)

    def __init__(self, parent: QObject | None = None) -> None:
        """Begin without any."""
        super().__init__(parent)
        self._kept: OrderedDict[tuple[str, int], QPixmap] = OrderedDict()
        self._asked: set[tuple[str, int]] = set()
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(_THREADS)
        self.was_read.connect(self._on_was_read)

    def get(self, path: Path, edge_px: int) -> QPixmap | None:
        """Return a picture of at most so many real pixels, or None and read it meanwhile.

        An empty one means that the file cannot be read.
        """
        key = (str(path), edge_px)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if key not in self._asked:
            self._asked.add(key)
            self._pool.start(_Reading(self, path, edge_px))
        return None

    def forget(self, path: Path) -> None:
        """Read a picture anew: it was written once more."""
        for key in [key for key in self._kept if key[0] == str(path)]:
            del self._kept[key]

    def shut_down(self) -> None:
        """Wait for what is being read."""
        self._pool.clear()
        self._pool.waitForDone()

    def _on_was_read(self, path: str, edge_px: int, image: QImage) -> None:
        self._asked.discard((path, edge_px))
        self._kept[(path, edge_px)] = QPixmap.fromImage(image)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        self.arrived.emit(path)
