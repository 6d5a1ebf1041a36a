"""What a network takes is told from its graph, before anything of it runs."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from sxtstudio.core.errors import UserError
from sxtstudio.segment.cost import MOST_STEPS_PER_PX, MOST_TILE_BYTES, UnknownSizeError, check_cost, cost

FREE = ["n", 1, "y", "x"]


def value(name, shape=FREE, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def weight(name, *shape):
    return numpy_helper.from_array(np.random.default_rng(0).normal(size=shape).astype(np.float32), name)


def numbers(name, *values, kind=np.int64):
    return numpy_helper.from_array(np.array(values, kind), name)


def made(nodes, weights=(), domains=("",), inputs=None):
    graph = helper.make_graph(nodes, "net", inputs or [value("input")], [value("label")], list(weights))
    opsets = [helper.make_opsetid(domain, 17 if domain == "" else 1) for domain in domains]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def node(kind, inputs, outputs, **attributes):
    return helper.make_node(kind, inputs, outputs, **attributes)


def test_convolutions_by_hand():
    nodes = [
        node("Conv", ["input", "w0"], ["a"], pads=[1, 1, 1, 1]),
        node("Relu", ["a"], ["b"]),
        node("Conv", ["b", "w1"], ["c"]),
        node("Tanh", ["c"], ["label"]),
    ]
    found = cost(made(nodes, [weight("w0", 8, 1, 3, 3), weight("w1", 1, 8, 1, 1)]), 64)
    px = 64 * 64
    assert found.peak_bytes == 4 * px * (1 + 8 + 8)  # input, a and b
    multiplications = px * (8 * 9 + 8)
    moved = px * (1 + 8 + 8 + 8 + 8 + 1 + 1 + 1) + 8 * 9 + 8
    assert found.steps == multiplications + moved
    assert found.constant_bytes == 0


def test_constants_that_are_computed_count_at_loading():
    nodes = [
        node("Cast", ["half"], ["w"], to=TensorProto.FLOAT),
        node("Conv", ["input", "w"], ["c"], pads=[1, 1, 1, 1]),
        node("Tanh", ["c"], ["label"]),
    ]
    half = numpy_helper.from_array(np.ones((1, 1, 3, 3), np.float16), "half")
    big = numpy_helper.from_array(np.ones((100, 9), np.float16), "big")
    more = [node("Cast", ["big"], ["unused"], to=TensorProto.FLOAT), *nodes]
    assert cost(made(nodes, [half]), 64).constant_bytes == 0  # a few numbers are nothing
    assert cost(made(more, [half, big]), 64).constant_bytes == 4 * 900


def resized(kind):
    """Half the size and back, to a size that is computed from that of the input, as exporters write it."""
    half = [node("MaxPool", ["input"], ["small"], kernel_shape=[2, 2], strides=[2, 2])]
    if kind == "slice":
        sizes = [
            node("Shape", ["input"], ["all"]),
            node("Slice", ["all", "two", "four"], ["yx"]),
            node("Shape", ["small"], ["all small"]),
            node("Slice", ["all small", "zero", "two"], ["nc"]),
            node("Concat", ["nc", "yx"], ["sizes"], axis=0),
        ]
    else:
        sizes = [
            node("Shape", ["small"], ["all"]),
            *[node("Gather", ["all", f"at {n}"], [f"n {n}"]) for n in (2, 3)],
            *[node("Cast", [f"n {n}"], [f"f {n}"], to=TensorProto.FLOAT) for n in (2, 3)],
            *[node("Mul", [f"f {n}", "factor"], [f"m {n}"]) for n in (2, 3)],
            *[node("Floor", [f"m {n}"], [f"r {n}"]) for n in (2, 3)],
            *[node("Cast", [f"r {n}"], [f"i {n}"], to=TensorProto.INT64) for n in (2, 3)],
            *[node("Unsqueeze", [f"i {n}", "zero"], [f"u {n}"]) for n in (2, 3)],
            node("Concat", ["one", "one", "u 2", "u 3"], ["sizes"], axis=0),
        ]
    grown = [
        node("Resize", ["small", "", "", "sizes"], ["large"], mode="nearest"),
        node("Tanh", ["large"], ["label"]),
    ]
    constants = [numbers(n, v) for n, v in (("zero", 0), ("one", 1), ("two", 2), ("four", 4))]
    constants += [numpy_helper.from_array(np.array(n, np.int64), f"at {n}") for n in (2, 3)]
    constants.append(numpy_helper.from_array(np.array(2, np.float32), "factor"))
    return made([*half, *sizes, *grown], constants)


@pytest.mark.parametrize("kind", ["slice", "gather and floor"])
def test_sizes_that_are_computed_from_sizes(kind):
    model = resized(kind)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (result,) = session.run(None, {"input": np.zeros((1, 1, 48, 64), np.float32)})
    assert result.shape == (1, 1, 48, 64)  # the model is what it should be
    assert cost(model, 64).peak_bytes == 4 * 64 * 64 * 3  # input, large, label


def test_layers_of_8_bit_and_of_onnxruntime():
    scale, zero = numpy_helper.from_array(np.float32(0.1), "s"), numpy_helper.from_array(np.uint8(3), "z")
    kernel = numpy_helper.from_array(np.ones((4, 1, 3, 3), np.uint8), "w")
    nodes = [
        node("QuantizeLinear", ["input", "s", "z"], ["q"]),
        node("QLinearConv", ["q", "s", "z", "w", "s", "z", "s", "z"], ["c"], pads=[1, 1, 1, 1]),
        node("QLinearAdd", ["c", "s", "z", "c", "s", "z", "s", "z"], ["a"], domain="com.microsoft"),
        node("DequantizeLinear", ["a", "s", "z"], ["f"]),
        node("ReduceMean", ["f"], ["m"], axes=[1]),
        node("Tanh", ["m"], ["label"]),
    ]
    model = made(nodes, [scale, zero, kernel], domains=("", "com.microsoft"))
    found = cost(model, 64)
    assert found.peak_bytes == 64 * 64 * (4 + 4 + 16)  # the input, a in bytes, f in floats
    assert found.steps > 64 * 64 * 4 * 9


def test_a_fixed_size_goes_before():
    shape = [1, 1, 96, 32]
    model = made([node("Tanh", ["input"], ["label"])], inputs=[value("input", shape)])
    assert cost(model, 64).peak_bytes == 2 * 4 * 96 * 32


def test_both_branches_count():
    """The branch is chosen when the model runs."""

    def branch(name, kind):
        out = [value(f"{name} out")]
        return helper.make_graph([node(kind, ["input"], [f"{name} out"])], name, [], out)

    nodes = [
        node("ReduceMax", ["input"], ["most"], keepdims=0),
        node("Greater", ["most", "zero"], ["positive"]),
        node("If", ["positive"], ["wide"], then_branch=branch("a", "Relu"), else_branch=branch("b", "Abs")),
        node("Tanh", ["wide"], ["label"]),
    ]
    zero = numpy_helper.from_array(np.float32(0), "zero")
    assert cost(made(nodes, [zero]), 64).peak_bytes >= 3 * 4 * 64 * 64


@pytest.mark.parametrize("kind", ["NonZero", "Unique"])
def test_sizes_that_depend_on_data_are_not_known(kind):
    nodes = [
        node(kind, ["input"], ["found"]),
        node("Cast", ["found"], ["f"], to=TensorProto.FLOAT),
        node("ReduceMax", ["f"], ["most"], keepdims=0),
        node("Add", ["input", "most"], ["sum"]),
        node("Tanh", ["sum"], ["label"]),
    ]
    with pytest.raises(UnknownSizeError, match=kind):
        cost(made(nodes), 64)


def test_the_published_network_is_far_from_every_bound(make_network):
    """At its published width, m = 64: floats grow with m, multiplications with its square."""
    found = cost(make_network(4), 448)
    per_px, steps = found.peak_bytes / 4 / 448**2, found.steps / 448**2
    assert 40 < per_px < 80
    assert 16 * found.peak_bytes < MOST_TILE_BYTES / 2.5
    assert 16**2 * steps < MOST_STEPS_PER_PX / 6


def test_shipped_models_are_far_from_every_bound():
    from pathlib import Path

    for path in (Path(__file__).parents[2] / "models").glob("*.onnx"):
        found = cost(onnx.load(path), 448)
        assert found.peak_bytes < MOST_TILE_BYTES / 8
        assert found.steps / 448**2 < MOST_STEPS_PER_PX / 50


def grown(factor):
    """A file of a few bytes: each pixel becomes factor × factor, and these one again."""
    size = [factor, factor]
    nodes = [
        node("Resize", ["input", "", "s"], ["large"], mode="nearest"),
        node("MaxPool", ["large"], ["small"], kernel_shape=size, strides=size),
        node("Tanh", ["small"], ["label"]),
    ]
    return made(nodes, [numbers("s", 1, 1, *size, kind=np.float32)])


def test_a_model_whose_smallest_tile_takes_gigabytes_is_refused(tmp_path):
    """448 px with the usual halo: 4 · 448² · 64² bytes are 3.3 GB, and with 32² they are 0.8 GB."""
    path = tmp_path / "net.onnx"
    check_cost(grown(32), path, 16)
    with pytest.raises(UserError, match=r"absurd amount of memory: 3\.3 GB for a tile of 448 px"):
        check_cost(grown(64), path, 16)


def test_a_slice_need_not_be_square():
    assert (
        cost(grown(4), 32, 96).peak_bytes == cost(grown(4), 96, 32).peak_bytes == 4 * 32 * 96 * (1 + 16 + 1)
    )
