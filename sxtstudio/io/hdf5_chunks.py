"""Reading chunks of an HDF5 file of a stranger with bounded memory.

The HDF5 library unpacks gzip and LZF to whatever comes out, however little a chunk should hold. Chunks that
could unpack to much are therefore unpacked here, and no further than they should.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import h5py
import imagecodecs
import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.errors import UserError
from sxtstudio.io.limits import chunk_parts
from sxtstudio.io.unpack import inflate

Index = Sequence[slice | int]

_DEFLATE, _SHUFFLE, _CHECKSUM, _LZF = 1, 2, 3, 32000
_OURS = {_DEFLATE, _SHUFFLE, _CHECKSUM, _LZF}
_CHECKSUM_BYTES = 4
# How much larger than its packed form data can become at most.
_GROWTH = {_DEFLATE: 1032, _LZF: 88}
# What the library may unpack a chunk to without being watched.
_HARMLESS_BYTES = 128 << 20


def reader_of(name: str, dataset: h5py.Dataset) -> Callable[[Index], NDArray[Any]]:
    """Return a function that reads a selection of a dataset, of as many dimensions as that or fewer.

    Raises
    ------
    UserError
        If the voxels are compressed in a way that this installation cannot read.
    """
    properties = dataset.id.get_create_plist()
    filters = [properties.get_filter(index) for index in range(properties.get_nfilters())]
    for code, _, _, label in filters:
        if not h5py.h5z.filter_avail(code):
            method = label.decode(errors="replace") or f"filter {code}"
            raise UserError(
                f"{name} is compressed with {method}, which SXT Studio cannot read. "
                "Save it with gzip or uncompressed."
            )
    codes = tuple(int(code) for code, *_ in filters)
    if dataset.chunks is None or not set(codes) & set(_GROWTH):
        return lambda index: dataset[tuple(index)]
    return _PackedChunks(dataset, codes).read


@dataclass(frozen=True)
class _PackedChunks:
    """A dataset with filters whose output may grow; ``codes`` are these in the order of writing."""

    dataset: h5py.Dataset
    codes: tuple[int, ...]

    def read(self, index: Index) -> NDArray[Any]:
        selection = [part if isinstance(part, slice) else slice(part, part + 1) for part in index]
        parts = list(chunk_parts(selection, self.dataset.chunks))
        growth = max(_GROWTH.get(code, 1) for code in self.codes)
        if all(self._stored_bytes(offset) * growth <= _HARMLESS_BYTES for offset, _, _ in parts):
            return self.dataset[tuple(index)]  # type: ignore[no-any-return]
        if not set(self.codes) <= _OURS:
            raise ValueError("its chunks are compressed in more than one way and too large for that")
        out = np.empty([part.stop - part.start for part in selection], self.dataset.dtype)
        for offset, inside, target in parts:
            out[target] = self._chunk(offset)[inside]
        return out

    def _stored_bytes(self, offset: tuple[int, ...]) -> int:
        return self.dataset.id.get_chunk_info_by_coord(offset).size or 0

    def _chunk(self, offset: tuple[int, ...]) -> NDArray[Any]:
        """Return a whole chunk, also where it reaches beyond the dataset."""
        shape, dtype = self.dataset.chunks, self.dataset.dtype
        if not self._stored_bytes(offset):
            return np.full(shape, self.dataset.fillvalue, dtype)
        skipped, data = self.dataset.id.read_direct_chunk(offset)
        size = math.prod(shape) * dtype.itemsize
        most = size + _CHECKSUM_BYTES * self.codes.count(_CHECKSUM)
        for place, code in reversed(list(enumerate(self.codes))):
            if skipped >> place & 1:
                continue
            if code == _DEFLATE:
                data = inflate(data, most)
            elif code == _LZF:
                data = imagecodecs.lzf_decode(data, out=most)
            elif code == _SHUFFLE:
                data = np.frombuffer(data, np.uint8).reshape(dtype.itemsize, -1).T.tobytes()
            else:
                data = data[:-_CHECKSUM_BYTES]
        return np.frombuffer(data, dtype, math.prod(shape)).reshape(shape)
