"""``sxtstudio models``: the models found, whether a file is one, and those of other programs."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sxtstudio.commands import model_files
from sxtstudio.commands.guard import DONE
from sxtstudio.commands.output import show
from sxtstudio.commands.text import print_rows
from sxtstudio.core.errors import UserError
from sxtstudio.core.uses import Use

if TYPE_CHECKING:
    from sxtstudio.segment import ModelCard


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "models",
        help="list the models found, check, import or export one",
        description="List the models found, each with its card; the first one is the default.",
    )
    parser.set_defaults(run=run_list)
    actions = parser.add_subparsers(title="more", metavar="[check | import | export]")
    check = actions.add_parser("check", help="check a model and run it on two small images")
    check.add_argument("file", metavar="FILE.onnx", help="model, with its card (.json) beside it")
    check.set_defaults(run=run_check)
    model_files.add_import(actions)
    model_files.add_export(actions)


def run_list(arguments: argparse.Namespace) -> int:
    """Print the cards of all models found."""
    from sxtstudio.segment import find_models

    problems: list[str] = []
    cards = find_models(problems=problems)
    if not cards:
        reasons = f" ({' '.join(problems)})" if problems else ""
        raise UserError(f"No model was found{reasons}: get one, and give its file with --model FILE.onnx.")
    for number, card in enumerate(cards):
        if number:
            show()
        print_rows(card_rows(card))
    print_rows(("left out", problem) for problem in problems)
    return DONE


def run_check(arguments: argparse.Namespace) -> int:
    """Check a model, and print its card if it is good."""
    from sxtstudio.segment import check_model

    card = check_model(arguments.file)
    print_rows([*card_rows(card), ("check", "passed: it can be used")])
    return DONE


def card_rows(card: ModelCard) -> list[tuple[str, str]]:
    """Return a model card as rows to print."""
    rows = [
        ("model", card.name),
        ("file", str(card.path)),
        ("description", card.description),
        ("trained on", card.trained_on),
        ("base width", str(card.base_width)),
        ("sees", card.sees),
    ]
    if card.voxel_nm:
        rows.append(("voxel size", f"{card.voxel_nm[0]:g} to {card.voxel_nm[1]:g} nm"))
    rows += [("score", f"{judge}: {_figures(score)}") for judge, score in card.scores.items()]
    for use in Use:
        if (entry := card.uses.get(use)) is not None:
            judged = "; ".join(f"{judge}: {_figures(score)}" for judge, score in entry.scores.items())
            same = f", {card.same_as(use)}" if card.same_as(use) else ""
            words = f"{use.value} (“{use.words}”): threshold {entry.threshold:g}{same}; {judged}"
            rows.append(("use", words))
    rows += [("limit", limit) for limit in card.limits]
    rows += [("licence", card.licence), ("sha256", card.sha256)]
    rows += [("note", note) for note in card.notes]
    return rows


def _figures(score: Any) -> str:
    """Return figures such as {"precision": 0.9} as words; cards may nest them or give a bare number."""
    if isinstance(score, Mapping):
        return ", ".join(f"{name} {_figures(value)}" for name, value in score.items())
    return f"{score:.3g}" if isinstance(score, int | float) else str(score)
