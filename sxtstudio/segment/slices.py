"""Slices on their way into the network and out of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box
from sxtstudio.core.labels import as_labels
from sxtstudio.core.normalise import Normalised, normalise
from sxtstudio.core.resemblance import coarsened, resemble
from sxtstudio.core.volume import Volume
from sxtstudio.segment.field import Field
from sxtstudio.segment.neighbours import Image, Neighbours

# Read together, for the sake of formats that pack several slices into a compressed block.
_READ_BYTES = 32_000_000
_MOST_SIZES = 4  # of images that wait for others of their size
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Batch:
    """Slices at ``positions``, normalised, cut to their fields and turned: (n, y, x).

    ``images`` is None where nothing is to be seen. ``like_previous`` says of each whether its slice resembles
    that of the position before.
    """

    positions: tuple[int, ...]
    images: Image | None
    like_previous: tuple[bool, ...]
    fields: tuple[Field, ...]


def read_batches(
    volume: Volume, neighbours: Neighbours, wanted: Iterable[int], size: int, flip: bool
) -> Iterator[Batch]:
    """Yield the positions ``wanted`` (ascending), normalised, in batches of at most ``size``.

    ``flip`` turns bright into dark. Slices that are constant or not a number come alone. A batch holds slices
    whose fields are alike in size and lie alike, so positions need not come in order.
    """
    waiting: dict[tuple[int, ...], list[_Turned]] = {}
    former: dict[int, NDArray[np.floating]] = {}  # the position before, coarsened
    wanted = list(wanted)
    for position, found in zip(
        wanted, _read(volume, [neighbours.slice_of(position) for position in wanted]), strict=True
    ):
        coarse = (
            {position: coarsened(found.values, found.measured)}
            if neighbours.reach and found is not None
            else {}
        )
        is_like = (
            position - 1 in former and position in coarse and resemble(former[position - 1], coarse[position])
        )
        former = coarse
        if found is None:
            yield Batch((position,), None, (is_like,), (Field(volume.shape[1:]),))
            continue
        field = Field(volume.shape[1:], found.measured)
        image = field.cut(found.values)
        turned = neighbours.turned(-image if flip else image, position)
        if turned.shape not in waiting and len(waiting) == _MOST_SIZES:
            yield _batch(waiting.pop(next(iter(waiting))))
        group = waiting.setdefault(turned.shape, [])
        group.append(_Turned(position, turned, is_like, field))
        if len(group) == size:
            yield _batch(waiting.pop(turned.shape))
    for group in waiting.values():
        yield _batch(group)


def labels_of(values: Image, threshold: float) -> Pixels:
    """Return 255 where the network's output is above ``threshold``, else 0."""
    return as_labels(values > threshold)


def probability_of(values: Image) -> Pixels:
    """Return 255 times (values + 1)/2 as uint8, above 127 exactly where the value is above 0."""
    scaled = (values + np.float32(1)) * np.float32(127.5)
    rounded: Pixels = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    rounded[(values > 0) & (rounded < 128)] = 128
    rounded[(values <= 0) & (rounded > 127)] = 127
    return rounded


def fingerprint(volume: Volume, slices: tuple[int, int]) -> str:
    """Return a checksum of the first, middle and last of the slices to segment.

    It knows a tomogram again wherever its file lies and however it was copied.
    """
    first, last = slices
    digest = hashlib.sha256()
    for z in sorted({first, (first + last) // 2, last - 1}):
        digest.update(np.ascontiguousarray(volume.read(Box.slab(z, z + 1, volume.shape))).data)
    return digest.hexdigest()


def listed(indices: Iterable[int], most: int = 6) -> str:
    """Return slice numbers as text, neighbours joined: ``0–3, 7, 9–12``."""
    runs: list[list[int]] = []
    for z in sorted(indices):
        if runs and z == runs[-1][1] + 1:
            runs[-1][1] = z
        else:
            runs.append([z, z])
    texts = [str(a) if a == b else f"{a}–{b}" for a, b in runs]
    return ", ".join(texts[:most]) + (", …" if len(texts) > most else "")


def _read(volume: Volume, indices: Iterable[int]) -> Iterator[Normalised | None]:
    slice_bytes = volume.shape[1] * volume.shape[2] * volume.dtype.itemsize
    most = max(1, _READ_BYTES // slice_bytes)
    for first, last in _runs(indices, most):
        slab = volume.read(Box.slab(first, last, volume.shape))
        for plane in slab:
            yield normalise(plane)


def _runs(indices: Iterable[int], most: int) -> Iterator[tuple[int, int]]:
    """Join neighbouring indices to half-open runs of at most ``most``."""
    first = last = -1
    for z in indices:
        if first >= 0 and z == last and last - first < most:
            last += 1
            continue
        if first >= 0:
            yield first, last
        first, last = z, z + 1
    if first >= 0:
        yield first, last


class _Turned(NamedTuple):
    """A slice of a batch to come."""

    position: int
    image: Image
    like_previous: bool
    field: Field


def _batch(group: list[_Turned]) -> Batch:
    positions, images, like_previous, fields = zip(*group, strict=True)
    return Batch(positions, np.stack(images), like_previous, fields)
