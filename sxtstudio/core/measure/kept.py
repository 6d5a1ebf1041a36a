"""What is kept with a document of the measurements of its objects."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.volume import VoxelSize

if TYPE_CHECKING:  # at run time this loads what measures objects
    from sxtstudio.core.measure.contacts import ContactRule


@dataclass(frozen=True, eq=False)
class KeptMeasurements:
    """Measurements, and how far they still hold.

    Attributes
    ----------
    value
        What was measured.
    stale
        Objects that may have changed since.
    voxel_nm
        The voxel size (z, y, x) in nm that was measured with, None: unknown.
    contacts
        The contacts whose columns were added; measuring again looks for them again.
    """

    value: Measurements
    stale: frozenset[int] = frozenset()
    voxel_nm: VoxelSize | None = None
    contacts: tuple[ContactRule, ...] = ()

    def marked(self, numbers: Collection[int]) -> KeptMeasurements:
        """Return it with more objects out of date."""
        return replace(self, stale=self.stale.union(numbers))

    def all_marked(self) -> KeptMeasurements:
        """Return it with every object out of date."""
        return self.marked(self.value.numbers.tolist())

    def only(self, numbers: Collection[int]) -> KeptMeasurements:
        """Return it without objects that are not among ``numbers``."""
        there = np.isin(self.value.numbers, np.fromiter(numbers, np.int64, len(numbers)))
        stale = self.stale.intersection(numbers)
        if there.all():
            return replace(self, stale=stale)
        old = self.value
        values = {key: values[there] for key, values in old.values.items()}
        value = Measurements(old.numbers[there], values, old.columns, old.calibrated, old.notes)
        return replace(self, value=value, stale=stale)
