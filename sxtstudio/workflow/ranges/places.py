"""Where the end of a plan may write: a folder of ranges, with names in it, may come from a stranger."""

from __future__ import annotations

import os
from pathlib import Path

from sxtstudio.core.errors import UserError
from sxtstudio.workflow.ranges.folder import RangesFolder
from sxtstudio.workflow.ranges.plan import RangePlan
from sxtstudio.workflow.ranges.state import ranges_folder


def check_places(folder: RangesFolder, plan: RangePlan) -> None:
    """Check that what a plan writes at last lies beside its folder, or is new.

    Raises
    ------
    UserError
        If the folder is not that of the plan's output, or another output would replace a file elsewhere.
    """
    output = Path(plan.output)
    if not _same(ranges_folder(output), folder.path):
        raise UserError(
            f"The ranges in {folder.path} were planned for {output}, which does not lie beside that folder, "
            "and nothing is written elsewhere. Finish them where they were planned, or plan anew."
        )
    for other in plan.other_outputs:
        if os.path.lexists(other) and not _same(other.with_name(folder.path.name), folder.path):
            raise UserError(
                f"The plan in {folder.path} would replace {other}, a file in another folder. Rename that one "
                "if the plan is yours; else plan anew."
            )


def _same(one: Path, other: Path) -> bool:
    """Whether two names in folders that are there mean the same place; neither need be there itself."""
    try:
        return one.name == other.name and os.path.samefile(one.parent, other.parent)
    except OSError:
        return False
