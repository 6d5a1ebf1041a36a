"""What is kept with a document of the measurements of its objects."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.object_differences import Sums, added
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
    doubtful
        Objects of which nobody knows whether their voxels are those that were measured: they changed while
        they were measured, or right before a crash.
    differences
        By how much the voxels of other objects differ from those that were measured
        (``core/object_differences.py``); none of these is 0.
    voxel_nm
        The voxel size (z, y, x) in nm that was measured with, None: unknown.
    contacts
        The contacts whose columns were added; measuring again looks for them again.
    """

    value: Measurements
    doubtful: frozenset[int] = frozenset()
    voxel_nm: VoxelSize | None = None
    contacts: tuple[ContactRule, ...] = ()
    differences: Mapping[int, int] = field(default_factory=dict)

    @cached_property
    def stale(self) -> frozenset[int]:
        """Objects whose voxels are, or may be, others than those that were measured."""
        return self.doubtful.union(self.differences)

    def out_of_date(self, voxel_nm: VoxelSize | None) -> frozenset[int]:
        """Return the objects whose measurements do not hold; another voxel size makes all lengths wrong."""
        return self.stale if voxel_nm == self.voxel_nm else self.stale.union(self.value.numbers.tolist())

    def marked(self, numbers: Collection[int]) -> KeptMeasurements:
        """Return it with more objects in doubt."""
        return replace(self, doubtful=self.doubtful.union(numbers))

    def all_marked(self) -> KeptMeasurements:
        """Return it with every object in doubt."""
        return self.marked(self.value.numbers.tolist())

    def changed(self, sums: Sums) -> KeptMeasurements:
        """Return it after a change of voxels, which added these sums to the differences of objects."""
        return replace(self, differences=added(dict(self.differences), sums))

    def only(self, numbers: Collection[int]) -> KeptMeasurements:
        """Return it without objects that are not among ``numbers``."""
        there = np.isin(self.value.numbers, np.fromiter(numbers, np.int64, len(numbers)))
        doubtful = self.doubtful.intersection(numbers)
        if there.all():
            return replace(self, doubtful=doubtful)
        old = self.value
        values = {key: values[there] for key, values in old.values.items()}
        value = Measurements(old.numbers[there], values, old.columns, old.calibrated, old.notes)
        return replace(self, value=value, doubtful=doubtful)
