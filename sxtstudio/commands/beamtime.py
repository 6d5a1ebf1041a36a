"""Options of ``sxtstudio batch --watch`` for the page of a beamtime."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from sxtstudio.commands.output import show
from sxtstudio.core.errors import UserError
from sxtstudio.core.wording import count, listed

if TYPE_CHECKING:
    from collections.abc import Callable

    from sxtstudio.workflow.beamtime.follow import BeamtimeFollower, BeamtimeParameters
    from sxtstudio.workflow.beamtime.record import TomogramRecord

DEFAULT_PAGE = "beamtime"


def add_beamtime(parser: argparse.ArgumentParser) -> None:
    """Add the options; all of them go with ``--watch``."""
    group = parser.add_argument_group("beamtime (with --watch)")
    where = group.add_mutually_exclusive_group()
    where.add_argument(
        "--page",
        metavar="FOLDER",
        help="keep a page of all tomograms here: index.html with pictures and quality, and a PDF",
    )
    where.add_argument(
        "--beamtime",
        action="store_true",
        help=f"keep it in the folder '{DEFAULT_PAGE}' beside the labels",
    )
    group.add_argument("--title", metavar="TEXT", help="of the page (default: Beamtime)")
    group.add_argument(
        "--objects", action="store_true", help="also find objects in the labels, and count them"
    )
    group.add_argument(
        "--classifier", metavar="FILE", help="also give the objects their classes with this classifier"
    )
    group.add_argument(
        "--retry",
        action="store_true",
        help="try those again that failed in earlier runs (default: only once their file has changed; "
        "without a page nothing is known of earlier runs)",
    )


def beamtime_of(
    arguments: argparse.Namespace, on_line: Callable[[str], None] = show
) -> Callable[[], BeamtimeFollower] | None:
    """Return what makes the keeper of the page that is asked for, or None; ``on_line`` prints a line.

    Raises
    ------
    UserError
        If an option is given without those that it needs, or the folder cannot be used.
    """
    page = arguments.page or arguments.beamtime
    if page and not arguments.watch:
        raise UserError("A page is kept of a watched folder: give --watch FOLDER instead of tomograms.")
    if not page:
        for name in ("title", "objects", "classifier", "retry"):
            if vars(arguments)[name]:
                raise UserError(
                    f"--{name} is for the page of a beamtime: give --page FOLDER or --beamtime, too."
                )
        return None
    from sxtstudio.workflow.beamtime.follow import BeamtimeParameters
    from sxtstudio.workflow.beamtime.page_folder import check_page

    folder = Path(arguments.page or Path(arguments.output or arguments.watch) / DEFAULT_PAGE)
    classifier = Path(arguments.classifier) if arguments.classifier else None
    check_page(folder, Path(arguments.watch))
    parameters = BeamtimeParameters(
        folder,
        arguments.title or BeamtimeParameters.title,
        bool(arguments.objects),
        classifier,
        arguments.voxel,
        retry_failed=arguments.retry,
    )
    return lambda: _keeper(parameters, on_line)


class _ObjectsShown:
    """Prints how many objects a tomogram has, once it is done; those of earlier runs were told then."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._in_work: set[str] = set()

    def __call__(self, record: TomogramRecord) -> None:
        from sxtstudio.workflow.beamtime.record import TomogramState
        from sxtstudio.workflow.beamtime.summary import objects_text

        if record.state in (TomogramState.WAITING, TomogramState.RUNNING):
            self._in_work.add(record.id)
        elif record.id in self._in_work:
            self._in_work.remove(record.id)
            if record.state is TomogramState.DONE and record.objects is not None:
                self._on_line(f"{record.name}: {objects_text(record)}")


def _keeper(parameters: BeamtimeParameters, on_line: Callable[[str], None]) -> BeamtimeFollower:
    """Begin with the page, and say where it is."""
    from sxtstudio.workflow.beamtime.follow import BeamtimeFollower
    from sxtstudio.workflow.beamtime.page import INDEX

    follower = BeamtimeFollower(parameters, _ObjectsShown(on_line), slices_from=0)
    for text in follower.records.damaged:
        show(f"note: {text}")
    failed = follower.left_as_failed
    if failed:
        show(
            f"note: {count(len(failed), 'tomogram')} failed in earlier runs, and "
            f"{'is' if len(failed) == 1 else 'are'} tried again only once the file has changed, or with "
            f"--retry: {listed(failed)}"
        )
    show(f"page: {parameters.page / INDEX}")
    return follower
