from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from sxtstudio.segment import stages
from sxtstudio.segment.stages import StagedExecutor, read_plan
from sxtstudio.segment.upsampling import split_upsampling

COMPACT = Path(__file__).parents[2] / "models" / "compact.onnx"
THRESHOLD = 0.2
CROP = {"first": [0, 0], "end": [-1, -1], "axes": [2, 3]}


def upsampler(
    *, crop: dict[str, list[int]] | None = CROP, also: str = "", bias: bool = True, **attributes: Any
) -> onnx.ModelProto:
    """Three channels become four, of twice the height and width; ``also`` is another output."""
    random = np.random.default_rng(0)
    kernel = attributes.get("kernel_shape", [3, 3])
    weights = {"kernel": random.normal(size=(3, 4, *kernel)).astype(np.float32)}
    if bias:
        weights["bias"] = random.normal(size=4).astype(np.float32)
    nodes = [
        helper.make_node("ConvTranspose", ["x", *weights], ["doubled"], **{"strides": [2, 2]} | attributes)
    ]
    end = "doubled"
    if crop is not None:
        weights |= {name: np.array(values, np.int64) for name, values in crop.items()}
        nodes.append(helper.make_node("Slice", [end, *crop], ["cropped"]))
        end = "cropped"
    graph = helper.make_graph(
        nodes,
        "up",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "y", "x"])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None] * 4) for n in (end, also) if n],
        [numpy_helper.from_array(values, name) for name, values in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def without(model: onnx.ModelProto, attribute: str) -> onnx.ModelProto:
    """The model, whose first node leaves something unsaid."""
    attributes = model.graph.node[0].attribute
    (found,) = (entry for entry in attributes if entry.name == attribute)
    attributes.remove(found)
    return model


def doubled(x: np.ndarray, model: onnx.ModelProto) -> np.ndarray:
    """Every pixel of ``x`` puts its multiple of the kernel onto the output: the definition, in float64."""
    weights = {entry.name: numpy_helper.to_array(entry).astype(float) for entry in model.graph.initializer}
    n, _, height, width = x.shape
    out = np.zeros((n, 4, 2 * height + 1, 2 * width + 1))
    for i in range(height):
        for j in range(width):
            out[:, :, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += np.einsum(
                "nc,cokl->nokl", x[:, :, i, j].astype(float), weights["kernel"]
            )
    return (out + weights.get("bias", np.zeros(4))[:, None, None])[:, :, :-1, :-1]


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize(
    ("crop", "pads"), [(CROP, [0] * 4), (None, [0, 0, 1, 1])], ids=["cropped by a node", "by its padding"]
)
def test_doubling_by_plain_convolutions_is_doubling_by_a_transposed_one(
    bias: bool, crop: dict[str, list[int]] | None, pads: list[int]
) -> None:
    model = upsampler(bias=bias, crop=crop, pads=pads)
    x = np.random.default_rng(1).normal(size=(2, 3, 5, 4)).astype(np.float32)
    expected = doubled(x, model)
    assert split_upsampling(model.graph, least_channels=4) == 1
    onnx.checker.check_model(model)
    assert "ConvTranspose" not in [node.op_type for node in model.graph.node]
    assert not {"kernel", "first", "end"} & {entry.name for entry in model.graph.initializer}
    (found,) = ReferenceEvaluator(model).run(None, {"x": x})
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(upsampler(crop=None), id="not cropped"),
        pytest.param(upsampler(also="doubled"), id="read twice"),
        pytest.param(upsampler(crop={**CROP, "first": [1, 0]}), id="first row cropped, too"),
        pytest.param(upsampler(crop={**CROP, "end": [-2, -1]}), id="two rows cropped"),
        pytest.param(upsampler(crop={**CROP, "axes": [1, 3]}), id="channels cropped"),
        pytest.param(upsampler(crop={**CROP, "steps": [1, 2]}), id="every other column"),
        pytest.param(upsampler(crop=None, pads=[1, 1, 0, 0]), id="cropped at the other side"),
        pytest.param(upsampler(strides=[2, 1]), id="another stride"),
        pytest.param(upsampler(kernel_shape=[2, 2]), id="another kernel"),
        pytest.param(
            without(upsampler(kernel_shape=[2, 2]), "kernel_shape"), id="another kernel, as its weights say"
        ),
        pytest.param(without(upsampler(), "strides"), id="no stride"),
        pytest.param(upsampler(dilations=[2, 2]), id="spread taps"),
        pytest.param(upsampler(output_padding=[1, 1]), id="padded output"),
    ],
)
def test_others_are_left_alone(model: onnx.ModelProto) -> None:
    before = model.SerializeToString()
    assert split_upsampling(model.graph, least_channels=4) == 0
    assert model.SerializeToString() == before


def test_few_channels_are_left_alone() -> None:
    assert split_upsampling(upsampler().graph, least_channels=5) == 0
    assert split_upsampling(upsampler().graph) == 0


def test_names_of_a_graph_are_not_taken_again() -> None:
    model = upsampler(also="cropped_phase0")
    model.graph.node.append(helper.make_node("Relu", ["x"], ["cropped_phase0"]))
    assert split_upsampling(model.graph, least_channels=4) == 1
    onnx.checker.check_model(model)


def test_a_wide_network_gives_the_result_of_its_plain_graph(
    make_network: Any, make_slices: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Base width 16 has a stage that makes 128 channels; in stages and tiles, against the whole in one go."""
    model, slices = make_network(16), make_slices(1, 160, 112)
    replaced = []

    def noted(graph: onnx.GraphProto) -> int:
        replaced.append(split_upsampling(graph))
        return replaced[-1]

    monkeypatch.setattr(stages, "split_upsampling", noted)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (expected,) = session.run(["label"], {"input": slices[:, np.newaxis]})
    plan = read_plan(model, ["label"])
    assert plan is not None
    executor = StagedExecutor(model, plan, ["label"], workers=2)
    result = executor.run(slices[:, np.newaxis], lambda: None)["label"]
    executor.close()
    assert sum(replaced) >= 1
    assert expected.std() > 0.1
    assert np.abs(result - expected[:, 0]).max() < 1e-4


def test_trained_weights_give_the_same_labels() -> None:
    """The model that ships, of a ring; otherwise its stages are too narrow for this."""
    model = onnx.load(COMPACT)
    y, x = np.ogrid[:96, :80]
    ring = np.exp(-(((np.hypot(y - 48, x - 40) - 28) / 2) ** 2))
    image = np.random.default_rng(0).normal(scale=0.3, size=ring.shape) - 3 * ring
    slices = np.float32((image - image.mean()) / image.std())[np.newaxis, np.newaxis].repeat(3, 1)
    results = []
    for count in (0, 8):
        if count:
            assert split_upsampling(model.graph, least_channels=1) == count
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        results.append(session.run(["label", "image"], {"input": slices}))
    for plain, found in zip(*results, strict=True):
        assert np.abs(found - plain).max() < 1e-4 * plain.std()
    plain, found = (label > THRESHOLD for label, _ in results)
    assert plain.any() and not plain.all()
    # Only what lies at the threshold may change sides.
    assert np.abs(results[0][0][plain != found] - THRESHOLD).max(initial=0) < 1e-5
