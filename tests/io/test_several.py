"""Which of several volumes in a file is probably meant, and groups of several OME-Zarr images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zarr

from sxtstudio.core.geometry import Box
from sxtstudio.io import open_volume
from sxtstudio.io.several import SeveralVolumes, VolumeInside, likely_volume

TOMOGRAM = VolumeInside("/rec", (10, 20, 30), "f", 32)
LABELS = VolumeInside("/rec_labels", (10, 20, 30), "u", 8)
TILTS = VolumeInside("/proj", (99, 200, 300), "u", 16, "projections")
BINNED = VolumeInside("/binned", (5, 10, 15), "f", 32)
EVERYTHING = [LABELS, TILTS, BINNED, TOMOGRAM]


@pytest.mark.parametrize("choices", [EVERYTHING, EVERYTHING[::-1]], ids=["one order", "the other"])
def test_the_likely_one(choices: list[VolumeInside]) -> None:
    assert likely_volume(choices) is TOMOGRAM
    assert likely_volume(choices, labels=True) is LABELS
    assert likely_volume(choices, shape=(15, 10, 5)) is BINNED
    assert likely_volume([TILTS]) is TILTS


def image(group: zarr.Group, name: str, data: np.ndarray) -> None:
    """An OME-Zarr image of two resolutions."""
    member = group.require_group(name)
    member.create_array("0", data=data)
    member.create_array("1", data=np.ascontiguousarray(data[:, ::2, ::2]))
    axes = [{"name": n, "type": "space", "unit": "nanometer"} for n in "zyx"]
    scales = ([30.0, 20.0, 10.0], [30.0, 40.0, 20.0])
    levels = [
        {"path": str(n), "coordinateTransformations": [{"type": "scale", "scale": scale}]}
        for n, scale in enumerate(scales)
    ]
    member.attrs["multiscales"] = [{"version": "0.4", "axes": axes, "datasets": levels}]


def test_resolutions_of_an_image_are_one_volume(tmp_path: Path) -> None:
    data = np.arange(6 * 8 * 10, dtype=np.uint16).reshape(6, 8, 10)
    group = zarr.open_group(tmp_path / "cells.zarr", mode="w", zarr_format=2)
    image(group, "cell", data)
    with open_volume(tmp_path / "cells.zarr") as volume:
        assert volume.voxel_nm == (30, 20, 10)
        np.testing.assert_array_equal(volume.read(Box.whole((6, 8, 10))), data)
    image(group, "other", data + 1)
    with pytest.raises(SeveralVolumes, match=r"cells\.zarr::/cell") as caught:
        open_volume(tmp_path / "cells.zarr")
    assert [(c.inside, c.shape, c.numbers) for c in caught.value.choices] == [
        (name, (6, 8, 10), "16-bit whole numbers") for name in ("/cell", "/other")
    ]
    with open_volume(caught.value.name_of(caught.value.choices[1])) as volume:
        assert volume.voxel_nm == (30, 20, 10)
        np.testing.assert_array_equal(volume.read(Box.whole((6, 8, 10))), data + 1)
