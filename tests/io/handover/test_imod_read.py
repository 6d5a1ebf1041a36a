"""Models of IMOD, read: of imodmodel, of hand-made bytes, and of those who mean harm."""

import struct

import imodmodel
import numpy as np
import pandas as pd
import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.io import open_labels, open_volume
from sxtstudio.io.handover import contour_fill, imod_read
from sxtstudio.io.handover.imod_read import model_legend, open_model


def header(size=(30, 20, 6), objects=1, flags=1 << 13, pixel=13.0, units=-9, z_scale=1.5):
    """(x, y, z)"""
    head = (
        b"IMODV1.2" + b"name".ljust(128, b"\0") + struct.pack(">4iI4i", *size, objects, flags, 1, 1, 0, 255)
    )
    return head + struct.pack(
        ">6f5if2i3f", 0, 0, 0, 1, 1, z_scale, 0, -1, -1, 3, 128, pixel, units, 0, 0, 0, 0
    )


def an_object(name=b"A", contours=1, flags=0, meshes=0, rgb=(1, 0.5, 0)):
    head = (
        b"OBJT" + name.ljust(64, b"\0") + bytes(64) + struct.pack(">iI2i3fi", contours, flags, 0, 1, *rgb, 0)
    )
    return head + bytes((1, 3, 1, 1, 0, 0, 0, 0)) + struct.pack(">2i", meshes, 0)


def contour(points, flags=0):
    points = np.asarray(points, ">f4").reshape(-1, 3)
    return b"CONT" + struct.pack(">iI2i", len(points), flags, 0, 0) + points.tobytes()


def rectangle(x0, y0, x1, y1, z):
    return [(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)]


def chunk(name, data):
    return name + struct.pack(">i", len(data)) + data


def place(origin=(0, 0, 0), current=(0, 0, 0), scale=(130, 130, 195)):
    return chunk(b"MINX", struct.pack(">18f", 1, 1, 1, *origin, 0, 0, 0, *scale, *current, 0, 0, 0))


def model(*parts):
    return b"".join((*parts, b"IEOF"))


@pytest.fixture
def write(tmp_path):
    def write(*parts):
        path = tmp_path / "a.mod"
        path.write_bytes(model(*parts))
        return path

    return write


def whole(volume):
    with volume:
        return volume.read(Box.whole(volume.shape))


