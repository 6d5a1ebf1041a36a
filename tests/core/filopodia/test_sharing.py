"""Whose voxels a filopodium takes without a question, and whose it does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sxtstudio.core.filopodia.records import Filopodium
from sxtstudio.core.filopodia.sharing import VoxelShares, shares_of, without
from sxtstudio.core.geometry import Box
from sxtstudio.core.object_table import Decided, ObjectFlag, ObjectRow, ObjectTable

NOTHING = np.empty(0)
FOUND = Filopodium(
    (0, 0, 1),
    Box((0, 0, 0), (1, 1, 10)),
    np.ones((1, 1, 10), np.bool_),
    10.0,
    10.0,
    np.empty((0, 3)),
    NOTHING,
    NOTHING,
)
#: Background, 2 at the click, a sheet 3, and 4, which lies beside.
OBJECTS = np.array([[[0, 2, 2, 3, 3, 3, 4, 0, 0, 0]]], np.uint32)
SHEET = ObjectRow(flags=frozenset({ObjectFlag.SHEET}))
TABLE = ObjectTable({2: ObjectRow(), 3: SHEET, 4: ObjectRow()})


def test_only_what_it_hung_on_is_taken_without_a_question() -> None:
    assert shares_of(FOUND, OBJECTS, TABLE) == VoxelShares({2: 2, 3: 3}, {4: 1})


@pytest.mark.parametrize(
    "row", [ObjectRow("Gold", Decided.HAND), ObjectRow(notes="look here")], ids=["class by hand", "notes"]
)
def test_what_somebody_worked_on_is_asked_about(row: ObjectRow) -> None:
    table = ObjectTable({2: row, 3: replace(row, flags=SHEET.flags), 4: ObjectRow()})
    assert shares_of(FOUND, OBJECTS, table) == VoxelShares({}, {2: 2, 3: 3, 4: 1})
    assert shares_of(FOUND, OBJECTS, table, cut_from=2) == VoxelShares({2: 2}, {3: 3, 4: 1}), (
        "looked for in it"
    )


def test_others_keep_their_voxels() -> None:
    left = without(FOUND, OBJECTS, {3, 4})
    assert left.where.ravel().tolist() == [True] * 3 + [False] * 4 + [True] * 3
    assert FOUND.where.all()


def test_it_is_said_in_words_the_most_first() -> None:
    shares = VoxelShares({1: 5}, {13: 100, 17: 1200})
    assert shares.others_in_words == "1\u202f300 voxels of the objects 17 and 13"
    assert shares.all_in_words.endswith("17, 13 and 1")
    assert VoxelShares({}, {4: 1}).others_in_words == "1 voxel of object 4"
    assert VoxelShares({}, dict.fromkeys(range(1, 9), 1)).others_in_words.endswith("1, 2, 3, 4, 5 and 3 more")
