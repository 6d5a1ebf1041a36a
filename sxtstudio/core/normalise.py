"""The one normalisation of slices, the same for training and for inference."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def normalise_slice(image: NDArray[Any]) -> NDArray[np.float32] | None:
    """Return (x − mean) / SD of a slice, as the published network was trained (Dyhr et al., PNAS 2023).

    Mean and standard deviation are those of the finite pixels, taken in float64, so that data on a
    large offset keep their contrast. Pixels that are NaN or infinite become 0, which is the mean.

    Parameters
    ----------
    image
        One slice (y, x), or any block of pixels that share a scale; real numbers of any dtype.
        It is not changed.

    Returns
    -------
    float32 array of the same shape, or None
        None where nothing can be seen: no finite pixel, or all the same but for rounding.

    Raises
    ------
    TypeError
        If the pixels are not real numbers.
    """
    image = np.asarray(image)
    if image.dtype.kind not in "biuf":
        raise TypeError(f"a slice of real numbers is needed, not of {image.dtype}")
    if image.size == 0:
        return None
    values = image.astype(np.float64)
    finite = np.isfinite(values) if image.dtype.kind == "f" else None
    if finite is not None and finite.all():
        finite = None
    seen = values if finite is None else values[finite]
    if seen.size == 0:
        return None
    low, high = float(seen.min()), float(seen.max())
    peak = max(abs(low), abs(high))
    # Compared with the rounding of the data's own type; halves, so that the difference cannot overflow.
    if high / 2 - low / 2 <= 2 * _rounding(image.dtype, peak):
        return None
    scale = peak if not 1e-100 < peak < 1e100 else 1.0  # where squares would leave the range of float64
    if scale != 1.0:
        seen, values = seen / scale, values / scale
    mean, deviation = seen.mean(), seen.std()
    values -= mean
    values /= deviation
    if finite is not None:
        values[~finite] = 0.0
    return values.astype(np.float32)


def _rounding(dtype: np.dtype[Any], peak: float) -> float:
    """Distance between neighbouring numbers at ``peak``; integers do not round."""
    if dtype.kind != "f":
        return 0.0
    return float(np.spacing(dtype.type(peak))) if dtype.itemsize < 8 else float(np.spacing(peak))
