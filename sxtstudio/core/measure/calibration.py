"""From grey values to the linear absorption coefficient (LAC, 1/µm): a straight line, and where it is from.

A reconstruction of absorption (the logarithm taken before) is linear in the LAC, but often scaled, shifted or
turned round. Two materials of known LAC, or a known unit of the grey values, give the line.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.core.measure.columns import Column, Measurements, Quantity
from sxtstudio.core.records import WrongKey
from sxtstudio.core.volume import VoxelSize
from sxtstudio.core.wording import count

#: Amorphous ice around cells, 1/µm. Like every LAC it depends on the photon energy: the user may change it.
ICE_LAC = 0.10
ICE_SOURCE = (
    "amorphous ice, 0.93 g/cm³, at 520 eV: 0.102 1/µm from the atomic scattering factors of Henke, Gullikson "
    "and Davis, At. Data Nucl. Data Tables 54, 181 (1993); 0.113 1/µm at 500 eV"
)
LARGEST_LAC = 100.0  # 1/µm; gold has 23 at 520 eV
#: No organic matter of cells has more, 1/µm. From the same scattering factors at 520 eV (absorption 4πβ/λ, at
#: the density in g/cm³): water 0.110 (1.0), lipid 0.89 (tripalmitin, 0.93), dry protein 1.33 (1.35), dry DNA
#: 1.56 (1.7), and solid carbon, of which no organic matter has more, 2.80 (graphite, 2.26; 3.09 at 500 eV).
#: Minerals reach it (calcium carbonate 3.00, hydroxyapatite 3.62), and metals exceed it (gold 23).
MOST_OF_CELLS = 3.0
_LINE = "LAC = "
_CUBE = 0.01  # edges of a voxel differ at most so much where absorption is per voxel


class GreyUnit(StrEnum):
    """In which unit a tomogram holds absorption already; the values stand in files and never change."""

    PER_UM = "1/um"
    PER_NM = "1/nm"
    PER_VOXEL = "1/voxel"


@dataclass(frozen=True)
class Material:
    """A material with a known LAC.

    Attributes
    ----------
    name
        Such as "ice", as the user calls it.
    grey
        Its grey value in the tomogram.
    lac
        Its LAC, 1/µm: given by the user, or ``ICE_LAC``.
    measured
        Where the grey value comes from, such as "typed" or "object 12, 5 210 voxels".
    """

    name: str
    grey: float
    lac: float
    measured: str = "typed"


@dataclass(frozen=True)
class LacCalibration:
    """LAC = ``slope`` × grey + ``offset``, in 1/µm, and how it was found; saved with project and tables.

    ``materials`` are the two it goes through; without them the grey values have the unit ``unit``.
    """

    slope: float
    offset: float = 0.0
    materials: tuple[Material, ...] = ()
    unit: GreyUnit | None = None

    def __post_init__(self) -> None:
        """Refuse what is no line; files of strangers are read into this."""
        if not (math.isfinite(self.slope) and self.slope):
            raise WrongKey("slope", "a number that is not 0")
        if not math.isfinite(self.offset):
            raise WrongKey("offset", "a number")

    def for_voxel(self, voxel_nm: VoxelSize | None) -> LacCalibration | None:
        """Return what is left of it with another voxel size: absorption per voxel is another LAC then."""
        if self.unit is not GreyUnit.PER_VOXEL:
            return self
        try:
            return of_unit(self.unit, voxel_nm)
        except UserError:
            return None

    def lac(self, grey: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the LAC (1/µm) of grey values."""
        return np.asarray(self.slope * np.asarray(grey, np.float64) + self.offset)

    @property
    def line(self) -> str:
        """The line: "LAC = 1.24 × grey − 0.025 1/µm"."""
        sign = "−" if self.offset < 0 else "+"
        shift = f" {sign} {abs(self.offset):.4g}" if self.offset else ""
        return f"{_LINE}{self.slope:.4g} × grey{shift} 1/µm"

    def description(self) -> str:
        """Return how it was calibrated, as a sentence for reports and tables."""
        if self.unit is not None:
            return f"{self.line}: the grey values are absorption in {self.unit.value}, as the user said."
        known = " and ".join(
            f"{material.name} with {material.lac:g} 1/µm at grey {material.grey:.6g} ({material.measured})"
            for material in self.materials
        )
        return f"{self.line}: a straight line through {known}. The LACs of the materials are inputs."


def through_materials(first: Material, second: Material) -> LacCalibration:
    """Return the line through two materials.

    Raises
    ------
    UserError
        If a LAC or a grey value is none, or if no line goes through them.
    """
    for material in (first, second):
        if not math.isfinite(material.grey):
            raise UserError(f"The grey value of {material.name} is no number. Choose another place for it.")
        if not 0 <= material.lac <= LARGEST_LAC:
            raise UserError(
                f"The LAC of {material.name} must lie between 0 and {LARGEST_LAC:g} 1/µm, "
                f"not {material.lac:g}."
            )
    if first.lac == second.lac:
        raise UserError(
            f"{first.name} and {second.name} have the same LAC, {first.lac:g} 1/µm: give two materials "
            "that differ."
        )
    step = second.grey - first.grey
    if not abs(step) > 1e-6 * max(abs(first.grey), abs(second.grey), 1e-200):
        raise UserError(
            f"{first.name} and {second.name} have the same grey value, {first.grey:.6g}: choose places "
            "where the tomogram differs."
        )
    slope = (second.lac - first.lac) / step
    return LacCalibration(slope, first.lac - slope * first.grey, (first, second))


