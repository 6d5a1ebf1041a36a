"""A simulated tomogram and its truth as files: what ``sxtstudio simulate`` writes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Triple
from sxtstudio.core.records import read_json
from sxtstudio.core.temporary import sweep, temporary_name
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import export_volume
from sxtstudio.training.canvas import OUTLINE_HALF_PX
from sxtstudio.training.simulate import IGNORE, Simulated, labels_of

#: Every tomogram has these files; the description is written last, so that it says that all are complete.
ENDINGS = (".tif", ".labels.tif", ".classes.tif", ".instances.tif", ".json")
#: Counts changes of the simulator after which the same seed gives something else.
SIMULATOR = 4

LEAST: Triple = (8, 48, 48)
MOST: Triple = (512, 1600, 1600)
MOST_VOXELS = 120_000_000


def check_size(shape: Triple) -> None:
    """Refuse sizes that are too small to show a cell or too large to be simulated.

    Raises
    ------
    UserError
        That says which sizes are possible.
    """
    for size, least, most, axis in zip(shape, LEAST, MOST, "zyx", strict=True):
        if not least <= size <= most:
            raise UserError(
                f"{size} voxels along {axis} cannot be simulated: give {least} to {most} (--size Z,Y,X)."
            )
    if shape[0] * shape[1] * shape[2] > MOST_VOXELS:
        raise UserError(
            f"{' × '.join(map(str, shape))} voxels are too many to simulate at once: "
            f"stay below {MOST_VOXELS // 1_000_000} million, such as 200,700,700."
        )


def written(folder: Path, name: str) -> list[Path]:
    """Return the files of a tomogram that are there already."""
    return [path for path in (folder / f"{name}{ending}" for ending in ENDINGS) if path.exists()]


def is_complete(folder: Path, name: str, request: Mapping[str, Any]) -> bool:
    """Whether all files of a tomogram are there and were made with the same settings.

    Raises
    ------
    UserError
        If files of that name are there that a run with these settings did not write.
    """
    there = written(folder, name)
    if not there:
        return False
    try:
        made_with = read_json(folder / f"{name}.json", f"The description of {name}").get("request")
    except UserError:
        made_with = None
    if len(there) == len(ENDINGS) and made_with == dict(request):
        return True
    raise UserError(
        f"{there[0]} exists already and was not made with these settings: choose another folder, "
        "or add --overwrite to replace it."
    )


def write_phantom(
    folder: Path, name: str, simulated: Simulated, request: Mapping[str, Any] | None = None
) -> list[Path]:
    """Write the tomogram, its labels, classes and instances, and a description; return the paths.

    All files are written in a folder of their own first, so that an interruption leaves none of them.

    Parameters
    ----------
    folder
        Where to; made if it is missing.
    name
        Of the tomogram: NAME.tif (float32), NAME.labels.tif (uint8, 255 membrane, 128 not to be judged),
        NAME.classes.tif (uint8), NAME.instances.tif (uint16), NAME.json.
    simulated
        What to write.
    request
        The settings that were asked for, kept in the description.

    Raises
    ------
    UserError
        If the folder cannot be written to or the disk is full.
    """
    unfinished = _make_room(folder, name)
    voxel = (simulated.microscope.voxel_nm,) * 3
    volumes: dict[str, NDArray[Any]] = {
        ".tif": simulated.tomogram,
        ".labels.tif": labels_of(simulated),
        ".classes.tif": simulated.classes,
        ".instances.tif": simulated.instances,
    }
    try:
        for ending, array in volumes.items():
            kind: Any = "image" if ending == ".tif" else "objects"
            export_volume(unfinished / f"{name}{ending}", ArrayVolume(array, voxel), kind=kind)
        with atomic_write(unfinished / f"{name}.json") as temporary:
            text = json.dumps(describe(simulated, request), indent=1, ensure_ascii=False)
            temporary.write_text(text + "\n", encoding="utf-8")
        # The description goes first and comes last: no mixture ever looks complete.
        (folder / f"{name}.json").unlink(missing_ok=True)
        return [_move(unfinished / f"{name}{ending}", folder) for ending in ENDINGS]
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def describe(simulated: Simulated, request: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return what NAME.json says: settings, tables of classes and objects, and numbers of pixels."""
    return {
        "program": "SXT Studio",
        "simulator": SIMULATOR,
        "request": dict(request or {}),
        **simulated.facts,
        "labels": {"background": 0, "not to be judged": IGNORE, "membrane": 255},
        "outline_width_px": 2 * OUTLINE_HALF_PX,
        "membrane_pixels": int(np.count_nonzero(simulated.outline)),
        "hidden_pixels": int(np.count_nonzero(simulated.hidden)),
    }


def prepare(folder: Path) -> None:
    """Make the folder, and find out before the work whether it can be written to.

    Raises
    ------
    UserError
        If it cannot.
    """
    shutil.rmtree(_make_room(folder, "try"))


def _make_room(folder: Path, name: str) -> Path:
    """Return a new folder for the files of a tomogram until all are there; a killed run may have left one."""
    unfinished = temporary_name(folder / name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder / name)
        unfinished.mkdir()
    except OSError as error:
        raise UserError(
            f"The folder {folder} cannot be written to ({error.strerror}): choose another one with -o."
        ) from error
    return unfinished


def _move(path: Path, folder: Path) -> Path:
    return path.replace(folder / path.name)