def test_contours_names_colours_and_lengths(write):
    path = write(
        header(objects=2),
        an_object("Zellkern ä".encode(), contours=3),
        contour(rectangle(2, 3, 10, 9, 1)),
        chunk(b"SIZE", struct.pack(">4f", 1, 1, 1, 1)),
        contour(rectangle(4, 5, 6, 7, 1)),  # a hole
        contour(rectangle(2.6, 3.4, 4.4, 5.6, 4)),
        chunk(b"IMAT", bytes(16)),
        an_object("Lipidtröpfchen".encode("latin-1"), rgb=(0, 0, 1)),
        contour(rectangle(9, 8, 30, 20, 1)),
        chunk(b"VIEW", bytes(4)),
    )
    expected = np.zeros((6, 20, 30), np.uint8)
    expected[1, 3:9, 2:10] = 1
    expected[1, 5:7, 4:6] = 0
    expected[4, 3:5, 3] = 1  # centres at 3.5 and 4.5 lie within 3.4 … 5.6; 5.5, too
    expected[4, 5, 3] = 1
    expected[1, 8:20, 9:30] = 2
    volume = open_volume(path)
    assert volume.format == "IMOD model" and volume.dtype == np.uint8
    assert volume.voxel_nm == pytest.approx((19.5, 13, 13)) and volume.origin_nm is None
    assert [note for note in volume.notes if "first row" not in note] == []
    assert (whole(volume) == expected).all()
    with open_volume(path) as volume:
        part = volume.read(Box((0, 4, 3), (3, 12, 25)))
    assert (part == expected[0:3, 4:12, 3:25]).all()
    assert [(e.value, e.name, e.rgb) for e in model_legend(path)] == [
        (1, "Zellkern ä", (255, 128, 0)),
        (2, "Lipidtröpfchen", (0, 0, 255)),
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of its own
def test_a_model_of_imodmodel_has_the_size_of_the_tomogram(tmp_path):
    points = [(float(x), float(y), 2.0) for x, y in ((1, 1), (5, 1), (5, 4), (1, 4))]
    rows = [{"object_id": 0, "contour_id": 0, "x": x, "y": y, "z": z} for x, y, z in points]
    model = imodmodel.ImodModel.from_dataframe(pd.DataFrame(rows))
    model.objects[0].header.flags.open = model.objects[0].header.flags.scattered = False
    model.to_file(tmp_path / "a.mod")
    with pytest.raises(UserError, match=r"does not say how large .* Open the tomogram first"):
        open_volume(tmp_path / "a.mod")
    labels = whole(open_labels(tmp_path / "a.mod", (4, 6, 8)))
    expected = np.zeros((4, 6, 8))
    expected[2, 1:4, 1:5] = 1
    assert (labels == expected).all()
    with pytest.raises(
        UserError, match=r"reach to x = 5, y = 4, z = 2, beyond the tomogram of 3 × 2 × 4 voxels"
    ):
        open_labels(tmp_path / "a.mod", (4, 2, 3))


def test_sizes_of_material_and_angles_that_imodmodel_writes_too_large(write):
    """As IMOD itself, which passes over what it does not believe."""
    size = struct.pack(">i", 48)
    path = write(*GOOD, b"IMAT" + size + bytes(16), b"SLAN" + size + bytes(60), place())
    assert np.count_nonzero(whole(open_volume(path))) == 48


def test_of_another_tomogram(write):
    path = write(header(), an_object(), contour(rectangle(2, 3, 10, 9, 1)))
    with open_labels(path, (6, 20, 31)) as volume:
        assert volume.shape == (6, 20, 30)  # the caller compares, as with any other file


def test_origin_part_of_the_image_and_units(write):
    """Drawn on a part that began at voxel (4, 2, 1) of an image at (100, -26, 25) nm."""
    origin, start = (-250, 260, -1000), (4, 2, 1)
    current = [o - 130 * s for o, s in zip(origin[:2], start[:2], strict=True)] + [origin[2] - 195 * start[2]]
    parts = an_object(), contour(rectangle(0, 0, 3, 2, 2))
    path = write(header((10, 10, 4), flags=3 << 13, units=0), *parts, place(origin, current))
    volume = open_labels(path, (6, 20, 30))
    assert volume.voxel_nm == pytest.approx((19.5, 13, 13))
    assert volume.origin_nm == pytest.approx((100, -26, 25))
    expected = np.zeros((6, 20, 30))
    expected[3, 2:4, 4:7] = 1
    assert (whole(volume) == expected).all()


def test_flipped(write):
    """Last shown with y and z exchanged, and stored so."""
    points = [(x, 3, y) for x, y, _ in rectangle(2, 1, 6, 5, 0)]
    path = write(header((30, 6, 20), flags=1 << 16), an_object(), contour(points))
    expected = np.zeros((6, 20, 30))
    expected[3, 1:5, 2:6] = 1
    assert (whole(open_volume(path)) == expected).all()


def test_what_encloses_nothing_is_said(write):
    triangle = rectangle(2, 3, 10, 9, 1)[:3]
    path = write(
        header(objects=5),
        an_object(contours=2),
        contour(rectangle(2, 3, 10, 9, 1)),
        contour(triangle, flags=1 << 3),
        an_object(flags=1 << 3),
        contour(triangle),
        an_object(flags=1 << 3 | 1 << 9),
        contour([(1, 2, 3)]),
        an_object(contours=3),
        contour([(1, 1, 1), (5, 5, 5), (1, 5, 2)]),
        contour([]),
        contour(rectangle(2, 3, 10, 9, 17)),
        an_object(contours=0, meshes=1),
        b"MESH" + struct.pack(">2iI2h", 2, 3, 0, 0, 0) + bytes(24 + 12),
    )
    volume = open_volume(path)
    assert volume.notes[:2] == (
        "no labels: 3 open contours and points, 1 contours that are not in one slice, "
        "1 objects that are meshes only",
        "1 contour beyond the 6 slices",
    )
    assert np.count_nonzero(whole(volume)) == 48


GOOD = header(), an_object(), contour(rectangle(2, 3, 10, 9, 1))
BAD = {
    "another file": (b"IMODV1.2", "ends too early"),
    "old": (b"IMODV0.1" + bytes(400), "before 1.2"),
    "header cut off": (header()[:200], "ends too early"),
    "no end": (b"".join(GOOD), "1 of 1 objects"),
    "contour cut off": (b"".join(GOOD)[:-20], "claims to have 4 points"),
    "object cut off": ((header() + an_object())[:-20], "ends too early"),
    "more objects than it says": (model(header(objects=0), *GOOD[1:]), "more than 0 objects"),
    "fewer objects than it says": (model(header(objects=2), *GOOD[1:]), "1 of 2 objects"),
    "negative number of objects": (model(header(objects=-1)), "0 of -1 objects"),
    "fewer contours": (
        model(header(), an_object(contours=7), GOOD[2]),
        "contours or meshes of object 1 are missing",
    ),
    "more contours": (model(header(), an_object(contours=0), GOOD[2]), "belongs to no object"),
    "contour without an object": (model(header(objects=0), GOOD[2]), "belongs to no object"),
    "mesh without an object": (model(header(objects=0), b"MESH" + bytes(16)), "belongs to no object"),
    "points without end": (
        model(*GOOD[:2], b"CONT" + struct.pack(">iI2i", 2**31 - 1, 0, 0, 0)),
        "claims to have 2147483647 points",
    ),
    "negative points": (
        model(*GOOD[:2], b"CONT" + struct.pack(">iI2i", -4, 0, 0, 0)),
        "claims to have -4 points",
    ),
    "mesh without end": (
        model(
            header(),
            an_object(contours=0, meshes=1),
            b"MESH" + struct.pack(">2iI2h", 2**31 - 1, 2**31 - 1, 0, 0, 0),
        ),
        "claims to have",
    ),
    "negative mesh": (
        model(header(), an_object(contours=0, meshes=1), b"MESH" + struct.pack(">2iI2h", -8, 24, 0, 0, 0)),
        "negative size",
    ),
    "zeros": (model(*GOOD)[:-4] + bytes(64), "something else"),
    "chunk that goes back": (model(*GOOD, b"XXXX" + struct.pack(">i", -8)), "claims to have -8 bytes"),
    "chunk beyond the end": (model(*GOOD, b"XXXX" + struct.pack(">i", 1 << 30)), "bytes"),
    "no number": (
        model(*GOOD[:2], contour([(1, 1, 1), (np.nan, 1, 1), (2, 2, 1)])),
        "a point of a contour is no number",
    ),
    "endless": (model(*GOOD[:2], contour([(1, 1, 1), (np.inf, 1, 1), (2, 2, 1)])), "is no number"),
    "as wide as nothing": (
        model(header((2**31 - 1, 2**31 - 1, 6)), *GOOD[1:]),
        "more than SXT Studio handles",
    ),
    "as deep as nothing": (model(header((10, 10, 2**31 - 1)), *GOOD[1:]), "more than SXT Studio handles"),
}


@pytest.mark.parametrize(("raw", "says"), BAD.values(), ids=BAD)
def test_bad_models_get_one_sentence(tmp_path, raw, says):
    path = tmp_path / "bad.mod"
    path.write_bytes(raw)
    with pytest.raises(UserError, match=says) as caught:
        open_volume(path)
    assert "bad.mod" in str(caught.value) and "\n" not in str(caught.value)


def test_contours_that_would_take_hours(write):
    """A few kilobytes that cover the slice a thousand times."""
    cover = [contour(rectangle(0, 0, 30, 20 - i * 1e-4, 1)) for i in range(1000)]
    path = write(header(), an_object(contours=1000), *cover)
    with open_volume(path) as volume, pytest.raises(UserError, match="slice 2 are too many, or too large"):
        volume.read(Box.whole(volume.shape))


def test_numbers_far_away(write):
    path = write(header(), an_object(), contour(rectangle(-3e38, -3e38, 3e38, 3e38, 1)))
    assert whole(open_volume(path))[1].all()
    far = write(header(), an_object(), contour(rectangle(0, 0, 5, 5, 3e38)))
    assert not whole(open_volume(far)).any()


def test_more_contours_and_points_than_are_handled(write, monkeypatch):
    path = write(header(), an_object(contours=5), *[contour(rectangle(2, 3, 10, 9, 1))] * 5)
    monkeypatch.setattr(imod_read, "_MOST_POINTS", 19)
    with open_volume(path) as volume, pytest.raises(UserError, match="too many"):
        volume.read(Box.whole(volume.shape))
    monkeypatch.setattr(imod_read, "_MOST_POINTS", 3)
    with pytest.raises(UserError, match="more than 3 points in a contour"):
        open_volume(path)
    monkeypatch.setattr(imod_read, "MOST_CONTOURS", 4)
    monkeypatch.setattr(imod_read, "_MOST_POINTS", 19)
    with pytest.raises(UserError, match="more than 4 contours"):
        open_volume(path)
    monkeypatch.setattr(imod_read, "_MOST_PARTS", 4)
    with pytest.raises(UserError, match="more than 4 parts"):
        open_volume(path)


def test_a_file_that_shrinks_while_it_is_read(write):
    path = write(*GOOD)
    with open_volume(path) as volume:
        path.write_bytes(model(*GOOD)[:450])
        with pytest.raises(UserError, match="ends too early"):
            volume.read(Box.whole(volume.shape))


def test_random_changes(write):
    """Whatever is changed, there is a volume or a sentence, and it takes no time."""
    good = model(*GOOD, place())
    rng = np.random.default_rng(3)
    path = write()
    for _ in range(300):
        raw = bytearray(good[: rng.integers(8, len(good))] if rng.random() < 0.3 else good)
        for place_ in rng.integers(8, len(raw), rng.integers(1, 5)) if len(raw) > 8 else ():
            raw[place_] = rng.integers(0, 256)
        path.write_bytes(raw)
        try:
            with open_model(path, (6, 20, 30)) as volume:
                z, y, x = volume.shape
                if z * y * x < 1e6:
                    volume.read(Box.whole(volume.shape))
        except UserError:
            pass


@pytest.mark.parametrize("at_once", [8, 500_000])
def test_objects_of_a_slice_are_filled_together(write, monkeypatch, at_once):
    """Each on its own took thousands of objects several times as long; many points are taken in parts."""
    monkeypatch.setattr(imod_read, "_POINTS_AT_ONCE", at_once)
    filled, parity = [], contour_fill._parity
    monkeypatch.setattr(contour_fill, "_parity", lambda *given: filled.append(1) or parity(*given))
    corners = [(x, y) for y in range(0, 20, 4) for x in range(0, 28, 4)]
    parts = []
    for x, y in corners:
        parts += [an_object(contours=2), contour(rectangle(x, y, x + 3, y + 3, 1))]
        parts += [contour(rectangle(x + 1, y + 1, x + 2, y + 2, 1))]  # a hole
    with open_volume(write(header(objects=len(corners)), *parts)) as volume:
        found = volume.read(Box((1, 0, 0), (2, 20, 30)))[0]
    expected = np.zeros((20, 30), int)
    for number, (x, y) in enumerate(corners, 1):
        expected[y : y + 3, x : x + 3] = number
        expected[y + 1, x + 1] = 0
    assert (found == expected).all()
    assert len(filled) == (len(corners) if at_once == 8 else 1)
