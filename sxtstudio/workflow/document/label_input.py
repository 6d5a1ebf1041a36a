"""Labels of another program, or of an earlier day, into an open document."""

from __future__ import annotations

from pathlib import Path

from sxtstudio.core.axes import AxisOrder
from sxtstudio.core.edits import Recorder
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.label_values import LabelValues, ValueCounter
from sxtstudio.core.labels import as_labels
from sxtstudio.core.progress import Progress
from sxtstudio.core.walk import walk
from sxtstudio.core.wording import shape_text
from sxtstudio.io import FileVolume, open_labels
from sxtstudio.io.axes import orders_that_fit
from sxtstudio.io.handover import imod_read
from sxtstudio.io.volume_name import VolumeName, with_axes
from sxtstudio.workflow.jobs.unchanged import KnownInput


class OtherAxes(UserError):
    """The file would fit if its axes were read in another order, which it may not say."""

    def __init__(self, text: str, order: AxisOrder) -> None:
        super().__init__(text)
        self.order = order


def name_over(path: Path, tomogram: FileVolume) -> Path:
    """Return the name under which a label file is opened over a tomogram.

    3dmod shows the first row of MRC at the bottom and that of other formats at the top, so a model that was
    drawn over these is read with y backwards, unless it says itself over what it lies right.
    """
    name = VolumeName.of(path)
    if name.axes is not None or tomogram.place.frame is not None or not name.place.is_file():
        return path
    if not imod_read.is_model(name.place) or imod_read.says_its_rows(name.place):
        return path
    return with_axes(path, AxisOrder.from_text("zy-x"))


def inspect_labels(path: Path, shape: Triple, progress: Progress) -> LabelValues:
    """Return which values a label file of this shape (z, y, x) holds.

    Raises
    ------
    OtherAxes
        If it has this shape with its axes exchanged.
    UserError
        If it has not, or is an image rather than labels: fractional grey values, or no background.
    """
    with open_labels(path, shape) as source:
        if source.shape == shape:
            counter = ValueCounter(path.name)
            for box in walk(source.shape, progress=progress):
                counter.add(source.read(box))
            return counter.found()
        text = (
            f"{path.name} has {shape_text(source.shape)} voxels (z × y × x), but the tomogram has "
            f"{shape_text(shape)}."
        )
        for order in orders_that_fit(source.axes, shape):
            raise OtherAxes(f"{text} It fits if its axes are read as {', '.join(order.names)}.", order)
        raise UserError(f"{text} Choose the labels that belong to this tomogram.")


def write_labels(path: Path, recorder: Recorder, progress: Progress, value: int | None = None) -> None:
    """Replace all labels by those of a file: every voxel that is not 0, or that has ``value``.

    Raises
    ------
    UserError
        If it cannot be read, or was changed meanwhile.
    """
    with open_labels(path, recorder.labels.shape) as source:
        known = KnownInput.of(path, source)
        for box in walk(source.shape, recorder.labels, progress=progress):
            part = source.read(box)
            recorder.write(box, as_labels(part != 0 if value is None else part == value))
        known.check()
