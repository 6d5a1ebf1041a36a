"""How large pictures and movies of the 3D view may be; no VTK, which is loaded with the view."""

from __future__ import annotations

from dataclasses import dataclass

from sxtstudio.core.errors import UserError

SMALLEST_PX, LARGEST_PX = 100, 8192


@dataclass(frozen=True)
class Movie:
    """A turn around the vertical: how long, how many frames per second, width and height in pixels."""

    seconds: float = 8.0
    rate: int = 25
    size: tuple[int, int] = (1280, 960)

    def __post_init__(self) -> None:
        """Refuse what cannot be made."""
        check_size(self.size)
        if not 0.1 <= self.seconds <= 600 or not 1 <= self.rate <= 60:
            raise UserError("A movie lasts 0.1 to 600 seconds and has 1 to 60 frames per second.")

    @property
    def frames(self) -> int:
        """Number of pictures; the last one stands just before the first, so that it can be looped."""
        return max(2, round(self.seconds * self.rate))

    @property
    def drawn_size(self) -> tuple[int, int]:
        """Width and height; video codecs want even numbers."""
        return self.size[0] // 2 * 2, self.size[1] // 2 * 2


def check_size(size: tuple[int, int]) -> None:
    """Refuse pictures that cannot be drawn.

    Raises
    ------
    UserError
        If an edge is too short or too long.
    """
    if not all(SMALLEST_PX <= edge <= LARGEST_PX for edge in size):
        raise UserError(
            f"A picture of {size[0]}×{size[1]} pixels cannot be drawn. "
            f"Choose {SMALLEST_PX} to {LARGEST_PX} pixels for width and height."
        )
