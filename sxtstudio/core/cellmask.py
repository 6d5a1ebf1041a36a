"""A rough mask of the cell against vitreous ice, made from the tomogram itself.

The ice is told from the cell by two things: cytosol absorbs more (LAC at 510 eV 0.2–0.3 against
0.11 per µm), and the cell has organelles, hence texture. Both are measured on a reduced copy; see
``cellmask_classes`` for the decision. Where the two do not form separate classes, the outlines of membranes
tell where the cell is, if there are labels already. Without them everything counts as cell, as a mask that
takes nothing away does no harm, and the mask says that it is none; what a network hints at can then make one
(``mask_around``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from sxtstudio.core.cellmask_classes import above_ice, texture_of
from sxtstudio.core.cellmask_reduce import reduce_volume
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box, Triple
from sxtstudio.core.objects import label_objects
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume, VoxelSize
from sxtstudio.core.walk import walk

# Parts smaller than this share of the largest are gold beads, debris and noise.
SMALLEST_PART = 0.1
# Of the labels (share of a reduced voxel): what counts as an outline, and how far two of them may lie apart,
# in reduced voxels, that only cytosol is between. On six phantoms (scenes edge and several-cells, 48×256×256,
# true outlines) 6, 10 and 15 got 0.83, 0.87 and 0.86 of the voxels right.
OUTLINED, REACH = 0.02, 10
# The same of what a network only hints at, which is sparser; and by how many standard deviations cytosol is
# at least more textured than what counts as ice then: in cytosol without organelles there are no outlines
# either. Of eleven phantoms in which grey values do not tell, six without ice had at most 0.31, and three
# with cells in ice 0.41, 0.63 and 0.67.
REACH_OF_HINTS, SMOOTHER = 12, 0.35
# A bright body that the border of a slice cuts is a vacuole, not ice, if it is smaller than this share of it.
LARGEST_VACUOLE = 0.04
# A "cell" below or above these shares of the volume is more likely a misjudged one.
PLAUSIBLE = (0.05, 0.98)


class MaskVolume:
    """A mask kept at reduced resolution that reads like a volume of full size, 0 or 1 (uint8).

    ``ice_found`` is False where nothing separates ice from cell, so that everything counts as cell;
    ``texture`` is then what the tomogram has of it (float32, reduced), for ``mask_around``.
    """

    def __init__(
        self,
        reduced: NDArray[np.bool_],
        factor: Triple,
        shape: Triple,
        voxel_nm: VoxelSize | None = None,
        notes: tuple[str, ...] = (),
        texture: NDArray[np.float32] | None = None,
        ice_found: bool = True,
    ) -> None:
        """Spread each voxel of ``reduced`` over ``factor`` voxels (z, y, x) of a volume of ``shape``."""
        self.reduced = reduced.astype(np.uint8)
        self.factor = factor
        self.notes = notes
        self.texture = texture
        self.ice_found = ice_found
        self._shape = shape
        self._voxel_nm = voxel_nm

    @property
    def shape(self) -> Triple:
        """Number of voxels along (z, y, x), that of the tomogram."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels: uint8."""
        return self.reduced.dtype

    @property
    def voxel_nm(self) -> VoxelSize | None:
        """Edge lengths of a voxel in nm, (z, y, x), those of the tomogram."""
        return self._voxel_nm

    @property
    def fraction(self) -> float:
        """Share of the volume that counts as cell, 0…1."""
        voxels = self.reduced.astype(np.int64)
        for n, f in zip(self._shape, self.factor, strict=True):  # the last block of an axis may be cut
            block_px = np.diff(np.arange(0, n, f), append=n)
            voxels = np.tensordot(block_px, voxels, axes=(0, 0))
        return float(voxels / np.prod(self._shape))

    def read(self, box: Box) -> NDArray[np.uint8]:
        """Return the voxels of ``box``: 1 in the cell, 0 outside."""
        z, y, x = (np.arange(a, b) // f for a, b, f in zip(box.start, box.stop, self.factor, strict=True))
        # Few reduced slices are widened first, and only then repeated along z.
        own, repeats = np.unique(z, return_counts=True)
        return np.repeat(self.reduced[own][:, y][:, :, x], repeats, axis=0)


def cell_mask(
    volume: Volume,
    *,
    polarity: str = "dark",
    labels: Volume | None = None,
    progress: Progress | None = None,
) -> MaskVolume:
    """Make a rough mask of the cell from a tomogram.

    The volume is read once, few slices at a time. What is denser than the cell and touches it (gold,
    carbon, capillary walls) is part of the mask.

    Parameters
    ----------
    volume
        Tomogram (z, y, x) of any real type; non-finite voxels are left out.
    polarity
        "dark" where absorbing structures are dark, "bright" where they are bright.
    labels
        Outlines of membranes (z, y, x), of the tomogram's shape, for where grey values do not suffice.
    progress
        Counts slices.

    Returns
    -------
    MaskVolume
        Of the tomogram's shape; ``fraction`` is the share of the cell, ``notes`` say where no ice
        could be told from the cell, so that everything counts as cell.

    Raises
    ------
    UserError
        If the polarity has another name.
    Cancelled
        If the job was cancelled through ``progress``.
    """
    if polarity not in ("dark", "bright"):
        raise UserError(f"The polarity {polarity!r} is unknown: give dark or bright.")
    progress = progress or Progress()
    mean, usable, factor = reduce_volume(volume, progress.part(0.8))
    mask = None
    if usable.any():
        mask = above_ice(mean if polarity == "bright" else -mean, usable)
    if mask is not None:
        mask = _tidied(mask)
    notes: tuple[str, ...] = ()
    if not _is_plausible(mask) and labels is not None:
        mask = _tidied(_around_outlines(labels, factor, progress.part(0.2)) & usable)
        notes = ("The grey values do not tell ice from cell, so the mask was made from the labels.",)
    if mask is not None and _is_plausible(mask):
        return MaskVolume(mask, factor, volume.shape, volume.voxel_nm, notes)
    advice = "" if labels is not None else " Once the tomogram is segmented, its outlines help."
    note = f"No ice could be told from the cell, so the cell mask holds the whole volume.{advice}"
    texture = texture_of(mean, usable) if usable.any() else None
    whole = np.ones(mean.shape, bool)
    return MaskVolume(whole, factor, volume.shape, volume.voxel_nm, (note,), texture, ice_found=False)


def mask_around(hints: NDArray[np.bool_], like: MaskVolume, notes: tuple[str, ...] = ()) -> MaskVolume | None:
    """Make a mask of what lies between outlines that are near each other.

    Parameters
    ----------
    hints
        Where membranes may be, bool (z, y, x), at the reduced size of ``like``.
    like
        The mask of this tomogram in which nothing separated ice from cell.
    notes
        What the user should know of the new one.

    Returns
    -------
    MaskVolume or None
        None where that does not show the cell either: there are no outlines, they are everywhere, or what is
        free of them is as textured as the cytosol between them.
    """
    mask = _tidied(_closed(hints, REACH_OF_HINTS))
    if mask is None or not _is_plausible(mask) or like.texture is None:
        return None
    cytosol, ice = like.texture[mask & ~ndimage.binary_dilation(hints, iterations=2)], like.texture[~mask]
    if not cytosol.size:
        return None
    spread = float(np.sqrt((cytosol.var() + ice.var()) / 2))
    if not float(np.median(cytosol) - np.median(ice)) >= SMOOTHER * spread:
        return None
    return MaskVolume(mask, like.factor, like.shape, like.voxel_nm, notes)


def _is_plausible(mask: NDArray[np.bool_] | None) -> bool:
    return mask is not None and PLAUSIBLE[0] <= float(mask.mean()) <= PLAUSIBLE[1]


def _around_outlines(labels: Volume, factor: Triple, progress: Progress) -> NDArray[np.bool_]:
    """What lies between outlines that are near each other, at the reduced size of the mask."""
    _, y, x = labels.shape
    rows, columns = np.arange(0, y, factor[1]), np.arange(0, x, factor[2])
    planes = []
    for box in walk(labels.shape, progress=progress, slices=factor[0]):
        slab = np.count_nonzero(labels.read(box), axis=0)
        per_block = np.add.reduceat(np.add.reduceat(slab, rows, axis=0), columns, axis=1)
        planes.append(per_block > OUTLINED * box.shape[0] * factor[1] * factor[2])
    return _closed(np.stack(planes), REACH)


def _closed(outlines: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """Fill what lies between outlines up to twice ``reach`` (reduced voxels) apart."""
    # The cell goes on beyond the borders of the slices.
    wide = np.pad(outlines, ((0, 0), (reach + 1, reach + 1), (reach + 1, reach + 1)), mode="symmetric")
    if not wide.any():
        return outlines
    grown = ndimage.distance_transform_edt(~wide) <= reach
    closed: NDArray[np.bool_] = ndimage.distance_transform_edt(grown) > reach if not grown.all() else grown
    return closed[:, reach + 1 : -reach - 1, reach + 1 : -reach - 1]


def _tidied(mask: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Smooth the mask, keep its large parts, fill holes in each slice, widen it by one voxel."""
    smooth = ndimage.median_filter(mask.astype(np.uint8), size=3)
    parts, count = label_objects(smooth)
    if count == 0:
        return None
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    large = (sizes >= SMALLEST_PART * sizes.max())[parts]
    # Vacuoles and nuclei: a hole in 3D is one in every slice, and those cut by the first slice count too.
    filled = np.stack([_without_vacuoles(ndimage.binary_fill_holes(plane)) for plane in large])
    widened: NDArray[np.bool_] = ndimage.binary_dilation(filled)
    return widened


def _without_vacuoles(cell: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Add small bays of a slice's mask (y, x) that one border cuts; ice is larger, or lies in a corner."""
    bays, count = ndimage.label(~cell)
    if not count:
        return cell
    borders = (bays[0], bays[-1], bays[:, 0], bays[:, -1])
    touched = np.zeros(count + 1, int)
    for border in borders:
        touched[np.unique(border)] += 1
    small = np.bincount(bays.ravel(), minlength=count + 1) < LARGEST_VACUOLE * cell.size
    added: NDArray[np.bool_] = cell | (small & (touched == 1))[bays]
    return added
