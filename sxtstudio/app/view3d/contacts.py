"""Contact sites in the 3D view: patches on the objects, where these face others."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from sxtstudio.app.session import Session
from sxtstudio.app.view3d.scene import Scene3D
from sxtstudio.surface.patches import patch_surface
from sxtstudio.workflow.document.document import Document


class ContactPatches(QObject):
    """Draws what the session holds of contact sites."""

    def __init__(
        self, session: Session, scene: Scene3D, drawn: Callable[[], None], parent: QObject | None = None
    ) -> None:
        """Draw in ``scene``; ``drawn`` is called when it has changed."""
        super().__init__(parent)
        self._session, self._scene, self._drawn = session, scene, drawn
        self._document: Document | None = None
        session.contacts.changed.connect(self._show)

    def show(self, document: Document | None) -> None:
        """Belong to another document from now on."""
        self._document = document
        self._show()

    def shut_down(self) -> None:
        """Listen to nobody any more."""
        self._session.contacts.changed.disconnect(self._show)

    def _show(self) -> None:
        state, document = self._session.contacts.value, self._document
        sites = state.sites if document is not None and state.visible else ()
        self._scene.set_contacts(patch_surface(sites, None if document is None else document.voxel_nm))
        self._drawn()
