"""The model of a job on a worker: its own one of the same checksum, or one that was sent."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sxtstudio.cluster.mapping import PathMapping
from sxtstudio.cluster.records import ModelRecord, path_of, quoted
from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.plain_files import read_plain
from sxtstudio.segment.card import ModelCard
from sxtstudio.segment.registry import installed_card, load_card

_MOST_BYTES, _MOST_CARD_BYTES = 2 << 30, 1 << 20


class ModelMissing(Exception):
    """No model of this checksum is here."""


def model_record(asked: str | Path | None, mapping: PathMapping) -> tuple[ModelRecord, ModelCard]:
    """Return what is sent of the model of a batch, and its card.

    Raises
    ------
    UserError
        If there is no such model, or something is wrong with it.
    """
    card = load_card(asked)
    by_name = isinstance(asked, str) and asked == card.name
    file = quoted(mapping.there(_file(card).absolute()))
    by = "default" if asked is None else "name" if by_name else "file"
    return ModelRecord(card.name, by, file, card.sha256), card  # type: ignore[arg-type]


def model_here(record: ModelRecord, folder: Path) -> str | Path | None:
    """Return how a job asks for the model on this machine.

    Parameters
    ----------
    record
        The model of the batch.
    folder
        Where models lie that were sent.

    Raises
    ------
    ModelMissing
        If none of its checksum is here.
    """
    if record.by == "default" and _has(None, record):
        return None
    if record.by == "name" and _has(record.name, record):
        return record.name
    for path in (path_of(record.file), sent_file(folder, record)):
        if path.is_file() and _has(path, record):
            return path
    try:
        found = installed_card(record.name)
    except UserError:
        raise ModelMissing from None
    if found.sha256 != record.sha256:
        raise ModelMissing
    return _file(found)


def model_files(card: ModelCard) -> tuple[bytes, bytes]:
    """Return the model and its card (empty where it has none), as they are sent."""
    entries = b"" if card.card_path is None else read_plain(card.card_path, _MOST_CARD_BYTES)
    return read_plain(_file(card), _MOST_BYTES), entries


def store_model(folder: Path, record: ModelRecord, model: bytes, card: bytes) -> None:
    """Keep a model that was sent.

    Raises
    ------
    UserError
        If it is not the one that was promised, or cannot be written.
    """
    if hashlib.sha256(model).hexdigest() != record.sha256:
        raise UserError(f"The model {record.name} arrived damaged: its checksum is another. Try again.")
    path = sent_file(folder, record)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if card:
        with atomic_write(path.with_suffix(".json"), own=True) as temporary:
            temporary.write_bytes(card)
    with atomic_write(path, own=True) as temporary:
        temporary.write_bytes(model)


def sent_file(folder: Path, record: ModelRecord) -> Path:
    """Return where a model lies that was sent."""
    return folder / record.sha256 / f"{Path(path_of(record.file)).stem}.onnx"


def _has(asked: str | Path | None, record: ModelRecord) -> bool:
    try:
        return load_card(asked).sha256 == record.sha256
    except UserError:
        return False


def _file(card: ModelCard) -> Path:
    if card.path is None:
        raise ValueError("the card is not attached to a model")
    return card.path
