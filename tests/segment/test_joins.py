from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from sxtstudio.segment.graph import footprint
from sxtstudio.segment.joins import split_joins
from sxtstudio.segment.simplify import fills_blocks

CHANNELS = {"a": 3, "b": 2}


def graph_of(*nodes: onnx.NodeProto, outputs: tuple[str, ...] = ("end",)) -> onnx.ModelProto:
    """Nodes that read ``a`` (3 channels) and ``b`` (2); weights are made for the names that they mention."""
    random = np.random.default_rng(0)
    shapes = {"k": (4, 5, 3, 3), "kg": (5, 1, 3, 3), "bias": (4,)}
    shapes |= dict.fromkeys(("scale", "shift", "mean"), (5,))
    values = {name: random.normal(size=shape) for name, shape in shapes.items()}
    values["var"] = random.uniform(0.5, 2, 5)
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        list(nodes),
        "joined",
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", count, "y", "x"])
            for name, count in CHANNELS.items()
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 4) for name in outputs],
        [numpy_helper.from_array(v.astype(np.float32), n) for n, v in values.items() if n in used],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def node(kind: str, inputs: str, output: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(), [output], output, **attributes)


def results(model: onnx.ModelProto) -> list[np.ndarray]:
    random = np.random.default_rng(1)
    shape = (2, 1, 7, 9)
    feeds = {n: np.float32(random.normal(size=(shape[0], c, *shape[2:]))) for n, c in CHANNELS.items()}
    return ReferenceEvaluator(model).run(None, feeds)


JOIN = node("Concat", "a b", "joined", axis=1)
NORM = node("BatchNormalization", "joined scale shift mean var", "normed")
RELU = node("Relu", "normed", "active")
MORE = node("Concat", "active b", "more", axis=1)


def assert_results_stay(model: onnx.ModelProto) -> None:
    """Take the joins of a model apart; it stays valid, and computes what it did."""
    expected = results(model)
    split_joins(model.graph, footprint(model).channels)
    onnx.checker.check_model(model)
    for found, wanted in zip(results(model), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("model", "split", "left"),
    [
        pytest.param((JOIN, NORM, RELU, node("Conv", "active k", "end")), 3, 0, id="norm, activation, conv"),
        pytest.param(
            (JOIN, NORM, RELU, node("Conv", "active k bias", "end", pads=[1, 1, 1, 1])),
            3,
            0,
            id="bias, padding",
        ),
        pytest.param((JOIN, NORM, node("Relu", "normed", "end")), 2, 1, id="joined at the end"),
        pytest.param((JOIN, NORM, RELU, MORE, node("Relu", "more", "end")), 3, 1, id="joined of joined"),
        pytest.param((JOIN, NORM, node("Tanh", "normed", "end")), 1, 1, id="what cannot take parts"),
        pytest.param(
            (JOIN, node("Conv", "joined kg", "end", group=5, pads=[1, 1, 1, 1])), 0, 1, id="in groups"
        ),
        pytest.param(
            (node("Concat", "a a", "joined", axis=2), node("Relu", "joined", "end")), 0, 1, id="rows"
        ),
    ],
)
def test_what_reads_joined_channels_takes_the_parts_and_gives_the_same(
    model: tuple[onnx.NodeProto, ...], split: int, left: int
) -> None:
    whole = graph_of(*model)
    (expected,) = results(whole)
    assert split_joins(whole.graph, footprint(whole).channels) == split
    onnx.checker.check_model(whole)
    (found,) = results(whole)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert [n.op_type for n in whole.graph.node].count("Concat") == left


def test_what_is_read_by_parts_and_whole_is_joined_once() -> None:
    model = graph_of(
        JOIN, NORM, RELU, node("Conv", "active k", "one"), node("Tanh", "active", "two"),
        node("Sigmoid", "active", "three"), outputs=("one", "two", "three", "active"),
    )  # fmt: skip
    assert_results_stay(model)
    assert [n.op_type for n in model.graph.node].count("Concat") == 1


def test_names_of_a_graph_are_not_taken_again() -> None:
    model = graph_of(
        node("Relu", "a", "normed_part0"), JOIN, NORM, RELU, node("Conv", "active k", "sum"),
        node("Add", "normed_part0 a", "other"), outputs=("sum", "other"),
    )  # fmt: skip
    assert_results_stay(model)


@pytest.mark.parametrize(
    ("channels", "fills"), [(6, False), (12, False), (24, False), (32, True), (48, True)]
)
def test_few_channels_fill_no_blocks(channels: int, fills: bool) -> None:
    kernel = numpy_helper.from_array(np.zeros((channels, 3, 3, 3), np.float32), "kernel")
    graph = helper.make_graph([node("Conv", "a kernel", "end")], "one", [], [], [kernel])
    assert fills_blocks(graph) is fills
