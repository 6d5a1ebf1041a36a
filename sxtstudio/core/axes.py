"""The order in which a file stores its axes, as a user names it where the file does not, or wrongly."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sxtstudio.core.errors import UserError

SPACE = "zyx"
_OTHERS = "ct"
_HOW = (
    "name z, y and x once each, the slowest stored axis first, such as zyx or xyz. A minus behind a letter "
    "reads that axis backwards, such as z-yx"
)


@dataclass(frozen=True)
class AxisOrder:
    """Names of the stored axes, the slowest one first, and those that are read backwards.

    ``names`` holds y and x, usually z, and c (channel) or t (time) for axes of length 1.
    """

    names: str = SPACE
    backwards: frozenset[str] = frozenset()

    @classmethod
    def from_text(cls, text: str) -> AxisOrder:
        """Read ``xyz``, ``x,y,z`` or ``z-yx``.

        Raises
        ------
        UserError
            If an axis is missing, named twice or not known.
        """
        tidy = re.sub(r"[\s,;]", "", text.lower())
        found = re.fullmatch(rf"(?:[{SPACE}{_OTHERS}]-?)+", tidy)
        names = tidy.replace("-", "")
        if not found or len(set(names)) != len(names) or not {"y", "x"} <= set(names):
            raise UserError(f"{text[:40]!r} is no order of axes: {_HOW}.")
        return cls(names, frozenset(re.findall(r"(\w)-", tidy)))

    def __str__(self) -> str:
        """Return the text that ``from_text`` reads."""
        return "".join(name + "-" * (name in self.backwards) for name in self.names)
