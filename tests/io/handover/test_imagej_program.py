"""ImageJ itself opens label images and ROIs (make handover-test)."""

import numpy as np
import pytest
from asymmetric_labels import COLOURS, NAMES, ORIGIN, VOXEL, asymmetric
from imagej_program import has_imagej, run_macro

from sxtstudio.core.geometry import Box
from sxtstudio.core.label_image import LabelImage, LegendEntry
from sxtstudio.core.volume import ArrayVolume
from sxtstudio.io import open_volume
from sxtstudio.io.handover.imagej import write_imagej
from sxtstudio.io.handover.rois import write_rois
from sxtstudio.io.legend import read_legend

pytestmark = [
    pytest.mark.handover,
    pytest.mark.skipif(not has_imagej(), reason="ImageJ is not installed"),
]


def image_of(labels, factor=1):
    legend = tuple(LegendEntry(factor * value, name, COLOURS[value]) for value, name in NAMES.items())
    return LabelImage("Zelle", ArrayVolume(labels), legend, VOXEL, ORIGIN)


@pytest.mark.parametrize("factor", [1, 100], ids=["8 bit", "16 bit"])
def test_label_image(tmp_path, factor):
    """Voxel size, values, colours and names, as ImageJ shows them."""
    labels = asymmetric() * np.uint16(factor)
    write_imagej(tmp_path / "labels.tif", image_of(labels, factor))
    points = [(0, 15, 25), (1, 2, 3), (2, 5, 7), (3, 14, 4), (5, 1, 2), (5, 2, 1)]
    macro = f"""
    open("{tmp_path / "labels.tif"}");
    getVoxelSize(w, h, d, unit); getDimensions(W, H, C, S, F); getMinAndMax(low, high);
    say("" + w + " " + h + " " + d + " " + unit);
    say("" + W + " " + H + " " + C + " " + S + " " + F + " " + bitDepth());
    info = getMetadata("Info"); say(replace(info, "\\n", "|"));
    getLut(red, green, blue);
    """
    for z, y, x in points:
        # The colour of a pixel, as the screen has it.
        macro += f"""
        setSlice({z + 1}); v = getPixel({x}, {y});
        i = floor(v * 256 / (high + 1)); say("" + v + " " + red[i] + " " + green[i] + " " + blue[i]);
        """
    macro += f'saveAs("Tiff", "{tmp_path / "again.tif"}");'
    said = run_macro(macro, tmp_path)
    assert said[0].split()[:3] == ["0.013", "0.013", "0.02"] and said[0].split()[3] in ("µm", "um")
    assert said[1] == f"30 20 1 6 1 {8 if factor == 1 else 16}"
    # ImageJ 1.53t itself shows ≥ as e, here as in the files that it writes.
    names = [f"{factor * value} = {name.replace('≥', 'e')}" for value, name in NAMES.items()]
    assert said[2] == "|".join(("Label = name", *names, ""))
    for point, line in zip(points, said[3:], strict=True):
        value, *rgb = map(int, line.split())
        assert value == labels[point]
        assert tuple(rgb) == COLOURS.get(value // factor, (0, 0, 0))
    # What ImageJ has saved again still has its names and colours.
    found = {entry.value // factor: entry for entry in read_legend(tmp_path / "again.tif")}
    assert {value: entry.rgb for value, entry in found.items()} == COLOURS
    assert found[3].name == NAMES[3] and found[7].name == NAMES[7]


def test_rois_select_the_pixels_of_their_labels(tmp_path):
    """Each is filled with the number of its label, in the slice that it brings along."""
    labels = asymmetric()
    write_rois(tmp_path / "rois.zip", image_of(labels))
    macro = f"""
    newImage("filled", "16-bit black", 30, 20, 6);
    roiManager("Open", "{tmp_path / "rois.zip"}");
    n = roiManager("count"); say("" + n); values = newArray(7, 3, 3, 3, 9);
    for (i = 0; i < n; i++) {{
        roiManager("select", i); name = Roi.getName;
        say(name + "|" + getSliceNumber() + "|" + Roi.getStrokeColor + "|" + Roi.getType);
        setColor(values[i]); fill();
    }}
    run("Select None"); saveAs("Tiff", "{tmp_path / "filled.tif"}");
    """
    said = run_macro(macro, tmp_path)
    with open_volume(tmp_path / "filled.tif") as filled:
        assert (filled.read(Box.whole(filled.shape)) == labels).all()
    assert said[0] == "5"
    name, z, colour, kind = said[3].split("|")
    assert (name, z, kind) == ("Zellkern mit Höhle z0003", "3", "composite")
    assert colour == "#e6554b"
    assert said[5].startswith("Ω ≥ 5 µm z0006|6|#0102fa|traced")
