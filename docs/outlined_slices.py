"""Put the real slices that models/outlines outlines beside their labels, ready to train with.

``python docs/outlined_slices.py IMAGES [--into runs/outlined]``: IMAGES is a folder in which the authors'
images lie as the table below names them (../shared/data/real has this form). What comes out is a folder of
pairs (``name.tif`` or ``.png`` and ``name.labels.tif``), in all of which absorbing structures are dark: a
training config names it with ``polarity = "dark"``, because a patch of grain or a cell full of pale vacuoles
does not show by itself.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.io import open_volume

OUTLINES = Path(__file__).parents[1] / "models" / "outlines"


@dataclass(frozen=True)
class OutlinedSlice:
    """A slice that has labels: the labels' name, where its image lies, and how they differ.

    ``bright`` says that absorbing structures are bright in the image; ``edge_px`` pixels at each edge of the
    image, the frame of a screenshot, have no labels.
    """

    name: str
    image: str
    bright: bool = False
    edge_px: int = 0


SLICES = (
    *(OutlinedSlice(f"unlabelled_{n:02}", f"deep_sxt/unlabelled_{n:02}.png") for n in range(10)),
    *(
        OutlinedSlice(
            f"Figure2_ALBA_ALBA_{cell}", f"alba/Figure2_ALBA_ALBA_{cell}.tif", cell.startswith("NI")
        )
        for cell in ("12hpi-slice340", "8hpi-slice340", "NI-slice404")
    ),
    OutlinedSlice("survos-slice", "survos/slice.tif", edge_px=10),
)


def gather(images: Path, into: Path, outlines: Path = OUTLINES) -> list[Path]:
    """Put each outlined slice and its labels into a folder, which is made, and return the images' paths.

    Raises
    ------
    UserError
        If an image or the folder is missing, an image cannot be read or is not of the size of its labels, or
        there is a file in place of the folder to write to. Then nothing has been written.
    """
    if not images.is_dir():
        raise UserError(f"{images} is no folder: name the one in which the authors' images lie.")
    for parent in (into, *into.parents):
        if parent.exists() and not parent.is_dir():
            raise UserError(f"{parent} is a file, not a folder: give another folder with --into.")
    missing = [one.image for one in SLICES if not (images / one.image).is_file()]
    if missing:
        raise UserError(f"{images} lacks {', '.join(missing)}: models/outlines/README.md tells where from.")
    for one in SLICES:  # all are read before anything is written
        _pixels(one, images / one.image, outlines)
    try:
        into.mkdir(parents=True, exist_ok=True)
        return [_pair(one, images / one.image, into, outlines) for one in SLICES]
    except OSError as error:
        raise UserError(
            f"{into} cannot be written ({error.strerror or error}): give another folder."
        ) from error


def _labels_of(one: OutlinedSlice, outlines: Path) -> Path:
    return outlines / f"{one.name}.labels.tif"


def _pixels(one: OutlinedSlice, source: Path, outlines: Path) -> NDArray[Any]:
    """Return the pixels (y, x) of an image that have labels."""
    height, width = tifffile.imread(_labels_of(one, outlines)).shape
    with open_volume(source) as volume:
        wanted = (1, height + 2 * one.edge_px, width + 2 * one.edge_px)
        if volume.shape != wanted:
            raise UserError(
                f"{source.name} has {volume.shape[1]} × {volume.shape[2]} pixels, but its outlines lie "
                f"on {wanted[1]} × {wanted[2]}: it is another image. Take the one that README.md names."
            )
        inner = slice(one.edge_px, one.edge_px + height), slice(one.edge_px, one.edge_px + width)
        return volume.read(Box.whole(volume.shape))[0][inner]


def _pair(one: OutlinedSlice, source: Path, into: Path, outlines: Path) -> Path:
    labels = _labels_of(one, outlines)
    as_it_is = not one.bright and not one.edge_px
    target = into / f"{one.name}{source.suffix if as_it_is else '.tif'}"
    with atomic_write(target) as temporary:
        if as_it_is:
            shutil.copyfile(source, temporary)  # with its voxel size
        else:
            pixels = _pixels(one, source, outlines)
            dark = pixels if not one.bright else -pixels.astype(np.float32)
            tifffile.imwrite(temporary, dark, compression="deflate", metadata=None)
    with atomic_write(into / labels.name) as temporary:
        shutil.copyfile(labels, temporary)
    return target


def main(words: Sequence[str] | None = None) -> int:
    """Gather the slices and say how many they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("images", type=Path, help="folder with the authors' images")
    parser.add_argument("--into", type=Path, default=Path("runs/outlined"))
    options = parser.parse_args(words)
    try:
        print(f"{len(gather(options.images, options.into))} slices with their labels in {options.into}")
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
