"""The parameters of steps as the record of a stranger may hold them, with bounds."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

_Count = Annotated[int, Meta(ge=0, le=1_000_000)]
_Number = Annotated[float, Meta(ge=-1e30, le=1e30)]


_Edge = Annotated[float, Meta(gt=0, le=1e9)]


class VoxelStep(Struct, frozen=True):
    """Of a voxel size, (z, y, x) in nm; None where it was taken back."""

    voxel_nm: tuple[_Edge, _Edge, _Edge] | None = None


class SegmentStep(Struct, frozen=True):
    """Of a segmentation."""

    model: Annotated[str, Meta(min_length=1, max_length=300)]
    model_sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="a SHA-256")]
    threshold: Annotated[float, Meta(ge=-1, lt=1)]
    polarity: Literal["dark", "bright"]
    slices: tuple[_Count, _Count]
    neighbours: Annotated[int, Meta(ge=0, le=1)] = 1
    leave_out: bool = False  # former versions labelled frames and gold
    noisy: bool = False
    output_kept: bool = False


class CleanStep(Struct, frozen=True):
    """Of a clean-up: what is not there was switched off."""

    threshold: Annotated[float, Meta(ge=-1, lt=1)] | None = None
    smooth_z: _Count = 0
    close: _Count = 0
    fill_holes_px: _Count = 0
    dilate: _Count = 0
    inside_mask: bool = False
    erode: _Count = 0
    erode_3d: bool | None = None
    in_3d: bool = True
    min_size_voxels: Annotated[int, Meta(ge=0)] | None = None
    min_size_nm3: _Number | None = None
    crop_zyx_px: tuple[_Count, _Count, _Count] = (0, 0, 0)


class ThresholdStep(Struct, frozen=True):
    """Of a mask by a grey value."""

    value: _Number
    above: bool = False
    smooth_px: Annotated[float, Meta(ge=0, le=1000)] = 8.0
    large_only: bool = True
    fill: bool = True


class FindStep(Struct, frozen=True):
    """Of finding objects."""

    method: Literal["bodies", "components"] = "bodies"
    min_voxels: _Count = 30
    gap_px: Annotated[float, Meta(ge=0, le=1000)] = 6.0
    split: Annotated[float, Meta(ge=0, le=1)] = 0.0
    inside_mask: bool = False
    image: bool = False
    within_slices: Annotated[tuple[tuple[_Count, _Count], ...], Meta(max_length=10_000)] = ()
    network_output: bool | None = None
