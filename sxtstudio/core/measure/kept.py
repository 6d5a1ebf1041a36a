"""What is kept with a document of the measurements of its objects."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sxtstudio.core.measure.columns import DependsOn, Measurements
from sxtstudio.core.object_differences import Sums, added
from sxtstudio.core.object_table import ObjectTable
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.wording import count

if TYPE_CHECKING:  # at run time this loads what measures objects
    from sxtstudio.core.measure.contacts import ContactRule


def mark_of_classes(table: ObjectTable) -> str:
    """Return hexadecimal digits that are others when an object has another class, or none any more."""
    classes = [f"{number} {row.class_name}" for number, row in table.rows.items() if row.class_name]
    return hashlib.blake2b("\n".join(classes).encode(), digest_size=8).hexdigest()


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
    classified
        ``mark_of_classes`` when it was measured; "": not known.
    """

    value: Measurements
    doubtful: frozenset[int] = frozenset()
    voxel_nm: VoxelSize | None = None
    contacts: tuple[ContactRule, ...] = ()
    differences: Mapping[int, int] = field(default_factory=dict)
    classified: str = ""

    @cached_property
    def stale(self) -> frozenset[int]:
        """Objects whose voxels are, or may be, others than those that were measured."""
        return self.doubtful.union(self.differences)

    def out_of_date(self, voxel_nm: VoxelSize | None) -> frozenset[int]:
        """Return the objects whose measurements do not hold; another voxel size makes all lengths wrong."""
        return self.stale if voxel_nm == self.voxel_nm else self.stale.union(self.value.numbers.tolist())

    def holding(self, voxel_nm: VoxelSize | None) -> Measurements:
        """Return the measurements without the values of objects that are out of date: NaN, as not measured.

        Columns that depend on other objects keep their values (``outdated_columns``).
        """
        gone = np.isin(self.value.numbers, np.array(sorted(self.out_of_date(voxel_nm)), np.int64))
        if not gone.any():
            return self.value
        values = {
            key: np.where(gone, np.nan, column) if column.dtype.kind in "biuf" else column
            for key, column in self.value.values.items()
        }
        return replace(self.value, values=values)

    def outdated_columns(self, classified: str) -> frozenset[str]:
        """Return the keys of the columns that hold of no object, by the mark of the classes of now.

        What depends on other objects is wrong as soon as any object differs: nobody knows whose neighbour it
        was, or is now.
        """
        wrong: set[DependsOn] = set()
        if self.stale:
            wrong = {DependsOn.OBJECTS, DependsOn.CLASSES}
        elif self.classified and classified != self.classified:
            wrong = {DependsOn.CLASSES}
        return frozenset(column.key for column in self.value.columns if column.depends_on in wrong)

    def warnings(
        self, table: ObjectTable, voxel_nm: VoxelSize | None, columns: Collection[str] | None = None
    ) -> tuple[str, ...]:
        """Return sentences of what does not hold now of these columns, by default all, for this table."""
        stale = len(self.out_of_date(voxel_nm).intersection(table.rows))
        found = [f"{count(stale, 'object')} may have changed since they were measured: measure again."]
        outdated = self.outdated_columns(mark_of_classes(table))
        titles = [
            column.title
            for column in self.value.columns
            if column.key in outdated and (columns is None or column.key in columns)
        ]
        others = [f"Other objects or their classes have changed, so measure again for: {', '.join(titles)}."]
        return (*(found if stale else ()), *(others if titles else ()))

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
        """Return it without objects that are not among ``numbers``; they stay in doubt as neighbours."""
        there = np.isin(self.value.numbers, np.fromiter(numbers, np.int64, len(numbers)))
        if there.all():
            return self
        old = self.value
        doubtful = self.doubtful.union(old.numbers[~there].tolist())
        values = {key: values[there] for key, values in old.values.items()}
        value = Measurements(old.numbers[there], values, old.columns, old.calibrated, old.notes)
        return replace(self, value=value, doubtful=doubtful)
