"""Network → file → network: every weight comes back bit by bit, and other files are refused."""

import onnx
import pytest
import torch
from onnx import helper, numpy_helper

from sxtstudio.core.errors import UserError
from sxtstudio.core.model_bytes import LARGEST_MODEL_BYTES
from sxtstudio.io.network.layers import WIDEST
from sxtstudio.training.export import to_onnx
from sxtstudio.training.network import DeepSXT
from sxtstudio.training.network_files import load_onnx

LAYER = "network.label_decoder.last_norm.running_var"


def fresh():
    """Many of its arrays are equal: all biases are 0, all norms 1."""
    torch.manual_seed(1)
    return DeepSXT(4)


def trained():
    """No two arrays are equal."""
    network = fresh()
    for name, values in network.state_dict().items():
        if values.is_floating_point():
            values += 0.01 * torch.rand_like(values)
        else:
            assert name.endswith("num_batches_tracked")
    return network


@pytest.fixture(scope="module")
def content():
    return to_onnx(trained()).SerializeToString()


@pytest.fixture
def changed(content, tmp_path):
    """Writes the model after a change of its initializers by name."""

    def write(change):
        model = onnx.load_model_from_string(content)
        change(model.graph, {entry.name: entry for entry in model.graph.initializer})
        path = tmp_path / "model.onnx"
        path.write_bytes(model.SerializeToString())
        return path

    return write


@pytest.mark.parametrize("make", [fresh, trained])
def test_every_weight_comes_back(make, tmp_path):
    network = make()
    path = tmp_path / "model.onnx"
    path.write_bytes(to_onnx(network).SerializeToString())
    again = load_onnx(path)
    assert again.width == 4 and not again.training
    state = again.state_dict()
    for name, values in network.state_dict().items():
        assert torch.equal(values, state[name]), name
        assert name.endswith("tracked") or not values.is_floating_point() or values.dtype == torch.float32
    slices = torch.randn(1, 1, 32, 48)
    with torch.no_grad():
        assert torch.equal(network.eval()(slices).label, again(slices).label)


def test_equal_weights_may_be_stored_once(changed):
    """As PyTorch's exporter writes them: a node says that one is the other."""

    def share(graph, weights):
        graph.initializer.remove(weights[LAYER])
        other = LAYER.replace("last_norm", "stages.3.1.inner_norm")
        graph.node.insert(0, helper.make_node("Identity", [other], [LAYER]))

    state = load_onnx(changed(share)).state_dict()
    assert torch.equal(
        state["label_decoder.last_norm.running_var"],
        state["label_decoder.stages.3.1.inner_norm.running_var"],
    )


def test_an_older_model_with_folded_norms_is_refused(changed):
    with pytest.raises(UserError, match="batch norms are part of its convolutions"):
        load_onnx(changed(lambda graph, weights: graph.initializer.remove(weights[LAYER])))


def test_a_missing_layer_is_named(changed):
    lacking = "network.neck.1.convs.2.1.weight"
    with pytest.raises(UserError, match=r"lacks the layer neck\.1\.convs\.2\.1,"):
        load_onnx(changed(lambda graph, weights: graph.initializer.remove(weights[lacking])))


def test_a_layer_of_another_shape_is_named(changed):
    def cut(graph, weights):
        values = numpy_helper.to_array(weights[LAYER])[:-1]
        weights[LAYER].CopyFrom(numpy_helper.from_array(values.copy(), LAYER))

    with pytest.raises(UserError, match=r"label_decoder\.last_norm .*\(3,\) instead of \(4,\)"):
        load_onnx(changed(cut))


@pytest.mark.parametrize("problem", ["incomplete", "not a number", "elsewhere"])
def test_spoilt_weights_are_refused(changed, problem):
    def spoil(graph, weights):
        if problem == "incomplete":
            weights[LAYER].raw_data = weights[LAYER].raw_data[:-3]
        elif problem == "elsewhere":
            weights[LAYER].data_location = onnx.TensorProto.EXTERNAL
        else:
            values = numpy_helper.to_array(weights[LAYER]).copy()
            values[2] = float("nan")
            weights[LAYER].CopyFrom(numpy_helper.from_array(values, LAYER))

    told = {"incomplete": "damaged", "not a number": "not numbers", "elsewhere": "in other files"}
    with pytest.raises(UserError, match=told[problem]):
        load_onnx(changed(spoil))


def test_models_of_others_are_refused(toy_model):
    with pytest.raises(UserError, match="not a model of the two-headed network"):
        load_onnx(toy_model)


@pytest.mark.parametrize("content", [b"", b"text", None], ids=["empty", "text", "missing"])
def test_what_is_no_model_is_refused(tmp_path, content):
    path = tmp_path / "model.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"model\.onnx"):
        load_onnx(path)


def test_the_widest_network_has_a_file_that_is_read():
    with torch.device("meta"):
        sizes = [4 * sum(p.numel() for p in DeepSXT(width).parameters()) for width in (WIDEST, WIDEST + 4)]
    assert 1.01 * sizes[0] < LARGEST_MODEL_BYTES < sizes[1]
