"""A model with its kernels stored as float16: half the file, computed in float32 all the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from sxtstudio.core.errors import UserError

#: A trained network's label moves by 0.0003 (measured on real slices; 0.005 at the worst pixel).
HALF_TOLERANCE = 0.02

Batch = NDArray[np.floating[Any]]


def noise(slices: int = 1) -> Batch:
    """Return two inputs of noise (2, slices, 32, 48) on which models are compared."""
    return np.random.default_rng(0).normal(size=(2, slices, 32, 48)).astype(np.float32)


def halved(model: onnx.ModelProto, batches: Sequence[Batch]) -> onnx.ModelProto:
    """Return the model with kernels rounded to 11 significant bits and stored as float16.

    They are widened to float32 when they are read, so that the model runs as fast and wherever it ran before.
    Biases and statistics of batch norms stay as they are: they take little room.

    Parameters
    ----------
    model
        A model of the network.
    batches
        Normalised slices (n, slices, y, x) on which it is compared with the result.

    Raises
    ------
    UserError
        If a kernel does not fit into float16, or the rounding moves a head by more than 0.02 of its spread
        (or of 1, where the spread is less), root mean square.
    """
    half = onnx.ModelProto()
    half.CopyFrom(model)
    _halve_kernels(half.graph)
    effect = _difference(model, half, batches)
    if not effect < HALF_TOLERANCE:
        raise UserError(
            f"Weights stored as float16 would change the results by {effect:.2g} of their spread, so "
            "nothing was written. Export the model with float32 weights."
        )
    return half


def _halve_kernels(graph: onnx.GraphProto) -> None:
    """Store kernels as float16 under their own names; a node for each widens it when it is read."""
    widened = {}
    for entry in graph.initializer:
        if entry.data_type != TensorProto.FLOAT or len(entry.dims) < 2:
            continue
        values = numpy_helper.to_array(entry)
        if np.abs(values).max(initial=0.0) > np.finfo(np.float16).max:
            raise UserError(f"The weights {entry.name} do not fit into float16: export them as float32.")
        entry.CopyFrom(numpy_helper.from_array(values.astype(np.float16), entry.name))
        widened[entry.name] = f"{entry.name}_float32"
    for node in graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = widened.get(name, name)
    casts = [
        helper.make_node("Cast", [stored], [wide], to=TensorProto.FLOAT) for stored, wide in widened.items()
    ]
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])


def _difference(one: onnx.ModelProto, other: onnx.ModelProto, batches: Sequence[Batch]) -> float:
    """Root mean square difference of the heads in units of their spread; NaN if one is not a number."""
    worst = 0.0
    # One after the other: an evaluator holds a second copy of its model's weights.
    for (ours, spread), (theirs, _) in zip(_heads(one, batches), _heads(other, batches), strict=True):
        # np.maximum keeps NaN, which max() may drop.
        worst = float(np.maximum(worst, float(np.sqrt(np.square(ours - theirs).mean())) / spread))
    return worst


def _heads(model: onnx.ModelProto, batches: Sequence[Batch]) -> list[tuple[Batch, float]]:
    """Return image and label of every batch, each with its spread; the label's is that before its tanh."""
    (tanh,) = (node for node in model.graph.node if node.op_type == "Tanh")
    scores_output = model.graph.output.add()
    scores_output.CopyFrom(helper.make_tensor_value_info(tanh.input[0], TensorProto.FLOAT, None))
    try:
        evaluator = ReferenceEvaluator(model)
    finally:
        model.graph.output.remove(scores_output)
    found = []
    for batch in batches:
        image, label, scores = evaluator.run(["image", "label", tanh.input[0]], {"input": batch})
        found += [(image, max(1.0, float(image.std()))), (label, max(1.0, float(scores.std())))]
    return found
