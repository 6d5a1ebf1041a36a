from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from keras_network import load_keras_weights

from sxtstudio.core.errors import UserError
from sxtstudio.training.network import DeepSXT

FIXTURE = Path(__file__).parents[1] / "data" / "deep_sxt_m4"


def test_base_width_64_has_the_published_number_of_parameters():
    network = DeepSXT(64)
    count = sum(p.numel() for p in network.parameters())
    statistics = sum(b.numel() for name, b in network.named_buffers() if "running" in name)
    assert count + statistics == 76_541_230


def test_published_layout_gives_the_outputs_that_tensorflow_computed():
    network = load_keras_weights(FIXTURE / "weights.h5", FIXTURE / "model_config.json")
    with np.load(FIXTURE / "reference.npz", allow_pickle=False) as reference:
        slices = torch.from_numpy(reference["slices"])[:, None]
        with torch.no_grad():
            image, label = network(slices)
        assert np.abs(image[:, 0].numpy() - reference["image"]).max() < 1e-4
        assert np.abs(label[:, 0].numpy() - reference["label"]).max() < 1e-4


def test_weights_of_another_width_name_the_layer_that_does_not_fit(tmp_path):
    config = tmp_path / "model_config.json"
    config.write_text('{"m_f": 8}')
    with pytest.raises(UserError, match="group 'encoder'"):
        load_keras_weights(FIXTURE / "weights.h5", config)


@pytest.mark.parametrize("text", ["", "[]", '{"m_f": "4"}', '{"m_f": 3}', '{"width": 4}'])
def test_a_configuration_that_is_none_is_refused(tmp_path, text):
    config = tmp_path / "model_config.json"
    config.write_text(text)
    with pytest.raises(UserError, match="model_config"):
        load_keras_weights(FIXTURE / "weights.h5", config)


def test_a_file_that_is_not_hdf5_is_refused(tmp_path):
    weights = tmp_path / "weights.h5"
    weights.write_text("no weights")
    with pytest.raises(UserError, match=r"weights\.h5 cannot be read"):
        load_keras_weights(weights, FIXTURE / "model_config.json")


def test_a_missing_group_is_named(tmp_path):
    weights = tmp_path / "weights.h5"
    with h5py.File(FIXTURE / "weights.h5") as source, h5py.File(weights, "w") as target:
        for name in source:
            if name != "mid_branch_1":
                source.copy(name, target)
    with pytest.raises(UserError, match="mid_branch_1"):
        load_keras_weights(weights, FIXTURE / "model_config.json")


def test_odd_widths_are_refused():
    with pytest.raises(ValueError, match="even"):
        DeepSXT(7)
