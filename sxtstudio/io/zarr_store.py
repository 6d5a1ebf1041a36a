"""Reading arrays of a Zarr store of a stranger: only from plain files within it, and with bounded memory.

zarr-python reads whatever lies where a chunk belongs, and unpacks it to whatever comes out. Here the store
looks at each file first, and the codecs that compress are replaced by others that read the same and stop.
"""

from __future__ import annotations

import asyncio
import lzma
import math
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numcodecs
import zarr
from zarr.abc.codec import BytesBytesCodec, Codec
from zarr.abc.store import RangeByteRequest, SuffixByteRequest
from zarr.codecs import ShardingCodec
from zarr.core.metadata import ArrayV3Metadata
from zarr.storage import LocalStore

from sxtstudio.io.unpack import (
    check_blosc,
    check_lz4,
    check_zstd,
    inflate,
    unpack_bz2,
    unpack_lzma,
)

_COMPRESSING = {"gzip", "zlib", "bz2", "lzma", "zstd", "blosc", "lz4"}
# Filters may store another type of number than they return, at most eight times as large.
_FILTERED = 8
# What the index of a shard says of each chunk: offset and size.
_INDEX_BYTES, _LARGEST_INDEX = 16, 64 << 20


def open_array(folder: Path) -> zarr.Array[Any]:
    """Open an array for reading; its metadata must have been looked at.

    Raises
    ------
    Exception
        Of many kinds, if the metadata are damaged.
    """
    store = _PlainStore(folder, read_only=True)
    array = zarr.open_array(store, mode="r")
    chunk_bytes = math.prod(array.chunks) * array.dtype.itemsize
    shard = array.shards or array.chunks
    index_bytes = _INDEX_BYTES * math.prod(shard) // math.prod(array.chunks)
    if index_bytes > _LARGEST_INDEX:
        raise ValueError(f"{math.prod(shard) // math.prod(array.chunks)} chunks in a shard")
    store.most_bytes = _with_slack(math.prod(shard) * array.dtype.itemsize + index_bytes)
    store.most_range = max(_with_slack(chunk_bytes), _with_slack(index_bytes))
    store.least_bytes = index_bytes if array.shards else 0 if _may_be_short(array) else chunk_bytes
    metadata = array.metadata
    if isinstance(metadata, ArrayV3Metadata):
        bounded = replace(metadata, codecs=_bounded(metadata.codecs))
    else:
        most = _with_slack(chunk_bytes) * (_FILTERED if metadata.filters else 1)
        filters = metadata.filters and tuple(_BoundedNumcodec.of(codec, most) for codec in metadata.filters)
        bounded = replace(
            metadata,
            filters=filters,
            compressor=metadata.compressor and _BoundedNumcodec.of(metadata.compressor, most),
        )
    return zarr.Array(zarr.AsyncArray(metadata=bounded, store_path=array.store_path))


def _may_be_short(array: zarr.Array[Any]) -> bool:
    """Whether a file of a chunk can be smaller than what is in it."""
    return bool(array.compressors or array.filters)


def _with_slack(count: int) -> int:
    """What compresses badly grows a little."""
    return count + count // 8 + (1 << 16)


