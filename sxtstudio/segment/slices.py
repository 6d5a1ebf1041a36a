"""Slices on their way into the network and out of it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Box
from sxtstudio.core.gold import gold_in
from sxtstudio.core.labels import as_labels, threshold_byte
from sxtstudio.core.polarity import Value
from sxtstudio.core.volume import Volume
from sxtstudio.segment.context import SliceRing, stacked
from sxtstudio.segment.field import Field
from sxtstudio.segment.neighbours import Image, Neighbours

_MOST_SIZES = 4  # of images that wait for others of their size
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class SliceBatch:
    """What the network is shown of the slices at ``positions``: (n, slices, y, x).

    Slices are normalised, cut to the field of the one that is outlined, and turned. ``images`` is None where
    nothing is to be seen. ``like_previous`` says of each whether its slice resembles
    that of the position before.
    """

    positions: tuple[int, ...]
    images: Image | None
    like_previous: tuple[bool, ...]
    fields: tuple[Field, ...]


def read_batches(
    volume: Volume,
    neighbours: Neighbours,
    wanted: Iterable[int],
    size: int,
    flip: bool,
    gold: Value | None = None,
) -> Iterator[SliceBatch]:
    """Yield the positions ``wanted`` (ascending) in batches of at most ``size``; each slice is read once.

    ``flip`` turns bright into dark. Slices that are constant or not a number come alone. A batch holds slices
    whose fields are alike in size and lie alike, so positions need not come in order. ``gold`` says whether
    gold, which is then looked for, is dark or bright.
    """
    waiting: dict[tuple[int, ...], list[_Turned]] = {}
    wanted = list(wanted)
    windows = [neighbours.window(position) for position in wanted]
    compared = bool(neighbours.reach) or neighbours.slices > 1
    ring = SliceRing(volume, sorted({z for window in windows for z in window}), compared=compared)
    former: int | None = None  # the position before
    for position, window in zip(wanted, windows, strict=True):
        z = neighbours.slice_of(position)
        follows = bool(neighbours.reach) and former == position - 1
        before = neighbours.slice_of(position - 1) if follows else z
        ring.forget_before(min(window[0], before))
        is_like = follows and ring.alike(before, z)
        ring.forget_before(window[0])
        former = position
        found = ring.plane(z)
        if found is None:
            yield SliceBatch((position,), None, (is_like,), (Field(volume.shape[1:]),))
            continue
        beads = None if gold is None else gold_in(found.values, found.measured, dark=gold == "dark")
        field = Field(volume.shape[1:], found.measured, beads)
        stack = ring.stack(window, field)
        turned = neighbours.turned(-stack if flip else stack, position)
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


def probability_of(values: Image, threshold: float = 0.0) -> Pixels:
    """Return 255 times (values + 1)/2 as uint8, rounded so that two thresholds make the same of it.

    It is above ``threshold_byte(threshold)`` exactly where ``labels_of`` labels: labels made of it at the
    threshold of their run are those of the run. Where that allows it, it is above 127 exactly where the value
    is above 0 as well.
    """
    scaled = (values + np.float32(1)) * np.float32(127.5)
    rounded: Pixels = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    for at in (0.0, threshold):
        below = np.uint8(np.clip(math.floor(threshold_byte(at)), 0, 254))
        above = values > at
        np.maximum(rounded, below + np.uint8(1), out=rounded, where=above)
        np.minimum(rounded, below, out=rounded, where=~above)
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


class _Turned(NamedTuple):
    """A position of a batch to come."""

    position: int
    image: Image
    like_previous: bool
    field: Field


def _batch(group: list[_Turned]) -> SliceBatch:
    positions, images, like_previous, fields = zip(*group, strict=True)
    return SliceBatch(positions, stacked(images), like_previous, fields)
