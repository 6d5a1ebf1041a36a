"""Rows of names and values, and what was written where."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sxtstudio.commands.output import show
from sxtstudio.core.wording import bytes_text, count, shape_text, voxel_zyx_text

if TYPE_CHECKING:
    from sxtstudio.core.label_values import LabelValues
    from sxtstudio.io import ExportReceipt
    from sxtstudio.workflow.jobs.objects import TakenAs


def print_rows(rows: Iterable[tuple[str, str]]) -> None:
    """Print names and values in two columns on stdout."""
    rows = list(rows)
    width = max((len(name) for name, _ in rows), default=0) + 2
    for name, value in rows:
        show(f"{name + ':':<{width}}{value}")


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