def contrast_warning(first: Material, second: Material, sds: Iterable[float | None]) -> str:
    """Return what is to be said where two materials differ by less than their noise, or "".

    ``sds`` are the standard deviations of their grey values, None where they were typed.
    """
    noise = max((sd for sd in sds if sd is not None), default=0.0)
    if abs(second.grey - first.grey) >= noise:
        return ""
    return (
        f"⚠ The grey values of {first.name} and {second.name} differ by "
        f"{abs(second.grey - first.grey):.3g}, less than their SD of {noise:.3g}: the line through them "
        "means little. Take places that differ more, or a larger one."
    )


def lac_warning(measured: Measurements) -> str:
    """Return what is to be said where objects have a LAC that cannot be, or ""."""
    lac = measured.values.get("lac_mean")
    if lac is None:
        return ""
    low = int(np.count_nonzero(np.asarray(lac, np.float64) < 0))
    high = int(np.count_nonzero(np.asarray(lac, np.float64) > MOST_OF_CELLS))
    parts = [f"{low} with a negative LAC, which cannot be"] if low else []
    minerals = f"{high} with more than {MOST_OF_CELLS:g} 1/µm, as only minerals and metals have"
    parts += [minerals] if high else []
    if not parts:
        return ""
    return f"⚠ Of {count(len(lac), 'object')} there are {' and '.join(parts)}: check the calibration."


def of_unit(unit: GreyUnit, voxel_nm: VoxelSize | None) -> LacCalibration:
    """Return the calibration of a tomogram whose grey values are absorption already.

    Raises
    ------
    UserError
        If they are per voxel, and there is no voxel size, or voxels are no cubes.
    """
    if unit is GreyUnit.PER_UM:
        return LacCalibration(1.0, unit=unit)
    if unit is GreyUnit.PER_NM:
        return LacCalibration(1000.0, unit=unit)
    if voxel_nm is None:
        raise UserError("Absorption per voxel needs the voxel size. Give it, then calibrate again.")
    if max(voxel_nm) > (1 + _CUBE) * min(voxel_nm):
        raise UserError(
            "Absorption per voxel needs voxels with three equal edges. Calibrate with two materials instead."
        )
    return LacCalibration(1000.0 / voxel_nm[2], unit=unit)


_OF = "of all voxels of the object that were measured, by the calibration of the tomogram (see the notes)"
COLUMNS: tuple[Column, ...] = (
    Column(
        "lac_mean",
        "LAC, mean",
        Quantity.LAC,
        f"Mean linear absorption coefficient {_OF}.",
        "slope × grey_mean + offset",
    ),
    Column(
        "lac_sd",
        "LAC, SD",
        Quantity.LAC,
        f"Standard deviation of the linear absorption coefficient {_OF}.",
        "|slope| × grey_sd",
    ),
    Column(
        "lac_inside",
        "LAC inside, mean",
        Quantity.LAC,
        "Mean linear absorption coefficient deeper inside the object than its rim.",
        "slope × grey_inside_mean + offset",
    ),
    Column(
        "lac_integrated",
        "LAC, integrated",
        Quantity.UM2,
        "Linear absorption coefficient summed over the volume of the object; in proportion to its dry mass. "
        "Only with a known voxel size; voxels that were not measured count as its mean.",
        "lac_mean × volume, in 1/µm × µm³ = µm²",
    ),
)


def lac_values(
    calibration: LacCalibration,
    grey: dict[str, NDArray[np.generic]],
    volume_nm3: NDArray[np.floating] | None,
) -> dict[str, NDArray[np.generic]]:
    """Return the values of ``COLUMNS`` (n,), from those of the grey values; areas in nm².

    ``volume_nm3`` (n,) are the volumes of the objects, None where the voxel size is unknown.
    """
    mean = calibration.lac(np.asarray(grey["grey_mean"], np.float64))
    if volume_nm3 is None:
        integrated = np.full(mean.shape, np.nan)
    else:
        integrated = mean / 1000 * volume_nm3
    return {
        "lac_mean": mean,
        "lac_sd": abs(calibration.slope) * np.asarray(grey["grey_sd"], np.float64),
        "lac_inside": calibration.lac(np.asarray(grey["grey_inside_mean"], np.float64)),
        "lac_integrated": integrated,
    }


def calibrated_anew(measured: Measurements, calibration: LacCalibration | None) -> Measurements:
    """Return measurements with the LACs of another calibration, or without any; nothing is measured again.

    Without grey values they are as they were.
    """
    own = {column.key for column in COLUMNS}
    kept = [column for column in measured.columns if column.key not in own]
    notes = tuple(note for note in measured.notes if not note.startswith(_LINE))
    found = Measurements(measured.numbers, calibrated=measured.calibrated, notes=notes)
    if calibration is None or "grey_inside_mean" not in measured.values:
        values, columns = dict(measured.values), kept
    else:
        volume = np.asarray(measured.values["volume"], np.float64) * 1e9 if measured.calibrated else None
        values = measured.values | lac_values(calibration, measured.values, volume)
        values["lac_integrated"] = np.asarray(values["lac_integrated"], np.float64) * 1e-6
        last = max(i for i, column in enumerate(kept) if column.key.startswith("grey"))
        columns = [*kept[: last + 1], *COLUMNS, *kept[last + 1 :]]
        found.notes += (calibration.description(),)
    for column in columns:
        found.add(column, values[column.key])
    return found
