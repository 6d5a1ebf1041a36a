"""Files that are projections: by IMOD's names, by angles beside them, and by the headers of SerialEM."""

import struct

import mrcfile
import numpy as np
import pytest

from sxtstudio.io import open_volume


def write(path, images=5, extended=b"", per_image=0, flags=0, order="<"):
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(np.zeros((images, 7, 11), np.float32))
    data = bytearray(path.read_bytes())
    struct.pack_into("<i", data, 92, len(extended))
    struct.pack_into("<2h", data, 128, per_image, flags)
    path.write_bytes(bytes(data[:1024]) + extended + bytes(data[1024:]))
    return path


def told(path):
    with open_volume(path) as opened:
        return opened.tilt_series


IMOD = ["cell.st", "CELL.ST", "cell.ali", "cell.preali", "cell_ali.mrc", "cell_preali.mrc"]


@pytest.mark.parametrize("name", IMOD)
def test_names_of_imod(tmp_path, name):
    assert "its name ends in" in told(write(tmp_path / name))


@pytest.mark.parametrize("name", ["cell.mrc", "cell.rec", "cell_rec.mrc", "ali.mrc", "st.mrc", "normali.mrc"])
def test_names_of_tomograms(tmp_path, name):
    assert told(write(tmp_path / name)) == ""


def test_a_single_image_is_no_series(tmp_path):
    assert told(write(tmp_path / "cell.st", images=1)) == ""


@pytest.mark.parametrize(
    ("name", "text", "is_series"),
    [
        ("cell.rawtlt", "-60\n-30\n0\n30\n60\n", True),
        ("cell.tlt", " -60.00\n -30.1\n 0\n 30\n 60.2\n\n", True),
        ("cell.mrc.mdoc", "".join(f"[ZValue = {z}]\nTiltAngle = {z * 3}\n" for z in range(5)), True),
        ("cell.rawtlt", "-60\n0\n60\n", False),  # of another stack
        ("cell.rawtlt", "0\n0\n0\n0\n0\n", False),
        ("cell.rawtlt", "a\nb\nc\nd\ne\n", False),
        ("other.rawtlt", "-60\n-30\n0\n30\n60\n", False),
    ],
)
def test_angles_beside_the_file(tmp_path, name, text, is_series):
    (tmp_path / name).write_text(text)
    assert bool(told(write(tmp_path / "cell.mrc"))) == is_series
    # the reconstruction lies in the same folder, under the same name
    assert told(write(tmp_path / "cell.rec")) == told(write(tmp_path / "cell_rec.mrc")) == ""


@pytest.mark.parametrize(
    ("flags", "values", "is_series"),
    [
        (1, "h", True),
        (1 | 4 | 32, "hhhf", True),  # angle, stage, dose
        (4, "hh", False),  # no angle
        (32, "f", False),
    ],
)
@pytest.mark.parametrize("varies", [True, False])
def test_angles_in_an_extended_header(tmp_path, flags, values, is_series, varies):
    each = [struct.pack("<" + values, *([z * 300 * varies] + [0] * (len(values) - 1))) for z in range(5)]
    path = write(tmp_path / "a.mrc", extended=b"".join(each), per_image=len(each[0]), flags=flags)
    assert bool(told(path)) == (is_series and varies)


def test_other_uses_of_the_fields_are_no_series(tmp_path):
    """Agard's and FEI's headers have 32 reals for each image."""
    assert told(write(tmp_path / "a.mrc", extended=bytes(range(128)) * 5, per_image=0, flags=32)) == ""
    assert told(write(tmp_path / "b.mrc", extended=bytes(range(128)) * 5, per_image=1, flags=33)) == ""
