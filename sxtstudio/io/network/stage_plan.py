"""Where the graph of the network may be cut into stages, and the margin that each of them needs."""

from __future__ import annotations

from typing import Any

from sxtstudio.io.network.layers import MULTIPLE, STAGES

#: The entry of the metadata of a model file that holds the plan.
STAGES_KEY = "sxt_stages"


def stage_plan() -> dict[str, Any]:
    """Return where the graph may be cut, and the margin that each part needs.

    ``tensors`` maps a tensor's name to its scale (1 = full resolution, 16 = the neck). A stage
    computes ``output`` from ``inputs``; ``halo_px`` is how far, in pixels of the full resolution,
    an output pixel looks beyond itself. The margins follow from the layers: one pixel for each 3×3
    convolution at its scale, one coarse pixel for a transposed convolution.
    """
    tensors = {"input": 1, "neck": MULTIPLE, "label": 1, "image": 1}
    tensors |= {f"skip_{i}": 2**i for i in range(STAGES)}
    tensors |= {
        f"{head}_{i}": 2 ** (STAGES - 1 - i) for head in ("label", "image") for i in range(STAGES - 1)
    }

    def stage(inputs: list[str], output: str, convolutions: int) -> dict[str, Any]:
        up = 1 if tensors[inputs[0]] > tensors[output] else 0
        halo = tensors[output] * (convolutions + 2 * up)
        return {"inputs": inputs, "output": output, "halo_px": halo}

    encoder = [stage(["input"], "skip_0", 3)]
    encoder += [stage([f"skip_{i - 1}"], f"skip_{i}", 2) for i in range(1, STAGES)]
    encoder.append(stage([f"skip_{STAGES - 1}"], "neck", 4))
    label = [stage(["neck", f"skip_{STAGES - 1}"], "label_0", 4)]
    label += [
        stage([f"label_{i - 1}", f"skip_{STAGES - 1 - i}"], f"label_{i}", 4) for i in range(1, STAGES - 1)
    ]
    label.append(stage([f"label_{STAGES - 2}", "skip_0"], "label", 6))
    image = [stage(["neck"], "image_0", 2)]
    image += [stage([f"image_{i - 1}"], f"image_{i}", 2) for i in range(1, STAGES - 1)]
    image.append(stage([f"image_{STAGES - 2}"], "image", 6))
    return {"tensors": tensors, "label": encoder + label, "image": encoder + image}


def halo_px() -> int:
    """Return the margin that makes the centre of a tile exact, rounded up to the network's multiple."""
    reach: int = sum(stage["halo_px"] for stage in stage_plan()["label"])
    return reach + -reach % MULTIPLE
