"""Models that must be refused, each with a sentence that says what is wrong."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from onnx import TensorProto, helper, numpy_helper

from sxtstudio.cli import main
from sxtstudio.core.errors import UserError
from sxtstudio.io.network.layers import Network
from sxtstudio.io.network.model_files import write_model_files
from sxtstudio.io.network.onnx_graph import network_model
from sxtstudio.io.network.onnx_weights import read_onnx_weights
from sxtstudio.segment.card import file_sha256
from sxtstudio.segment.check import card_of, check_model

FREE = ["batch", 1, "height", "width"]
CARD_OF_A_NETWORK = {"name": "net", "description": "A test.", "trained_on": "nothing", "licence": "MIT"}


def value(name, shape=FREE, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def kernel(name="kernel", channels=1, size=3):
    weights = np.random.default_rng(0).normal(0, 0.3, (channels, 1, size, size)).astype(np.float32)
    return numpy_helper.from_array(weights, name)


def node(kind, inputs, outputs, **attributes):
    return helper.make_node(kind, inputs, outputs, **attributes)


CONV = node("Conv", ["input", "kernel"], ["wide"], pads=[1, 1, 1, 1])
TANH = node("Tanh", ["wide"], ["label"])


def model(nodes=(CONV, TANH), inputs=None, outputs=None, weights=None, domains=("",)):
    graph = helper.make_graph(
        list(nodes), "net", inputs or [value("input")], outputs or [value("label")], weights or [kernel()]
    )
    opsets = [helper.make_opsetid(domain, 17 if domain == "" else 1) for domain in domains]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


def save(folder, made, name="net.onnx"):
    path = folder / name
    path.write_bytes(made.SerializeToString())
    return path


def put_card(path, **changes):
    data = {
        "name": "net",
        "description": "A test.",
        "trained_on": "nothing",
        "base_width": 1,
        "label_output": "label",
        "sha256": file_sha256(path),
        "licence": "MIT",
    }
    path.with_suffix(".json").write_text(json.dumps(data | changes))


def test_a_good_model_passes(tmp_path):
    path = save(tmp_path, model())
    card = check_model(path)
    assert (card.path, card.input_name, card.label_output, card.image_output) == (
        path,
        "input",
        "label",
        None,
    )
    assert card.sha256 == file_sha256(path) and card.notes


def test_the_published_network_passes_and_is_described(tmp_path, make_network):
    card = check_model(save(tmp_path, make_network(4)))
    assert card.base_width == 4 and card.image_output == "image"
    assert card.halo_px == 192  # 3 + 4 + 8 + 16 + 64 + 48 + 24 + 12 + 8 = 187, in whole sixteens


def test_its_card_is_used_where_there_is_one(tmp_path):
    path = save(tmp_path, model())
    put_card(path, threshold=0.3)
    for given in (path, path.with_suffix(".json")):
        card = check_model(given)
        assert card.threshold == 0.3 and not card.notes


@pytest.mark.parametrize("multiple", [8, 48])
def test_the_patterns_fit_the_models_multiple(tmp_path, multiple):
    pool = node("MaxPool", ["input"], ["small"], kernel_shape=[multiple] * 2, strides=[multiple] * 2)
    scales = numpy_helper.from_array(np.array([1, 1, multiple, multiple], np.float32), "scales")
    grow = node("Resize", ["small", "", "scales"], ["wide"], mode="nearest")
    path = save(tmp_path, model([pool, grow, TANH], weights=[scales]))
    put_card(path, multiple=multiple)
    check_model(path)


def test_a_fixed_size_is_run_at_that_size(tmp_path):
    path = save(
        tmp_path, model(inputs=[value("input", [1, 1, 80, 96])], outputs=[value("label", [1, 1, 80, 96])])
    )
    check_model(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"no model at all, only a text", "not an ONNX model"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "not an ONNX model"),
        (json.dumps({"name": "net"}).encode(), "not an ONNX model"),
    ],
    ids=["empty", "text", "picture", "json"],
)
def test_other_files_are_no_models(tmp_path, content, said):
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(UserError, match=said):
        check_model(path)


def test_missing_files_and_folders_are_told(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        check_model(tmp_path / "none.onnx")
    with pytest.raises(UserError, match="is a folder"):
        check_model(tmp_path)


def test_files_cut_short_or_damaged_are_told(tmp_path):
    content = model().SerializeToString()
    random = np.random.default_rng(0)
    path = tmp_path / "net.onnx"
    for length in random.integers(0, len(content), 30):
        path.write_bytes(content[:length])
        with pytest.raises(UserError):
            card_of(path)
    for _ in range(60):
        spoilt = bytearray(content)
        for place in random.integers(0, len(content), 3):
            spoilt[place] = random.integers(256)
        path.write_bytes(bytes(spoilt))
        try:  # a changed weight cannot be seen; anything else must be told, and nothing else raised
            card_of(path)
        except UserError as error:
            assert str(path) in str(error)


def many_channels(channels):
    weights = numpy_helper.from_array(np.zeros((1, channels, 3, 3), np.float32), "kernel")
    return model(inputs=[value("input", ["n", channels, "h", "w"])], weights=[weights])


def cast_model():
    nodes = [CONV, node("Tanh", ["wide"], ["t"]), node("Cast", ["t"], ["label"], to=TensorProto.FLOAT16)]
    return model(nodes, outputs=[value("label", FREE, TensorProto.FLOAT16)])


def integer_model():
    nodes = [node("Cast", ["input"], ["c"], to=TensorProto.FLOAT), node("Tanh", ["c"], ["label"])]
    return model(nodes, [value("input", FREE, TensorProto.INT32)])


ONLY_TANH = [node("Tanh", ["input"], ["label"])]
OTHER_INPUT, OTHER_OUTPUT = "the input input has another type or shape", "the output label has another type"
BAD_INTERFACES = {
    "two inputs": (
        model(inputs=[value("input"), value("other")]),
        r"other inputs than needed \(input, other",
    ),
    "no input": (model([node("Tanh", ["kernel"], ["label"])], [value("kernel", [1, 1, 3, 3])]), r"\(none\)"),
    "two slices": (many_channels(2), "takes 2 slices at once; a model takes 1, 3, 5 or 7"),
    "nine slices": (many_channels(9), "takes 9 slices at once; a model takes 1, 3, 5 or 7"),
    "any slices": (model(inputs=[value("input", ["n", "slices", "h", "w"])]), OTHER_INPUT),
    "volume": (model(ONLY_TANH, [value("input", [1, 1, "z", "y", "x"])]), OTHER_INPUT),
    "batch of four": (model(inputs=[value("input", [4, 1, "h", "w"])]), OTHER_INPUT),
    "integers": (integer_model(), OTHER_INPUT),
    "half floats out": (cast_model(), OTHER_OUTPUT),
    "odd fixed size": (model(inputs=[value("input", [1, 1, 100, 100])]), "no multiples of 16"),
    "no label": (model([node("Tanh", ["input"], ["mask"])], outputs=[value("mask")]), "no output 'label'"),
    "two channels": (
        model(weights=[kernel(channels=2)], outputs=[value("label", ["n", 2, "h", "w"])]),
        OTHER_OUTPUT,
    ),
}


@pytest.mark.parametrize("made", BAD_INTERFACES.values(), ids=BAD_INTERFACES)
def test_other_inputs_and_outputs_are_refused(tmp_path, made):
    with pytest.raises(UserError, match=made[1]):
        check_model(save(tmp_path, made[0]))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"input_name": "x"}, "'input_name' says x, but the model has input"),
        ({"label_output": "mask"}, "no output 'mask'.*'label_output'"),
        ({"image_output": "image"}, "no output 'image'.*'image_output'"),
        ({"file": "other.onnx"}, "other.onnx"),
        ({"sha256": "0" * 64}, "'sha256'"),
    ],
    ids=lambda c: next(iter(c)) if isinstance(c, dict) else "",
)
def test_a_card_that_does_not_fit_is_refused(tmp_path, changes, said):
    path = save(tmp_path, model())
    put_card(path, **changes)
    with pytest.raises(UserError, match=said):
        check_model(path)


@pytest.mark.parametrize("slices", [1, 3, 5, 7])
def test_a_model_sees_as_many_slices_as_its_card_says(tmp_path, make_context_model, slices):
    path = make_context_model(tmp_path / "net.onnx", np.full((slices, 1, 1), 0.1 / slices))
    card = check_model(path)
    assert card.slices == slices and not card.notes
    path.with_suffix(".json").unlink()
    deduced = check_model(path)
    assert deduced.slices == slices
    assert (f"the {slices} channels of its input are neighbouring slices" in deduced.notes[0]) == (slices > 1)


@pytest.mark.parametrize(("takes", "says"), [(3, None), (3, 1), (3, 5), (1, 3), (2, 1), (9, 7)])
def test_another_number_of_slices_than_the_cards_is_refused(tmp_path, make_context_model, takes, says):
    path = make_context_model(tmp_path / "net.onnx", np.full((takes, 1, 1), 0.1), slices=says or 1)
    if says is None:  # a card of before there were such models
        entries = json.loads(path.with_suffix(".json").read_bytes())
        del entries["slices"]
        path.with_suffix(".json").write_text(json.dumps(entries))
    said = [f"{n} slice{'s' if n > 1 else ''}" for n in (takes, says or 1)]
    with pytest.raises(UserError, match=f"takes {said[0]} at once.*field 'slices' says {said[1]}: write"):
        check_model(path)


def test_the_base_width_of_a_network_for_several_slices(tmp_path):
    network = Network(4, 3)
    arrays = {name: np.full(shape, 0.01, np.float32) for name, shape in network.shapes().items()}
    path = write_model_files(network_model(network, arrays), tmp_path, CARD_OF_A_NETWORK, 4)
    assert check_model(path).slices == 3
    assert read_onnx_weights(path)[0] == network
    path.with_suffix(".json").unlink()
    card = check_model(path)
    assert (card.slices, card.base_width, card.halo_px) == (3, 4, 192)


def half(name):
    return numpy_helper.from_array(np.array(0.5, np.float32), name)


UNPADDED = node("Conv", ["input", "kernel"], ["wide"])
ZERO_BY_ZERO = [node("Sub", ["input", "input"], ["zero"]), node("Div", ["zero", "zero"], ["label"])]
BAD_RESULTS = {
    "smaller": (
        model([UNPADDED, TANH], outputs=[value("label", ["n", 1, "a", "b"])]),
        "has the size 1×1×30×30 for a slice of 32×32 px",
    ),
    "no number": (model(ZERO_BY_ZERO), "not a number"),
    "beyond one": (model([node("Div", ["input", "half"], ["label"])], weights=[half("half")]), "range -1…1"),
}


@pytest.mark.parametrize("made", BAD_RESULTS.values(), ids=BAD_RESULTS)
def test_models_that_compute_something_else_are_refused(tmp_path, made):
    path = save(tmp_path, made[0])
    card_of(path)  # cannot be seen without running it
    with pytest.raises(UserError, match=made[1]):
        check_model(path)


def external(location, *, offset=None, length=None):
    """A model whose 36-byte kernel lies in another file."""
    weights = kernel()
    raw = weights.raw_data
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    for key, entry in (("location", location), ("offset", offset), ("length", length)):
        if entry is not None:
            weights.external_data.add(key=key, value=str(entry))
    return model(weights=[weights]), raw


def test_weights_in_a_file_beside_the_model_are_fine(tmp_path):
    made, raw = external("net.weights", length=36)
    (tmp_path / "net.weights").write_bytes(raw)
    check_model(save(tmp_path, made))


@pytest.mark.parametrize(
    "location",
    ["../secret", "sub/../../secret", "/etc/hostname", "C:\\secret", "\\\\server\\secret", "..\\secret", ""],
)
def test_weights_outside_the_models_folder_are_refused(tmp_path, location):
    inner = tmp_path / "models"
    (inner / "sub").mkdir(parents=True)
    made, raw = external(location)
    (tmp_path / "secret").write_bytes(raw)
    with pytest.raises(UserError, match="outside the model's folder"):
        check_model(save(inner, made))


@pytest.mark.parametrize("linked", ["file", "folder"])
def test_links_out_of_the_models_folder_are_refused(tmp_path, linked):
    inner, outer = tmp_path / "models", tmp_path / "outer"
    inner.mkdir(), outer.mkdir()
    made, raw = external("link" if linked == "file" else "link/weights")
    (outer / "weights").write_bytes(raw)
    (inner / "link").symlink_to(outer / "weights" if linked == "file" else outer)
    with pytest.raises(UserError, match="is a link out of the model's folder"):
        check_model(save(inner, made))


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({}, "too short"),
        ({"offset": 1000}, "too short"),
        ({"offset": -4}, "too short"),
        ({"length": "x"}, "where in it"),
    ],
    ids=["all", "offset", "negative", "text"],
)
def test_external_weights_must_be_complete(tmp_path, place, said):
    made, raw = external("net.weights", **place)
    (tmp_path / "net.weights").write_bytes(raw[:-1])
    with pytest.raises(UserError, match=said):
        check_model(save(tmp_path, made))
    (tmp_path / "net.weights").unlink()
    with pytest.raises(UserError, match="is not there"):
        check_model(save(tmp_path, made))


@pytest.mark.parametrize("place", [{}, {"length": 400}, {"offset": 64}], ids=["none", "length", "offset"])
def test_external_weights_are_no_larger_than_the_tensor(tmp_path, place):
    """All that the file holds, or all of its length, would be read into memory."""
    made, raw = external("net.weights", **place)
    (tmp_path / "net.weights").write_bytes(raw)
    with (tmp_path / "net.weights").open("r+b") as file:
        file.truncate(1 << 40)  # takes no room
    with pytest.raises(UserError, match=r"which has .* for the 36 bytes of 'kernel'\. Store the weights"):
        check_model(save(tmp_path, made))


def test_unknown_operators_are_refused(tmp_path):
    for domain in ("com.evil", "com.microsoft"):
        made = model([CONV, node("Magic", ["wide"], ["label"], domain=domain)], domains=("", domain))
        with pytest.raises(UserError, match=rf"operator {domain}\.Magic"):
            check_model(save(tmp_path, made))


def test_unknown_operators_inside_branches_are_refused(tmp_path):
    inner = helper.make_graph([node("Magic", ["input"], ["b"], domain="evil")], "branch", [], [value("b")])
    always = node("Constant", [], ["yes"], value=numpy_helper.from_array(np.array(True)))
    branch = node("If", ["yes"], ["label"], then_branch=inner, else_branch=inner)
    with pytest.raises(UserError, match=r"evil\.Magic"):
        check_model(save(tmp_path, model([always, branch], domains=("", "evil"))))


def test_loops_are_refused(tmp_path):
    body = helper.make_graph(
        [node("Identity", ["go"], ["on"]), node("Tanh", ["x"], ["y"])],
        "body",
        [value("i", [], TensorProto.INT64), value("go", [], TensorProto.BOOL), value("x")],
        [value("on", [], TensorProto.BOOL), value("y")],
    )
    with pytest.raises(UserError, match="contains a loop"):
        check_model(save(tmp_path, model([node("Loop", ["", "", "input"], ["label"], body=body)])))


def absurd(kind):
    """Models that would take all memory if they were run."""
    if kind == "declared":
        weights = TensorProto(name="kernel", data_type=TensorProto.FLOAT, dims=[2**20, 2**20, 1, 1])
        return model(weights=[weights])
    if kind == "constant":
        size = numpy_helper.from_array(np.array([2**20, 2**20], np.int64), "kernel")
        many = node("ConstantOfShape", ["kernel"], ["many"])
        return model(
            [many, node("ReduceMax", ["many"], ["top"]), node("Min", ["input", "top"], ["label"])],
            weights=[size],
        )
    if kind == "padding":
        return model([node("Conv", ["input", "kernel"], ["wide"], pads=[10**6] * 4), TANH])
    shape = node("Constant", [], ["size"], value=numpy_helper.from_array(np.array([1, 1, 2**20, 2**20])))
    return model([shape, node("Expand", ["input", "size"], ["wide"]), TANH])  # fmt: skip


@pytest.mark.parametrize("kind", ["declared", "constant", "padding", "expand"])
def test_absurd_sizes_are_refused_before_anything_is_run(tmp_path, kind):
    with pytest.raises(UserError, match="absurd"):
        card_of(save(tmp_path, absurd(kind)))


def test_incomplete_weights_are_told(tmp_path):
    weights = kernel()
    weights.raw_data = weights.raw_data[:-4]
    with pytest.raises(UserError, match="'kernel' are incomplete"):
        card_of(save(tmp_path, model(weights=[weights])))


def test_a_wrong_map_of_stages_is_noted(tmp_path):
    made = model()
    unknown = {"inputs": ["x"], "output": "label", "halo_px": 1}
    for entry in ("no json", json.dumps({"tensors": {"input": 1}, "label": [unknown]})):
        helper.set_model_props(made, {"sxt_stages": entry})
        assert "sxt_stages" in check_model(save(tmp_path, made)).notes[-1]


def test_what_onnxruntime_cannot_run_is_told(tmp_path):
    there = node("Cast", ["input"], ["b"], to=TensorProto.BFLOAT16)
    back = node("Cast", ["t"], ["label"], to=TensorProto.FLOAT)
    path = save(tmp_path, model([there, node("Tanh", ["b"], ["t"]), back]))
    card_of(path)
    with pytest.raises(UserError, match="cannot be run by onnxruntime"):
        check_model(path)


def test_every_sentence_says_which_file(tmp_path):
    for made in (*BAD_INTERFACES.values(), *BAD_RESULTS.values()):
        path = Path(save(tmp_path, made[0]))
        with pytest.raises(UserError) as caught:
            check_model(path)
        text = str(caught.value)
        assert str(path) in text and text.endswith(".") and "\n" not in text


def no_numbers():
    """A network that divides 0 by 0."""
    zero = numpy_helper.from_array(np.zeros((1, 1, 1, 1), np.float32), "zero")
    return model(
        [node("Mul", ["input", "zero"], ["none"]), node("Div", ["none", "none"], ["wide"]), TANH],
        weights=[zero],
    )


def beyond_tanh():
    two = numpy_helper.from_array(np.full((1, 1, 1, 1), 2, np.float32), "two")
    return model(
        [CONV, node("Tanh", ["wide"], ["t"]), node("Mul", ["t", "two"], ["label"])], weights=[kernel(), two]
    )


def smaller_output():
    return model([node("Conv", ["input", "kernel"], ["wide"]), TANH])


def failing():
    """A graph that is valid and fails when it is run: a Reshape to another number of pixels."""
    sizes = numpy_helper.from_array(np.array([1, 1, 32, 32], np.int64), "sizes")
    return model([node("Reshape", ["input", "sizes"], ["wide"]), TANH], weights=[sizes])


@pytest.mark.parametrize("made", [no_numbers, beyond_tanh, smaller_output, failing])
def test_segment_says_of_a_bad_model_what_check_says(tmp_path, made, capfd):
    path = save(tmp_path, made())
    with pytest.raises(UserError) as checked:
        check_model(path)
    tomogram = tmp_path / "cell.tif"
    grey = np.random.default_rng(0).normal(size=(3, 40, 48)).astype(np.float32)
    tifffile.imwrite(tomogram, grey, photometric="minisblack")
    words = ["segment", str(tomogram), "-o", str(tmp_path / "labels.tif"), "--model", str(path)]
    assert main([*words, "--device", "cpu"]) == 2
    told = capfd.readouterr().err  # also what onnxruntime writes past Python
    assert told == f"sxtstudio: {checked.value}\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cell.tif", "net.onnx"]


def test_a_model_of_gigabytes_is_refused_before_it_is_read(tmp_path, monkeypatch):
    """Whatever it holds; what lies in other files counts as well."""
    with (tmp_path / "large.onnx").open("wb") as file:
        file.truncate(2_000_000_000)
    monkeypatch.setattr("sxtstudio.core.model_bytes.read_plain", lambda *_: pytest.fail("it was read"))
    with pytest.raises(UserError, match=r"large\.onnx has 2 GB, and networks .* less than 640 MB"):
        check_model(tmp_path / "large.onnx")


def test_weights_in_other_files_count_as_well(tmp_path, monkeypatch):
    made, raw = external("net.weights")
    (tmp_path / "net.weights").write_bytes(raw)
    path = save(tmp_path, made)
    size = path.stat().st_size
    monkeypatch.setattr("sxtstudio.core.model_bytes.LARGEST_MODEL_BYTES", size + len(raw))
    check_model(path)
    monkeypatch.setattr("sxtstudio.core.model_bytes.LARGEST_MODEL_BYTES", size + len(raw) - 1)
    with pytest.raises(UserError, match="networks for slices have less"):
        check_model(path)
