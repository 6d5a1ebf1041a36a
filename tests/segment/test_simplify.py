from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from sxtstudio.segment.simplify import merge_convolutions, plain_weights

SHAPE = ["n", 3, "y", "x"]


def network(*layers: dict[str, Any], also: str = "") -> onnx.ModelProto:
    """A chain of convolutions; ``also`` is a tensor in between that is an output as well."""
    random, nodes, weights = np.random.default_rng(0), [], []
    for i, layer in enumerate(layers):
        kernel = random.normal(size=layer["kernel"]).astype(np.float32)
        weights.append(numpy_helper.from_array(kernel, f"w{i}"))
        names = [f"t{i}", f"w{i}"]
        if layer.get("bias", True):
            bias = random.normal(size=len(kernel)).astype(np.float32)
            weights.append(numpy_helper.from_array(bias, f"b{i}"))
            names.append(f"b{i}")
        attributes = {key: layer[key] for key in ("pads", "strides", "group") if key in layer}
        nodes.append(helper.make_node("Conv", names, [f"t{i + 1}"], f"c{i}", **attributes))
    ends = [f"t{len(layers)}"] + ([also] if also else [])
    graph = helper.make_graph(
        nodes,
        "chain",
        [helper.make_tensor_value_info("t0", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 4) for name in ends],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(model: onnx.ModelProto) -> np.ndarray:
    x = np.random.default_rng(1).normal(size=(2, 3, 7, 9)).astype(np.float32)
    return ReferenceEvaluator(model).run(None, {"t0": x})[0]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    "first",
    [
        pytest.param({"kernel": (6, 3, 3, 3), "pads": [1, 1, 1, 1]}, id="3×3"),
        pytest.param({"kernel": (6, 3, 2, 2), "pads": [0, 0, 1, 1]}, id="2×2, padded at one side"),
        pytest.param({"kernel": (6, 3, 3, 3), "strides": [2, 2]}, id="with strides"),
        pytest.param({"kernel": (6, 3, 1, 1)}, id="1×1"),
    ],
)
def test_a_pointwise_convolution_is_merged_into_the_one_before(first: dict[str, Any], bias: bool) -> None:
    model = network({**first, "bias": bias}, {"kernel": (12, 6, 1, 1), "bias": bias})
    expected = run(model)
    assert merge_convolutions(model.graph) == 1
    assert [node.op_type for node in model.graph.node] == ["Conv"]
    assert len(model.graph.initializer) == 2
    onnx.checker.check_model(model)
    np.testing.assert_allclose(run(model), expected, rtol=1e-4, atol=1e-4)


def test_a_chain_becomes_one() -> None:
    model = network({"kernel": (6, 3, 3, 3)}, {"kernel": (12, 6, 1, 1)}, {"kernel": (1, 12, 1, 1)})
    expected = run(model)
    assert merge_convolutions(model.graph) == 2
    np.testing.assert_allclose(run(model), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(network({"kernel": (6, 3, 1, 1)}, {"kernel": (6, 6, 3, 3)}), id="3×3 second"),
        pytest.param(network({"kernel": (12, 3, 3, 3)}, {"kernel": (24, 12, 1, 1)}), id="more blocks"),
        pytest.param(network({"kernel": (6, 3, 1, 1)}, {"kernel": (9, 6, 1, 1)}, also="t1"), id="read twice"),
        pytest.param(network({"kernel": (6, 3, 1, 1)}, {"kernel": (6, 3, 1, 1), "group": 2}), id="grouped"),
        pytest.param(
            network({"kernel": (6, 3, 1, 1)}, {"kernel": (6, 6, 1, 1), "pads": [1, 1, 1, 1]}),
            id="padded second",
        ),
        pytest.param(
            network({"kernel": (6, 3, 1, 1)}, {"kernel": (6, 6, 1, 1), "strides": [2, 2]}),
            id="strided second",
        ),
    ],
)
def test_others_are_left_alone(model: onnx.ModelProto) -> None:
    before = model.SerializeToString()
    assert merge_convolutions(model.graph) == 0
    assert model.SerializeToString() == before


def test_weights_that_are_computed_are_left_alone() -> None:
    model = network({"kernel": (6, 3, 3, 3)}, {"kernel": (12, 6, 1, 1)})
    model.graph.node.insert(0, helper.make_node("Identity", ["w0"], ["computed"]))
    model.graph.node[1].input[1] = "computed"
    assert merge_convolutions(model.graph) == 0


@pytest.mark.parametrize("shared", [False, True], ids=["own weights", "shared weights"])
def test_stored_half_precision_weights_become_plain_ones(shared: bool) -> None:
    model = network({"kernel": (3, 3, 1, 1)}, {"kernel": (3, 3, 1, 1)})
    graph = model.graph
    half = {
        w.name: numpy_helper.to_array(w).astype(np.float16) for w in graph.initializer if len(w.dims) == 4
    }
    for weight in graph.initializer:
        if weight.name in half:
            weight.CopyFrom(numpy_helper.from_array(half[weight.name], weight.name))
    sources = ["w0", "w0"] if shared else ["w0", "w1"]
    for i, source in enumerate(sources):
        graph.node[2 * i].input[1] = f"wide{i}"
        graph.node.insert(2 * i, helper.make_node("Cast", [source], [f"wide{i}"], to=TensorProto.FLOAT))
    expected = run(model)
    assert plain_weights(graph) == 2
    assert [node.op_type for node in graph.node] == ["Conv", "Conv"]
    stored = {w.name: numpy_helper.to_array(w) for w in graph.initializer}
    for i, source in enumerate(sources):
        assert stored[f"wide{i}"].dtype == np.float32
        assert np.array_equal(stored[f"wide{i}"], half[source])
    assert np.array_equal(run(model), expected)
    assert merge_convolutions(graph) == 1


def test_what_only_looks_like_a_stored_weight_stays() -> None:
    """A cast of the image, and one to another type than float32."""
    model = network({"kernel": (3, 3, 1, 1)})
    model.graph.node.insert(0, helper.make_node("Cast", ["t0"], ["same"], to=TensorProto.FLOAT))
    model.graph.node.insert(0, helper.make_node("Cast", ["w0"], ["double"], to=TensorProto.DOUBLE))
    assert plain_weights(model.graph) == 0
    assert len(model.graph.node) == 3
