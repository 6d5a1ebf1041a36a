import json
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from keras_network import load_keras_weights
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from sxtstudio.core.errors import UserError
from sxtstudio.io.network import halving
from sxtstudio.io.network.stage_plan import halo_px
from sxtstudio.segment import choose_device, load_card, make_runner
from sxtstudio.segment.stages import StagedExecutor
from sxtstudio.training import export, model_card, parity
from sxtstudio.training.network import DeepSXT
from sxtstudio.training.network_files import load_onnx
from sxtstudio.training.parity import samples


@pytest.fixture(scope="module")
def network():
    return seasoned(4)


def seasoned(*size):
    torch.manual_seed(0)
    network = DeepSXT(*size)
    with torch.no_grad():  # statistics as after training, so that no layer's output explodes
        network.train()
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 0.5
        for _ in range(8):
            network(torch.randn(2, network.slices, 64, 64))
    return network.eval()


@pytest.fixture(scope="module")
def model(network):
    return export.to_onnx(network)


@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 48, 80), (2, 112, 64)], ids=str)
def test_both_heads_agree_with_onnxruntime_for_any_batch_and_size(network, model, shape):
    batch, height, width = shape
    slices = np.random.default_rng(1).normal(size=(batch, 1, height, width)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    label, image = session.run(["label", "image"], {"input": slices})
    with torch.no_grad():
        heads = network(torch.from_numpy(slices))
    assert np.abs(label - heads.label.numpy()).max() < 1e-4
    assert np.abs(image - heads.image.numpy()).max() < 1e-4 * max(1, heads.image.std())


def test_the_published_layout_survives_the_export(tmp_path):
    fixture = Path(__file__).parents[1] / "data" / "deep_sxt_m4"
    network = load_keras_weights(fixture / "weights.h5", fixture / "model_config.json")
    path = export.export_onnx(network, tmp_path / "m4.onnx")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    with np.load(fixture / "reference.npz", allow_pickle=False) as reference:
        label, image = session.run(["label", "image"], {"input": reference["slices"][:, None]})
        assert np.abs(label[:, 0] - reference["label"]).max() < 1e-4
        assert np.abs(image[:, 0] - reference["image"]).max() < 1e-4


def test_the_file_keeps_to_what_older_runtimes_read(model):
    assert model.ir_version <= 9
    assert model.opset_import[0].version == 17
    assert [output.name for output in model.graph.output] == ["label", "image"]


def test_every_tensor_of_the_stage_plan_is_in_the_graph(model):
    (entry,) = [prop for prop in model.metadata_props if prop.key == "sxt_stages"]
    plan = json.loads(entry.value)
    made = {"input"} | {name for node in model.graph.node for name in node.output}
    assert set(plan["tensors"]) <= made
    for stage in plan["label"] + plan["image"]:
        assert stage["output"] in plan["tensors"]
        assert set(stage["inputs"]) <= set(plan["tensors"])


def test_beyond_the_halo_nothing_matters(network):
    """Change pixels farther away than the halo: the label must not change; inside it, it does."""
    halo = halo_px()
    slices = torch.randn(1, 1, 32, 2 * halo + 64)
    with torch.no_grad():
        before = network(slices).label
        changed = slices.clone()
        changed[..., : halo + 16 - halo] += 100  # all columns more than a halo left of column halo + 16
        after = network(changed).label
        near = slices.clone()
        near[..., halo + 8] += 100
        assert (before - after)[..., halo + 16 :].abs().max() < 1e-5
        assert (before - network(near).label)[..., halo + 16].abs().max() > 1e-4


def test_a_model_that_differs_is_not_written(network, tmp_path, monkeypatch):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"the older one")
    monkeypatch.setattr(export, "parity", lambda *_: 0.1)
    with pytest.raises(UserError, match="not written"):
        export.export_onnx(network, path)
    assert path.read_bytes() == b"the older one"


def test_installing_writes_model_and_card(network, tmp_path):
    path = model_card.write_model(network, tmp_path, {"name": "tiny", "trained_on": "noise"})
    card = json.loads((tmp_path / "tiny.json").read_text())
    assert card["base_width"] == 4
    assert card["halo_px"] % 16 == 0
    onnx.checker.check_model(onnx.load(path))


