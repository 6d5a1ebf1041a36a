"""Where models lie, and how one is found by its name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from sxtstudio.core.errors import UserError
from sxtstudio.core.folders import data_folder
from sxtstudio.core.shipped import shipped_folders
from sxtstudio.segment.card import ModelCard, find_card
from sxtstudio.segment.check import card_of

DEFAULT_MODEL = "compact"
FOLDERS_VARIABLE = "SXTSTUDIO_MODELS"


def model_folders() -> list[Path]:
    """Return the folders in which models are looked for, the first that has a name wins.

    They are the models that came with the program, the folders in the variable SXTSTUDIO_MODELS, and the
    user's own folder. Not all of them need exist.
    """
    folders = shipped_folders("models")
    folders += [Path(entry) for entry in os.environ.get(FOLDERS_VARIABLE, "").split(os.pathsep) if entry]
    folders.append(user_folder())
    return list(dict.fromkeys(folders))


def user_folder() -> Path:
    """Return the folder for the user's own models, as the operating system wants it; it may not exist."""
    return data_folder() / "models"


def find_models(
    folders: Iterable[str | Path] | None = None, *, problems: list[str] | None = None
) -> list[ModelCard]:
    """Return the cards of all models found, the default one first, then by name.

    Nothing is run, and checksums are not compared: that happens when a model is loaded.

    Parameters
    ----------
    folders
        Where to look; None takes ``model_folders``.
    problems
        Takes a sentence for each model that was left out: broken, or hidden by another of the same name.
    """
    found: dict[str, ModelCard] = {}
    problems = [] if problems is None else problems
    for folder in model_folders() if folders is None else map(Path, folders):
        for card in _cards_in(folder, problems):
            if card.name in found:
                problems.append(f"{card.path} is hidden by {found[card.name].path}: both are {card.name}.")
            else:
                found[card.name] = card
    return sorted(found.values(), key=lambda card: (card.name != DEFAULT_MODEL, card.name.lower()))


def load_card(
    name_or_path: str | Path | None = None, *, folders: Iterable[str | Path] | None = None
) -> ModelCard:
    """Return the card of a model that is safe to open and belongs to its card.

    Parameters
    ----------
    name_or_path
        The name of a model that is installed, an .onnx file, or its card. None takes the default model:
        "compact" where there is one, else the first by name.
    folders
        Where to look for names; None takes ``model_folders``.

    Raises
    ------
    UserError
        If there is no such model (the text lists those that were found), or something is wrong with it.
    """
    if name_or_path is not None and _is_path(name_or_path):
        return card_of(name_or_path)
    return _installed(name_or_path, folders)


def installed_card(name: str, *, folders: Iterable[str | Path] | None = None) -> ModelCard:
    """Return the card of an installed model, as ``load_card`` does; a path is no name here.

    For names that were read from files, which may come from strangers.

    Raises
    ------
    UserError
        If no model of that name is installed, or something is wrong with it.
    """
    return _installed(name, folders)


def files_of_model(name_or_path: str | Path | None) -> tuple[Path, ...]:
    """Return the files of a model that is given as a file: itself and its card; none of an installed one."""
    if name_or_path is None or not _is_path(name_or_path):
        return ()
    path = Path(name_or_path)
    card = None if path.suffix.lower() == ".json" else find_card(path)
    return (path,) if card is None else (path, card)


def _installed(name_or_path: str | Path | None, folders: Iterable[str | Path] | None) -> ModelCard:
    problems: list[str] = []
    cards = find_models(folders, problems=problems)
    for card in cards:
        source = card.card_path or card.path
        if source is not None and name_or_path in (None, card.name):
            return card_of(source)
    if name_or_path is None:
        message = f"No model was found: put one into {user_folder()}, or choose an .onnx file."
    else:
        names = ", ".join(card.name for card in cards) or "none"
        message = (
            f"There is no model {str(name_or_path)!r}; found: {names}. Choose one of them, or an .onnx file."
        )
    raise UserError(" ".join([message, *problems[:1]]))


def _is_path(text: str | Path) -> bool:
    """Whether it means a file; a name has no ending and no folder."""
    if isinstance(text, Path):
        return True
    return text.lower().endswith((".onnx", ".json")) or any(mark in text for mark in "/\\")


def _cards_in(folder: Path, problems: list[str]) -> Iterator[ModelCard]:
    """Yield the cards in a folder, then one for each model that has none."""
    try:
        entries = sorted(entry for entry in folder.iterdir() if entry.suffix in (".json", ".onnx"))
    except OSError:
        return
    files = []
    for entry in entries:
        if os.path.isfile(entry):  # no error for a link in a circle, which would hide all others
            files.append(entry)
        elif not entry.is_dir():
            problems.append(f"{entry} is no file, or a link that leads to none.")
    done: set[Path] = set()
    for path in files:
        if path.suffix == ".json":
            done.add(path.with_suffix(".onnx"))
            try:
                card = ModelCard.load(path, verify=False)
            except UserError as error:
                problems.append(str(error))
            else:
                done.add(card.path or path)
                yield card
    for path in files:
        if path.suffix == ".onnx" and path not in done and not path.name.startswith("."):
            try:
                yield card_of(path)
            except UserError as error:
                problems.append(str(error))
