"""What every panel, viewer and action gets handed: the parts of one window."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sxtstudio.app.jobs.job import Jobs
from sxtstudio.app.session import Session
from sxtstudio.app.settings import Settings

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMainWindow


@dataclass
class Context:
    """Session, jobs and settings of a window, and the window itself for dialogs.

    ``parts`` are the assembled widgets by name: "slices", "view3d", and the panels "image", "segment",
    "clean", "mask", "labels", "surface". Actions use them; panels and views do not know each other.
    """

    session: Session
    jobs: Jobs
    settings: Settings
    window: QMainWindow | None = None
    parts: dict[str, Any] = field(default_factory=dict)
