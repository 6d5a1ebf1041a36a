"""Table S1: means and SDs by hand, who is in it, and its text."""

from __future__ import annotations

import csv
import io
import statistics

import numpy as np
import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.measure.columns import Measurements
from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.measure.table_s1 import plus_minus, table_s1
from sxtstudio.core.object_table import ObjectFlag, ObjectRow, ObjectTable


def rods(voxel_nm: tuple[float, float, float] | None) -> Measurements:
    """Rods along z: 4 × 6 pixels over 5 slices, 8 × 10 over 7, one that changes, and one at the border."""
    objects = np.zeros((12, 40, 60), np.uint32)
    objects[2:7, 4:8, 4:10] = 1
    objects[2:9, 14:22, 4:14] = 2
    objects[2:4, 4:8, 30:36] = 3
    objects[4:8, 4:14, 30:40] = 3
    objects[0:9, 20:30, 30:40] = 7
    return measure_objects(objects, voxel_nm)


def test_2d_means_are_over_slices_first() -> None:
    found = table_s1(rods((20.0, 10.0, 10.0)))
    assert found.objects == (1, 2, 3) and found.at_border == (7,)
    area = found.rows[0]
    each = [2400.0, 8000.0, (2 * 2400 + 4 * 10000) / 6]
    assert (area.dimensions, area.title, area.unit, area.n) == (2, "Area", "nm²", 3)
    assert area.mean == pytest.approx(statistics.mean(each))
    assert area.sd == pytest.approx(statistics.stdev(each))
    within = [0.0, 0.0, statistics.stdev([2400.0] * 2 + [10000.0] * 4)]
    assert area.within == pytest.approx(statistics.mean(within))
    assert area.paper == (33155, 25244)
    volume = found.rows[5]
    each = [2000.0 * n for n in (5 * 24, 7 * 80, 2 * 24 + 4 * 100)]
    assert (volume.title, volume.unit) == ("Volume", "nm³")
    assert (volume.mean, volume.sd) == pytest.approx((statistics.mean(each), statistics.stdev(each)))
    assert np.isnan(volume.within)


def test_units_are_those_of_the_paper() -> None:
    """A slanted rod of 300 × 135 nm in each slice has figures about as large as a filopodium's."""
    objects = np.zeros((50, 30, 110), np.uint32)
    for z in range(5, 45):
        objects[z, 8:22, 3 + z : 34 + z] = 1
    found = table_s1(measure_objects(objects, (9.8, 9.8, 9.8)))
    for row in found.rows:
        assert row.paper is not None
        assert 0.6 < row.mean / row.paper[0] < 1.5, row
        assert np.isnan(row.sd)


def test_chosen_objects_and_those_at_the_border() -> None:
    measured = rods((10.0, 10.0, 10.0))
    assert table_s1(measured, {2, 7, 99}).objects == (2,)
    both = table_s1(measured, {2, 7}, with_border=True)
    assert both.objects == (2, 7)
    assert "1 object at the border of the volume is counted, though not whole" in both.caption()
    alone = table_s1(measured, {1, 2})
    assert "border" not in alone.caption() and "over 2 objects" in alone.caption()
    with pytest.raises(UserError, match="all that were chosen touch the border"):
        table_s1(measured, {7})
    with pytest.raises(UserError, match="choose some first"):
        table_s1(measured, set())


def test_text_and_csv_say_the_same() -> None:
    found = table_s1(rods((10.0, 10.0, 10.0)))
    text = found.markdown()
    assert "1 object at the border of the volume is left out." in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(line) for line in lines}) == 1 and len(lines) == 13
    cells = {row[1]: row[2:6] for row in ([c.strip() for c in line.split("|")] for line in lines)}
    assert cells["Volume, 3D (nm³)"][3] == "2.28e7 ± 1.77e7"
    assert cells["Surface to volume, 3D (1/µm)"][3] == "30.2 ± 5.3"
    assert cells["Eccentricity, 2D"][3] == "0.80 ± 0.17"
    assert cells["Area, 2D (nm²)"][0] == plus_minus(found.rows[0].mean, found.rows[0].sd)
    rows = list(csv.DictReader(io.StringIO(found.csv())))
    assert float(rows[5]["mean"]) == found.rows[5].mean and rows[5]["sd_over_slices"] == ""
    assert float(rows[0]["paper_sd"]) == 25244
    assert rows[-1]["measure"] == found.caption()


