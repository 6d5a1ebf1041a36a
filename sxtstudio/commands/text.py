"""Rows of names and values, and what was written where."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sxtstudio.commands.output import show
from sxtstudio.core.wording import bytes_text, count, shape_text, voxel_zyx_text

if TYPE_CHECKING:
    from sxtstudio.io import ExportReceipt


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
