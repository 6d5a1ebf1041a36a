"""Files of MATLAB, version 7.3: HDF5 with some attributes, and MATLAB's name in the 512 bytes before it.

MATLAB describes the container, not the attributes; these are as files of MATLAB have them, and as the
package hdf5storage, whose files MATLAB loads, writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_USER_BLOCK = 512
_CLASSES = {"f8": "double", "u1": "uint8", "u2": "uint16", "u4": "uint32"}


class Mat73Writer:
    """A new file; use it in ``with``."""

    def __init__(self, path: Path, text: str) -> None:
        """Make ``path``, with a text of at most 90 ASCII characters in its head."""
        import h5py  # takes long to load

        self._path, self._text = path, text
        self._file = h5py.File(path, "w", userblock_size=_USER_BLOCK)

    def __enter__(self) -> Mat73Writer:
        """Return itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file, and write its head."""
        self._file.close()
        if error[0] is None:
            with open(self._path, "r+b") as file:
                head = f"MATLAB 7.3 MAT-file, {self._text}"[:116].encode("ascii", "replace").ljust(116)
                file.write(head + bytes(8) + b"\x00\x02IM")

    def numbers(self, name: str, values: NDArray[Any]) -> None:
        """Write an array in MATLAB's axes; HDF5 has them the other way round."""
        made = self._file.create_dataset(name, data=np.ascontiguousarray(values.T))
        self._describe(made, _CLASSES[f"{values.dtype.kind}{values.dtype.itemsize}"])

    def large(
        self, name: str, size: Sequence[int], dtype: np.dtype[Any], parts: Iterable[NDArray[Any]]
    ) -> None:
        """Write a large array of ``size`` (MATLAB's axes), packed; parts have the slowest axis first."""
        shape = tuple(size[::-1])
        made = self._file.create_dataset(
            name, shape, dtype, chunks=(1, *shape[1:]), compression="gzip", compression_opts=3
        )
        self._describe(made, _CLASSES[f"{dtype.kind}{dtype.itemsize}"])
        first = 0
        for part in parts:
            made[first : first + len(part)] = part
            first += len(part)

    def text(self, name: str, text: str) -> None:
        """Write a row of characters."""
        self._text_at(name, text)

    def texts(self, name: str, texts: Sequence[str]) -> None:
        """Write a column cell of texts."""
        import h5py

        group = self._file.require_group("#refs#")
        found = np.empty((1, len(texts)), h5py.ref_dtype)
        for index, text in enumerate(texts):
            place = f"#refs#/{name}{index}"
            self._text_at(place, text)
            found[0, index] = self._file[place].ref
        group.attrs["H5PATH"] = np.bytes_("/#refs#")
        made = self._file.create_dataset(name, data=found, dtype=h5py.ref_dtype)
        self._describe(made, "cell")

    def _text_at(self, name: str, text: str) -> None:
        codes = np.frombuffer(text.encode("utf-16-le"), np.uint16)
        made = self._file.create_dataset(name, data=codes.reshape(-1, 1))
        self._describe(made, "char")
        made.attrs["MATLAB_int_decode"] = np.int32(2)

    def _describe(self, made: Any, kind: str) -> None:
        made.attrs["MATLAB_class"] = np.bytes_(kind)
