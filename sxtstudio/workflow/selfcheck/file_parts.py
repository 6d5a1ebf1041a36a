"""Files of every kind, written and read back: libraries that pack and unpack are loaded only then."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.workflow.selfcheck.trial import AGAIN, RADIUS_PX, VOXEL_NM, ball, distance

#: How other programs pack TIFF and HDF5 files: LZW and Zstandard need libraries that deflate does not.
TIFF_PACKINGS = ("lzw", "zlib", "zstd", "jpeg")
HDF5_PACKINGS = ("gzip", "lzf")


def written_files() -> str:
    """Write labels in every format of volumes, and read them back."""
    from sxtstudio.io import export_volume

    labels = ball()
    with tempfile.TemporaryDirectory(prefix="sxtstudio-") as folder:
        for name in ("labels.tif", "labels.mrc", "labels.ome.zarr"):
            export_volume(Path(folder, name), ArrayVolume(labels, VOXEL_NM))
            _read_back(Path(folder, name))
    return "TIFF, MRC and OME-Zarr were written and read back"


def packed_files() -> str:
    """Read what other programs pack in their ways."""
    import h5py
    import tifffile

    labels = ball()
    with tempfile.TemporaryDirectory(prefix="sxtstudio-") as folder:
        for packing in TIFF_PACKINGS:
            path = Path(folder, f"{packing}.tif")
            tifffile.imwrite(path, labels, compression=packing, photometric="minisblack")
            _read_back(path, 127)  # JPEG moves grey values a little
        for packing in HDF5_PACKINGS:
            path = Path(folder, f"{packing}.h5")
            with h5py.File(path, "w") as file:
                file.create_dataset("data", data=labels, chunks=(8, 35, 35), compression=packing)
            _read_back(path)
    return f"TIFF by {', '.join(TIFF_PACKINGS)} and HDF5 by {', '.join(HDF5_PACKINGS)} were read"


def _read_back(path: Path, above: int = 0) -> None:
    """Raise UserError where not the labels alone are larger than ``above``."""
    from sxtstudio.io import open_volume

    with open_volume(path) as back:
        if not np.array_equal(back.read(Box.whole(back.shape)) > above, ball() > above):
            raise UserError(f"{path.name} was not read back as it was written: {AGAIN}.")


def tables() -> str:
    """Write a table in every format, and read it back."""
    from sxtstudio.core.measure.measure import measure_objects
    from sxtstudio.core.measure.table import about, object_table
    from sxtstudio.io.tables import TABLE_SUFFIXES, read_table, write_table

    solid = (distance() <= RADIUS_PX).astype(np.uint8)
    table = object_table(measure_objects(solid, VOXEL_NM), None, about("ball", VOXEL_NM))
    with tempfile.TemporaryDirectory(prefix="sxtstudio-") as folder:
        for suffix in TABLE_SUFFIXES:
            path = Path(folder, f"objects{suffix}")
            write_table(path, table)
            back = read_table(path)
            for column in table.columns:
                if list(back[column.name]) != list(column.values) and not np.allclose(
                    back[column.name].astype(float), column.values.astype(float), rtol=1e-6, equal_nan=True
                ):
                    raise UserError(f"{path.name} was not read back as it was written: {AGAIN}.")
    return f"{', '.join(suffix[1:].upper() for suffix in TABLE_SUFFIXES)} were written and read back"


def movies() -> str:
    """Write a movie of each kind."""
    from sxtstudio.io.movie import MOVIE_SUFFIXES, ffmpeg_version, movie_writer

    frame = np.repeat(ball()[17][:34, :34, None], 3, axis=2)
    with tempfile.TemporaryDirectory(prefix="sxtstudio-") as folder:
        for suffix in MOVIE_SUFFIXES:
            path = Path(folder, f"movie{suffix}")
            with movie_writer(path, 10) as add:
                add(frame)
                add(255 - frame)
            if not path.is_file() or path.stat().st_size < 100:
                raise UserError(f"{path.name} was not written: {AGAIN}.")
    kinds = " and ".join(suffix[1:].upper() for suffix in MOVIE_SUFFIXES)
    return f"{kinds} were written; FFmpeg {ffmpeg_version()}"