def test_the_model_is_segmented_stage_by_stage(network, tmp_path):
    """Sizes hidden from inference would make it run in one go: slower, in several times the memory."""
    runner = make_runner(load_card(export.export_onnx(network, tmp_path / "m.onnx")), choose_device("cpu"))
    assert isinstance(runner.executor, StagedExecutor)
    slices = np.random.default_rng(2).normal(size=(1, 96, 80)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(slices)[None]).label[0]
    assert np.abs(runner.run(slices)["label"] - expected.numpy()).max() < 1e-4


def exported_by_pytorch(network):
    """The graph that PyTorch's own exporter makes of the network, with the same two outputs."""

    class Heads(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, x):
            heads = self.network(x)
            return heads.label, heads.image

    file = BytesIO()
    axes = {name: {0: "batch", 2: "height", 3: "width"} for name in ("input", "label", "image")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Heads().eval(), (torch.zeros(1, 1, 32, 48),), file, input_names=["input"],
            output_names=["label", "image"], dynamic_axes=axes, opset_version=17, dynamo=False,
            training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
        )  # fmt: skip
    return file.getvalue()


@pytest.mark.parametrize("shape", [(1, 16, 16), (2, 96, 160)], ids=str)
def test_the_graph_computes_bit_by_bit_what_that_of_pytorch_s_exporter_computes(network, model, shape):
    batch, height, width = shape
    slices = np.random.default_rng(8).normal(size=(batch, 1, height, width)).astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of weights that the exporter stores once for two layers
    ours, theirs = (
        onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"]).run(
            ["label", "image"], {"input": slices}
        )
        for content in (model.SerializeToString(), exported_by_pytorch(network))
    )
    assert all(np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True))


@pytest.fixture(scope="module")
def half_file(network, tmp_path_factory):
    slices = np.random.default_rng(3).integers(0, 4000, (2, 90, 130), np.uint16)
    return export.export_onnx(
        network, tmp_path_factory.mktemp("half") / "half.onnx", weights="float16", slices=slices
    )


def test_float16_halves_the_kernels_and_stays_within_its_tolerance(network, half_file):
    stored = {entry.name: numpy_helper.to_array(entry) for entry in onnx.load(half_file).graph.initializer}
    for name, values in network.state_dict().items():
        if name.endswith("tracked"):
            continue
        half, exact = stored[f"network.{name}"], values.numpy()
        assert half.dtype == (np.float16 if exact.ndim > 1 else np.float32), name
        # Half precision keeps 11 bits: half a unit of the last one is 2^-11 of the value, or 2^-25.
        assert np.all(np.abs(half - exact) <= np.maximum(np.abs(exact) * 2.0**-11, 2.0**-25)), name
    slices = np.random.default_rng(4).normal(size=(1, 1, 64, 96)).astype(np.float32)
    session = onnxruntime.InferenceSession(half_file, providers=["CPUExecutionProvider"])
    label, image = session.run(["label", "image"], {"input": slices})
    with torch.no_grad():
        heads = network(torch.from_numpy(slices))
    for ours, theirs in ((label, heads.label.numpy()), (image, heads.image.numpy())):
        error = np.sqrt(np.mean((ours - theirs) ** 2)) / max(1, theirs.std())
        assert 1e-6 < error < halving.HALF_TOLERANCE


def test_float16_weights_are_widened_when_read_back(network, half_file):
    state = load_onnx(half_file).state_dict()
    for name, values in network.state_dict().items():
        expected = values.half().float() if values.ndim > 1 else values
        assert torch.equal(state[name], expected) or name.endswith("tracked"), name