class _PlainStore(LocalStore):  # type: ignore[misc]
    """A folder in which only plain files are read, and only those that lie in it."""

    most_bytes: int | None = None
    most_range: int | None = None
    least_bytes = 0

    async def get(self, key: str, prototype: Any = None, byte_range: Any = None) -> Any:
        """Return the content of a file, or a part of it."""
        await asyncio.to_thread(self._check, key, byte_range)
        return await super().get(key, prototype, byte_range)

    def get_sync(self, key: str, *, prototype: Any = None, byte_range: Any = None) -> Any:
        """Return the content of a file, or a part of it."""
        self._check(key, byte_range)
        return super().get_sync(key, prototype=prototype, byte_range=byte_range)

    def _check(self, key: str, part: Any) -> None:
        path = os.path.join(self.root, key)
        try:
            facts = os.stat(path)
        except OSError:
            return  # a chunk that is missing holds the fill value
        if stat.S_ISDIR(facts.st_mode):
            return
        if not stat.S_ISREG(facts.st_mode):
            raise ValueError(f"{key} is a pipe or a device")
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.root)):
            raise ValueError(f"{key} is a link out of the store")
        size, most = facts.st_size, self.most_bytes
        least = part.end if isinstance(part, RangeByteRequest) else self.least_bytes
        # With the metadata read, what is asked for are chunks.
        if most is not None and size < least:
            raise ValueError(f"{key} has {size} bytes and needs {least} at least")
        if part is not None:
            most = self.most_range
            if isinstance(part, RangeByteRequest):
                size = min(size, part.end - part.start)
            elif isinstance(part, SuffixByteRequest):
                size = min(size, part.suffix)
        if most is not None and size > most:
            raise ValueError(f"{size} bytes of {key} are too many for a chunk")


def _unpack(name: str, config: Mapping[str, Any], data: Any, most: int) -> Any:
    """Unpack a chunk to at most ``most`` bytes; raises what the method raises, ``TooLarge`` among it."""
    view = memoryview(data).cast("B")
    match name:
        case "gzip" | "zlib":
            return inflate(view, most)
        case "bz2":
            return unpack_bz2(view, most)
        case "lzma":
            return unpack_lzma(view, most, int(config.get("format", lzma.FORMAT_XZ)), config.get("filters"))
        case "zstd":
            check_zstd(view, most)
            return numcodecs.zstd.decompress(view)
        case "blosc":
            check_blosc(view, most)
            return numcodecs.blosc.decompress(view)
        case _:
            check_lz4(view, most)
            return numcodecs.lz4.decompress(view)


@dataclass(frozen=True)
class _BoundedCodec(BytesBytesCodec):  # type: ignore[misc]
    """A compressing codec of Zarr 3 that unpacks no more than a chunk holds."""

    name: str
    config: Mapping[str, Any]
    is_fixed_size = False

    def compute_encoded_size(self, _input_byte_length: int, _chunk_spec: Any) -> int:
        raise NotImplementedError

    async def _decode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        most = _with_slack(math.prod(chunk_spec.shape) * chunk_spec.dtype.to_native_dtype().itemsize)
        data = chunk_bytes.as_array_like()
        unpacked = await asyncio.to_thread(_unpack, self.name, self.config, data, most)
        return chunk_spec.prototype.buffer.from_bytes(unpacked)


class _BoundedNumcodec(numcodecs.abc.Codec):  # type: ignore[misc]
    """A compressing codec of Zarr 2 that unpacks no more than a chunk holds."""

    codec_id = "bounded"

    def __init__(self, name: str, config: Mapping[str, Any], most: int) -> None:
        self._name = name
        self._config = config
        self._most = most

    @classmethod
    def of(cls, codec: Any, most: int) -> Any:
        """Return what reads as ``codec`` does; that itself if it does not compress."""
        if codec.codec_id not in _COMPRESSING:
            return codec
        return cls(codec.codec_id, codec.get_config(), most)

    def encode(self, buf: Any) -> Any:
        raise NotImplementedError

    def decode(self, buf: Any, out: Any = None) -> Any:
        return _unpack(self._name, self._config, buf, self._most)


def _bounded(codecs: Iterable[Codec]) -> tuple[Codec, ...]:
    """Return codecs that read the same, with compression bounded, also within shards."""
    found: list[Codec] = []
    for codec in codecs:
        if isinstance(codec, ShardingCodec):
            found.append(replace(codec, codecs=_bounded(codec.codecs)))
            continue
        described: Mapping[str, Any] = codec.to_dict()
        name = str(described["name"]).removeprefix("numcodecs.")
        compresses = isinstance(codec, BytesBytesCodec) and name in _COMPRESSING
        found.append(_BoundedCodec(name, described.get("configuration") or {}) if compresses else codec)
    return tuple(found)
