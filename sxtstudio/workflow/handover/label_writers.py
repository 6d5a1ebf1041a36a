"""Which writer makes a format of another program from a label image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from sxtstudio.core.handover import Form
from sxtstudio.core.label_image import HandedOver, LabelImage
from sxtstudio.core.progress import Progress
from sxtstudio.io.handover.imod import write_imod
from sxtstudio.io.handover.mib_model import write_mib_mask, write_mib_model
from sxtstudio.workflow.document.exporting import ExportSource

LabelWriter = Callable[[Path, LabelImage, ExportSource, Progress], HandedOver]


def _imod(path: Path, image: LabelImage, source: ExportSource, progress: Progress) -> HandedOver:
    """IMOD shows the first row of MRC at the bottom, and of every other format at the top."""
    return write_imod(path, image, progress, rows_from_top=source.place.frame is None)


def _plain(write: Callable[[Path, LabelImage, Progress], HandedOver]) -> LabelWriter:
    return lambda path, image, source, progress: write(path, image, progress)


LABEL_WRITERS: Mapping[Form, LabelWriter] = {
    Form.MIB_MODEL: _plain(write_mib_model),
    Form.MIB_MASK: _plain(write_mib_mask),
    Form.IMOD_MODEL: _imod,
}
