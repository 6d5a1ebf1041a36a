"""What the table lists, against plain loops over the same rows."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.app.objects.plots.data import PlotChoice, number_columns, with_columns
from sxtstudio.app.objects.table.columns import Own, columns_of, flags_sentence, usual_keys
from sxtstudio.app.objects.table.listing import Filter, Indices, Limit, Listing
from sxtstudio.app.objects.table.text import alike, summary_text, tab_separated
from sxtstudio.core.measure.columns import Column, Measurements, Quantity
from sxtstudio.core.measure.measure import measure_objects
from sxtstudio.core.object_table import ObjectFlag, ObjectRow, ObjectTable

VOLUME = Column("volume", "Volume", Quantity.UM3, "All voxels of the object.", formula="n · v")
PARTS = Column("parts", "Parts", Quantity.NUMBER, "How many parts it has.", integer=True)

ROWS = {
    2: ObjectRow("Vesicle", flags=frozenset({ObjectFlag.BORDER})),
    3: ObjectRow("vesicle", notes="beside the nucleus"),
    7: ObjectRow("", flags=frozenset({ObjectFlag.OPEN, ObjectFlag.DOUBTFUL})),
    2**31: ObjectRow("Mitochondrion", notes="two\tparts\n7"),
}


@pytest.fixture
def listing() -> Listing:
    """Four objects; number 3 was not measured, and number 5 is gone since."""
    measurements = Measurements(np.array([2, 5, 7, 2**31]))
    measurements.add(VOLUME, np.array([4.0, 9.0, 1.0, 2.0]))
    measurements.add(PARTS, np.array([1, 1, 1, 1234]))
    return Listing(ObjectTable(ROWS), measurements)


def numbers(listing: Listing, key: str, **more: object) -> list[int]:
    order = listing.order(key, **{"descending": False, **more})  # type: ignore[arg-type]
    return [int(n) for n in listing.numbers[order]]


@pytest.mark.parametrize(
    ("key", "descending", "expected"),
    [
        (Own.NUMBER, False, [2, 3, 7, 2**31]),
        (Own.NUMBER, True, [2**31, 7, 3, 2]),
        (Own.CLASS, False, [2**31, 2, 3, 7]),
        (Own.CLASS, True, [2, 3, 2**31, 7]),
        ("volume", False, [7, 2**31, 2, 3]),
        ("volume", True, [2, 2**31, 7, 3]),
        ("unknown", True, [2, 3, 7, 2**31]),
    ],
)
def test_rows_are_sorted_and_what_is_empty_comes_last(
    listing: Listing, key: str, descending: bool, expected: list[int]
) -> None:
    assert numbers(listing, key, descending=descending) == expected


def test_only_some_are_listed(listing: Listing) -> None:
    assert numbers(listing, "volume", only={3, 2, 99}) == [2, 3]
    assert numbers(listing, "volume", only=()) == []


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filter(), {2, 3, 7, 2**31}),
        (Filter("VESICLE"), {2, 3}),
        (Filter("vesicle border"), {2}),
        (Filter("7"), {7}),
        (Filter("nucleus"), {3}),
        (Filter("doubt open"), {7}),
        (Filter("", (Limit("volume", 2.0, None),)), {2, 2**31}),
        (Filter("", (Limit("volume", None, 2.0),)), {7, 2**31}),
        (Filter("", (Limit("volume", 1.5, 4.0), Limit("parts", 2, None))), {2**31}),
        (Filter("", (Limit(Own.NUMBER, 3, 7),)), {3, 7}),
        (Filter("mito", (Limit("volume", 3, None),)), set()),
    ],
)
def test_filter_leaves(listing: Listing, wanted: Filter, expected: set[int]) -> None:
    assert listing.matching(wanted) == expected


def test_figures_leave_the_border_out_and_say_so(listing: Listing) -> None:
    order = listing.order(Own.NUMBER, descending=False)
    whole = listing.summary("volume", order, without_border=True)
    assert whole is not None
    assert (whole.count, whole.border, whole.mean, whole.median) == (2, 1, 1.5, 1.5)
    assert whole.sd == pytest.approx(np.sqrt(0.5))
    every = listing.summary("volume", order, without_border=False)
    assert every is not None and (every.count, every.border) == (3, 0)
    assert listing.summary("unknown", order, without_border=True) is None
    column = next(one for one in columns_of(listing.measurements) if one.key == "volume")
    text = summary_text(listing, order, column, chosen=2, stale=1, without_border=True)
    assert text.startswith(
        "4 objects  ·  2 chosen  ·  Volume (µm³): n = 2, mean 1.500 ± 0.707 (SD), median 1.500"
    )
    assert "1 at the border left out" in text and "1 changed since they were measured" in text


@pytest.mark.parametrize(
    ("figures", "texts"),
    [
        ((0.018784, 0.0177, 0.02), ("0.0188", "0.0177", "0.0200")),
        ((3.204e-5, 1.51e-5, 3e-5), ("3.20×10⁻⁵", "1.51×10⁻⁵", "3.00×10⁻⁵")),
        ((12345.6, 890.4, 12000.0), ("12346", "890", "12000")),
        ((4.0, np.nan, 4.0), ("4.000", "", "4.000")),
        ((4.0, 0.0, 4.0), ("4.000", "0.000", "4.000")),
        ((0.0, 0.0, 0.0), ("0", "0", "0")),
    ],
)
def test_mean_sd_and_median_have_the_same_decimals(
    figures: tuple[float, float, float], texts: tuple[str, str, str]
) -> None:
    assert alike(*figures) == texts


def test_rows_are_copied_with_all_digits_and_one_line_each(listing: Listing) -> None:
    columns = columns_of(listing.measurements)
    lines = tab_separated(listing, listing.order(Own.NUMBER, descending=False), columns).splitlines()
    assert lines[0].split("\t") == ["Object", "Class", "Flags", "Notes", "Volume (µm³)", "Parts"]
    assert lines[4].split("\t") == ["2147483648", "Mitochondrion", "", "two parts 7", "2", "1234"]
    assert lines[2].split("\t")[4:] == ["", ""] and len(lines) == 5


def test_columns_say_what_they_mean(listing: Listing) -> None:
    columns = columns_of(listing.measurements)
    volume = next(column for column in columns if column.key == "volume")
    assert volume.tip == "All voxels of the object.\n= n · v\nIn files: volume_um3"
    assert usual_keys(columns) == ("number", "class", "flags", "volume", "notes")
    assert usual_keys(columns_of(None)) == ("number", "class", "flags", "notes")
    text = flags_sentence(frozenset({ObjectFlag.OPEN, ObjectFlag.BORDER}))
    assert text.splitlines()[0].startswith("Touches the border") and "missing" in text.splitlines()[1]


def test_twenty_thousand_objects_are_sorted_as_a_plain_sort_does() -> None:
    rng = np.random.default_rng(1)
    count = 20_000
    table = ObjectTable.of(range(1, count + 1))
    measurements = Measurements(np.arange(1, count + 1))
    values = rng.integers(0, 500, count).astype(float)  # many alike
    values[rng.random(count) < 0.1] = np.nan
    measurements.add(VOLUME, values)
    found = numbers(Listing(table, measurements), "volume", descending=True)
    known = [n for n in range(1, count + 1) if not np.isnan(values[n - 1])]
    unknown = [n for n in range(1, count + 1) if np.isnan(values[n - 1])]
    assert found == sorted(known, key=lambda n: -values[n - 1]) + unknown


def test_where_there_is_one_slice_columns_of_slices_come_first() -> None:
    disc = np.zeros((1, 30, 30), np.uint8)
    disc[0, 5:20, 5:25] = 1
    measured = measure_objects(disc, (10.0, 10.0, 10.0))
    listing = Listing(ObjectTable({1: ObjectRow()}), measured)
    usual = usual_keys(columns_of(measured))
    assert usual[3:5] == ("slice_area_mean", "slice_axis_1_mean") and "volume" not in usual
    offered = number_columns(listing)
    assert "volume" not in {column.key for column in offered}
    assert with_columns(PlotChoice(), offered).y == "slice_area_mean"


def test_figures_leave_sheets_out_and_say_so() -> None:
    nothing: frozenset[ObjectFlag] = frozenset()
    flags: list[set[ObjectFlag] | frozenset[ObjectFlag]] = [
        nothing,
        {ObjectFlag.SHEET},
        {ObjectFlag.SHEET, ObjectFlag.BORDER},
        {ObjectFlag.BORDER},
        nothing,
    ]
    table = ObjectTable({n: ObjectRow(flags=frozenset(f)) for n, f in zip(range(1, 6), flags, strict=True)})
    measurements = Measurements(np.arange(1, 6))
    measurements.add(VOLUME, np.array([1.0, 100, 200, 50, 2]))
    measurements.add(PARTS, np.ones(5, int))
    listing = Listing(table, measurements)
    order = listing.order(Own.NUMBER, descending=False)
    found = listing.summary("volume", order, without_border=True)
    assert found is not None
    assert (found.count, found.sheets, found.border, found.mean) == (2, 2, 1, 1.5)
    with_border = listing.summary("volume", order, without_border=False)
    assert with_border is not None and (with_border.count, with_border.sheets) == (3, 2)
    column = next(one for one in columns_of(listing.measurements) if one.key == "volume")
    text = summary_text(listing, order, column, chosen=0, stale=0, without_border=True)
    assert "n = 2" in text and "1 at the border left out" in text and "2 sheets left out" in text
    alone = listing.summary("volume", order[1:3], without_border=False)  # a list of sheets only
    assert alone is not None and (alone.count, alone.sheets, alone.mean) == (2, 0, 150)


def test_figures_with_open_bodies_say_that_these_are_estimates() -> None:
    opened, flat = frozenset({ObjectFlag.OPEN}), frozenset({ObjectFlag.OPEN, ObjectFlag.SHEET})
    border = frozenset({ObjectFlag.OPEN, ObjectFlag.BORDER})
    flags = dict(zip(range(1, 6), (opened, flat, border, opened, frozenset[ObjectFlag]()), strict=True))
    measurements = Measurements(np.arange(1, 6))
    measurements.add(VOLUME, np.array([1.0, 100, 200, 50, 2]))
    measurements.add(PARTS, np.ones(5, int))
    listing = Listing(ObjectTable({n: ObjectRow(flags=one) for n, one in flags.items()}), measurements)
    column = next(one for one in columns_of(measurements) if one.key == "volume")
    order = listing.order(Own.NUMBER, descending=False)

    def text(rows: Indices, without_border: bool = True) -> str:
        return summary_text(listing, rows, column, chosen=0, stale=0, without_border=without_border)

    assert text(order).endswith("1 sheet left out  ·  2 of 3 open: volumes are estimates")
    assert text(order, without_border=False).endswith("3 of 4 open: volumes are estimates")
    assert text(order[3:]).endswith("1 of 2 open: its volume is an estimate")
    assert "open" not in text(order[4:])
