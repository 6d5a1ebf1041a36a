"""Labels of another program, or of an earlier day, into an open document."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.labels import as_labels
from sxtstudio.core.progress import Progress
from sxtstudio.core.walk import walk
from sxtstudio.core.wording import shape_text
from sxtstudio.io import open_volume
from sxtstudio.io.axes import orders_that_fit


class OtherAxes(UserError):
    """The file would fit if its axes were read in another order, which it may not say."""

    def __init__(self, text: str, order: AxisOrder) -> None:
        super().__init__(text)
        self.order = order


def check_labels(path: Path, shape: Triple) -> None:
    """Check that the file is a volume of this shape (z, y, x).

    Raises
    ------
    OtherAxes
        If it is, with its axes exchanged.
    UserError
        If it is not.
    """
    with open_volume(path) as source:
        if source.shape == shape:
            return
        text = (
            f"{path.name} has {shape_text(source.shape)} voxels (z × y × x), but the tomogram has "
            f"{shape_text(shape)}."
        )
        for order in orders_that_fit(source.axes, shape):
            raise OtherAxes(f"{text} It fits if its axes are read as {', '.join(order.names)}.", order)
        raise UserError(f"{text} Choose the labels that belong to this tomogram.")


def write_labels(path: Path, recorder: Recorder, progress: Progress) -> None:
    """Replace all labels by those of a file: every voxel that is not 0 is labelled.

    Raises
    ------
    UserError
        If the file is an image rather than labels: fractional grey values, or no background.
    """
    with open_volume(path) as source:
        background = False
        for box in walk(source.shape, recorder.labels, progress=progress):
            part = source.read(box)
            if part.dtype.kind == "f" and not np.array_equal(part, np.rint(part)):
                raise UserError(
                    f"{path.name} holds fractional grey values and is no label file. "
                    "Choose the labels instead."
                )
            where = part != 0
            background = background or not where.all()
            recorder.write(box, as_labels(where))
        if not background:
            raise UserError(
                f"{path.name} has no background (no voxel is 0) and is no label file. "
                "Choose the labels instead."
            )
