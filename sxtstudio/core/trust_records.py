"""The figures of trust as they stand in files; the program starts without this, and without msgspec."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from sxtstudio.core.records import WrongKey
from sxtstudio.core.trust import SliceTrust, Trust

Share = Annotated[float, Meta(ge=0, le=1)]


class TrustLine(Struct, frozen=True):
    """The figures of slice ``z``."""

    z: int
    certainty: Share | None = None
    recognised: Share | None = None
    measured: Share | None = None

    def figures(self) -> SliceTrust:
        """Return them without the slice."""
        return SliceTrust(self.certainty, self.recognised, self.measured)


class TrustColumns(Struct, frozen=True):
    """The figures of all slices as they stand in a file: a list for each figure."""

    certainty: list[Share | None]
    recognised: list[Share | None]
    measured: list[Share | None] | None = None  # older projects do not say

    def of_slices(self, depth: int) -> Trust:
        """Return the figures of ``depth`` slices; WrongKey if there are not as many."""
        measured = [None] * depth if self.measured is None else self.measured
        columns = {"certainty": self.certainty, "recognised": self.recognised, "measured": measured}
        for name, column in columns.items():
            if len(column) != depth:
                raise WrongKey(name, f"a list of one number a slice, {depth} in all")
        return tuple(map(SliceTrust, self.certainty, self.recognised, measured))
