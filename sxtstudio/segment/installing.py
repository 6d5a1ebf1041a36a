"""The user's own models: a checked copy in the user's folder, and taking it away again."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path

import onnx
from onnx import TensorProto

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.paths import resolved
from sxtstudio.segment.card import ModelCard, file_sha256
from sxtstudio.segment.check import card_of, check_model
from sxtstudio.segment.registry import find_models, user_folder


class NameTaken(UserError):
    """Another model of this name is among the user's own; it can be replaced."""


def is_own(card: ModelCard, folder: Path | None = None) -> bool:
    """Whether a model lies in the user's folder, and so may be removed."""
    place = folder or user_folder()
    return card.path is not None and resolved(card.path).parent == resolved(place)


def install_model(path: str | Path, *, replace: bool = False, folder: Path | None = None) -> ModelCard:
    """Check a model, copy it with its card into the user's folder, and return the card of the copy.

    A crash at any moment leaves the former model of that name, or the new one, never a mixture.

    Parameters
    ----------
    path
        The .onnx file, or its card.
    replace
        Take the place of another model of the same name.
    folder
        By default the user's folder for models.

    Raises
    ------
    NameTaken
        If another model of that name is there and ``replace`` is False.
    UserError
        If the model does not pass ``check_model``, keeps weights in other files, has the name of one that
        came with the program, or cannot be copied.
    """
    card = check_model(path)
    if card.path is None:
        raise ValueError("a checked model has a file")
    place = folder or user_folder()
    if is_own(card, place):
        return card
    _refuse_outside_data(card.path)
    former = _namesake(card, place, replace)
    if former is not None and former.sha256 == card.sha256 and former.card_path and not replace:
        return former
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"The folder {place} cannot be made ({error.strerror}).") from error
    return _copy(card, place, former)


def remove_model(card: ModelCard, *, folder: Path | None = None) -> None:
    """Delete one of the user's own models and its card.

    Raises
    ------
    UserError
        If it is not in the user's folder, or cannot be deleted.
    """
    if not is_own(card, folder) or card.path is None:
        raise UserError(f"The model {card.name} came with the program or lies elsewhere; it is not removed.")
    try:
        for file in (card.card_path, card.path):
            if file is not None:
                file.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            f"The model {card.name} cannot be removed ({error.strerror}): close programs that use it."
        ) from error


def _namesake(card: ModelCard, place: Path, replace: bool) -> ModelCard | None:
    """Return the model whose place the new one takes, if there is one and that is wanted."""
    for other in find_models():
        if other.name == card.name and not is_own(other, place):
            raise UserError(
                f"A model called {card.name} came with the program. Give yours another name: "
                + ("in its card, the field 'name'." if card.card_path else "rename its file.")
            )
    for other in find_models([place]):
        if other.name == card.name:
            if not replace and other.sha256 != card.sha256:
                raise NameTaken(f"Another model called {card.name} is there already.")
            return other
    return None


def _copy(card: ModelCard, place: Path, former: ModelCard | None) -> ModelCard:
    """Copy the model under a name of its own; the card, written last, makes it the one of that name."""
    if card.path is None:
        raise ValueError("the card is not attached to a model")
    target = place / (f"{card.name}-{card.sha256[:8]}.onnx" if card.card_path else f"{card.name}.onnx")
    with atomic_write(target) as temporary:
        shutil.copyfile(card.path, temporary)
        if file_sha256(temporary) != card.sha256:
            raise UserError(f"The copy of {card.path} is damaged: check the disk, and try again.")
    target_card = place / f"{card.name}.json"
    if card.card_path is not None:
        # Word for word, as a card may say more than this program knows; only the file's name changes.
        entries = json.loads(card.card_path.read_bytes())
        entries["file"] = target.name
        with atomic_write(target_card) as temporary:
            temporary.write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for left in (former.card_path, former.path) if former is not None else ():
        if left is not None and left not in (target, target_card):
            with suppress(OSError):
                left.unlink()
    if card.card_path is None:
        with suppress(FileNotFoundError):
            target_card.unlink()
    return card_of(target_card if card.card_path else target)


def _refuse_outside_data(path: Path) -> None:
    model = onnx.load(str(path), load_external_data=False)
    if any(tensor.data_location == TensorProto.EXTERNAL for tensor in model.graph.initializer):
        raise UserError(f"{path.name} keeps its weights in other files: export it as a single file.")
