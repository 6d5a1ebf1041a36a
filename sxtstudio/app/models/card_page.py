"""A model's card as a page to read."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from sxtstudio.core import wording
from sxtstudio.core.paths import resolved
from sxtstudio.core.uses import Use
from sxtstudio.segment import ModelCard
from sxtstudio.segment.registry import model_folders

_POLARITY = {
    "dark": "dark (bright tomograms are turned round first)",
    "any": "dark or bright",
}


def card_html(card: ModelCard, *, default: bool, own: bool) -> str:
    """Return what is known of a model, as HTML; every text of the card is escaped."""
    parts = [f"<h2>{escape(card.name)}</h2>"]
    facts = [
        "used by default" if default else "",
        "added by you" if own else _origin(card),
    ]
    parts.append(f"<p><i>{', '.join(fact for fact in facts if fact)}</i></p>")
    parts.append(f"<p>{escape(card.description)}</p>")
    parts += [f"<p><b>Note:</b> {escape(note)}</p>" for note in card.notes]
    parts.append(f"<h3>What it was trained on</h3><p>{escape(card.trained_on)}</p>")
    if card.limits:
        items = "".join(f"<li>{escape(limit)}</li>" for limit in card.limits)
        parts.append(f"<h3>Where it fails</h3><ul>{items}</ul>")
    if card.scores:
        parts.append(f"<h3>How well it does</h3>{_scores(card.scores)}")
    for use in Use:
        if (entry := card.uses.get(use)) is not None:
            same = f", {card.same_as(use)}" if card.same_as(use) else ""
            title = f"{use.words[:1].upper()}{use.words[1:]} (threshold {entry.threshold:g}{same})"
            parts.append(f"<h3>{escape(title)}</h3><p>{escape(use.meaning)}</p>{_scores(entry.scores)}")
    parts.append("<h3>Details</h3>" + _table(_details(card)))
    return "".join(parts)


def _origin(card: ModelCard) -> str:
    shipped = resolved(model_folders()[0])
    here = card.path is not None and resolved(card.path).parent == shipped
    return "comes with the program" if here else "in a shared folder"


def _details(card: ModelCard) -> list[tuple[str, str]]:
    rows = []
    if card.voxel_nm is not None:
        rows.append(("Voxel sizes", f"{card.voxel_nm[0]:g} to {card.voxel_nm[1]:g} nm"))
    else:
        rows.append(("Voxel sizes", "not known"))
    rows += [
        ("Absorbing structures", _POLARITY[card.polarity]),
        ("Threshold", f"{card.threshold:g} (from −1 to 1)"),
        ("Base width", str(card.base_width)),
        ("Sees at once", card.sees),
        ("Licence", card.licence),
    ]
    if card.created:
        rows.append(("Made on", card.created))
    if card.path is not None:
        try:
            rows.append(("Size", wording.bytes_text(card.path.stat().st_size)))
        except OSError:
            rows.append(("Size", "the file is missing"))
        rows.append(("File", str(card.path)))
    # Spaces let a narrow window break the line.
    rows.append(("Checksum (SHA-256)", " ".join(card.sha256[n : n + 16] for n in range(0, 64, 16))))
    return rows


def _table(rows: list[tuple[str, str]]) -> str:
    cells = "".join(
        f"<tr><td style='padding-right: 14px'>{escape(name)}</td><td>{escape(value)}</td></tr>"
        for name, value in rows
    )
    return f"<table cellpadding='2'>{cells}</table>"


def _scores(scores: Mapping[str, Any]) -> str:
    """Return a table where each judge gave the same numbers, else a line for each."""
    judged = {judge: value for judge, value in scores.items() if isinstance(value, Mapping)}
    names = list(dict.fromkeys(name for value in judged.values() for name in value))
    rows = []
    if judged:
        head = "".join(f"<th align='right'>{escape(_title(name))}</th>" for name in names)
        rows.append(f"<tr><th align='left'>Judged on</th>{head}</tr>")
    for judge, value in judged.items():
        cells = "".join(f"<td align='right'>{escape(_figure(value.get(name)))}</td>" for name in names)
        rows.append(f"<tr><td>{escape(judge)}</td>{cells}</tr>")
    rows += [
        f"<tr><td>{escape(judge)}</td><td align='right'>{escape(_figure(value))}</td></tr>"
        for judge, value in scores.items()
        if judge not in judged
    ]
    return f"<table cellpadding='4'>{''.join(rows)}</table>"


def _title(name: str) -> str:
    return "F1" if name == "f1" else name.replace("_", " ")


def _figure(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else str(value)
    return f"{value:.2f}" if isinstance(value, float) else str(value)
