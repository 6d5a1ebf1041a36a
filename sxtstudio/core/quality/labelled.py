"""Whether a file that is taken for a tomogram holds labels: whole numbers in even areas, on a ground of 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.wording import count

#: Up to so many values are kinds of labels; of them so large a share of neighbours is equal, of numbers of
#: objects this. Smoothed 8-bit tomograms have up to 0.7, all others less than 0.3, and many values.
_KINDS, _EQUAL_KINDS, _EQUAL_OBJECTS = 20, 0.6, 0.9
#: A mask with soft edges is nearly all 0 or the largest value, and what is neither is not most of the rest.
_OUTSIDE_EDGES, _EDGES = 0.9, 2.0
#: Whole numbers from here on are all that floats of 64 bit have: they number nothing.
_LARGEST = 2.0**53


class LabelSigns:
    """Looks at slices, whether they are labels."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._values: set[int] = set()
        self._grey = self._many = False
        self._high, self._at_high, self._total = 0.0, 0, 0
        self._ground = self._pairs = self._equal = self._labelled = self._labelled_equal = 0

    def add(self, image: NDArray[Any]) -> None:
        """Add a slice (y, x)."""
        finite = image[np.isfinite(image)]
        if not finite.size:
            return
        self._add_ends(finite)
        if self._grey:
            return
        whole = image.dtype.kind != "f" or np.array_equal(image, np.rint(image))
        if not whole or finite.min() < 0 or finite.max() > _LARGEST:
            self._grey = True
            return
        left, right = image[:, :-1], image[:, 1:]
        same, both = left == right, (left != 0) & (right != 0)
        self._pairs += same.size
        self._equal += int(np.count_nonzero(same))
        self._labelled += int(np.count_nonzero(both))
        self._labelled_equal += int(np.count_nonzero(same & both))
        if not self._many:
            self._values.update(np.unique(image).astype(np.int64).tolist())
            self._many = len(self._values) > _KINDS

    def _add_ends(self, values: NDArray[Any]) -> None:
        high = float(values.max())
        if high > self._high:
            self._high, self._at_high = high, 0
        if high == self._high:
            self._at_high += int(np.count_nonzero(values == values.max()))
        self._ground += int(np.count_nonzero(values == 0))
        self._total += values.size

    @property
    def what(self) -> str:
        """What kind of labels they are, if they are any."""
        if self._grey or (self._many and self._soft):
            return "a mask with soft edges"
        if self._many:
            return "numbers of many objects"
        return count(len(self._values - {0}), "kind of label", "kinds of labels")

    @property
    def _soft(self) -> bool:
        edges = self._total - self._ground - self._at_high
        most = edges <= (1 - _OUTSIDE_EDGES) * self._total and edges <= _EDGES * self._at_high
        return most and 0 < self._ground < self._total and math.isfinite(self._high)

    @property
    def are_labels(self) -> bool:
        """Whether all of it looks like labels; not where there is but one value."""
        if not self._ground or self._ground == self._total:
            return False
        if self._soft:
            return True
        if self._grey:
            return False
        if self._many:
            return self._labelled_equal >= _EQUAL_OBJECTS * max(1, self._labelled)
        return self._equal >= _EQUAL_KINDS * self._pairs
