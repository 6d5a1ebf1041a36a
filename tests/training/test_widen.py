"""A widened network computes the same; its copies are not twins for ever; training can begin with it."""

import pytest
import torch

from sxtstudio.core.errors import UserError
from sxtstudio.training.losses import huber
from sxtstudio.training.network import DeepSXT
from sxtstudio.training.widen import widened


@pytest.fixture(scope="module")
def narrow():
    """A network in which no two arrays are equal, and whose batch norms have seen noise."""
    torch.manual_seed(3)
    network = DeepSXT(6).train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        for values in network.parameters():
            values += 0.05 * torch.rand_like(values)
        network(torch.randn(4, 1, 64, 64))
    return network.eval()


@pytest.mark.parametrize("width", [6, 8, 12, 22])
def test_the_outputs_are_the_same_at_any_width(narrow, width):
    image = torch.randn(2, 1, 48, 32)
    wide = widened(narrow, width)
    assert wide.width == width
    with torch.inference_mode():
        for one, other in zip(narrow(image), wide(image), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("width", "slices"), [(6, 3), (6, 7), (8, 3)])
def test_neighbours_have_no_say_at_first_and_then_learn(narrow, width, slices):
    images = torch.randn(2, slices, 48, 32)
    wide = widened(narrow, width, slices=slices)
    assert (wide.width, wide.slices) == (width, slices)
    middle = images[:, slices // 2 : slices // 2 + 1]
    with torch.inference_mode():
        for one, other in zip(narrow(middle), wide(images), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)
    huber(wide.train()(images).label, torch.ones(2, 1, 48, 32)).backward()
    gradient = wide.encoder.stem[0].weight.grad
    assert (gradient.abs().amax(dim=(0, 2, 3)) > 0).all()
    assert widened(wide.eval(), width).slices == slices  # left out: as many as before
    with pytest.raises(UserError, match=f"sees {slices}: a model can be given more"):
        widened(wide, width, slices=1)


def test_copies_learn_apart(narrow):
    wide = widened(narrow, 12).train()
    weight = wide.label_decoder.last[0].weight  # each row of it and the next copy one old row
    assert not torch.equal(weight[0], weight[1])
    optimiser = torch.optim.SGD(wide.parameters(), lr=0.1)
    huber(wide(torch.randn(2, 1, 32, 32)).label, torch.ones(2, 1, 32, 32)).backward()
    optimiser.step()
    bias = wide.label_head.norm.bias.detach()
    assert (bias[0::2] != bias[1::2]).any()


def test_a_seed_gives_the_same_shares(narrow):
    one, same, other = (widened(narrow, 12, seed).state_dict() for seed in (1, 1, 2))
    name = "neck.2.convs.0.1.weight"
    assert torch.equal(one[name], same[name]) and not torch.equal(one[name], other[name])


def test_a_model_is_not_narrowed(narrow):
    with pytest.raises(UserError, match="base width 6: a model can be widened"):
        widened(narrow, 4)
