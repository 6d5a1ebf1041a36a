"""Grey values of objects: inside, at the rim, around. They stay as they are in the tomogram.

::

       around       rim        inside
    ─────────────┃──────────┃────────────
     ≤ t outside │ ≤ t in   │ deeper        t: thickness of both shells
           border of the object
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.distance import distances_to_border
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.measure.calibration import COLUMNS as LAC_COLUMNS
from sxtstudio.core.measure.calibration import LacCalibration, lac_values
from sxtstudio.core.measure.columns import Column, Quantity
from sxtstudio.core.measure.subject import ColumnGroup, Subject
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.walk import walk

#: Membranes look 40 to 60 nm thick at the resolution of a soft X-ray microscope.
SHELL_NM, SHELL_PX = 50.0, 5.0
PERCENTILES = (5, 50, 95)
_FEWEST_VOXELS = 2  # that a shell is thick
_TO_BORDER = (
    0.3  # voxels: by so much the distance between centres is longer than that from the border (balls)
)
_LARGEST = 1e100  # of what is squared and summed up in float64
_USUAL = (1e-12, 1e12)  # whose squares float32 holds, with room for edges of voxels
_MOST_VALUES = 1_000_000  # of a region that percentiles are taken of; every k-th of more
_SLAB_VOXELS = 64_000_000  # large, since an object that is cut by slabs needs a shell for each of its pieces

_WHERE = {
    "inside": "deeper inside the object than its rim",
    "rim": "at the rim: in the object, within the shell's thickness from the nearest voxel outside",
    "around": "around the object: outside, within the shell's thickness, and in no other object",
}
_WHAT = {
    "mean": ("mean", "Mean grey value"),
    "sd": ("SD", "Standard deviation of the grey values"),
    "p5": ("5 %", "5th percentile of the grey values"),
    "p50": ("median", "Median of the grey values"),
    "p95": ("95 %", "95th percentile of the grey values"),
}
MEAN = Column("grey_mean", "Grey, mean", Quantity.GREY, "Mean grey value of all voxels of the object.")
SD = Column("grey_sd", "Grey, SD", Quantity.GREY, "Standard deviation of the grey values of the object.")
REGIONS = {
    (region, key): Column(
        f"grey_{region}_{key}",
        f"Grey {region}, {title}",
        Quantity.GREY,
        f"{what} {where} (centres of voxels).",
    )
    for region, where in _WHERE.items()
    for key, (title, what) in _WHAT.items()
}
SLOPE = Column(
    "grey_slope",
    "Grey across the border",
    Quantity.GREY_PER_NM,
    "How the grey value changes from inside to outside: the slope of a straight line through the grey values "
    "of the rim and around, against the distance from the border (positive outside).",
    "cov(d, g) / var(d)",
)
GRADIENT = {
    region: Column(
        f"grey_gradient_{region}",
        f"Grey gradient {region}",
        Quantity.GREY_PER_NM,
        f"Mean magnitude of the gradient of the grey values {_WHERE[region]}.",
        "mean(sqrt((dg/dz)^2 + (dg/dy)^2 + (dg/dx)^2)), differences of the neighbours on both sides",
    )
    for region in ("inside", "rim")
}
COLUMNS: tuple[Column, ...] = (MEAN, SD, *REGIONS.values(), SLOPE, *GRADIENT.values())

Values = NDArray[np.float64]


@dataclass
class _Sums:
    """Of a region of an object, piece by piece: moments (Chan, Golub & LeVeque 1983), values, gradients."""

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0
    gradient: float = 0.0
    values: list[NDArray[Any]] = field(default_factory=list)

    def take(self, values: NDArray[Any], every: int) -> None:
        if not values.size:
            return
        exact = values.astype(np.float64)
        mean = float(exact.mean())
        n, step = values.size, mean - self.mean
        self.squares += float(np.square(exact - mean).sum()) + step**2 * self.n * n / (self.n + n)
        self.mean += step * n / (self.n + n)
        self.n += n
        self.values.append(values[::every])

    @property
    def sd(self) -> float:
        return math.sqrt(self.squares / self.n)

    def row(self) -> tuple[float, ...]:
        """Return mean, SD and percentiles."""
        if not self.n:
            return (math.nan,) * len(_WHAT)
        percentiles = np.percentile(np.concatenate(self.values), PERCENTILES)
        return (self.mean, self.sd, *percentiles)


@dataclass
class _Object:
    """What is summed of one object."""

    every: int
    regions: dict[str, _Sums] = field(default_factory=lambda: {region: _Sums() for region in _WHERE})
    line: NDArray[np.float64] = field(default_factory=lambda: np.zeros(5))  # n, d, g, dd, dg


def shell_thickness(voxel_nm: VoxelSize | None) -> float:
    """Return how thick rim and surroundings are unless the user says otherwise.

    50 nm, or 5 voxels where their size (z, y, x) is unknown, and never less than two voxels.
    """
    return SHELL_PX if voxel_nm is None else max(SHELL_NM, _FEWEST_VOXELS * max(voxel_nm))


def shell_of(subject: Subject) -> float:
    """Return ``shell_thickness`` of what is measured."""
    return shell_thickness(subject.voxel if subject.calibrated else None)


def measure_grey(
    subject: Subject, shell: float | None = None, progress: Progress | None = None
) -> dict[str, NDArray[np.generic]]:
    """Measure the grey values of objects.

    The tomogram is read once, from its first slice to its last; voxels that are NaN or infinite are left out.

    Parameters
    ----------
    subject
        The objects and their tomogram.
    shell
        How thick the rim and the shell around are, in nm (voxels where their size is unknown).
    progress
        Counts the slices.

    Returns
    -------
    dict
        The values of ``COLUMNS`` (n,); NaN where there is no voxel to be measured.

    Raises
    ------
    ValueError
        If there is no tomogram.
    UserError
        If grey values are beyond what can be computed with.
    """
    image, found = subject.image, subject.inventory
    if image is None:
        raise ValueError("there is no tomogram")
    shell = shell_of(subject) if shell is None else shell
    boxes = [found.box(row) for row in range(len(found.numbers))]
    sums = [_Object(1 + math.prod(box.shape) // _MOST_VALUES) for box in boxes]
    reach = [1 + math.ceil(shell / edge) for edge in subject.voxel]
    grown = [box.grown((reach[0], reach[1], reach[2]), subject.shape) for box in boxes]
    values = np.full((len(COLUMNS), len(boxes)), np.nan)
    walked = walk(subject.shape, subject.objects, progress=progress, voxels=_SLAB_VOXELS)
    for slab in walked:
        here = [row for row, box in enumerate(grown) if _meet(box, slab)]
        if not here:
            continue
        with_edge = slab.grown((1, 0, 0), subject.shape)
        grey = image.read(with_edge)
        for row in here:
            piece = _Piece(_cut(grown[row], slab), grown[row], grey, with_edge)
            _measure(sums[row], subject, int(found.numbers[row]), piece, shell)
            if grown[row].stop[0] <= slab.stop[0]:
                values[:, row] = _row(sums[row])
                sums[row] = _Object(1)
            if progress is not None:
                progress.check()
    return {column.key: own for column, own in zip(COLUMNS, values, strict=True)}


@dataclass(frozen=True)
class _Piece:
    """What lies in a slab of an object's box ``whole``; ``grey`` was read in the box ``read``."""

    box: Box
    whole: Box
    grey: NDArray[Any]
    read: Box


