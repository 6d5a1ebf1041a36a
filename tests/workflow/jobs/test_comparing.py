"""Tables in groups: which objects count, what a cell is, and the report in files."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.group_figure import group_figure
from sxtstudio.core.statistics import AnalysisUnit
from sxtstudio.workflow.jobs.comparing import (
    CellFiles,
    CompareChoice,
    GroupFiles,
    Tables,
    cells_of,
    column_title,
    compare_tables,
)
from sxtstudio.workflow.jobs.comparison_files import report_text, write_report
from sxtstudio.workflow.jobs.group_file import GivenGroups, read_groups, write_groups


def table(folder: Path, name: str, volumes: list[float], more: str = "") -> Path:
    """A table of objects: even ones are vesicles, object 1 touches the border; ``more`` is a unit."""
    path = folder / f"{name}.csv"
    column = f"volume_{more or 'um3'}"
    lines = [f"object,class,flags,touches_border,{column}"]
    for n, volume in enumerate(volumes, 1):
        border = n == 1
        lines.append(
            f"{n},{'' if n % 2 else 'Vesicle'},{'border open' if border else ''},{int(border)},{volume}"
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def groups(tmp_path: Path) -> tuple[GroupFiles, ...]:
    control = [table(tmp_path, f"c{i}", [100, i, i + 2, i + 4]) for i in range(3)]
    infected = [table(tmp_path, f"i{i}", [100, i + 10, i + 12, i + 14]) for i in range(3)]
    return GroupFiles("control", cells_of(control)), GroupFiles("infected", cells_of(infected))


def test_objects_at_the_border_are_left_out_and_counted(groups: tuple[GroupFiles, ...]) -> None:
    found = compare_tables(groups, CompareChoice("volume"), Tables().read(groups))
    control = found.comparison.groups[0]
    assert found.title == "Volume (µm³)" and found.column == "volume_um3"
    assert control.cell_means.tolist() == [2, 3, 4] and control.objects.n == 9
    assert "6 objects at the border of a tomogram left out." in found.notes
    all_of = compare_tables(groups, CompareChoice("volume", border=True), Tables().read(groups))
    assert all_of.comparison.groups[0].objects.n == 12
    assert all_of.notes == ("6 of 24 open: volumes are estimates (control 3 of 12, infected 3 of 12).",)


def test_open_bodies_count_and_every_report_says_that_their_volumes_are_estimates(tmp_path: Path) -> None:
    """Counted by hand: objects 2 and 3 of i.csv are open bodies; 4 has no value, and a sheet is no body."""
    one = table(tmp_path, "c", [100, 1, 3, 5])
    other = table(tmp_path, "i", [100, 11, 13, 15, 17, 19])
    lines = other.read_text(encoding="utf-8").splitlines()
    lines[2:6] = [
        "2,Vesicle,open,0,11",
        "3,,doubtful open,0,13",
        "4,Vesicle,open,0,",
        "5,,open sheet,0,17",
    ]
    other.write_text("\n".join(lines) + "\n", encoding="utf-8")
    groups = GroupFiles("control", cells_of([one])), GroupFiles("infected", cells_of([other]))
    tables = Tables().read(groups)
    found = compare_tables(groups, CompareChoice("volume"), tables)
    said = "2 of 6 open: volumes are estimates (control 0 of 3, infected 2 of 3)."
    assert said in found.notes and said in report_text(found).splitlines()
    for name in ("r.txt", "r.json", "r.csv"):
        write_report(tmp_path / name, found)
    assert said in (tmp_path / "r.txt").read_text(encoding="utf-8")
    content = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert [group["open_objects"] for group in content["groups"]] == [0, 2] and said in content["notes"]
    with open(tmp_path / "r.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["row"] == "group"]
    assert [row["open_objects"] for row in rows] == ["0", "2"]
    counts = compare_tables(groups, CompareChoice("count"), tables)
    assert not any("open" in note for note in counts.notes), "a number of objects is no estimate"


def test_one_cell_under_two_names_is_warned_of(groups: tuple[GroupFiles, ...], tmp_path: Path) -> None:
    """Both were measured of the same objects: the files differ in what was measured besides."""
    twice = table(tmp_path, "again", [100, 1, 3, 5])
    text = twice.read_text(encoding="utf-8").replace("Vesicle", "ER").replace(",1\n", ",1.0000001\n")
    twice.write_text(text, encoding="utf-8")
    more = (groups[0], GroupFiles("infected", cells_of([twice])))
    found = compare_tables(more, CompareChoice("volume"), Tables().read(more))
    (warning,) = [note for note in found.notes if note.startswith("Warning")]
    assert "c1.csv and again.csv hold the same objects" in warning and "counts twice" in warning
    once = compare_tables(groups, CompareChoice("volume"), Tables().read(groups))
    assert not [note for note in once.notes if note.startswith("Warning")]


def test_sheets_count_only_as_a_class(groups: tuple[GroupFiles, ...], tmp_path: Path) -> None:
    flat = table(tmp_path, "flat", [100, 2, 4, 6])
    text = flat.read_text(encoding="utf-8").replace("2,Vesicle,,", "2,Vesicle,sheet,")
    flat.write_text(text, encoding="utf-8")
    more = (groups[0], GroupFiles("infected", cells_of([flat])))
    found = compare_tables(more, CompareChoice("volume"), Tables().read(more))
    assert found.comparison.groups[1].objects.n == 2
    assert any(note.startswith("1 sheet that encloses nothing left out") for note in found.notes)
    named = compare_tables(more, CompareChoice("volume", class_name="Vesicle"), Tables().read(more))
    assert named.comparison.groups[1].objects.n == 2, "2 and 4: the sheet is what was asked for"


def test_one_cell_with_one_object_is_not_called_several(tmp_path: Path) -> None:
    # Of a table of two rows the first object is at the border, and is left out.
    ones = [GroupFiles(name, cells_of([table(tmp_path, name, [5, 7])])) for name in ("a", "b")]
    found = compare_tables(ones, CompareChoice("volume"), Tables().read(ones))
    ticks = group_figure(found.comparison, found.title).ticks
    assert [words for _, words in ticks] == ["a\n1 cell, 1 object", "b\n1 cell, 1 object"]


def test_objects_are_counted_per_cell_also_where_there_is_none(tmp_path: Path) -> None:
    few = [table(tmp_path, f"f{i}", [9] * n) for i, n in enumerate((1, 2, 3))]
    many = [table(tmp_path, f"m{i}", [9] * n) for i, n in enumerate((11, 15, 21))]
    groups = GroupFiles("few", cells_of(few)), GroupFiles("many", cells_of(many))
    found = compare_tables(groups, CompareChoice("count", unit=AnalysisUnit.OBJECTS), Tables().read(groups))
    assert found.comparison.groups[0].cell_means.tolist() == [0, 1, 2], "the first is at the border"
    assert found.comparison.groups[1].cell_means.tolist() == [10, 14, 20]
    lines = report_text(found).splitlines()
    assert lines[0] == "Objects per cell. Unit of analysis: the cell. Mean ± SD, median."
    assert lines[1] == "few: 3 cells; 1 ± 1, median 1."
    assert lines[3].startswith("Mann-Whitney U test, two-sided, on cells (n = 3, 3): U = 0, p = 0.1")
    figure = group_figure(found.comparison, found.title, per_cell=found.per_cell)
    assert [dots.large for dots in figure.dots] == [True, True] and figure.ticks[0][1] == "few\n3 cells"
    write_report(tmp_path / "r.csv", found)
    assert "few,,cells,3,,1.0" in (tmp_path / "r.csv").read_text(encoding="utf-8")


def test_one_class_is_compared(groups: tuple[GroupFiles, ...]) -> None:
    found = compare_tables(groups, CompareChoice("volume_um3", "Vesicle"), Tables().read(groups))
    assert found.comparison.groups[1].cell_means.tolist() == [12, 13, 14]
    assert "Vesicle only; 12 others left out." in found.notes[0]
    assert Tables().read(groups).classes(groups) == ("Vesicle",)
    assert "volume_um3" in Tables().read(groups).number_columns(groups)


def test_tables_in_a_list_of_their_own_are_one_cell(tmp_path: Path) -> None:
    for name, values in (("a", [9, 1, 3]), ("b", [9, 5, 7, 8]), ("c", [9, 2, 2])):
        table(tmp_path, name, values)
    file = tmp_path / "groups.toml"
    file.write_text(
        'column = "volume"\nunit = "objects"\n[[group]]\nname = "one"\n'
        'tables = [["a.csv", "b.csv"], "c.csv"]\n',
        encoding="utf-8",
    )
    given = read_groups(file)
    groups = given.groups
    found = compare_tables(groups, given.choice, Tables().read(groups))
    assert found.comparison.unit is AnalysisUnit.OBJECTS
    assert found.comparison.groups[0].cell_means.tolist() == [4.8, 2.0]
    assert "one group only" in report_text(found)


def test_groups_are_written_as_they_are_read(groups: tuple[GroupFiles, ...], tmp_path: Path) -> None:
    both = GroupFiles(
        "one", (CellFiles("c0", (tmp_path / "c0.csv", tmp_path / "c1.csv")), groups[0].cells[2])
    )
    choice = CompareChoice("volume_um3", "Vesicle", AnalysisUnit.OBJECTS, border=True)
    write_groups(tmp_path / "g.toml", (both, groups[1]), choice)
    assert read_groups(tmp_path / "g.toml") == GivenGroups((both, groups[1]), choice)
    assert str(tmp_path) not in (tmp_path / "g.toml").read_text(encoding="utf-8"), "it can be moved"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[group]]", "name"),
        ("group = 3", "group"),
        ('[[group]]\nname = "a"\ntables = []\ncolour = 1', "colour"),
        ("[[group", "no valid TOML"),
        ('[[group]]\nname = "a"\ntables = [[]]', "empty list"),
        ('unit = "mice"\n[[group]]\nname = "a"\ntables = ["x.csv"]', "unit"),
    ],
)
def test_a_wrong_file_of_groups_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "g.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=words):
        read_groups(tmp_path / "g.toml")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a = " + 50_000 * b"[" + 50_000 * b"]", "nested too deeply"),
        (b"a" + 60_000 * b".a" + b" = 1", "nested too deeply"),
        (b"#" * (1 << 20) + b"\n", "larger than"),
        (b"\xff\xfe", "UTF-8"),
    ],
    ids=["lists", "dots", "size", "bytes"],
)
def test_a_file_of_groups_of_a_stranger_is_one_sentence(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "g.toml").write_bytes(content)
    with pytest.raises(UserError, match=words) as error:
        read_groups(tmp_path / "g.toml")
    assert len(str(error.value)) < 300


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_pipe_is_no_file_of_groups(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "g.toml")
    with pytest.raises(UserError, match="cannot be read"):
        read_groups(tmp_path / "g.toml")


def test_a_cell_counts_once(groups: tuple[GroupFiles, ...], tmp_path: Path) -> None:
    control, infected = groups
    again = tmp_path / "x" / ".." / "c0.csv"
    (tmp_path / "x").mkdir()
    twice = GroupFiles("control", (*control.cells, CellFiles("c0", (again,))))
    both = GroupFiles("infected", (*infected.cells, *control.cells[:1]))
    one_cell = GroupFiles("control", (CellFiles("c0", 2 * control.cells[0].tables),))
    for wrong, words in (
        ((twice, infected), "more than once, in 'control':"),
        ((control, both), "more than once, in 'infected' and 'control'"),
        ((one_cell, infected), "more than once"),
        ((control, GroupFiles("control", infected.cells)), "Two groups are called 'control'"),
    ):
        with pytest.raises(UserError, match=words):
            compare_tables(wrong, CompareChoice("volume"), Tables().read(wrong))


def test_units_that_differ_are_not_compared(tmp_path: Path) -> None:
    groups = (
        GroupFiles("a", cells_of([table(tmp_path, "a", [1, 2])])),
        GroupFiles("b", cells_of([table(tmp_path, "b", [1, 2], "voxels")])),
    )
    with pytest.raises(UserError, match=r"a\.csv has volume_um3 and b\.csv has volume_voxels"):
        compare_tables(groups, CompareChoice("volume"), Tables().read(groups))
    with pytest.raises(UserError, match="no column of numbers 'mass'"):
        compare_tables(groups, CompareChoice("mass"), Tables().read(groups))
    with pytest.raises(UserError, match="does not exist"):
        Tables().read((GroupFiles("a", cells_of([tmp_path / "none.csv"])),))


def test_the_report_is_written_in_words_and_numbers(groups: tuple[GroupFiles, ...], tmp_path: Path) -> None:
    found = compare_tables(groups, CompareChoice("volume"), Tables().read(groups))
    for name in ("r.json", "r.csv", "r.txt"):
        write_report(tmp_path / name, found)
    told = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert told["test"]["p"] == pytest.approx(0.1) and told["unit_of_analysis"] == "cells"
    assert told["groups"][0]["cell_means"] == {"c0": 2.0, "c1": 3.0, "c2": 4.0}
    assert told["report"] == (tmp_path / "r.txt").read_text(encoding="utf-8").rstrip("\n")
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["row"] for row in rows] == ["group"] * 2 + ["cell"] * 6 + ["test"]
    assert (rows[0]["cells"], rows[0]["objects"], rows[0]["mean"], rows[0]["sd"]) == ("3", "9", "3.0", "1.0")
    with pytest.raises(UserError, match=r"\.json"):
        write_report(tmp_path / "r.docx", found)


def test_the_figure_has_mean_and_sd_of_the_unit_of_analysis(groups: tuple[GroupFiles, ...]) -> None:
    found = compare_tables(groups, CompareChoice("volume"), Tables().read(groups))
    figure = group_figure(found.comparison, found.title)
    assert [(bar.spread.n, bar.spread.mean) for bar in figure.means] == [(3, 3.0), (3, 13.0)]
    assert [dots.large for dots in figure.dots] == [False, True, False, True]
    assert figure.ticks[0][1] == "control\n3 cells, 9 objects"
    by_object = compare_tables(
        groups, CompareChoice("volume", unit=AnalysisUnit.OBJECTS), Tables().read(groups)
    )
    assert [bar.spread.n for bar in group_figure(by_object.comparison, "").means] == [9, 9]


def test_columns_are_named_as_people_write_them() -> None:
    assert column_title("volume_voxels") == "Volume (voxels)"
    assert column_title("something_of_my_own") == "something_of_my_own"


def test_a_column_that_one_slice_left_empty_is_not_offered(
    groups: tuple[GroupFiles, ...], tmp_path: Path
) -> None:
    flat = tmp_path / "flat.csv"
    flat.write_text("object,touches_border,volume_um3\n1,0,\n2,0,\n", encoding="utf-8")
    both = (*groups, GroupFiles("slice", cells_of([flat])))
    assert "volume_um3" in Tables().read(groups).number_columns(groups)
    offered = Tables().read(both).number_columns(both)
    assert "volume_um3" not in offered and "touches_border" in offered


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('object,volume_um3\n1,"1,5"\n2,2\n', "has “1,5” in the column 'volume_um3', which is no number"),
        ("object,area\n1,2\n", "in the first row: it has object, area; choose one of these."),
        ("a\nx\n", "it has none; give a table that 'sxtstudio measure' or the window wrote."),
    ],
)
def test_a_table_without_the_column_says_what_to_do(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    path.write_text(content, encoding="utf-8")
    one = (GroupFiles("theirs", cells_of([path])),)
    with pytest.raises(UserError) as error:
        compare_tables(one, CompareChoice("volume"), Tables().read(one))
    assert str(error.value).startswith("theirs.csv has ") and said in str(error.value)
