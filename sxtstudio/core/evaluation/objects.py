"""Objects against those of a reference: which are found, split, merged, missed, or not there.

Found: one predicted object for one of the reference, with an intersection over union (IoU) of 0.5 or more.
Precision, recall and F1 count those (Caicedo et al., Cytometry A 95 (2019) 952).

Why others are not: after Hoover et al., IEEE PAMI 18 (1996) 673, where an object lies *in* another if more
than half of its voxels do, and is a *part* of it if it also makes up a tenth of it or more, so that specks do
not count. A reference object that two or more predicted ones are parts of is *split*; a predicted object that
two or more of the reference are parts of is *merged*. Reference objects that are neither found, nor split,
nor part of a merged one, are *missed*; predicted ones that are neither found, nor merged, nor part of a split
one, are *spurious*. An object may be found and split at once: found, but in pieces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from sxtstudio.core.evaluation.contingency import Contingency

Flags = NDArray[np.bool_]
#: From this IoU on an object is found.
LEAST_IOU = 0.5
#: More than this share of an object lies in another of which it is a part, and it is so much of that one.
_IN, _PART = 0.5, 0.1


@dataclass(frozen=True)
class ObjectScores:
    """How objects agree.

    Attributes
    ----------
    table
        The objects, and what they share.
    partner
        For each predicted object, the index of the reference object that it is, -1: none (n,).
    iou
        Its IoU with that one, 0 where there is none (n,).
    merged, spurious
        Which predicted objects are so (n,).
    split, missed
        Which reference objects are so (m,).
    in_merged
        Which reference objects are parts of a merged one (m,).
    """

    table: Contingency
    partner: NDArray[np.int64]
    iou: NDArray[np.float64]
    merged: Flags
    spurious: Flags
    split: Flags
    missed: Flags
    in_merged: Flags

    @property
    def predicted(self) -> int:
        """How many objects were predicted."""
        return len(self.table.predicted)

    @property
    def reference(self) -> int:
        """How many there are in the reference."""
        return len(self.table.reference)

    @property
    def found(self) -> int:
        """How many of the reference were found."""
        return int(np.count_nonzero(self.partner >= 0))

    @property
    def precision(self) -> float | None:
        """Share of the predicted objects that are one of the reference; None where none was predicted."""
        return self.found / self.predicted if self.predicted else None

    @property
    def recall(self) -> float | None:
        """Share of the objects of the reference that were found; None where there are none."""
        return self.found / self.reference if self.reference else None

    @property
    def f1(self) -> float | None:
        """Found objects twice, over the objects of both; None where there are none."""
        both = self.predicted + self.reference
        return 2 * self.found / both if both else None

    @property
    def mean_iou(self) -> float | None:
        """Mean IoU of those that were found; None where none was."""
        return float(self.iou[self.partner >= 0].mean()) if self.found else None


def score_objects(table: Contingency) -> ObjectScores:
    """Score predicted objects against those of the reference."""
    n, m = len(table.predicted), len(table.reference)
    partner, iou = _matched(table)
    in_reference = table.common / table.predicted_voxels[table.of_predicted]
    in_predicted = table.common / table.reference_voxels[table.of_reference]
    piece = (in_reference > _IN) & (in_predicted >= _PART)  # predicted, of a reference object
    member = (in_predicted > _IN) & (in_reference >= _PART)  # of the reference, of a predicted object
    split = np.bincount(table.of_reference[piece], minlength=m) >= 2
    merged = np.bincount(table.of_predicted[member], minlength=n) >= 2
    in_split, in_merged = np.zeros(n, np.bool_), np.zeros(m, np.bool_)
    in_split[table.of_predicted[piece & split[table.of_reference]]] = True
    in_merged[table.of_reference[member & merged[table.of_predicted]]] = True
    found = np.zeros(m, np.bool_)
    found[partner[partner >= 0]] = True
    missed = ~(found | split | in_merged)
    spurious = ~((partner >= 0) | merged | in_split)
    return ObjectScores(table, partner, iou, merged, spurious, split, missed, in_merged)


def _matched(table: Contingency) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the partner of each predicted object, and the IoU.

    Two pairs with one object in common can both have an IoU of 0.5 only where the object is halved exactly;
    then as many objects are matched as possible.
    """
    n, m = len(table.predicted), len(table.reference)
    good = table.iou >= LEAST_IOU
    rows, columns, values = table.of_predicted[good], table.of_reference[good], table.iou[good]
    links = csr_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(n, m))
    partner = np.full(n, -1, np.int64)
    if len(rows):
        partner = maximum_bipartite_matching(links, perm_type="column").astype(np.int64)
    iou = np.zeros(n)
    taken = partner[rows] == columns
    iou[rows[taken]] = values[taken]
    return partner, iou