def _measure(found: _Object, subject: Subject, number: int, piece: _Piece, shell: float) -> None:
    """Sum up a piece of an object."""
    voxel = subject.voxel
    reach = 1 + math.ceil(shell / voxel[0])
    seen = _cut(piece.box.grown((reach, 0, 0), subject.shape), piece.whole)
    labels = np.asarray(subject.objects[seen.slices])
    mask = labels == number
    distance = distances_to_border(mask, voxel, reach=shell)
    own = piece.box.relative_to(seen).slices
    mask, distance, free = mask[own], distance[own], labels[own] == 0
    values = piece.grey[piece.box.relative_to(piece.read).slices]
    known = np.isfinite(values) if values.dtype.kind == "f" else np.ones(values.shape, bool)
    if _is_double(values) and np.abs(values, where=known, out=np.zeros(values.shape)).max() > _LARGEST:
        raise UserError(
            f"The tomogram holds grey values beyond {_LARGEST:g}, whose squares no number can hold: "
            "divide them by a constant, or look whether the file is read with its right data type."
        )
    near = distance <= shell
    places = {
        "inside": mask & ~near & known,
        "rim": mask & near & known,
        "around": free & near & known,
    }
    for region, place in places.items():
        found.regions[region].take(values[place], found.every)
    slope = _gradient(piece, voxel)
    for region in GRADIENT:
        steps = slope[places[region]]
        found.regions[region].gradient += float(steps[np.isfinite(steps)].sum(dtype=np.float64))
    half = _TO_BORDER * (voxel[0] * voxel[1] * voxel[2]) ** (1 / 3)
    for region, sign in (("rim", -1.0), ("around", 1.0)):
        d = sign * (distance[places[region]].astype(np.float64) - half)
        g = values[places[region]].astype(np.float64)
        found.line += (d.size, d.sum(), g.sum(), np.square(d).sum(), (d * g).sum())


