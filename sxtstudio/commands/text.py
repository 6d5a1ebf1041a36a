"""Numbers as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sxtstudio.commands.output import show

if TYPE_CHECKING:
    from sxtstudio.io import ExportReceipt


def print_rows(rows: Iterable[tuple[str, str]]) -> None:
    """Print names and values in two columns on stdout."""
    rows = list(rows)
    width = max((len(name) for name, _ in rows), default=0) + 2
    for name, value in rows:
        show(f"{name + ':':<{width}}{value}")


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: 1 object, 2 objects."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def times(shape: Sequence[int]) -> str:
    """Return a shape: 500 × 1324 × 1284."""
    return " × ".join(str(n) for n in shape)


def voxel_text(voxel_nm: Sequence[float] | None) -> str:
    """Return a voxel size (z, y, x) with its unit, or 'unknown'."""
    if voxel_nm is None:
        return "unknown"
    return f"{' × '.join(f'{edge:.6g}' for edge in voxel_nm)} nm (z × y × x)"


def bytes_text(count: float) -> str:
    """Return a file size: 812 bytes, 9.44 MB, 3.40 GB."""
    if count < 1000:
        return f"{count:.0f} bytes"
    power = 1
    while power < 4 and count / 1000**power >= 999.5:
        power += 1
    return f"{count / 1000**power:.3g} {('kB', 'MB', 'GB', 'TB')[power - 1]}"


def duration(seconds: float) -> str:
    """Return a time span: 80 ms, 4.2 s, 45 s, 12 min, 3 h 20 min."""
    if seconds < 0.095:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.2g} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


def receipt_text(receipt: ExportReceipt) -> str:
    """Return what was written where, and that it was read back."""
    verified = "read back and equal" if receipt.verified else "not verified"
    return (
        f"{receipt.path} ({receipt.format}, {times(receipt.shape)}, voxel {voxel_text(receipt.voxel_nm)}, "
        f"{bytes_text(receipt.bytes)}, {verified})"
    )
