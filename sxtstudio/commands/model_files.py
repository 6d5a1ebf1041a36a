"""``sxtstudio models import`` and ``export``: models from and to files of other programs."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sxtstudio.commands.guard import DONE
from sxtstudio.commands.output import show
from sxtstudio.core.errors import UserError

if TYPE_CHECKING:
    from sxtstudio.segment import ModelCard


def add_import(actions: Any) -> None:
    """Add the parser of ``models import``."""
    parser = actions.add_parser(
        "import",
        help="turn the published Keras weights of Deep-SXT into a model",
        description="Turn the authors' Keras weights (HDF5) into a model with its card, check it, and "
        "install it under a name or write it to a file.",
    )
    parser.add_argument("weights", metavar="WEIGHTS.h5", help="such as weights_semisupervised_2023_02.h5")
    parser.add_argument(
        "--config",
        metavar="CONFIG.json",
        help="the model_config that belongs to it (default: the one beside)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="NAME|FILE.onnx",
        help="name to install it under, or file to write (default: a name such as deep-sxt-2023-02)",
    )
    parser.add_argument("--float16", action="store_true", help="store it in half the space")
    parser.add_argument("--replace", action="store_true", help="take the place of another one of that name")
    parser.set_defaults(run=run_import)


def run_import(arguments: argparse.Namespace) -> int:
    """Convert, check, and install or write."""
    from sxtstudio.workflow.jobs.importing import check_name, config_beside, suggested_name

    output = arguments.output or suggested_name(arguments.weights)
    file = Path(output) if output.lower().endswith(".onnx") else None
    name = check_name(file.stem if file else output)
    config = arguments.config or config_beside(arguments.weights)
    if config is None:
        raise UserError(
            f"There is no model_config….json beside {Path(arguments.weights).name}: give it with --config."
        )
    from sxtstudio.workflow.jobs.published_weights import import_weights

    # Ended from outside, it still clears up after itself.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="sxtstudio-") as folder:
        made = import_weights(arguments.weights, config, folder, name, half=arguments.float16)
        card = _keep(made, file, replace=arguments.replace)
    where = "written to" if file else "installed as"
    show(f"The model {card.name} passed the check and is {where} {card.path}")
    return DONE


def add_export(actions: Any) -> None:
    """Add the parser of ``models export``."""
    parser = actions.add_parser(
        "export",
        help="copy a model to a file, or pack it for bioimage.io",
        description="Copy a model with its card to a file, or pack it for the BioImage Model Zoo.",
    )
    parser.add_argument("model", metavar="NAME", help="name of a model, or an .onnx file")
    targets = parser.add_mutually_exclusive_group(required=True)
    targets.add_argument("-o", "--output", metavar="FILE.onnx", help="copy it there, with its card")
    targets.add_argument("--bioimageio", metavar="FILE.zip", help="pack it there for bioimage.io")
    parser.add_argument("--float16", action="store_true", help="with -o: store it in half the space")
    parser.add_argument("--replace", action="store_true", help="take the place of a file that exists")
    parser.set_defaults(run=run_export)


def run_export(arguments: argparse.Namespace) -> int:
    """Copy or pack a model."""
    from sxtstudio.segment import check_model, load_card
    from sxtstudio.segment.bioimageio import export_bioimageio

    card = load_card(arguments.model)
    if arguments.bioimageio:
        target = Path(arguments.bioimageio)
        if arguments.float16:
            raise UserError("--float16 goes with -o: export to a file first, then pack that file.")
        if target.exists() and not arguments.replace:
            raise UserError(f"{target} exists already: take another name, or replace it with --replace.")
        show(f"The model {card.name} is packed in {export_bioimageio(card, target)}")
        return DONE
    target = Path(arguments.output)
    if target.suffix.lower() != ".onnx":
        raise UserError(f"{target.name} must end in .onnx: that is what a model is.")
    with tempfile.TemporaryDirectory(prefix="sxtstudio-") as folder:
        made = _halved(card, Path(folder)) if arguments.float16 else card.path
        if made is None:
            raise UserError(f"The model {card.name} has no file.")
        check_model(made)
        copied = copy_model(made, target, card.card_path, replace=arguments.replace)
    show(f"The model {copied.name} is written to {copied.path}")
    return DONE


def _halved(card: ModelCard, folder: Path) -> Path:
    """Store a model of this program with float16 weights; the card stays, but for what follows from them."""
    from sxtstudio.io.network.halving import halved, noise
    from sxtstudio.io.network.model_files import write_model_files
    from sxtstudio.io.network.onnx_graph import network_model
    from sxtstudio.io.network.onnx_weights import read_onnx_weights

    if card.path is None or card.card_path is None:
        raise UserError(f"The model {card.name} has no card: give it one before you export it.")
    entries = json.loads(card.card_path.read_bytes())
    entries.pop("file", None)
    network, arrays = read_onnx_weights(card.path)
    half = halved(network_model(network, arrays), [noise(network.slices)])
    return write_model_files(half, folder, entries, network.width)


def _keep(made: Path, file: Path | None, *, replace: bool) -> ModelCard:
    """Check a model, and install it or copy it to ``file`` with its card."""
    from sxtstudio.segment import check_model
    from sxtstudio.segment.installing import NameTaken, install_model

    if file is None:
        try:
            return install_model(made, replace=replace)
        except NameTaken as error:
            raise UserError(f"{error} Take another name, or replace it with --replace.") from error
    check_model(made)
    return copy_model(made, file, made.with_suffix(".json"), replace=replace)


def copy_model(made: Path, file: Path, card: Path | None, *, replace: bool) -> ModelCard:
    """Copy a model to ``file``, and its card beside it; return the card of the copy."""
    from sxtstudio.core.atomic import atomic_write
    from sxtstudio.segment.card import find_card
    from sxtstudio.segment.check import card_of

    card = find_card(made) or card
    target_card = file.with_suffix(".json")
    for target in (file, target_card):
        if target.exists() and not replace:
            raise UserError(f"{target} exists already: take another name, or replace it with --replace.")
    with atomic_write(file) as temporary:
        shutil.copyfile(made, temporary)
    if card is not None:
        # Word for word, as a card may say more than this program knows; it finds its model by its own name.
        entries = {key: value for key, value in json.loads(card.read_bytes()).items() if key != "file"}
        with atomic_write(target_card) as temporary:
            temporary.write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return card_of(file)
