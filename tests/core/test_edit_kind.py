"""Kinds of edits and how they are called."""

from __future__ import annotations

import pytest

from sxtstudio.core.edit_kind import TARGETS, EditKind, edit_title


def test_every_kind_has_one_title_of_its_own_in_each_volume() -> None:
    for target in TARGETS:
        titles = [edit_title(kind, target) for kind in EditKind]
        assert len(set(titles)) == len(titles) and all(titles)
    assert not {edit_title(kind) for kind in EditKind if kind in _OF_LABELS} & {
        edit_title(kind, "mask") for kind in EditKind
    }


_OF_LABELS = {EditKind.BRUSH, EditKind.INTERPOLATE, EditKind.CLEAR, EditKind.CUT_OBJECT}


@pytest.mark.parametrize(
    ("kind", "target", "title"),
    [
        (EditKind.BRUSH, "labels", "Brush"),
        (EditKind.BRUSH, "mask", "Brush (cell mask)"),
        (EditKind.CLEAR, "mask", "Clear the mask"),
        (EditKind.FIND_CELL, "mask", "Cell mask: automatic"),
        (EditKind.BRUSH, "objects", "Brush (objects)"),
        (EditKind.MERGE_OBJECTS, "objects", "Merge objects"),
        (EditKind.CLASS, "objects", "Class of objects"),
        (EditKind.REMOVE_OUTSIDE, "labels", "Remove labels outside the mask"),
    ],
)
def test_titles(kind: EditKind, target, title: str) -> None:
    assert edit_title(kind, target) == title
    assert edit_title(kind, target, partial=True) == f"{title} (part)"


def test_what_a_click_brings_again_is_not_by_hand() -> None:
    made = {kind for kind in EditKind if not kind.by_hand}
    assert made == {
        EditKind.SEGMENT,
        EditKind.CLEAN_UP,
        EditKind.REMOVE_OUTSIDE,
        EditKind.FIND_OBJECTS,
    }
