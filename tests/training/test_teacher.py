"""Labels that the running mean of the weights gives crops of real slices."""

import numpy as np
import pytest
import torch

from sxtstudio.training.teacher import pseudo_labels, ramp


class Teacher:
    """Outlines by the grey value, and sees a ghost in the row at the top."""

    def outline(self, crops, count):
        assert not torch.is_grad_enabled()
        scores = -2.0 * crops[:count, crops.shape[1] // 2 : crops.shape[1] // 2 + 1]
        scores[:, :, 0, :] = 3.0
        return scores, None


def test_only_where_both_views_are_sure_and_agree():
    crops = torch.full((2, 3, 4, 4), 9.0)
    crops[:, 1] = torch.tensor([[1.0, 1, 1, 1], [-1, -1, 1, 1], [0.3, -0.3, 1, 1], [1, 1, -1, 1]])
    labels = pseudo_labels(Teacher(), crops)
    assert labels.shape == (2, 1, 4, 4) and not labels.requires_grad
    # Row 0 is a ghost of the first view; turned by a quarter to the left, the last column lies at the top.
    assert labels[0, 0].tolist() == [[0, 0, 0, 1], [1, 1, -1, 0], [0, 0, -1, 0], [-1, -1, 1, 0]]


def test_the_weight_rises_over_the_first_half():
    assert ramp(0) == pytest.approx(np.exp(-5))
    assert ramp(0.25) == pytest.approx(np.exp(-1.25))
    assert ramp(0.5) == ramp(0.9) == 1
