"""Which writer makes a format of another program from a label image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sxtstudio.core.handover import Content, Form
from sxtstudio.core.label_image import HandedOver, LabelImage
from sxtstudio.core.progress import Progress
from sxtstudio.io.handover.amira import write_amira_labels
from sxtstudio.io.handover.chimerax import write_chimerax
from sxtstudio.io.handover.imagej import write_imagej
from sxtstudio.io.handover.imod import write_imod
from sxtstudio.io.handover.mib_model import write_mib_mask, write_mib_model
from sxtstudio.io.handover.nifti import write_nifti_labels
from sxtstudio.io.handover.nrrd import write_seg_nrrd
from sxtstudio.io.handover.ome_labels import write_ome_labels
from sxtstudio.io.handover.rois import write_rois
from sxtstudio.workflow.document.exporting import ExportSource
from sxtstudio.workflow.handover.value_meshes import ValueMeshes


@dataclass(frozen=True)
class Asked:
    """What a label image is of.

    ``whole``: all slices, inside and outside of the cell mask.
    """

    content: Content
    source: ExportSource
    whole: bool


LabelWriter = Callable[[Path, LabelImage, Asked, Progress], HandedOver]


def _imod(path: Path, image: LabelImage, asked: Asked, progress: Progress) -> HandedOver:
    """IMOD shows the first row of MRC at the bottom, and of every other format at the top."""
    meshes = ValueMeshes(asked.content, asked.source) if asked.whole else None
    return write_imod(path, image, progress, meshes=meshes, rows_from_top=not asked.source.beneath.is_mrc)


def _chimerax(path: Path, image: LabelImage, asked: Asked, progress: Progress) -> HandedOver:
    """The script opens the tomogram, too, where that is a map: other files ChimeraX may not read."""
    beneath = asked.source.beneath
    is_map = beneath.is_mrc and beneath.path.is_file()
    return write_chimerax(path, image, progress, tomogram=beneath.path if is_map else None)


def _ome(path: Path, image: LabelImage, asked: Asked, progress: Progress) -> HandedOver:
    classes: dict[int, str] = {}
    if asked.content is Content.OBJECTS:
        rows = asked.source.table.rows.items()
        classes = {number: row.class_name for number, row in rows if row.class_name}
    return write_ome_labels(path, image, progress, classes=classes)


def _plain(write: Callable[[Path, LabelImage, Progress], HandedOver]) -> LabelWriter:
    return lambda path, image, asked, progress: write(path, image, progress)


LABEL_WRITERS: Mapping[Form, LabelWriter] = {
    Form.COLOUR_TIFF: _plain(write_imagej),
    Form.ROIS: _plain(write_rois),
    Form.MIB_MODEL: _plain(write_mib_model),
    Form.MIB_MASK: _plain(write_mib_mask),
    Form.IMOD_MODEL: _imod,
    Form.AMIRA_MESH: _plain(write_amira_labels),
    Form.CHIMERAX_SCRIPT: _chimerax,
    Form.SEG_NRRD: _plain(write_seg_nrrd),
    Form.NIFTI: _plain(write_nifti_labels),
    Form.LABEL_ZARR: _ome,
}
