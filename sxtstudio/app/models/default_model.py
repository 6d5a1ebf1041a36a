"""Which model is used unless another one is chosen, and the way back to the one before."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sxtstudio.app.context import Context
from sxtstudio.app.jobs.job import Job

if TYPE_CHECKING:
    from sxtstudio.segment import ModelCard

SETTING = "model"
USED_LAST = "segment/model"
# Names of former defaults, the latest last; "" is the program's own.
FORMER = "model/former"
_MOST = 20


def use_model(context: Context, card: ModelCard) -> None:
    """Make a model the default; the one before is remembered for ``go_back``."""
    settings = context.settings
    now = settings.get(SETTING, "")
    if now != card.name:
        settings.set(FORMER, [*settings.get(FORMER, []), now][-_MOST:])
        offer_former(context)
    _set(context, card.name, str(card.path))
    context.session.message.emit(f"The model {card.name} is used from now on; the former one stays.")


def go_back(context: Context, then: Callable[[str], None] | None = None) -> None:
    """Make the default what it was before the latest ``use_model``; ``then`` gets its name, or ""."""

    def work(job: Job) -> list[ModelCard]:
        from sxtstudio.segment import find_models

        return find_models()

    def done(cards: list[ModelCard]) -> None:
        settings = context.settings
        names = {card.name: card for card in cards}
        former = [str(name) for name in settings.get(FORMER, [])]
        while former:
            name = former.pop()
            card = (cards[0] if cards else None) if name == "" else names.get(name)
            if card is not None:
                left = settings.get(SETTING, "")
                settings.set(FORMER, former)
                _set(context, name, str(card.path))
                stays = f" {left} stays installed." if left in names else ""
                context.session.message.emit(f"The model {card.name} is used again.{stays}")
                break
        else:
            settings.set(FORMER, [])
            offer_former(context)
            context.session.message.emit("There is no model before to go back to.")
            card = None
        if then is not None:
            then("" if card is None else card.name)

    context.jobs.start("Looking for models", work, on_done=done, quiet=True)


def offer_former(context: Context) -> None:
    """Say whether there is a way back."""
    context.session.offers.set(former_model=bool(context.settings.get(FORMER, [])))


def _set(context: Context, name: str, path: str) -> None:
    context.settings.set(SETTING, name)
    offer_former(context)
    # The panel remembers the file that was used last; the new default goes before it.
    context.settings.set(USED_LAST, path)
    context.session.models_changed.emit(name)
