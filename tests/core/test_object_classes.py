"""The classes that every table begins with: their colours are told apart."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.app.states import DisplayState
from sxtstudio.core.object_classes import CLASSES, DROPLET, Rgb

# Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision deficiency"
# (2009), severity 1, of linear RGB.
EYES = {
    "all cones": np.eye(3),
    "without red": [
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998],
    ],
    "without green": [
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881],
    ],
    "without blue": [
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900],
    ],
}  # fmt: skip
TO_XYZ = [
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
]


def lab(rgb: Rgb, eyes: str) -> np.ndarray:
    """CIE L*a*b* of a colour as somebody sees it."""
    part = np.array(rgb) / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    x, y, z = np.cbrt(
        np.array(TO_XYZ) @ np.clip(np.array(EYES[eyes]) @ linear, 1e-3, 1) / [0.95047, 1, 1.08883]
    )
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eyes", EYES)
def test_a_droplet_looks_neither_like_labels_nor_like_another_class(eyes: str) -> None:
    droplet = lab(DROPLET.rgb, eyes)
    others = {one.name: one.rgb for one in CLASSES if one is not DROPLET}
    for name, rgb in (others | {"labels": DisplayState().label_rgb, "no class": (190, 190, 190)}).items():
        assert np.linalg.norm(lab(rgb, eyes) - droplet) > 25, name
    assert 35 < droplet[0] < 75, "seen on dark and on light ground"
