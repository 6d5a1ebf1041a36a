"""Between two networks: the ends are they themselves, the middle is the mean of every array."""

from __future__ import annotations

import pytest
import torch

from sxtstudio.training.blending import blended
from sxtstudio.training.network import DeepSXT


def network_from(seed: int) -> DeepSXT:
    """Return a network whose batch norms have seen noise, so that no array is at its first value."""
    torch.manual_seed(seed)
    network = DeepSXT(6, 3).train()
    with torch.no_grad():
        for values in network.parameters():
            values += 0.05 * torch.rand_like(values)
        network(torch.randn(2, 3, 32, 32) * (1 + seed))
    return network.eval()


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_every_array_lies_where_the_share_says(share: float) -> None:
    one, other = network_from(1), network_from(2)
    found = blended(one, other, share)
    assert (found.width, found.slices, found.training) == (6, 3, False)
    for name, values in found.state_dict().items():
        if values.is_floating_point():
            first, second = one.state_dict()[name].double(), other.state_dict()[name].double()
            expected = first + share * (second - first)
            torch.testing.assert_close(values.double(), expected, rtol=1e-5, atol=1e-6)
            assert (
                share in (0.0, 1.0) or torch.equal(first, second) or not torch.equal(values.double(), first)
            )


def test_the_given_networks_stay_as_they_were() -> None:
    one, other = network_from(1), network_from(2)
    before = {name: values.clone() for name, values in one.state_dict().items()}
    blended(one, other, 0.5)
    assert all(torch.equal(values, before[name]) for name, values in one.state_dict().items())
