"""``sxtstudio models import`` and ``export``: models from and to files of other programs."""

from __future__ import annotations

import argparse
import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sxtstudio.commands.guard import DONE
from sxtstudio.core.errors import UserError

if TYPE_CHECKING:
    from sxtstudio.segment import ModelCard

_NO_TORCH = '{} needs PyTorch, which is not installed: add it with pip install "sxtstudio[train]".'


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
    from sxtstudio.workflow.importing import check_name, config_beside, suggested_name

    output = arguments.output or suggested_name(arguments.weights)
    file = Path(output) if output.lower().endswith(".onnx") else None
    name = check_name(file.stem if file else output)
    config = arguments.config or config_beside(arguments.weights)
    if config is None:
        raise UserError(
            f"There is no model_config….json beside {Path(arguments.weights).name}: give it with --config."
        )
    try:
        from sxtstudio.training.keras_import import import_weights
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise UserError(_NO_TORCH.format("Importing weights")) from error
    # Ended from outside, it still clears up after itself.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="sxtstudio-") as folder:
        made = import_weights(arguments.weights, config, folder, name, half=arguments.float16)
        card = _keep(made, file, replace=arguments.replace)
    where = "written to" if file else "installed as"
    print(f"The model {card.name} passed the check and is {where} {card.path}")
    return DONE


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
    return copy_model(made, file, replace=replace)


def copy_model(made: Path, file: Path, *, replace: bool) -> ModelCard:
    """Copy a model and its card ``made.json`` to ``file``, which its name and card then follow."""
    from sxtstudio.core.atomic import atomic_write
    from sxtstudio.segment.check import card_of

    both = [(made, file), (made.with_suffix(".json"), file.with_suffix(".json"))]
    for _, target in both:
        if target.exists() and not replace:
            raise UserError(f"{target} exists already: take another name, or replace it with --replace.")
    for source, target in both:
        with atomic_write(target) as temporary:
            shutil.copyfile(source, temporary)
    return card_of(file)
