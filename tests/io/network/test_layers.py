"""The description of the layers is that of the network that PyTorch computes with."""

import pytest

from sxtstudio.io.network.layers import Network
from sxtstudio.training.network import DeepSXT


@pytest.mark.parametrize("width", [2, 6])
def test_names_and_shapes_are_those_of_the_pytorch_network(width):
    state = DeepSXT(width).state_dict()
    expected = {
        name: tuple(values.shape)
        for name, values in state.items()
        if not name.endswith("num_batches_tracked")
    }
    assert Network(width).shapes() == expected


def test_the_published_network_has_its_published_number_of_weights():
    total = 0
    for shape in Network(64).shapes().values():
        count = 1
        for length in shape:
            count *= length
        total += count
    assert total == 76_541_230


@pytest.mark.parametrize("slices", [3, 7])
def test_only_the_first_convolution_sees_the_neighbouring_slices(slices):
    alone, among = Network(2).shapes(), Network(2, slices).shapes()
    assert {name for name in alone if alone[name] != among[name]} == {"encoder.stem.0.weight"}
    assert among["encoder.stem.0.weight"] == (1, slices, 1, 1)
    assert among == {
        name: tuple(values.shape)
        for name, values in DeepSXT(2, slices).state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
