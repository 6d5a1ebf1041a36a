"""Both heads of a trained network as one ONNX file, checked against PyTorch before it is kept."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.training.network import MULTIPLE, STAGES, DeepSXT
from sxtstudio.training.onnx_graph import fold_constants, halve_weights, keep_every_weight
from sxtstudio.training.parity import parity, rounded, rounding_effect, samples

OPSET = 17  # the newest that DirectML's onnxruntime takes
PARITY = 1e-4
#: A trained network's label moves by 0.0003 (measured on real slices; 0.005 at the worst pixel).
HALF_TOLERANCE = 0.02
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
    return reach + -reach % int(MULTIPLE)


class _Traced(nn.Module):
    def __init__(self, network: DeepSXT, names: list[str]) -> None:
        super().__init__()
        self.network = network
        self.names = names

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        tensors = self.network.trace(x)
        return tuple(tensors[name] for name in self.names)


def to_onnx(network: DeepSXT) -> onnx.ModelProto:
    """Return the network as an ONNX model: ``input`` to ``label`` and ``image``.

    All are (batch, 1, y, x) float32 with any batch and any multiples of 16. The tensors at the
    borders between the stages keep their names, and the metadata entry ``sxt_stages`` says which.
    """
    network = network.eval()
    plan = stage_plan()
    heads = ["label", "image"]
    inner = [name for name in plan["tensors"] if name not in ("input", *heads)]
    names = heads + inner
    buffer: Any = BytesIO()
    axes = {"input": {0: "batch", 2: "height", 3: "width"}}
    axes |= {head: {0: "batch", 2: "height", 3: "width"} for head in heads}
    with warnings.catch_warnings():
        # The exporter that needs no further package is marked as deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        # It also tells that it leaves the decoders' crops for the runtime to fold.
        warnings.filterwarnings("ignore", message="Constant folding", category=UserWarning)
        torch.onnx.export(
            _Traced(network, names).eval(),
            (torch.zeros(1, 1, 2 * MULTIPLE, 3 * MULTIPLE),),
            buffer,
            input_names=["input"],
            output_names=names,
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
            # Keeps batch norms apart from convolutions, so that a model can be trained further;
            # onnxruntime joins them when it loads the file.
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
        )
    model = onnx.load_model_from_string(buffer.getvalue())
    kept = [output for output in model.graph.output if output.name in heads]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    model.ir_version = min(model.ir_version, 9)
    keep_every_weight(model.graph)
    fold_constants(model.graph)
    entry = model.metadata_props.add()
    entry.key, entry.value = STAGES_KEY, json.dumps(plan)
    onnx.checker.check_model(model)
    return model


def export_onnx(
    network: DeepSXT,
    path: str | Path,
    *,
    weights: Literal["float32", "float16"] = "float32",
    slices: Iterable[NDArray[Any]] | None = None,
) -> Path:
    """Write the network to ``path`` after comparing it with PyTorch.

    Parameters
    ----------
    network
        Any base width.
    path
        The .onnx file to write.
    weights
        float16 halves the file: kernels are stored rounded to 11 significant bits and widened when the
        model is loaded, so that it is computed in float32 all the same, as fast and wherever float32 runs.
    slices
        Real slices (y, x), of any numeric type, scale and size from 16 px, dark structures dark: the centres
        of the first four are compared besides random noise.

    Raises
    ------
    UserError
        If a head of the exported model differs from the network's by more than 1e-4 of its spread (or of 1,
        where the spread is less); if rounding to float16 moves a head by more than 0.02 of that, root mean
        square; or if the file cannot be written. An older file of that name is then left as it was.
    """
    model = to_onnx(network)
    batches = samples(slices)
    expected = network
    if weights == "float16":
        halve_weights(model.graph)
        expected = rounded(network)
        effect = rounding_effect(network, expected, batches)
        if not effect < HALF_TOLERANCE:
            raise UserError(
                f"Weights stored as float16 would change the results by {effect:.2g} of their spread, so "
                "nothing was written. Export the model with float32 weights."
            )
    difference = parity(expected, model, batches)
    if not difference < PARITY:
        raise UserError(
            f"The exported model differs from the trained network by {difference:.2g}; it was not written. "
            "Train again from an earlier checkpoint."
        )
    path = Path(path)
    with atomic_write(path) as temporary:
        temporary.write_bytes(model.SerializeToString())
    return path