def _gradient(piece: _Piece, voxel: VoxelSize) -> NDArray[np.floating]:
    """Return the magnitude of the gradient in a piece; its neighbours are looked at where they were read."""
    wide = _cut(piece.box.grown((1, 1, 1), piece.read.stop), piece.read)
    grey = piece.grey[wide.relative_to(piece.read).slices]
    unit = _unit_of(grey)
    values = (grey if unit == 1 else grey / np.float64(unit)).astype(np.float32)
    square = np.zeros(values.shape, np.float32)
    with np.errstate(invalid="ignore"):
        for axis, edge in enumerate(voxel):
            if values.shape[axis] > 1:
                square += np.square(np.gradient(values, edge, axis=axis))
    size = np.sqrt(square[piece.box.relative_to(wide).slices])
    return np.asarray(size if unit == 1 else size * np.float64(unit))


def _is_double(values: NDArray[Any]) -> bool:
    """Whether they may be larger than what is summed up."""
    return values.dtype.kind == "f" and values.dtype.itemsize > 4


def _unit_of(values: NDArray[Any]) -> float:
    """Return what to divide grey values by, so that float32 holds their squares; mostly 1."""
    known = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    largest = max(abs(float(known.min())), abs(float(known.max()))) if known.size else 0.0
    return largest if largest and not _USUAL[0] < largest < _USUAL[1] else 1.0


def _row(found: _Object) -> tuple[float, ...]:
    """Return the values of an object, in the order of the columns."""
    regions = found.regions
    inside, rim = regions["inside"], regions["rim"]
    n = inside.n + rim.n
    mean = sd = math.nan
    if n:
        mean = (inside.mean * inside.n + rim.mean * rim.n) / n
        squares = inside.squares + rim.squares + (inside.mean - rim.mean) ** 2 * inside.n * rim.n / n
        sd = math.sqrt(squares / n)
    count, d, g, dd, dg = found.line
    spread = count * dd - d * d
    slope = (count * dg - d * g) / spread if count and spread > 0 else math.nan
    gradients = [regions[r].gradient / regions[r].n if regions[r].n else math.nan for r in GRADIENT]
    shells = [value for region in _WHERE for value in regions[region].row()]
    return (mean, sd, *shells, slope, *gradients)


def _meet(first: Box, second: Box) -> bool:
    return all(
        a < d and c < b for a, b, c, d in zip(first.start, first.stop, second.start, second.stop, strict=True)
    )


def _cut(first: Box, second: Box) -> Box:
    """Return what two boxes share."""
    low = [max(a, b) for a, b in zip(first.start, second.start, strict=True)]
    high = [min(a, b) for a, b in zip(first.stop, second.stop, strict=True)]
    return Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))


def grey_group(shell: float | None = None, calibration: LacCalibration | None = None) -> ColumnGroup:
    """Return the columns of grey values, and of the LAC where the tomogram is calibrated.

    ``shell`` is how thick rim and surroundings are; None is what ``shell_of`` says.
    """

    def measure(subject: Subject, progress: Progress) -> dict[str, NDArray[np.generic]]:
        values = measure_grey(subject, shell, progress)
        if calibration is not None:
            volume = subject.inventory.voxels * math.prod(subject.voxel) if subject.calibrated else None
            values.update(lac_values(calibration, values, volume))
        return values

    def notes(subject: Subject) -> tuple[str, ...]:
        thick = (
            f"{shell_of(subject) if shell is None else shell:g} {'nm' if subject.calibrated else 'voxels'}"
        )
        first = f"Grey values are those of the tomogram's file; rim and surroundings are shells of {thick}."
        return (first,) if calibration is None else (first, calibration.description())

    columns = COLUMNS if calibration is None else (*COLUMNS, *LAC_COLUMNS)
    return ColumnGroup(columns, measure, share=2.0, needs_image=True, notes=notes)


GREY = grey_group()
