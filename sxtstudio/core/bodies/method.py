"""What counts as an object; a module of its own, light enough for the form of a window."""

from __future__ import annotations

from enum import StrEnum


class Method(StrEnum):
    """What an object is; the values are those of the command line and of records."""

    BODIES = "bodies"  # what outlines enclose, with its membrane
    COMPONENTS = "components"  # label voxels that hang together
