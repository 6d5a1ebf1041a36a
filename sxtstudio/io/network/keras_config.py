"""The ``model_config`` JSON beside the published weights: is it the published network, and how wide?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sxtstudio.core.errors import UserError
from sxtstudio.io.network.layers import WIDEST

_LARGEST = 1_000_000  # bytes; the published one has 2 kB


def read_base_width(config: Path) -> int:
    """Return the base width ``m_f`` of a configuration.

    Raises
    ------
    UserError
        If it is no such configuration, or describes another network than the published one; the text names
        the first field that differs.
    """
    try:
        with config.open("rb") as stream:
            text = stream.read(_LARGEST + 1)
    except OSError as error:
        raise UserError(f"{config.name} cannot be read ({error.strerror}): check the file.") from error
    try:
        if len(text) > _LARGEST:
            raise ValueError("too long")
        entries = json.loads(text)
        width = entries["m_f"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(
            f"{config.name} is not a model configuration of the published network (model_config_….json): "
            "it has to be a JSON file with the base width under 'm_f'."
        ) from error
    if not isinstance(width, int) or isinstance(width, bool) or not 2 <= width <= WIDEST or width % 2:
        raise UserError(
            f"{config.name} gives the base width m_f = {str(width)[:40]}; it has to be an even number from 2 "
            f"to {WIDEST} (the published model_config has 64)."
        )
    for field, value, expected in _differences(entries, _published(width)):
        raise UserError(
            f"{config.name} describes another network than the published one: '{field}' is "
            f"{json.dumps(value)[:80]} where it has {json.dumps(expected)}. Only weights of that network can "
            "be imported."
        )
    return width


def _published(width: int) -> dict[str, Any]:
    """Every field of the published configuration that changes the network, for a base width."""
    usual = {"activation": {"type": "relu"}, "batch_norm": {"active": True}}
    growing = [width, width, 2 * width, 4 * width, 8 * width]
    path = {**usual, "kernel_sizes": [3] * 5, "n_stages": 4, "block_depth": 2, "add_instead_of_concat": False}
    down = {**path, "n_blocks": 1, "n_filters": growing}
    up = {**path, "n_filters": growing[::-1]}
    return {
        "pooling": None,
        "add_instead_of_concat_after_neck": False,
        "encoder": down,
        "neck": {**usual, "kernel_sizes": [1, 2, 3], "depth": 4, "n_filters": 16 * width},
        "decoder_image": {**up, "n_blocks": 1, "use_skip_connections": False},
        "decoder_label": {**up, "n_blocks": 2, "use_skip_connections": True},
    }


def _differences(
    entries: dict[str, Any], expected: dict[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Yield field, value and expected value; fields that are left out differ from nothing."""
    for name, value in expected.items():
        if name not in entries:
            continue
        if isinstance(value, dict) and isinstance(entries[name], dict):
            yield from _differences(entries[name], value, f"{prefix}{name}.")
        elif entries[name] != value:
            yield f"{prefix}{name}", entries[name], value
