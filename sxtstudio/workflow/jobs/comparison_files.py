"""The report of a comparison as a file: JSON, CSV or plain text."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sxtstudio
from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.printable import csv_text
from sxtstudio.core.statistics import RankResult, Spread
from sxtstudio.core.statistics_text import report
from sxtstudio.workflow.jobs.comparing import Compared

REPORT_SUFFIXES = (".json", ".csv", ".txt")
_NAMES = (
    "row",
    "group",
    "cell",
    "unit_of_analysis",
    "cells",
    "objects",
    "mean",
    "sd",
    "median",
    "mean_of_objects",
    "sd_of_objects",
    "median_of_objects",
    "test",
    "statistic",
    "p",
    "p_corrected",
    "exact",
    "open_objects",
)


def report_text(compared: Compared) -> str:
    """Return the report in words."""
    return "\n".join(
        [report(compared.comparison, compared.title, per_cell=compared.per_cell), *compared.notes]
    )


def write_report(path: Path, compared: Compared) -> None:
    """Write the report by the ending of the name.

    Raises
    ------
    UserError
        For another ending, or if the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix == ".json":
        text = json.dumps(_as_json(compared), indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    elif suffix == ".csv":
        text = csv_text(_NAMES, _rows(compared))
    elif suffix == ".txt":
        text = report_text(compared) + "\n"
    else:
        raise UserError(
            f"{path.name} is no name for a report: end it in one of {', '.join(REPORT_SUFFIXES)}."
        )
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def _as_json(compared: Compared) -> dict[str, Any]:
    comparison = compared.comparison
    return {
        "program": f"SXT Studio {sxtstudio.__version__}",
        "column": compared.column,
        "title": compared.title,
        "unit_of_analysis": comparison.unit.value,
        "groups": [
            {
                "name": group.name,
                "cells": _spread(group.cells),
                "objects": None if compared.per_cell else _spread(group.objects),
                "cell_means": dict(zip(_distinct(group.cell_names), group.cell_means.tolist(), strict=True)),
                "without_value": group.left_out,
                "open_objects": None if compared.per_cell else is_open,
            }
            for group, is_open in zip(comparison.groups, compared.is_open, strict=True)
        ],
        "test": None if comparison.result is None else _test(comparison.result),
        "why_no_test": comparison.why_not,
        "pairs": [_test(pair) for pair in comparison.pairs],
        "cautions": list(comparison.cautions),
        "notes": list(compared.notes),
        "report": report_text(compared),
    }


def _distinct(names: tuple[str, ...]) -> list[str]:
    """Two files of one name in different folders are two cells."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def _spread(spread: Spread) -> dict[str, Any]:
    return {name: _finite(value) for name, value in vars(spread).items()}


def _test(result: RankResult) -> dict[str, Any]:
    return {
        "name": result.test.value,
        "groups": list(result.groups),
        "statistic": _finite(result.statistic),
        "p": _finite(result.p),
        "p_corrected": None if result.adjusted is None else _finite(result.adjusted),
        "exact": result.exact,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _rows(compared: Compared) -> Iterator[dict[str, Any]]:
    comparison = compared.comparison
    unit = comparison.unit.value
    for group, is_open in zip(comparison.groups, compared.is_open, strict=True):
        row: dict[str, Any] = {
            "row": "group",
            "group": group.name,
            "unit_of_analysis": unit,
            "cells": group.cells.n,
            "mean": _finite(group.cells.mean),
            "sd": _finite(group.cells.sd),
            "median": _finite(group.cells.median),
        }
        if not compared.per_cell:
            row |= {
                "objects": group.objects.n,
                "mean_of_objects": _finite(group.objects.mean),
                "sd_of_objects": _finite(group.objects.sd),
                "median_of_objects": _finite(group.objects.median),
                "open_objects": is_open,
            }
        yield row
    for group in comparison.groups:
        for name, mean in zip(group.cell_names, group.cell_means.tolist(), strict=True):
            yield {"row": "cell", "group": group.name, "cell": name, "mean": mean}
    results = () if comparison.result is None else (comparison.result,)
    for kind, tests in (("test", results), ("pair", comparison.pairs)):
        for test in tests:
            found = _test(test)
            yield {
                "row": kind,
                "group": " / ".join(test.groups),
                "unit_of_analysis": unit,
                "test": found["name"],
                "statistic": found["statistic"],
                "p": found["p"],
                "p_corrected": found["p_corrected"],
                "exact": found["exact"],
            }
