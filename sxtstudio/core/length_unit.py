"""The units of length that other programs are given."""

from __future__ import annotations

from enum import StrEnum


class LengthUnit(StrEnum):
    """A unit of length; the values are the words of the command line."""

    NM = "nm"
    ANGSTROM = "A"
    UM = "um"

    @property
    def per_nm(self) -> float:
        """How many of it a nanometre is."""
        return {LengthUnit.NM: 1.0, LengthUnit.ANGSTROM: 10.0, LengthUnit.UM: 1e-3}[self]

    @property
    def text(self) -> str:
        """Its sign."""
        return {LengthUnit.NM: "nm", LengthUnit.ANGSTROM: "Å", LengthUnit.UM: "µm"}[self]
