"""What the user should know of a model, from its card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sxtstudio.core.volume import VoxelSize

if TYPE_CHECKING:
    from sxtstudio.segment import ModelCard


def about(card: ModelCard) -> str:
    """Return what a model was trained on, its limits and scores, as plain text in paragraphs."""
    parts = [f"Trained on: {card.trained_on}"]
    if card.voxel_nm is not None:
        parts.append(f"For voxels of {_range(card.voxel_nm)} nm.")
    if card.limits:
        parts.append("Limits:\n" + "\n".join(f"• {limit}" for limit in card.limits))
    if card.scores:
        parts.append("Scores (1 is best):\n" + "\n".join(_score(*item) for item in card.scores.items()))
    parts += card.notes
    parts.append(f"Licence: {card.licence}" + (f" · made {card.created}" if card.created else ""))
    return "\n\n".join(parts)


def misfit(card: ModelCard, voxel_nm: VoxelSize | None) -> str:
    """Return a warning where the voxels of the tomogram are not those that the model knows, else ""."""
    if card.voxel_nm is None or voxel_nm is None:
        return ""
    low, high = card.voxel_nm
    edge = voxel_nm[2]
    # A tenth more or less makes no difference to the network.
    if 0.9 * low <= edge <= 1.1 * high:
        return ""
    return (
        f"⚠ This model knows voxels of {_range(card.voxel_nm)} nm; those of this tomogram have {edge:g} nm. "
        "Look at its result with care."
    )


def _range(voxel_nm: tuple[float, float]) -> str:
    low, high = voxel_nm
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _score(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        numbers = ", ".join(f"{key} {_number(number)}" for key, number in value.items())
        return f"• {name}: {numbers}"
    return f"• {name}: {_number(value)}"


def _number(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
