"""The cell mask from a quick look of the network, where the grey values do not tell ice from cell.

Cytosol and ice may have the same grey values and differ by what is in them. The shipped compact model looks
at a few slices, and where it is at all in doubt whether there is a membrane (an output of −0.94, where a
label begins at 0) counts as an outline: in ice there is less of that than in cytosol. Whether what is free of
them is ice, and not cytosol without organelles, is asked of the texture (``core.cellmask.mask_around``).

The numbers are chosen by phantoms of all scenes of ``sxtstudio simulate``. Of three in which grey values do
not separate cells from ice, a mask of everything gets 0.76, 0.55 and 0.37 of the voxels right, these 0.93,
0.68 and 0.66, and they hold 0.98 of the cells or more. Without ice none is made.
"""

from __future__ import annotations

from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.cellmask import MaskVolume, mask_around
from sxtstudio.core.geometry import Triple
from sxtstudio.core.polarity import Value
from sxtstudio.core.progress import Progress
from sxtstudio.core.volume import Volume
from sxtstudio.core.wording import count
from sxtstudio.segment import SegmentParameters, choose_device, load_card, make_runner, segment_slice

MODEL = "compact"
#: So many slices are looked at at most; about two seconds each for 1000 × 1000 pixels on two cores.
SLICES = 16
#: In smaller ones too little is seen: of patches of 196 × 196 pixels, nuclei and cytosol were taken for ice.
SMALLEST = (16, 250, 250)
_HINT = -0.94  # the network's output from which a pixel counts,
_SHARE = 0.5  # and the share of them in a block that makes it an outline


def mask_by_hints(volume: Volume, polarity: Value, like: MaskVolume, progress: Progress) -> MaskVolume | None:
    """Make a cell mask from what the compact model hints at in a few slices.

    Parameters
    ----------
    volume
        The tomogram, (z, y, x).
    polarity
        How absorbing structures look in it.
    like
        The mask that the grey values gave; says how far to reduce.
    progress
        Counts slices, and cancels.

    Returns
    -------
    MaskVolume or None
        None where this does not tell ice from cell either, or the tomogram is too small for it; ``notes`` say
        how it was made.
    """
    if any(n < least for n, least in zip(volume.shape, SMALLEST, strict=True)):
        return None
    blocks = like.reduced.shape[0]
    chosen = np.unique(np.rint(np.linspace(0, blocks - 1, min(blocks, SLICES))).astype(int))
    parameters = SegmentParameters(MODEL, polarity=polarity, neighbours=0)
    progress.begin(len(chosen), "a quick look of the network")
    found = []
    with closing(make_runner(load_card(MODEL), choose_device())) as runner:
        for block in chosen:
            z = min(volume.shape[0] - 1, block * like.factor[0] + like.factor[0] // 2)
            progress.check()
            values = segment_slice(volume, int(z), parameters, runner=runner).values
            found.append(_outlines(values, like.factor, volume.shape))
            progress.step()
    nearest = np.abs(np.arange(blocks)[:, None] - chosen).argmin(axis=1)
    note = (
        "The grey values do not tell ice from cell, so the mask was made from a quick look of the model "
        f"{MODEL} at {count(len(chosen), 'slice')}. Check it: a nucleus at the border may be missing, and "
        "some ice be left. Once the tomogram is segmented, “Find the cell” goes by all outlines."
    )
    return mask_around(np.stack(found)[nearest], like, (note,))


def _outlines(values: NDArray[np.float32] | None, factor: Triple, shape: Triple) -> NDArray[np.bool_]:
    """Return which blocks (y, x) of a slice are outlines."""
    rows, columns = np.arange(0, shape[1], factor[1]), np.arange(0, shape[2], factor[2])
    if values is None:  # there is nothing to be seen in the slice
        return np.zeros((len(rows), len(columns)), bool)
    hints = np.add.reduceat(np.add.reduceat(values > _HINT, rows, axis=0, dtype=int), columns, axis=1)
    block_px = np.outer(np.diff(rows, append=shape[1]), np.diff(columns, append=shape[2]))
    return np.asarray(hints > _SHARE * block_px)
