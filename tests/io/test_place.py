"""Labels lie where their tomogram lies, in every program: what places an MRC file's voxels is kept."""

import struct

import mrcfile
import numpy as np
import pytest

from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import export_volume, open_volume
from sxtstudio.io.place import MrcFrame, Place

SHAPE = (5, 7, 11)
VOXEL_A = (125.0, 130.0, 200.0)  # x, y, z
IMOD = 1146047817


def write(path, *, start=(0, 0, 0), axes=(1, 2, 3), origin=(0, 0, 0), version=20141, flags=None, order="<"):
    """Write a header by the table of MRC2014; start is of columns, rows, sections; origin of x, y, z in Å."""
    nz, ny, nx = SHAPE
    grid = dict(zip(axes, (nx, ny, nz), strict=True))
    head = bytearray(1024)
    struct.pack_into(order + "10i", head, 0, nx, ny, nz, 2, *start, grid[1], grid[2], grid[3])
    struct.pack_into(order + "3f", head, 40, *(VOXEL_A[i] * grid[i + 1] for i in range(3)))
    struct.pack_into(order + "3f3i", head, 52, 90, 90, 90, *axes)
    struct.pack_into(order + "i", head, 88, 1)
    struct.pack_into(order + "i", head, 108, version)
    if flags is not None:
        struct.pack_into(order + "2i", head, 152, IMOD, flags)
    struct.pack_into(order + "3f", head, 196, *origin)
    head[208:216] = b"MAP " + (b"\x44\x44\0\0" if order == "<" else b"\x11\x11\0\0")
    path.write_bytes(bytes(head) + np.zeros(SHAPE, order + "f4").tobytes())
    return path


def read(path):
    """Return the fields that place a volume, byte by byte, in the file's own byte order."""
    head = path.read_bytes()[:1024]
    order = "<" if head[212] == 0x44 else ">"
    stamp, flags = struct.unpack_from(order + "2i", head, 152)
    return {
        "start": struct.unpack_from(order + "3i", head, 16),
        "axes": struct.unpack_from(order + "3i", head, 64),
        "origin": struct.unpack_from(order + "3f", head, 196),
        "version": struct.unpack_from(order + "i", head, 108)[0],
        "imod": stamp == IMOD,
        "flags": flags & 4 if stamp == IMOD else 0,
        "edges": [
            length / n
            for length, n in zip(
                struct.unpack_from(order + "3f", head, 40),
                struct.unpack_from(order + "3i", head, 28),
                strict=True,
            )
        ],
    }


def by_imod(fields):
    """The origin as IMOD has it in memory after mrc_head_read of libiimod."""
    inverted = (fields["imod"] and fields["flags"] & 4) or fields["version"] >= 20140
    return tuple(-value if inverted else value for value in fields["origin"])


FILES = {
    "nothing": {},
    "start": {"start": (40, 20, 4)},
    "start, big-endian": {"start": (40, 20, 4), "order": ">"},
    "start below 0": {"start": (-40, -20, -4)},
    "origin": {"origin": (5000, -2600, 800)},
    "start and origin": {"start": (40, 20, 4), "origin": (5000, 2600, 800)},
    "IMOD of old": {"origin": (-5000, -2600, -800), "version": 0, "flags": 0},
    "IMOD of old, signed bytes": {"origin": (-5000, -2600, -800), "version": 0, "flags": 1},
    "IMOD with the standard's sign": {"origin": (5000, 2600, 800), "version": 0, "flags": 5},
    "IMOD of MRC2014": {"origin": (5000, 2600, 800), "version": 20140, "flags": 1},
    "neither IMOD nor MRC2014": {"origin": (5000, 2600, 800), "version": 0},
    "axes": {"axes": (1, 3, 2), "start": (40, 20, 4), "origin": (5000, 2600, 800)},
    "axes turned round": {"axes": (3, 2, 1), "start": (40, 20, 4)},
}


