"""What can be said against a batch before there is a tomogram, and before anything is made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sxtstudio.core.errors import UserError, outside_the_file
from sxtstudio.io import open_volume
from sxtstudio.workflow.jobs.cleaning import check_clean_up_values, check_mask
from sxtstudio.workflow.jobs.outputs import check_suffix, table_outputs

if TYPE_CHECKING:
    from sxtstudio.workflow.jobs.batch import BatchParameters


def check_batch(parameters: BatchParameters, *, here: bool) -> None:
    """Check model, use, device, options and names, which no tomogram could mend; nothing is written.

    Parameters
    ----------
    parameters
        Of the batch.
    here
        This process segments; otherwise other computers do, which may have devices that this one has not.

    Raises
    ------
    OutsideError
        With the first thing that is wrong.
    """
    from sxtstudio.segment.device import check_device_name, choose_device
    from sxtstudio.segment.job import check_settings

    with outside_the_file():
        for output in table_outputs(parameters.contact_sheet, parameters.summary):
            check_suffix(output)
        if parameters.folder is not None:
            _check_may_be_made(parameters.folder)
        (choose_device if here else check_device_name)(parameters.segmentation.device)
        check_settings(parameters.segmentation)
        check_clean_up_values(parameters.clean_up)
        if parameters.clean_up.mask is not None:
            with open_volume(parameters.clean_up.mask) as mask:
                check_mask(mask, parameters.clean_up.mask)


def _check_may_be_made(folder: Path) -> None:
    """Refuse a folder below a file, before anything else is made."""
    there = next((path for path in (folder, *folder.parents) if path.exists()), None)
    if there is not None and not there.is_dir():
        raise UserError(f"The folder {folder} cannot be made ({there} is a file): choose another.")
