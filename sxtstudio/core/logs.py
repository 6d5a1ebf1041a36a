"""The program's log: what nobody expected, in a file in the user's folder for such things."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from pathlib import Path

from sxtstudio.core.folders import log_folder

LOGGER = logging.getLogger("sxtstudio")


class _LogFile(logging.handlers.RotatingFileHandler):
    """A log on a full disk, or on a share that has gone, is no reason to show anybody a traceback."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Pass over what the disk does not take: the trouble itself is told where it matters."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


def log_file() -> Path:
    """Return the rotating log file."""
    return log_folder() / "sxtstudio.log"


def start_log() -> logging.Handler | None:
    """Write warnings and errors of the program to the log file, once; None without a writable place."""
    for handler in LOGGER.handlers:
        if isinstance(handler, logging.handlers.RotatingFileHandler):
            return handler
    path = log_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(
            path, maxBytes=1_000_000, backupCount=3, encoding="utf-8", errors="backslashreplace", delay=True
        )
    except OSError:
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    LOGGER.addHandler(handler)
    return handler