def test_float16_runs_like_float32_stage_by_stage(network, half_file, tmp_path):
    """Widened at load: the same short cuts and the same memory for the slice, from a smaller file."""
    whole_file = export.export_onnx(network, tmp_path / "whole.onnx")
    runners = [
        make_runner(load_card(file), choose_device("cpu"), threads=1) for file in (half_file, whole_file)
    ]
    half, whole = runners
    assert isinstance(half.executor, StagedExecutor)
    assert half.executor.sizes.channels["neck"] == whole.executor.sizes.channels["neck"] == 192
    assert half.executor.peak_bytes((512, 512)) == pytest.approx(
        whole.executor.peak_bytes((512, 512)), rel=0.01
    )
    slices = np.random.default_rng(5).normal(size=(1, 64, 64)).astype(np.float32)
    labels = [runner.run(slices)["label"] for runner in runners]
    assert 1e-6 < np.sqrt(np.mean((labels[0] - labels[1]) ** 2)) < halving.HALF_TOLERANCE
    assert load_card(half_file).base_width == 4


def test_weights_beyond_float16_are_refused(tmp_path):
    network = DeepSXT(2)
    network.encoder.stem[0].weight.data[0] = 70_000.0
    with pytest.raises(UserError, match=r"encoder\.stem\.0\.weight do not fit into float16"):
        export.export_onnx(network, tmp_path / "m.onnx", weights="float16")
    assert not list(tmp_path.iterdir())


def test_a_network_that_rounding_changes_is_not_stored_as_float16(network, tmp_path, monkeypatch):
    path = tmp_path / "m.onnx"
    monkeypatch.setattr(halving, "HALF_TOLERANCE", 1e-6)
    with pytest.raises(UserError, match="float16 would change the results"):
        export.export_onnx(network, path, weights="float16")
    assert not list(tmp_path.iterdir())


def test_given_slices_are_compared_too():
    """The centres of the first four, normalised with the mean and SD of the whole slice."""
    y, x = np.ogrid[:50, :200]
    slices = [np.hypot(y - 25, x - 100).astype(np.int16)] * 9
    noise, *crops = samples(slices)
    assert noise.shape[0] == 2 and [crop.shape for crop in crops] == [(1, 1, 48, 64)] * 4
    expected = (slices[0] - slices[0].mean()) / slices[0].std()
    assert np.allclose(crops[0][0, 0], expected[1:49, 68:132], atol=1e-5)
    with pytest.raises(ValueError, match="16 px"):
        samples([np.zeros((15, 40))])


@pytest.mark.parametrize("head", ["image", "label"])
def test_parity_sees_a_single_wrong_pixel(network, model, monkeypatch, head):
    class Differs:
        def __init__(self, model):
            self.right = ReferenceEvaluator(model)

        def run(self, names, feeds):
            results = dict(zip(names, self.right.run(names, feeds), strict=True))
            results[head][0, 0, 5, 7] += wrong
            return [results[name] for name in names]

    monkeypatch.setattr(parity, "ReferenceEvaluator", Differs)
    crop = [np.random.default_rng(6).normal(size=(1, 1, 16, 16)).astype(np.float32)]
    wrong = 0.0
    assert parity.parity(network, model, crop) < export.PARITY
    wrong = 10.0
    assert parity.parity(network, model, crop) > export.PARITY
    wrong = float("nan")
    assert np.isnan(parity.parity(network, model, crop))


@pytest.mark.parametrize("slices", [3, 5])
def test_a_network_that_sees_neighbours_is_exported_and_read_back(slices, tmp_path):
    network = seasoned(2, slices)
    path = model_card.write_model(
        network, tmp_path, {"name": "among"}, [np.eye(32), np.ones((slices, 20, 40)) * np.arange(40)]
    )
    assert json.loads((tmp_path / "among.json").read_text())["slices"] == slices
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [tensor.shape[1] for tensor in (*session.get_inputs(), *session.get_outputs())] == [slices, 1, 1]
    image = np.random.default_rng(0).normal(size=(2, slices, 32, 48)).astype(np.float32)
    label, _ = session.run(["label", "image"], {"input": image})
    again = load_onnx(path)
    assert again.slices == slices
    with torch.no_grad():
        assert np.abs(label - again(torch.from_numpy(image)).label.numpy()).max() < 1e-4
    assert np.ptp(label) > 0.01