@pytest.mark.parametrize("how", FILES.values(), ids=FILES)
def test_labels_keep_what_places_their_tomogram(tmp_path, how):
    wanted = read(write(tmp_path / "a.mrc", **how))
    with open_volume(tmp_path / "a.mrc") as tomogram:
        labels = ArrayVolume(np.ones(SHAPE, np.uint8), tomogram.voxel_nm)
        export_volume(tmp_path / "labels.mrc", labels, place=tomogram.place)
    got = read(tmp_path / "labels.mrc")
    assert got["edges"] == pytest.approx(wanted.pop("edges"))
    assert by_imod(got) == by_imod(wanted)
    for field in ("start", "axes", "origin", "imod"):
        assert got[field] == wanted[field]
    with open_volume(tmp_path / "a.mrc") as a, open_volume(tmp_path / "labels.mrc") as b:
        assert a.origin_nm == b.origin_nm and a.voxel_nm == pytest.approx(b.voxel_nm)
        assert b.dtype == np.int8  # signed, also for IMOD
    assert mrcfile.validate(tmp_path / "labels.mrc") or wanted["version"] != 20141


@pytest.mark.parametrize("how", FILES.values(), ids=FILES)
def test_of_some_slices_the_place_is_that_of_the_first(tmp_path, how):
    """Slices from 2 on lie two steps along z, for IMOD as well as for who counts from start."""
    wanted = read(write(tmp_path / "a.mrc", **how))
    with open_volume(tmp_path / "a.mrc") as tomogram:
        part = ArrayVolume(np.ones((3, *SHAPE[1:]), np.uint8), tomogram.voxel_nm)
        export_volume(tmp_path / "part.mrc", part, place=tomogram.place.moved(2, tomogram.voxel_nm))
        origin, step = tomogram.origin_nm, tomogram.voxel_nm[0]
    got = read(tmp_path / "part.mrc")
    with open_volume(tmp_path / "part.mrc") as opened:
        assert opened.origin_nm == pytest.approx((origin[0] + 2 * step, *origin[1:]))
    moves = 2 if any(wanted["start"]) else 0
    assert got["start"] == (*wanted["start"][:2], wanted["start"][2] + moves)
    along = wanted["axes"][2] - 1
    shift = np.subtract(by_imod(wanted), by_imod(got))
    if not wanted["imod"] and wanted["version"] == 0:
        shift = -shift  # IMOD takes such an origin for its own, all others for the standard's
    only_start = any(wanted["start"]) and not any(wanted["origin"])
    assert shift[along] == pytest.approx(0 if only_start else 20 * step)
    assert np.count_nonzero(shift) == (not only_start)


@pytest.mark.parametrize(
    ("how", "origin"),
    [
        ({"start": (40, 20, 4)}, (80, 260, 500)),
        ({"start": (40, 20, 4), "origin": (1, 2, 3)}, (0.3, 0.2, 0.1)),
        ({"origin": (-10, -20, -30), "version": 0, "flags": 0}, (3, 2, 1)),
        ({"origin": (10, 20, 30), "version": 0, "flags": 4}, (3, 2, 1)),
        ({"origin": (10, 20, 30), "axes": (1, 3, 2)}, (2, 3, 1)),
        ({}, (0, 0, 0)),
        ({"origin": (float("nan"), 0, 0)}, None),
    ],
    ids=str,
)
def test_position_of_the_first_voxel(tmp_path, how, origin):
    with open_volume(write(tmp_path / "a.mrc", **how)) as opened:
        assert opened.origin_nm == (None if origin is None else pytest.approx(origin))


def test_start_says_nothing_without_a_voxel_size():
    frame = MrcFrame(start=(4, 20, 40))
    assert frame.origin_nm(None) is None
    assert frame.moved(2, None).start == (6, 20, 40)


def test_other_formats_get_the_position(tmp_path):
    with open_volume(write(tmp_path / "a.mrc", start=(40, 20, 4))) as tomogram:
        labels = ArrayVolume(np.ones(SHAPE, np.uint8), tomogram.voxel_nm)
        export_volume(tmp_path / "a.tif", labels, place=tomogram.place)
    with open_volume(tmp_path / "a.tif") as opened:
        assert opened.origin_nm == pytest.approx((80, 260, 500))


def test_a_place_without_a_file():
    assert Place().moved(3, (20.0, 13.0, 12.5)) == Place((60.0, 0.0, 0.0))
    assert Place((1.0, 2.0, 3.0)).moved(3, None) == Place((1.0, 2.0, 3.0))
    assert Place().moved(0, (20.0, 13.0, 12.5)) == Place()