def test_without_a_voxel_size_nothing_is_compared() -> None:
    found = table_s1(rods(None))
    assert [row.unit for row in found.rows][:3] == ["px²", "px", "px"]
    assert found.rows[5].unit == "voxels" and found.rows[5].mean == pytest.approx(376)
    assert [row.title for row in found.rows if row.paper] == ["Eccentricity"]
    assert "voxel size is unknown" in found.caption()


@pytest.mark.parametrize(
    ("mean", "sd", "text"),
    [
        (2.28e7, 1.77e7, "2.28e7 ± 1.77e7"),
        (6.16e5, 3.66e5, "6.16e5 ± 3.66e5"),
        (33155, 25244, "33155 ± 25244"),
        (302, 9.4, "302 ± 9"),
        (0.8, 0.17, "0.80 ± 0.17"),
        (30.2, 5.3, "30.2 ± 5.3"),
        (30.2, float("nan"), "30.2"),
        (float("nan"), 1, ""),
        (0, 0, "0.00 ± 0.00"),
    ],
)
def test_numbers_have_the_decimals_of_the_paper(mean: float, sd: float, text: str) -> None:
    assert plus_minus(mean, sd) == text


def test_sheets_are_left_out_and_counted_in_the_caption() -> None:
    measured = rods((10.0, 10.0, 10.0))
    numbers = measured.numbers.tolist()
    cut = [n for n, at in zip(numbers, measured.values["touches_border"].tolist(), strict=True) if at]
    whole = [n for n in numbers if n not in cut]
    sheets = [whole[0], cut[0]]
    table = ObjectTable(
        {n: ObjectRow(flags=frozenset({ObjectFlag.SHEET} if n in sheets else set())) for n in numbers}
    )
    found = table_s1(measured, table=table)
    assert found.objects == tuple(whole[1:]) and set(found.sheets) == set(sheets)
    assert found.at_border == tuple(cut[1:])
    for text in (found.markdown(), found.csv()):
        assert "2 sheets that enclose nothing are left out." in text
    assert table_s1(measured, {whole[0]}, table=table, with_sheets=True).objects == (whole[0],)
    with pytest.raises(UserError, match="all are sheets"):
        table_s1(measured, sheets, table=table)


def test_open_bodies_count_and_the_caption_says_that_their_volumes_are_estimates() -> None:
    measured = rods((10.0, 10.0, 10.0))

    def caption(flags: dict[int, set[ObjectFlag]], **how: bool) -> str:
        rows = {n: ObjectRow(flags=frozenset(flags.get(n, ()))) for n in measured.numbers.tolist()}
        found = table_s1(measured, table=ObjectTable(rows), **how)
        assert found.caption() in found.markdown() and found.caption() in found.csv()
        return found.caption()

    is_open = {ObjectFlag.OPEN}
    # 7 is at the border: it is not among those that count, open or not.
    assert " 2 of 3 open: volumes are estimates. " in caption({1: is_open, 2: is_open, 7: is_open})
    text = caption({1: is_open, 2: is_open, 7: is_open}, with_border=True)
    assert " 3 of 4 open: volumes are estimates. " in text
    assert " 1 of 3 open: its volume is an estimate. " in caption({3: is_open})
    assert "open" not in caption({7: is_open})
    assert "open" not in caption({1: is_open | {ObjectFlag.SHEET}}, with_sheets=True)
