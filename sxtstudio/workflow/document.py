"""What is open in a window: a tomogram, its labels and cell mask, and the record of what was done."""

from __future__ import annotations

import secrets
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.geometry import Triple
from sxtstudio.core.volume import VoxelSize
from sxtstudio.io import FileVolume, open_volume
from sxtstudio.workflow.views import scratch_array

Labels = NDArray[np.uint8]
Target = Literal["labels", "mask"]

# The value of a labelled voxel, as the segmentation writes it.
LABEL = 255


@dataclass(frozen=True)
class Step:
    """One thing that was done, for the methods section: name, parameters (JSON values), UTC time."""

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    when: str = ""


class Document:
    """An open tomogram; labels and mask are files in ``folder`` that survive a crash of the program."""

    def __init__(self, tomogram: FileVolume, folder: Path) -> None:
        """Begin with a tomogram and nothing else; ``open`` is the usual way."""
        self.tomogram = tomogram
        self.folder = folder
        self.voxel_nm: VoxelSize | None = tomogram.voxel_nm
        self.polarity: Literal["dark", "bright"] | None = None
        self.polarity_reason = ""
        self.labels: Labels | None = None
        self.mask: Labels | None = None
        self.steps: list[Step] = []
        self.view: dict[str, Any] = {}
        self.project: Path | None = None
        self.modified = False

    @classmethod
    def open(cls, path: str | Path, work_root: Path | None = None) -> Document:
        """Open a tomogram file.

        Raises
        ------
        UserError
            As ``open_volume``.
        """
        tomogram = open_volume(path)
        root = work_root or Path(tempfile.gettempdir())
        folder = root / secrets.token_hex(6)
        folder.mkdir(parents=True)
        return cls(tomogram, folder)

    @property
    def shape(self) -> Triple:
        """Number of voxels along (z, y, x)."""
        return self.tomogram.shape

    @property
    def name(self) -> str:
        """What the window's title says."""
        return (self.project or self.tomogram.path).name

    @property
    def segmentation_folder(self) -> Path:
        """Where an unfinished segmentation keeps its slices."""
        return self.folder / "segmentation"

    def volume(self, target: str) -> Labels:
        """Return the labels or the mask (z, y, x), uint8, made empty if there were none."""
        found: Labels | None = getattr(self, target)
        if found is None:
            found = scratch_array(self.folder / f"{target}.raw", self.shape)
            setattr(self, target, found)
        return found

    def add_step(self, name: str, **parameters: Any) -> None:
        """Note what was done, with its parameters."""
        self.steps.append(Step(name, parameters, datetime.now(UTC).isoformat(timespec="seconds")))
        self.modified = True

    def autosave(self) -> None:
        """Write down all that is not in the label files."""

    def close(self) -> None:
        """Let go of the files."""
        self.tomogram.close()
