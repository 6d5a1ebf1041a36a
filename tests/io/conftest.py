import numpy as np
import pytest

SHAPE = (5, 7, 11)


def counting(dtype, shape=SHAPE):
    """Every voxel differs from its neighbours, so that any swap or shift of axes shows."""
    z, y, x = np.indices(shape)
    values = 3 * z + 5 * y + 7 * x
    return (values / 8 if np.dtype(dtype).kind == "f" else values).astype(dtype)


@pytest.fixture
def volume():
    """Return a function that makes an asymmetric test volume (z, y, x)."""
    return counting
