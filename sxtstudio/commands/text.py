"""Rows of names and values, and what was written where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sxtstudio.commands.json_lines import active
from sxtstudio.commands.output import show
from sxtstudio.core.wording import bytes_text, count, shape_text, voxel_zyx_text

if TYPE_CHECKING:
    from sxtstudio.core.label_values import LabelValues
    from sxtstudio.io import ExportReceipt
    from sxtstudio.workflow.jobs.objects import TakenAs


def print_rows(rows: Iterable[tuple[str, str]]) -> None:
    """Print names and values in two columns on stdout, or keep them for the result of ``--json-lines``."""
    rows, lines = list(rows), active()
    if lines is not None:
        lines.rows(rows)
        return
    width = max((len(name) for name, _ in rows), default=0) + 2
    for name, value in rows:
        show(f"{name + ':':<{width}}{value}")


def note_rows(rows: Iterable[tuple[str, str]]) -> None:
    """Say to other programs what people have read already."""
    lines = active()
    if lines is not None:
        lines.rows(rows)


def note_result(written: Iterable[Path | None], **figures: Any) -> None:
    """Say to other programs what was written and found; people read it in the rows."""
    lines = active()
    if lines is not None:
        lines.found(written, figures)


def note_item(
    name: Path,
    state: str,
    number: int,
    of: int | None,
    *,
    output: Path | None = None,
    message: str = "",
    figures: Mapping[str, Any] | None = None,
) -> bool:
    """Say to other programs that one of many files has ended; False where only people read it."""
    lines = active()
    if lines is not None:
        lines.item(name, state, number=number, of=of, output=output, message=message, figures=figures)
    return lines is not None


def table_files(table: Path | None) -> list[Path | None]:
    """Return a table and the dictionary of its columns, if it has one beside it."""
    from sxtstudio.io.tables import dictionary_path

    return [] if table is None else [table, dictionary_path(table)]


def receipt_text(receipt: ExportReceipt) -> str:
    """Return what was written where, and that it was read back."""
    verified = "read back and equal" if receipt.verified else "not verified"
    held = "" if receipt.labelled is None else f", {count(receipt.labelled, 'label voxel')}"
    return (
        f"{receipt.path} ({receipt.format}, {shape_text(receipt.shape)}, voxel "
        f"{voxel_zyx_text(receipt.voxel_nm)}, {bytes_text(receipt.bytes)}{held}, {verified})"
    )


def taken_as_text(taken_as: TakenAs, values: LabelValues) -> str:
    """Return which way the numbers of a file were taken, and why."""
    held = values.text() if len(values.voxels) <= 6 else count(len(values.voxels), "value")
    if taken_as.value == "objects":
        return f"objects, one per number ({values.name} holds {held})"
    return f"labels ({values.name} holds {held}), in which objects were found first"
