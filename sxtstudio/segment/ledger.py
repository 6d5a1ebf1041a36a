"""The two logs of an unfinished run, to which a line is appended for each slice.

    finished.log      the index of a finished slice, the checksum of its voxels, that of the slice of the
                      tomogram that it was made from, and that of all slices that had a say in it
    trust.log         its index and its figures (JSON)

Former versions wrote fewer checksums. A line that a power cut has torn counts as none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass

from sxtstudio.core.records import RecordError, read_json_record
from sxtstudio.core.trust import SliceTrust
from sxtstudio.core.trust_records import TrustLine

LEDGER, TRUST = "finished.log", "trust.log"
_LINE = re.compile(rb"(\d+) ([0-9a-f]{8})(?: ([0-9a-f]{8}))?(?: ([0-9a-f]{8}))?\n")


@dataclass(frozen=True)
class MadeFrom:
    """What a slice was made from: the CRC-32 of that slice of the tomogram, and of all that had a say in it.

    ``around`` is that of the checksums of these slices, in their order; None where it was one slice alone, or
    in runs of former versions.
    """

    own: int
    around: int | None = None


@dataclass(frozen=True)
class Claim:
    """A finished slice: the CRC-32 of its voxels, and what it was made from."""

    voxels: int
    source: MadeFrom | None = None


def ledger_line(z: int, claim: Claim) -> bytes:
    """Return the line of a finished slice."""
    source = claim.source
    numbers = [] if source is None else [source.own, source.around]
    made_from = b"".join(b" %08x" % number for number in numbers if number is not None)
    return b"%d %08x%s\n" % (z, claim.voxels, made_from)


def read_ledger(log: bytes) -> dict[int, Claim]:
    """Return what the whole lines of a log say of each slice; of several the last."""
    found = {}
    for z, voxels, own, around in _LINE.findall(log):
        source = MadeFrom(int(own, 16), int(around, 16) if around else None) if own else None
        found[int(z)] = Claim(int(voxels, 16), source)
    return found


def trust_line(z: int, trust: SliceTrust) -> bytes:
    """Return a line for a log that is only appended to, even after a line that a power cut has torn."""
    return b"\n" + json.dumps({"z": z, **asdict(trust)}).encode() + b"\n"


def read_trust(log: bytes) -> Iterator[tuple[int, SliceTrust]]:
    """Yield slices and figures of such a log; torn lines of a power cut are left out."""
    for line in log.splitlines():
        with suppress(RecordError):
            entry = read_json_record(line, TrustLine, TRUST)
            yield entry.z, entry.figures()
