"""Stacks of slices on disk, with or without labels; a slice is read when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.image_polarity import detect_polarity
from sxtstudio.core.polarity import Polarity, chosen_polarity
from sxtstudio.core.volume import ArrayVolume, Volume, VoxelSize
from sxtstudio.core.wording import shape_text
from sxtstudio.io import open_volume
from sxtstudio.training.config import TrainingSource
from sxtstudio.training.published_set import FramedSlices, open_published

_USUAL_IGNORE = 128  # half grey in 8-bit labels
_NOT_TOMOGRAMS = {".labels", ".classes", ".instances"}  # what simulate and users keep beside them
_TOMOGRAM_ENDINGS = (".npy", ".tif", ".tiff", ".mrc", ".rec", ".st", ".map", ".h5", ".hdf5", ".png")


class Stack(Protocol):
    """Slices of one tomogram; ``polarity`` is what the source says, or what was judged.

    Of its ``depth`` slices, those to learn from are ``slices``; the others are neighbours of them.
    """

    name: str
    depth: int
    slices: tuple[int, ...]
    polarity: Polarity
    voxel_nm: VoxelSize | None
    source: TrainingSource

    def image(self, z: int) -> NDArray[Any]:
        """Return slice ``z`` (y, x) as it is on disk."""

    def truth(self, z: int) -> NDArray[np.int8]:
        """Return the labels of slice ``z``: −1 background, 1 membrane, 0 does not count."""


class TomogramStack:
    """A tomogram (z, y, x) and, perhaps, its labels."""

    def __init__(self, source: TrainingSource, path: Path, labels: Path | None) -> None:
        """Open the files, and compare them with each other and with the slices asked for."""
        self.name = path.name
        self.source = source
        self._volume = _open(path)
        self._labels = _open(labels) if labels else None
        self.voxel_nm = self._volume.voxel_nm
        shape = self._volume.shape
        self.depth = shape[0]
        if self._labels is not None and labels is not None and self._labels.shape != shape:
            raise UserError(
                f"{labels.name} has {shape_text(self._labels.shape)} voxels but {self.name} has "
                f"{shape_text(shape)} "
                "(z × y × x): labels and tomogram have to be the same size."
            )
        self.slices = tuple(range(shape[0])) if source.slices is None else source.slices
        if self.slices[-1] >= shape[0]:
            raise UserError(
                f"{source.where}: there is no slice {self.slices[-1]} in {self.name}, whose slices are 0 to "
                f"{shape[0] - 1} (counted from 0)."
            )
        self.ignore = source.ignore
        if self._labels is not None and self.ignore is None and self._labels.dtype == np.uint8:
            self.ignore = _USUAL_IGNORE
        self.signed = self._labels is not None and self._has_negative_labels()
        self.polarity = _polarity(source, self._volume)

    def image(self, z: int) -> NDArray[Any]:
        """Return slice ``z`` (y, x) as it is on disk."""
        return _slice(self._volume, z)

    def truth(self, z: int) -> NDArray[np.int8]:
        """Return the labels of slice ``z``: −1 background, 1 membrane, 0 does not count."""
        if self._labels is None:
            raise ValueError("this tomogram has no labels")
        labels = _slice(self._labels, z)
        if labels.dtype.kind == "f" and not np.isfinite(labels).all():
            raise UserError(
                f"The labels of {self.name}, {{slices}}, hold values that are no finite numbers: export the "
                "labels again.",
                slices=(z, z),
            )
        return decode_labels(labels, self.signed, self.ignore)

    def _has_negative_labels(self) -> bool:
        if self._labels is None or self._labels.dtype.kind in "bu":
            return False
        return any(bool((_slice(self._labels, z) < 0).any()) for z in self.slices)


class FramedStack:
    """The slices of one part of a published set, without their padding."""

    def __init__(self, source: TrainingSource, name: str, framed: FramedSlices) -> None:
        """Wrap the arrays of a set; ``name`` is how errors call it."""
        self.name = name
        self.source = source
        self.voxel_nm: VoxelSize | None = None
        self._framed = framed
        count = self.depth = len(framed.images)
        self.slices = tuple(range(count)) if source.slices is None else source.slices
        if not self.slices or self.slices[-1] >= count:
            raise UserError(f"{source.where}: {name} has {count} slices, 0 to {count - 1} (counted from 0).")
        # Polarity is one choice for the whole set: its slices come from one tomogram.
        some = [self.image(z) for z in self.slices[:: max(1, len(self.slices) // 6)][:6]]
        smallest = [min(image.shape[axis] for image in some) for axis in (0, 1)]
        volume = ArrayVolume(np.stack([image[: smallest[0], : smallest[1]] for image in some]))
        self.polarity = _polarity(source, volume)

    def image(self, z: int) -> NDArray[Any]:
        """Return slice ``z`` (y, x) without its frame."""
        return np.array(self._framed.images[z][self._framed.window(z)])

    def truth(self, z: int) -> NDArray[np.int8]:
        """Return the labels of slice ``z``: −1 background, 1 membrane, 0 does not count."""
        labels = np.array(self._framed.labels[z][self._framed.window(z)])
        if labels.dtype.kind == "f" and not np.isfinite(labels).all():
            text = f"The labels of {self.name}, {{slices}}, hold values that are no finite numbers."
            raise UserError(text, slices=(z, z))
        signed = labels.dtype.kind not in "bu" and bool((labels < 0).any())
        return decode_labels(labels, signed, None)


def open_labelled(source: TrainingSource, scratch: Path) -> tuple[list[Stack], list[Stack]]:
    """Return the labelled stacks of a source, and those that the source itself sets aside for tests.

    Raises
    ------
    UserError
        If a file is missing or damaged, or the files of a pair do not fit together.
    """
    if source.npz is not None:
        train, test = open_published(source.npz, scratch)
        kept: list[Stack] = [FramedStack(source, source.npz.name, train)]
        if test is None:
            return kept, []
        # The slices asked for are those of the training part.
        whole = TrainingSource(source.where, polarity=source.polarity)
        return kept, [FramedStack(whole, f"{source.npz.name} (test part)", test)]
    if source.folder is not None:
        return [TomogramStack(source, *pair) for pair in _pairs(source)], []
    if source.tomogram is None or source.labels is None:
        raise UserError(f"{source.where}: a tomogram needs labels.")
    return [TomogramStack(source, source.tomogram, source.labels)], []


def open_unlabelled(source: TrainingSource) -> list[Stack]:
    """Return the stacks of a source without labels; in a folder, of all tomograms in it."""
    if source.tomogram is not None:
        return [TomogramStack(source, source.tomogram, None)]
    if source.folder is None or not source.folder.is_dir():
        raise UserError(f"{source.where}: {source.folder} is not a folder.")
    found = [
        path
        for path in sorted(source.folder.iterdir())
        if path.suffix.lower() in _TOMOGRAM_ENDINGS
        and not _NOT_TOMOGRAMS & set(path.suffixes)
        and path.is_file()
    ]
    if not found:
        raise UserError(f"{source.where}: the folder {source.folder} holds no tomograms.")
    return [TomogramStack(source, path, None) for path in found]


def _polarity(source: TrainingSource, volume: Volume) -> Polarity:
    return detect_polarity(volume) if source.polarity == "auto" else chosen_polarity(source.polarity)


def decode_labels(labels: NDArray[Any], signed: bool, ignore: int | None) -> NDArray[np.int8]:
    """Return labels as −1 background, 1 membrane, 0 does not count.

    ``signed`` labels have these values already; else 0 is background, ``ignore`` does not count, and
    anything else is membrane.
    """
    if signed:
        truth: NDArray[np.int8] = np.sign(labels).astype(np.int8)
        return truth
    truth = np.where(labels == 0, -1, 1).astype(np.int8)
    if ignore is not None:
        truth[labels == ignore] = 0
    return truth


def _pairs(source: TrainingSource) -> Iterator[tuple[Path, Path]]:
    folder = source.folder
    if folder is None or not folder.is_dir():
        raise UserError(f"{source.where}: {folder} is not a folder.")
    labels = [path for path in sorted(folder.iterdir()) if path.stem.endswith(".labels")]
    if not labels:
        raise UserError(
            f"{source.where}: the folder {folder} holds no pairs such as name.tif and name.labels.tif."
        )
    for path in labels:
        name = path.stem.removesuffix(".labels")
        endings = (path.suffix, *_TOMOGRAM_ENDINGS)
        tomogram = next(
            (folder / f"{name}{end}" for end in endings if (folder / f"{name}{end}").exists()), None
        )
        if tomogram is None:
            raise UserError(f"{source.where}: {path.name} has no tomogram {name}{path.suffix} beside it.")
        yield tomogram, path


def _open(path: Path) -> Volume:
    if path.suffix.lower() != ".npy":
        return open_volume(path)
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, RecursionError) as error:
        raise UserError(f"{path.name} cannot be read as an array ({error}). Make it again.") from error
    if array.ndim == 2:
        array = array[np.newaxis]
    if array.ndim != 3 or array.dtype.kind not in "biuf":
        raise UserError(
            f"{path.name} has the shape {array.shape} of {array.dtype}; it must be (z, y, x) numbers."
        )
    return ArrayVolume(array)


def _slice(volume: Volume, z: int) -> NDArray[Any]:
    voxels: NDArray[Any] = volume.read(Box.slab(z, z + 1, volume.shape))[0]
    return voxels
