"""What a segmentation can be done with on this computer: models and devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sxtstudio.core.errors import UserError

if TYPE_CHECKING:
    from sxtstudio.segment import ModelCard


@dataclass(frozen=True)
class Choices:
    """Models and devices of this computer; ``problems`` are sentences on models that cannot be used."""

    models: tuple[ModelCard, ...]
    devices: tuple[tuple[str, str], ...]
    problems: tuple[str, ...] = ()


def find_choices(extra: Sequence[str] = ()) -> Choices:
    """Return the installed models, those in the files ``extra``, and the devices; loads the engine."""
    from sxtstudio.segment import choose_device, find_models, load_card
    from sxtstudio.segment.device import driver_cards

    problems: list[str] = []
    models = find_models(problems=problems)
    for path in extra:
        if all(str(card.path) != path for card in models):
            try:
                models.append(load_card(Path(path)))
            except UserError as error:
                problems.append(str(error))
    try:
        cards = driver_cards()
    except Exception:  # no driver, no card: choose_device has the sentence on that
        cards = []
    devices = [("auto", "Automatic"), ("cpu", choose_device("cpu").name)]
    devices += [(f"cuda:{index}", name) for index, name in enumerate(cards)]
    return Choices(tuple(models), tuple(devices), tuple(problems))
