"""``sxtstudio compare``: groups of tables, their means and a test."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sxtstudio.commands.guard import DONE
from sxtstudio.commands.json_lines import active
from sxtstudio.commands.output import show
from sxtstudio.commands.terminal import shown_progress
from sxtstudio.commands.text import note_result, print_rows
from sxtstudio.core.errors import UserError

if TYPE_CHECKING:
    from sxtstudio.workflow.jobs.comparing import CompareChoice, GroupFiles


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "compare",
        help="compare groups of measured tomograms",
        description="Compare a column of tables of measurements between groups of cells. A cell counts once, "
        "with the mean of its objects (Mann-Whitney for two groups, Kruskal-Wallis for more, pairs "
        "corrected by Holm). A table is a cell; in GROUPS.toml several tables can be one.",
    )
    parser.add_argument(
        "groups",
        nargs="?",
        metavar="GROUPS.toml",
        help='file of groups: column = "volume", class = "Vesicle", and for each group [[group]], '
        'name = "control", tables = ["a.csv", ["b1.csv", "b2.csv"]] (a list in the list is one cell)',
    )
    parser.add_argument(
        "--group",
        nargs="+",
        action="append",
        metavar=("NAME", "TABLE"),
        help="a group: its name and its tables (.csv, .xlsx, .parquet) or projects; give it once per group",
    )
    parser.add_argument(
        "--column",
        metavar="NAME",
        help="what is compared, such as volume or volume_um3; count: how many objects a cell has",
    )
    parser.add_argument("--class", dest="class_name", metavar="NAME", help="only objects of this class")
    parser.add_argument(
        "--unit",
        choices=("cells", "objects"),
        help="the unit of analysis: the means of cells, or single objects with a warning (default: cells)",
    )
    parser.add_argument("--with-border", action="store_true", help="count objects at the border, too")
    parser.add_argument("-o", "--output", metavar="REPORT", required=True, help=".json, .csv or .txt")
    parser.add_argument("--plot", metavar="FILE", help="also draw a dot plot with mean and SD: .svg or .png")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare, write and print the report."""
    from sxtstudio.core.group_figure import group_figure
    from sxtstudio.core.statistics import AnalysisUnit
    from sxtstudio.workflow.jobs.comparing import CompareChoice, Tables, check_groups, compare_tables
    from sxtstudio.workflow.jobs.comparison_files import REPORT_SUFFIXES, report_text, write_report
    from sxtstudio.workflow.jobs.outputs import OutputFile, check_outputs

    groups, given = _groups(arguments)
    column = arguments.column or given.column
    if not column:
        raise UserError("It is not said what is compared: give --column, such as --column volume.")
    choice = CompareChoice(
        column=column,
        class_name=arguments.class_name or given.class_name,
        unit=AnalysisUnit(arguments.unit) if arguments.unit else given.unit,
        border=arguments.with_border or given.border,
    )
    output = Path(arguments.output)
    plot = Path(arguments.plot) if arguments.plot else None
    outputs = [OutputFile(output, "a report", REPORT_SUFFIXES)]
    outputs += [OutputFile(plot, "a plot", (".svg", ".png"))] if plot else []
    check_outputs(outputs, [path for group in groups for cell in group.cells for path in cell.tables])
    check_groups(groups)
    with shown_progress() as (progress, _):
        tables = Tables().read(groups, progress)
    compared = compare_tables(groups, choice, tables)
    write_report(output, compared)
    if plot is not None:
        from sxtstudio.app.objects.plots.headless import draw_figures

        draw_figures([group_figure(compared.comparison, compared.title, per_cell=compared.per_cell)], plot)
    note_result([output, plot])
    if active() is None:
        for line in report_text(compared).splitlines():
            show(line)
    else:
        print_rows([("report", report_text(compared))])
    return DONE


def _groups(arguments: argparse.Namespace) -> tuple[tuple[GroupFiles, ...], CompareChoice]:
    """Return the groups of the file and of the options, and what the file says is compared."""
    from sxtstudio.workflow.jobs.comparing import CompareChoice, GroupFiles, cells_of
    from sxtstudio.workflow.jobs.group_file import GivenGroups, read_groups

    nothing = GivenGroups((), CompareChoice(""))
    given = nothing if arguments.groups is None else read_groups(Path(arguments.groups))
    groups = given.groups
    for name, *tables in arguments.group or ():
        if not tables:
            raise UserError(f"The group '{name}' has no table: give its name, then its tables.")
        groups = (*groups, GroupFiles(name, cells_of([Path(table) for table in tables])))
    if not groups:
        raise UserError("There is no group: give GROUPS.toml, or --group NAME TABLE … once per group.")
    return groups, given.choice
