"""What a segmentation can be done with on this computer: models and devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sxtstudio.core.errors import UserError
from sxtstudio.core.wording import count

if TYPE_CHECKING:
    from sxtstudio.segment import ModelCard


@dataclass(frozen=True)
class SegmentationChoices:
    """Models and devices of this computer; ``problems`` are sentences on models that cannot be used."""

    models: tuple[ModelCard, ...]
    devices: tuple[tuple[str, str], ...]
    problems: tuple[str, ...] = ()


def find_choices(extra: Sequence[str] = ()) -> SegmentationChoices:
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
    return SegmentationChoices(tuple(models), tuple(devices), tuple(problems))


def device_sentence(wanted: str = "auto") -> str:
    """Return in one sentence where networks run on this computer, and why; it tries a card, if there is one.

    Parameters
    ----------
    wanted
        The device that is set: "auto", "cpu", "cuda" or "cuda:N".
    """
    from sxtstudio.segment import choose_device
    from sxtstudio.segment.device import available_cpus

    try:
        device = choose_device(wanted)
    except UserError as error:
        return str(error)
    if device.is_gpu:
        return f"Runs on the graphics card {device.name}: {device.reason}."
    reason = f"{device.reason} in the panel “Segment”" if device.required else device.reason
    return f"Runs on the processor ({count(available_cpus(), 'thread')}): {reason}."
