"""The ruler, against Pythagoras."""

from __future__ import annotations

import math

import pytest

from sxtstudio.app.labels.tools.base import PointerEvent
from sxtstudio.app.labels.tools.ruler import distance_text
from sxtstudio.core.planes import Plane


@pytest.mark.parametrize(
    ("plane", "expected_nm"),
    # 30 rows and 40 columns; voxels (z, y, x) of 30 × 20 × 10 nm.
    [
        ("xy", math.hypot(30 * 20, 40 * 10)),
        ("xz", math.hypot(30 * 30, 40 * 10)),
        ("yz", math.hypot(30 * 20, 40 * 30)),
    ],
)
def test_every_axis_counts_with_its_own_voxel(plane: Plane, expected_nm: float) -> None:
    text = distance_text((5.0, 7.0), (35.0, 47.0), plane, (30.0, 20.0, 10.0), "nm")
    assert text == f"{expected_nm:.0f} nm"
    assert distance_text((0, 0), (30, 40), plane, (30, 20, 10), "µm") == f"{expected_nm / 1000:.3f} µm"
    assert distance_text((0, 0), (-30, 40), plane, None, "nm") == "50.0 px"


def test_the_line_stays_until_escape_and_changes_nothing(hand) -> None:
    hand.window.actions_.by_name["view.ruler"].trigger()
    hand.stroke("xy", 12, (10, 10), (20, 30), (40, 50))  # voxels of 10 nm: 500 nm
    sketch = hand.toolbox.sketch
    assert sketch is not None and (sketch.plane, sketch.depth, sketch.text) == ("xy", 12, "500 nm")
    hand.toolbox.hover(PointerEvent("xy", 99, 99, 12))
    assert hand.toolbox.sketch is sketch
    hand.stroke("xz", 12, (10, 10), (10, 40))
    assert hand.toolbox.sketch.text == "300 nm"
    hand.click("xz", 12, (5, 5))
    assert hand.toolbox.sketch is None
    hand.stroke("xy", 12, (10, 10), (40, 50))
    look = hand.window.actions_.by_name["labels.look"]
    look.trigger()
    assert hand.toolbox.sketch is None and hand.session.tool.value.tool == "ruler"
    look.trigger()
    assert hand.session.tool.value.tool == "look"
    assert not hand.window.actions_.by_name["view.ruler"].isChecked()
    assert hand.session.document.labels is None and not hand.session.document.steps
