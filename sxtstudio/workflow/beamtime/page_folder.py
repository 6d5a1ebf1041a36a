"""The folder of a page, for one who does not work in it (yet): what is there, and whether it may be used."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sxtstudio.core.errors import UserError
from sxtstudio.core.lock import is_in_use
from sxtstudio.core.paths import resolved
from sxtstudio.workflow.beamtime.record import RecordFolder, TomogramRecord, TomogramState, is_page
from sxtstudio.workflow.beamtime.status import Activity


def read_page(folder: Path) -> tuple[Activity, list[TomogramRecord]]:
    """Return the records of a page for one who only looks, and whether somebody works there.

    Where nobody does, none of them is in work, whatever a program that was killed has left.

    Raises
    ------
    UserError
        If the folder cannot be read.
    """
    if not is_page(folder):
        return Activity.STOPPED, []
    records = list(RecordFolder(folder))
    with suppress(OSError):  # read-only: nobody can work there
        if is_in_use(folder):
            return Activity.ELSEWHERE, records
    killed = (
        replace(one, state=TomogramState.WAITING) if one.state is TomogramState.RUNNING else one
        for one in records
    )
    return Activity.STOPPED, list(killed)


def check_page(page: Path, watched: Path) -> None:
    """Refuse a page in the very folder that is watched: its pictures would be taken for slices.

    Raises
    ------
    UserError
        If it is that folder, or there is nothing to watch.
    """
    if not watched.is_dir():
        raise UserError(f"{watched} is no folder that can be watched: choose the one where tomograms arrive.")
    if resolved(page) == resolved(watched):
        raise UserError(f"{page} is watched for tomograms: choose a folder of its own for the page.")
