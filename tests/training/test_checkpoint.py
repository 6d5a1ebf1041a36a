"""The state of a training on disk."""

import pytest
import torch

from sxtstudio.core.errors import UserError
from sxtstudio.training.checkpoint import load_state, save_state


def test_a_state_is_arrays_only_and_a_broken_one_is_refused(tmp_path):
    path = tmp_path / "state.npz"
    save_state(path, network={"a.b": torch.arange(3)}, run={"step": torch.tensor(5)})
    assert torch.equal(load_state(path)["network"]["a.b"], torch.arange(3))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match=r"state\.npz"):
        load_state(path)
    path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(UserError, match=r"state\.npz"):
        load_state(path)
