"""The field of a slice: the part of it that was measured, which is all that a network gets to see.

slice ┌───────────────────┐
      │ fill   box        │      The box around what was measured goes through the network, as if the
      │   ┌─────────┐     │      file held nothing else: its border is the slice's border. What of the
      │   │╲ field ╱│     │      box is fill shows the mirror image of what was measured. The outputs
      │   │ ╲_____╱ │     │      come back to their place; outside of the field nothing is a membrane.
      │   └─────────┘     │
      └───────────────────┘
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core import wording
from sxtstudio.core.gold import Gold
from sxtstudio.core.measured import Mask, box_around

Image = NDArray[np.float32]

#: The network's output where there is no membrane for certain.
NO_MEMBRANE = -1.0


def fill_note(share: float, of: str) -> str:
    """Return what the user should know of a fill that covers this share (0…1) of something."""
    return (
        f"{wording.share(share)} of {of} was not measured (no numbers, or a fill up to the border): it "
        "has no labels, and no say in how the image is normalised."
    )


@dataclass(frozen=True, eq=False)
class Field:
    """Which pixels of a slice (y, x) of this ``shape`` were measured; ``measured`` is None where all were.

    ``gold`` is what of it is not to be labelled; None where there is none, or nobody asked.
    """

    shape: tuple[int, int]
    measured: Mask | None = None
    gold: Gold | None = None

    @property
    def share(self) -> float:
        """Share of the slice that was measured, 0…1."""
        return 1.0 if self.measured is None else float(np.mean(self.measured))

    @property
    def box(self) -> tuple[slice, slice]:
        """The smallest box around what was measured; the whole slice where nothing was."""
        box = None if self.measured is None else box_around(self.measured)
        return box or (slice(0, self.shape[0]), slice(0, self.shape[1]))

    @property
    def box_shape(self) -> tuple[int, int]:
        """How large (y, x) the box is."""
        rows, columns = self.box
        return rows.stop - rows.start, columns.stop - columns.start

    @property
    def in_box(self) -> Mask | None:
        """Which pixels of the box were measured; None where all of the slice were."""
        return None if self.measured is None else self.measured[self.box]

    def cut(self, image: Image) -> Image:
        """Return the box of a slice (y, x)."""
        return image[self.box]

    def placed(self, values: Image, outside: float = NO_MEMBRANE) -> Image:
        """Return values of the box (y, x) at their place in the slice; ``outside`` stands for the rest."""
        if self.measured is None:
            return values
        whole = np.full(self.shape, outside, np.float32)
        whole[self.box] = values
        self.clear(whole, outside)
        return whole

    def clear(self, values: Image, outside: float = NO_MEMBRANE) -> None:
        """Set the values (y, x) of a whole slice to ``outside`` where nothing was measured."""
        if self.measured is not None:
            values[~self.measured] = outside

    def inside(self, image: Image) -> Image:
        """Return the measured pixels of a slice, as a list where some were not."""
        return image if self.measured is None else image[self.measured]
