from __future__ import annotations

import numpy as np

from sxtstudio.core.label_image import LabelImage, LegendEntry, unique_names
from sxtstudio.core.volume import ArrayVolume


def test_the_largest_value_is_that_of_the_legend() -> None:
    volume = ArrayVolume(np.zeros((2, 3, 4), np.uint8), None)
    legend = (LegendEntry(1, "ER", (1, 2, 3)), LegendEntry(7, "Gold", (4, 5, 6)))
    assert LabelImage("cell", volume, legend).largest == 7
    assert LabelImage("cell", volume, ()).largest == 0
    assert LabelImage("cell", volume, ()).shape == (2, 3, 4)


def test_names_become_unique_without_taking_one_that_follows() -> None:
    assert unique_names(["ER", "er", "ER", "Gold"]) == ["ER", "er (2)", "ER (3)", "Gold"]
    names = unique_names(["a", "a", "a (2)"])
    assert len({name.casefold() for name in names}) == 3
