"""``sxtstudio simulate``: tomograms of cells that never lived, with the truth about them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sxtstudio.commands.guard import CANCELLED, DONE, say
from sxtstudio.commands.options import positive_int, whole_number
from sxtstudio.commands.output import show
from sxtstudio.commands.terminal import shown_progress
from sxtstudio.commands.text import note_item
from sxtstudio.core.errors import Cancelled, UserError
from sxtstudio.core.pace import Work
from sxtstudio.core.progress import Progress
from sxtstudio.core.stages import Stage, Stages
from sxtstudio.core.wording import count

if TYPE_CHECKING:
    from sxtstudio.training.shape_library import Library

SCENES = ("crowded", "cytoplasm", "edge", "several-cells", "vesicles", "ice")


def add(commands: Any) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "simulate",
        help="make tomograms of simulated cells, with their true membranes",
        description="Simulate soft X-ray tomograms of cells (phantoms) to train and to test with. For each, "
        "DIR gets phantom-SEED.tif (the tomogram), .labels.tif (255 membrane that a human could see, 128 not "
        "to be judged), .classes.tif and .instances.tif (what each voxel belongs to) and .json (all settings "
        "and the tables of classes and objects). The same seed and size give the same tomogram. Ctrl-C keeps "
        "what is complete; the same command goes on from there.",
    )
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help="folder, made if it is missing")
    parser.add_argument("--seed", type=whole_number, required=True, metavar="N", help="of the first tomogram")
    parser.add_argument(
        "--count", type=positive_int, default=1, metavar="N", help="how many, with the seeds after it"
    )
    parser.add_argument(
        "--size", type=size, default=(64, 256, 256), metavar="Z,Y,X", help="voxels (default: 64,256,256)"
    )
    parser.add_argument(
        "--voxel",
        type=voxel,
        metavar="NM",
        help="edge of a voxel, 4 to 50 nm (default: 8 to 33, by the seed)",
    )
    parser.add_argument("--scene", choices=SCENES, help="what is in view (default: by the seed)")
    parser.add_argument(
        "--polarity",
        choices=("dark", "bright", "both"),
        default="dark",
        help="how dense structures look; both: every second tomogram is bright (default: dark)",
    )
    parser.add_argument(
        "--shapes",
        metavar="FOLDER",
        help="place shapes of real organelles beside the simulated ones: label volumes in FOLDER, of which "
        'its file shapes.toml says what they mean, in sections such as [[shapes]] files = "*.tif" '
        'voxel_nm = [5, 5, 5] labels = { 1 = "mitochondrion", 2 = "cristae" }; '
        "files are names or patterns inside FOLDER",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace tomograms that are there already")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Simulate one after another, and say where each is."""
    from sxtstudio.training.phantom_files import check_size, is_complete, prepare
    from sxtstudio.training.shape_library import read_library

    folder = Path(arguments.output)
    check_size(arguments.size)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file, not a folder: give another folder with -o.")
    library = read_library(Path(arguments.shapes)) if arguments.shapes is not None else None
    prepare(folder)
    numbers = range(arguments.seed, arguments.seed + arguments.count)
    requests = {f"phantom-{seed:04d}": _request(arguments, seed, library) for seed in numbers}
    there = {
        name
        for name, request in requests.items()
        if not arguments.overwrite and is_complete(folder, name, request)
    }
    done = 0
    with shown_progress() as (progress, display):
        stages = Stages(progress, [Stage(Work.FILE, 1)] * (len(requests) - len(there)))
        try:
            for number, (name, request) in enumerate(requests.items(), 1):
                line = f"{folder / name}.tif: complete already"
                if name not in there:
                    with stages.stage(Work.FILE) as counter:
                        line = _one(folder, name, request, library, counter)
                display.clear()
                path = folder / f"{name}.tif"
                state = "done" if name not in there else "skipped"
                if not note_item(path, state, number, arguments.count, output=path, message=line):
                    show(f"{number} of {arguments.count}  {line}")
                done += 1
        except (Cancelled, KeyboardInterrupt):
            display.clear()
            say(
                f"Cancelled; {count(done, 'tomogram')} of {arguments.count} complete in {folder}. "
                "The same command goes on."
            )
            return CANCELLED
    return DONE


def _request(arguments: argparse.Namespace, seed: int, library: Library | None) -> dict[str, Any]:
    """Return the settings of one tomogram, as its description keeps them."""
    from sxtstudio.training.phantom_files import SIMULATOR

    polarity = arguments.polarity
    return {
        "simulator": SIMULATOR,
        "seed": seed,
        "size": list(arguments.size),
        "voxel_nm": arguments.voxel,
        "scene": arguments.scene.replace("-", " ") if arguments.scene else None,
        "polarity": ("dark", "bright")[seed % 2] if polarity == "both" else polarity,
        "shapes": library.checksum if library is not None else None,
    }


def _one(
    folder: Path, name: str, request: dict[str, Any], library: Library | None, progress: Progress
) -> str:
    """Simulate and write one tomogram; return a line about it."""
    from sxtstudio.training.phantom_files import write_phantom
    from sxtstudio.training.simulate import simulate

    z, y, x = request["size"]
    simulated = simulate(
        request["seed"],
        (z, y, x),
        voxel_nm=request["voxel_nm"],
        scene=request["scene"],
        polarity=request["polarity"],
        framed=True,
        library=library,
        progress=progress,
    )
    written = write_phantom(folder, name, simulated, request)
    objects = count(len(simulated.facts["objects"]), "object")
    nm = simulated.microscope.voxel_nm
    return f"{written[0]}: {simulated.facts['scene']}, {objects}, voxel {nm:.3g} nm, {request['polarity']}"


def size(text: str) -> tuple[int, int, int]:
    """Read ``Z,Y,X``, numbers of voxels."""
    try:
        z, y, x = (positive_int(part) for part in text.split(","))
    except (ValueError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no size: give three numbers of voxels, Z,Y,X, such as 64,256,256"
        ) from None
    return z, y, x


def voxel(text: str) -> float:
    """Read the edge of a voxel in nm."""
    try:
        edge = float(text)
    except ValueError:
        edge = 0.0
    if not 4 <= edge <= 50:
        raise argparse.ArgumentTypeError(f"{text!r} is no voxel size for this: give 4 to 50 nanometres")
    return edge
