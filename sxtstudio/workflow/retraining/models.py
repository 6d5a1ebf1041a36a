"""Which of the installed models can be trained further."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.progress import Progress
from sxtstudio.segment import ModelCard, find_models
from sxtstudio.segment.card import find_card
from sxtstudio.segment.check import read_model
from sxtstudio.workflow.retraining.runs import free_name, name_problem

# Weights that only a model exported by this program has; the norm is a part of the stem in older exports.
_STEM, _NORM = "network.encoder.stem.0.weight", "network.encoder.stem_norm.running_mean"


@dataclass(frozen=True)
class RetrainingCandidate:
    """An installed model, and why it cannot be trained further, or ""."""

    card: ModelCard
    why_not: str = ""


def candidates(progress: Progress | None = None) -> list[RetrainingCandidate]:
    """Return all installed models, the default one first."""
    found = []
    for card in find_models():
        if progress is not None:
            progress.check()
        found.append(RetrainingCandidate(card, why_not_trainable(card)))
    return found


def give_free_name(model: Path) -> str:
    """Return the name of a new model, changed in its card where another model has taken it meanwhile."""
    card_file = find_card(model) or model.with_suffix(".json")
    card = ModelCard.load(card_file)
    taken = [other.name for other in find_models() if other.sha256 != card.sha256]
    if not name_problem(card.name, taken):
        return card.name
    content = json.loads(card_file.read_bytes())
    content["name"], content["file"] = free_name(card.name, taken), model.name
    with atomic_write(card_file) as temporary:
        temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return str(content["name"])


def why_not_trainable(card: ModelCard) -> str:
    """Return why a model cannot be trained further, or ""."""
    if card.path is None:
        return "its file is missing"
    try:
        graph = read_model(card.path).graph
    except UserError as error:
        return str(error)
    names = {tensor.name for tensor in graph.initializer}
    names |= {node.output[0] for node in graph.node if node.op_type == "Identity" and node.output}
    if _STEM not in names:
        return "it is another kind of network"
    if _NORM not in names:
        return "it was exported for use only"
    return ""
