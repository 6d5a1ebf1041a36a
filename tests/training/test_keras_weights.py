"""The published HDF5 layout: any base width; of files that do not fit, the layer is named."""

import json
import shutil
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from keras_network import load_keras_weights

from sxtstudio.core.errors import UserError
from sxtstudio.io.network.layers import WIDEST

FIXTURE = Path(__file__).parents[1] / "data" / "deep_sxt_m4"
CONFIG = FIXTURE / "model_config.json"
BRANCH = "mid_branch_1"


def names(file, group):
    return [name.decode() if isinstance(name, bytes) else name for name in file[group].attrs["weight_names"]]


def rename(file, group, listed):
    file[group].attrs["weight_names"] = np.array([name.encode() for name in listed])


def replace(file, group, number, values):
    """Give array ``number`` of a group other values."""
    path = f"{group}/{names(file, group)[number]}"
    del file[path]
    file[path] = values


@pytest.fixture
def weights(tmp_path):
    return Path(shutil.copy(FIXTURE / "weights.h5", tmp_path / "weights.h5"))


def test_another_base_width(weights, tmp_path):
    """The fixture's groups, names and order with channels for base width 6 and numbers of our own."""
    expected = {}
    with h5py.File(weights, "r+") as file:
        for group in file:
            for i, name in enumerate(names(file, group)):
                shape = list(file[group][name].shape)
                channels = slice(2, 4) if len(shape) == 4 else slice(0, 1)
                shape[channels] = [n if n == 1 else n * 6 // 4 for n in shape[channels]]
                values = np.random.default_rng(len(expected)).random(shape).astype(np.float32)
                replace(file, group, i, values)
                expected[group, i] = values
    config = tmp_path / "model_config.json"
    told = json.loads(CONFIG.read_text())
    told["m_f"] = 6
    for part, filters in (("encoder", [6, 6, 12, 24, 48]), ("decoder_image", [48, 24, 12, 6, 6])):
        told[part]["n_filters"] = filters
    told["decoder_label"]["n_filters"], told["neck"]["n_filters"] = [48, 24, 12, 6, 6], 96
    config.write_text(json.dumps(told))
    network = load_keras_weights(weights, config)
    assert network.width == 6
    state = {name: values.numpy() for name, values in network.state_dict().items()}
    # Kernels (y, x, in, out) become (out, in, y, x), transposed ones (y, x, out, in) become (in, out, y, x).
    stem = expected["encoder", 0]
    assert np.array_equal(state["encoder.stem.0.weight"], np.moveaxis(stem, (3, 2), (0, 1)))
    first_up = expected["image_decoder", 0]
    assert np.array_equal(state["image_decoder.upsamplers.0.weight"], np.moveaxis(first_up, (3, 2), (0, 1)))
    last = expected["label_decoder_final_convolution_2", 1]
    assert np.array_equal(state["label_head.out.bias"], last)
    norm = [expected["label_decoder_final_batchnorm", i] for i in range(4)]
    for values, part in zip(norm, ("weight", "bias", "running_mean", "running_var"), strict=True):
        assert np.array_equal(state[f"label_head.norm.{part}"], values)


def missing_array(file, path):
    del file[f"{BRANCH}/{names(file, BRANCH)[5]}"]


def too_few(file, path):
    rename(file, BRANCH, names(file, BRANCH)[:-2])


def too_many(file, path):
    file[BRANCH]["more"] = np.zeros(3, np.float32)
    rename(file, BRANCH, [*names(file, BRANCH), "more"])


def other_shape(file, path):
    replace(file, BRANCH, 4, np.zeros((3, 3, 32, 32), np.float32))


def other_type(file, path):
    replace(file, BRANCH, 4, np.zeros((2, 2, 32, 32), np.int32))


def not_a_number(file, path):
    replace(file, BRANCH, 4, np.full((2, 2, 32, 32), np.nan, np.float32))


def negative_variance(file, path):
    replace(file, BRANCH, -1, np.full(64, -1, np.float32))


def soft_link(file, path):
    name = names(file, BRANCH)[4]
    del file[BRANCH][name]
    file[BRANCH][name] = h5py.SoftLink(f"/mid_branch_2/{names(file, 'mid_branch_2')[4]}")


def external_link(file, path):
    with h5py.File(path.with_name("other.h5"), "w") as other:
        other["secret"] = np.zeros((2, 2, 32, 32), np.float32)
    name = names(file, BRANCH)[4]
    del file[BRANCH][name]
    file[BRANCH][name] = h5py.ExternalLink("other.h5", "/secret")


def external_storage(file, path):
    secret = path.with_name("secret.bin")
    secret.write_bytes(bytes(4 * 2 * 2 * 32 * 32))
    name = names(file, BRANCH)[4]
    del file[BRANCH][name]
    file[BRANCH].create_dataset(name, (2, 2, 32, 32), "f4", external=[(str(secret), 0, h5py.h5f.UNLIMITED)])


def bomb(file, path):
    """An array whose only chunk unpacks to 256 MB of zeros."""
    name = names(file, BRANCH)[4]
    del file[BRANCH][name]
    made = file[BRANCH].create_dataset(name, (2, 2, 32, 32), "f4", chunks=(2, 2, 32, 32), compression="gzip")
    made.id.write_direct_chunk((0, 0, 0, 0), zlib.compress(bytes(256 << 20)))


def nested(file, path):
    """Each step is looked for from the one above: a name of 20,000 steps would take minutes."""
    listed = names(file, BRANCH)
    deep = "/".join(["g"] * 18)
    file[BRANCH][deep] = file[BRANCH][listed[4]][()]
    rename(file, BRANCH, [*listed[:4], deep, *listed[5:]])


def group_elsewhere(file, path):
    file.move(BRANCH, "hidden")
    file[BRANCH] = h5py.SoftLink("/hidden")


FIFTH = r"neck\.1\.convs\.1\.1"
NAMED = rf"layer '.+' in the group '{BRANCH}'"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (missing_array, rf"lists the layer '.+' in the group '{BRANCH}' but does not hold it"),
        (too_few, rf"{BRANCH}' where 28 are needed: from neck\.1\.norms\.3 on"),
        (too_many, "'more' is one too many"),
        (other_shape, rf"{NAMED}.* \(3, 3, 32, 32\) .* where \(2, 2, 32, 32\) is needed for {FIFTH}"),
        (other_type, rf"{NAMED}.*int32"),
        (not_a_number, rf"{NAMED}.* cannot be weights"),
        (negative_variance, rf"{NAMED}.* cannot be weights"),
        (soft_link, "does not hold it"),
        (external_link, "does not hold it"),
        (external_storage, "does not hold it"),
        (bomb, "unpacks to more"),
        (nested, "does not hold it"),
        (group_elsewhere, f"no group '{BRANCH}'"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_layer_that_does_not_fit_is_named(weights, spoil, told):
    with h5py.File(weights, "r+") as file:
        spoil(file, weights)
    with pytest.raises(UserError, match=told):
        load_keras_weights(weights, CONFIG)


@pytest.mark.parametrize("kept", [0.95, 0.5, 0.001])
def test_a_truncated_file_is_refused(weights, kept):
    content = weights.read_bytes()
    weights.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(UserError, match=r"weights\.h5 cannot be read .* cut short"):
        load_keras_weights(weights, CONFIG)


def test_a_wide_network_in_a_small_file_is_refused_before_it_is_made(tmp_path):
    """The widest network takes 600 MB; a wider one cannot be read again."""
    config = tmp_path / "model_config.json"
    told = json.loads(CONFIG.read_text())
    told["m_f"] = width = WIDEST
    growing = [width, width, 2 * width, 4 * width, 8 * width]
    told["encoder"]["n_filters"], told["neck"]["n_filters"] = growing, 16 * width
    told["decoder_label"]["n_filters"] = told["decoder_image"]["n_filters"] = growing[::-1]
    config.write_text(json.dumps(told))
    with pytest.raises(UserError, match=f"too few for a network of base width {WIDEST}"):
        load_keras_weights(FIXTURE / "weights.h5", config)
    config.write_text(json.dumps(told | {"m_f": WIDEST + 2}))
    with pytest.raises(UserError, match=f"an even number from 2 to {WIDEST}"):
        load_keras_weights(FIXTURE / "weights.h5", config)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        load_keras_weights(tmp_path / "weights.h5", CONFIG)
    with pytest.raises(UserError, match=r"model_config\.json cannot be read"):
        load_keras_weights(FIXTURE / "weights.h5", tmp_path / "model_config.json")


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("encoder", "n_blocks", 2),
        ("encoder", "n_filters", [8, 8, 16, 32, 64]),
        ("neck", "kernel_sizes", [1, 3]),
        ("decoder_label", "use_skip_connections", False),
        ("decoder_image", "activation", {"type": "elu"}),
    ],
)
def test_a_configuration_of_another_network_is_refused(tmp_path, part, field, value):
    config = tmp_path / "model_config.json"
    told = json.loads(CONFIG.read_text())
    told[part][field] = value
    config.write_text(json.dumps(told))
    with pytest.raises(UserError, match=rf"another network than the published one: '{part}\.{field}"):
        load_keras_weights(FIXTURE / "weights.h5", config)


@pytest.mark.parametrize("text", ["", "[1]", "null", '{"m_f": true}', '{"m_f": 1e99}', "[" * 100_000])
def test_what_is_no_configuration_is_refused(tmp_path, text):
    config = tmp_path / "model_config.json"
    config.write_text(text)
    with pytest.raises(UserError, match="model_config"):
        load_keras_weights(FIXTURE / "weights.h5", config)
