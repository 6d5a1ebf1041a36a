"""Regions of interest for ImageJ and Fiji: for each label and slice one, as the ROI Manager opens them."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import roifile
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.label_image import HandedOver, LabelImage, LegendEntry, unique_names
from sxtstudio.core.progress import Progress
from sxtstudio.core.verified import EVERY_VOXEL, NAMES_AND_COLOURS, differs, read_back
from sxtstudio.core.walk import walk
from sxtstudio.core.wording import grouped
from sxtstudio.io.handover.contour_fill import paint
from sxtstudio.io.handover.pixel_edges import pixel_edges
from sxtstudio.io.handover.readback import SlabChecksums
from sxtstudio.io.handover.values import legend_for, whole

_MOST_ROIS = 300_000  # the ROI Manager takes minutes for as many
_MOST_WIDE = 32_767  # pixels: the box of a ROI is stored as 16-bit numbers
_MOVE, _LINE, _CLOSE = 0.0, 1.0, 4.0  # of the path of a shape
_SECOND_HEADER, _NAME_LENGTH = 60, 20  # where its place stands, and in it the length of the name
_TIME = (1980, 1, 1, 0, 0, 0)  # the same labels give the same file
_NOT_IN_NAMES = str.maketrans(dict.fromkeys('/\\:*?"<>|', "_"))


def write_rois(path: Path, label_image: LabelImage, progress: Progress | None = None) -> HandedOver:
    """Write an archive of ROIs: "Mitochondrion 12 z0034" is what label 12 covers in slice 34, counted from 1.

    The outlines run along the edges of the pixels, as those of ImageJ's wand: a ROI selects the pixels of
    its label and no others. Labels with holes, or of several parts, are composite ROIs. The file is read
    back, its ROIs filled and compared with the labels, before it gets its name.

    Parameters
    ----------
    path
        Ends in ``.zip``.
    label_image
        The labels; the position of a ROI is its slice, its colour that of the label.
    progress
        Counts slices: of the outlines, and of reading them back.

    Raises
    ------
    UserError
        If there are more than 300,000, the slices are too wide for the format, or it cannot be written.
    Cancelled
        If the user stopped the job; nothing is left behind.
    """
    path, progress = Path(path), progress or Progress()
    if max(label_image.shape[1:]) > _MOST_WIDE:
        raise UserError(
            f"{path.name} was not written: ROIs reach to pixel {_MOST_WIDE} at most. "
            "Export a crop, or a label image."
        )
    progress.begin(2 * label_image.shape[0], f"Writing {path.name}")
    sums = SlabChecksums(path)
    names = _Names(label_image)
    owners: list[int] = []
    written = _Described()
    with atomic_write(path) as temporary:
        with zipfile.ZipFile(temporary, "x", zipfile.ZIP_DEFLATED) as archive:
            for box in walk(label_image.shape, progress=progress, begin=False):
                slab = whole(label_image.volume.read(box), label_image.name)
                for z, labels in enumerate(slab, box.start[0]):
                    sums.add(Box((z, 0, 0), (z + 1, *label_image.shape[1:])), labels)
                    for value, polygons in pixel_edges(labels).by_label():
                        owners.append(value)
                        _check_count(path, owners)
                        entry = names.entry(value)
                        name = f"{entry.name} z{z + 1:04d}"
                        roi = _roi(name, entry, z, polygons)
                        written.add(roi)
                        info = zipfile.ZipInfo(f"{name}.roi", _TIME)
                        info.compress_type = zipfile.ZIP_DEFLATED
                        archive.writestr(info, _content(roi))
        with closing(_rois_of(temporary)) as rois:
            back = _Back(rois, label_image.shape, owners)
            sums.compare(back, progress)
            if back.described.checksum != written.checksum:
                raise differs(path, "names or colours")
        size = temporary.stat().st_size
    details = (("ROIs", grouped(len(owners))), ("Labels", grouped(len(set(owners)))))
    losses = () if owners else ("There are no labels: the ROI Manager has nothing to open.",)
    verified = read_back(f"{EVERY_VOXEL} within the outlines", NAMES_AND_COLOURS)
    return HandedOver(path, "ImageJ ROIs", size, verified, details, losses)


def _check_count(path: Path, owners: list[int]) -> None:
    if len(owners) > _MOST_ROIS:
        raise UserError(
            f"{path.name} was not written: there would be more than {_MOST_ROIS} ROIs, which takes ImageJ "
            "many minutes to open. Hand over classes, fewer objects, or a label image."
        )


class _Names:
    """Names of labels that are names of files, too, each once."""

    def __init__(self, image: LabelImage) -> None:
        self._image = image
        unique = unique_names(_file_name(entry.name) for entry in image.legend)
        self._taken = {name.casefold() for name in unique}
        self._entries = {
            entry.value: LegendEntry(entry.value, name, entry.rgb)
            for entry, name in zip(image.legend, unique, strict=True)
        }

    def entry(self, value: int) -> LegendEntry:
        known = self._entries.get(value)
        if known is None:  # no legend names it
            (known,) = legend_for(self._image, (value,))
            while known.name.casefold() in self._taken:
                known = LegendEntry(value, f"{known.name}_", known.rgb)
            self._taken.add(known.name.casefold())
            self._entries[value] = known
        return known


def _file_name(name: str) -> str:
    text = "".join(letter if letter.isprintable() else "_" for letter in name.translate(_NOT_IN_NAMES))
    return text.strip(". ") or "Label"


def _roi(name: str, entry: LegendEntry, z: int, polygons: list[NDArray[np.int32]]) -> roifile.ImagejRoi:
    roi = roifile.ImagejRoi()
    roi.name, roi.position = name, z + 1
    roi.stroke_color = bytes((255, *entry.rgb))
    low = np.min([polygon.min(axis=0) for polygon in polygons], axis=0)
    high = np.max([polygon.max(axis=0) for polygon in polygons], axis=0)
    (roi.left, roi.top), (roi.right, roi.bottom) = map(int, low), map(int, high)
    if len(polygons) == 1:
        roi.roitype = roifile.ROI_TYPE.TRACED
        roi.n_coordinates = len(polygons[0])
        roi.integer_coordinates = polygons[0] - low
        return roi
    roi.roitype = roifile.ROI_TYPE.RECT
    roi.multi_coordinates = np.concatenate([_path(polygon) for polygon in polygons])
    roi.shape_roi_size = len(roi.multi_coordinates)
    return roi


def _content(roi: roifile.ImagejRoi) -> bytes:
    """Return the file of a ROI, with its whole name.

    ImageJ counts a name in units of UTF-16, and roifile in letters, some of which are two units.
    """
    content = bytearray(roi.tobytes())
    (second,) = struct.unpack_from(">i", content, _SECOND_HEADER)
    struct.pack_into(">i", content, second + _NAME_LENGTH, len(roi.name.encode("utf-16-be")) // 2)
    return bytes(content)


def _path(polygon: NDArray[np.int32]) -> NDArray[np.float32]:
    steps = np.empty((len(polygon), 3), np.float32)
    steps[:, 0], steps[:, 1:] = _LINE, polygon
    steps[0, 0] = _MOVE
    return np.append(steps.ravel(), np.float32(_CLOSE))


def _rois_of(path: Path) -> Generator[roifile.ImagejRoi, None, None]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            yield roifile.ImagejRoi.frombytes(archive.read(info))


class _Described:
    """A checksum of the names and colours of ROIs, in their order."""

    def __init__(self) -> None:
        self.checksum = 0

    def add(self, roi: roifile.ImagejRoi) -> None:
        self.checksum = zlib.crc32(roi.name.encode("utf-8") + roi.stroke_color, self.checksum)


class _Back:
    """The labels of an archive of ROIs that has just been written, slice by slice from the first on."""

    def __init__(self, rois: Iterator[roifile.ImagejRoi], shape: Triple, owners: list[int]) -> None:
        self._rois = rois
        self._owners = iter(owners)
        self._next = next(self._rois, None)
        self.described = _Described()
        self.shape, self.dtype, self.voxel_nm = shape, np.dtype(np.uint32), None

    def read(self, box: Box) -> NDArray[np.uint32]:
        """Return the slices of a box, which is as wide and high as the volume."""
        out = np.zeros(box.shape, np.uint32)
        for z in range(box.start[0], box.stop[0]):
            contours: list[NDArray[np.float64]] = []
            values: list[int] = []
            while self._next is not None and self._next.position <= z + 1:
                self.described.add(self._next)
                polygons = self._next.coordinates(multi=True)
                contours += (np.asarray(polygon, np.float64) for polygon in polygons)
                values += [next(self._owners, 0)] * len(polygons)
                self._next = next(self._rois, None)
            paint(out[z - box.start[0]], contours, values)
        return out
