"""Undo gives back exactly what was there; redo exactly what was made."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core.edit_kind import EditKind, Target
from sxtstudio.core.edits import Edit, Recorder
from sxtstudio.core.geometry import Box
from sxtstudio.core.history import EditHistory
from sxtstudio.core.object_table import Decided, ObjectRow, ObjectTable, TableChange
from sxtstudio.core.patches import Patch, bounding_box

SHAPE = (7, 30, 41)


class Held:
    """Volumes to edit, and their count of label voxels as the history tells it."""

    def __init__(self, labels: np.ndarray, **others: np.ndarray) -> None:
        self.volumes = {"labels": labels, **others}
        self.counts = {name: int(np.count_nonzero(v)) for name, v in self.volumes.items()}

        self.object_table = ObjectTable()

    def volume(self, target: str) -> np.ndarray:
        return self.volumes[target]

    def gain(self, target: str, voxels: int) -> None:
        self.counts[target] += voxels

    def listener(self, kind: EditKind, target: Target) -> None:
        return None

    def moved(self, edit: Edit, gained: int) -> None:
        self.gain(edit.target, gained)

    def change_table(self, change: TableChange) -> None:
        self.object_table = self.object_table.changed(change)


def random_box(rng: np.random.Generator) -> Box:
    start = [int(rng.integers(0, n)) for n in SHAPE]
    stop = [int(rng.integers(a + 1, n + 1)) for a, n in zip(start, SHAPE, strict=True)]
    return Box(tuple(start), tuple(stop))


def random_edit(labels: np.ndarray, rng: np.random.Generator, kind: EditKind = EditKind.BRUSH) -> Edit | None:
    recorder = Recorder(kind, labels)
    for _ in range(rng.integers(1, 6)):
        box = random_box(rng)
        if rng.random() < 0.5:
            recorder.paint(box, rng.random(box.shape) < 0.3, int(rng.choice([0, 255])))
        else:
            recorder.write(box, rng.choice(np.array([0, 1, 255], np.uint8), box.shape))
    return recorder.finish()


@pytest.mark.parametrize("seed", range(8))
def test_undo_and_redo_walk_through_every_state(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.choice(np.array([0, 255], np.uint8), SHAPE)
    history, held = EditHistory(), Held(labels)
    states = [labels.copy()]
    for _ in range(12):
        edit = random_edit(labels, rng)
        if edit is not None:
            history.push(edit)
            held.gain("labels", edit.gained)
            states.append(labels.copy())
    assert len(history) == len(states) - 1 >= 10
    place = len(states) - 1
    for _ in range(60):
        if rng.random() < 0.55 and place > 0:
            assert history.undo(held) is not None
            place -= 1
        elif place < len(states) - 1:
            assert history.redo(held) is not None
            place += 1
        np.testing.assert_array_equal(labels, states[place])
        assert held.counts["labels"] == np.count_nonzero(labels)
    while history.undo(held):
        pass
    np.testing.assert_array_equal(labels, states[0])


def test_an_edit_knows_the_box_around_what_changed() -> None:
    labels = np.zeros(SHAPE, np.uint8)
    recorder = Recorder(EditKind.BRUSH, labels)
    where = np.zeros((3, 10, 10), bool)
    where[1, 2, 3] = where[2, 5, 4] = True
    changed = recorder.paint(Box((2, 10, 10), (5, 20, 20)), where, 255)
    assert changed == recorder.box == Box((3, 12, 13), (5, 16, 15))
    assert recorder.paint(Box((2, 10, 10), (5, 20, 20)), where, 255) is None
    edit = recorder.finish()
    assert edit is not None and edit.box == Box((3, 12, 13), (5, 16, 15))
    assert np.argwhere(labels).tolist() == [[3, 12, 13], [4, 15, 14]]


def test_what_was_painted_and_erased_again_is_no_edit() -> None:
    labels = np.zeros(SHAPE, np.uint8)
    recorder = Recorder(EditKind.BRUSH, labels)
    box = Box((1, 1, 1), (3, 9, 9))
    recorder.write(box, np.full(box.shape, 255, np.uint8))
    recorder.write(box, np.zeros(box.shape, np.uint8))
    assert recorder.finish() is None


def test_a_long_stroke_costs_no_more_than_its_area() -> None:
    labels = np.zeros((3, 200, 900), np.uint8)
    recorder = Recorder(EditKind.BRUSH, labels)
    for column in range(880):
        recorder.paint(Box((1, 90, column), (2, 100, column + 10)), np.ones((1, 10, 10), bool), 255)
    edit = recorder.finish()
    assert edit is not None and edit.bytes < 5_000
    edit.toggle(labels)
    assert not labels.any()


def test_scattered_writes_stay_apart() -> None:
    """Two voxels at the ends of a large volume do not cost the volume between them."""
    labels = np.zeros((90, 400, 400), np.uint8)
    recorder = Recorder(EditKind.BRUSH, labels)
    one = np.full((1, 1, 1), 255, np.uint8)
    recorder.write(Box((0, 0, 0), (1, 1, 1)), one)
    recorder.write(Box((89, 399, 399), (90, 400, 400)), one)
    edit = recorder.finish()
    assert edit is not None and len(edit.patches) == 2 and edit.bytes < 2_000
    assert edit.box == Box((0, 0, 0), (90, 400, 400))


def test_roll_back_gives_back_what_was_there() -> None:
    rng = np.random.default_rng(5)
    labels = rng.choice(np.array([0, 255], np.uint8), SHAPE)
    before = labels.copy()
    recorder = Recorder(EditKind.BRUSH, labels)
    for _ in range(9):
        box = random_box(rng)
        recorder.write(box, rng.choice(np.array([0, 255], np.uint8), box.shape))
    assert not np.array_equal(labels, before)
    recorder.roll_back()
    np.testing.assert_array_equal(labels, before)
    assert recorder.finish() is None


def test_the_budget_drops_the_oldest_and_never_the_newest() -> None:
    rng = np.random.default_rng(1)
    labels = np.zeros((4, 64, 64), np.uint8)
    whole = Box.whole((4, 64, 64))
    states, edits = [labels.copy()], []
    for kind in (EditKind.LASSO, *5 * [EditKind.BRUSH]):
        recorder = Recorder(kind, labels)
        recorder.write(whole, rng.integers(0, 256, labels.shape, np.uint8))
        edits.append(recorder.finish())
        states.append(labels.copy())
    assert all(edit is not None for edit in edits)
    each = edits[0].bytes
    history = EditHistory(budget_bytes=int(3.5 * each))
    for edit in edits:
        history.push(edit)
    assert len(history) == 3 and history.bytes <= history.budget_bytes
    while history.undo(Held(labels)):
        pass
    np.testing.assert_array_equal(labels, states[3])

    tiny = EditHistory(budget_bytes=1)
    tiny.push(edits[0])
    assert tiny.undo_name == "Lasso"


def test_what_can_no_longer_be_made_again_counts_no_more() -> None:
    """Else the budget shrinks with every undo that is followed by something else."""
    rng = np.random.default_rng(3)
    labels = np.zeros((4, 64, 64), np.uint8)
    whole = Box.whole(labels.shape)

    def push(history: EditHistory) -> int:
        recorder = Recorder(EditKind.BRUSH, labels)
        recorder.write(whole, rng.integers(0, 256, labels.shape, np.uint8))
        edit = recorder.finish()
        assert edit is not None
        history.push(edit)
        return edit.bytes

    history = EditHistory()
    each = push(history)
    history.clear()
    history.budget_bytes = int(3.5 * each)
    for _ in range(5):
        push(history)
        history.undo(Held(labels))
        history.undo(Held(labels))
        push(history)
        push(history)
        assert history.bytes == pytest.approx(len(history) * each, rel=0.01)
    assert len(history) == 3
    history.undo(Held(labels))
    assert history.bytes == pytest.approx(3 * each, rel=0.01), "what can be made again still counts"


def test_a_new_edit_forgets_what_was_undone() -> None:
    rng = np.random.default_rng(2)
    labels = np.zeros(SHAPE, np.uint8)
    history = EditHistory()
    for kind in (EditKind.BRUSH, EditKind.FILL):
        history.push(random_edit(labels, rng, kind))
    history.undo(Held(labels))
    assert (history.undo_name, history.redo_name) == ("Brush", "Fill")
    history.push(random_edit(labels, rng, EditKind.CUT_OBJECT))
    assert (history.undo_name, history.redo_name) == ("Cut", None)
    assert history.redo(Held(labels)) is None
    history.clear()
    assert history.bytes == 0 and history.undo(Held(labels)) is None


def test_edits_go_to_the_volume_that_they_were_made_in() -> None:
    volumes = {name: np.zeros(SHAPE, np.uint8) for name in ("labels", "mask")}
    history = EditHistory()
    box = Box((0, 0, 0), (1, 2, 3))
    for name, volume in volumes.items():
        recorder = Recorder(EditKind.BRUSH, volume, name)
        recorder.write(box, np.full(box.shape, 255, np.uint8))
        history.push(recorder.finish())
    history.undo(Held(**volumes))
    assert not volumes["mask"].any() and np.count_nonzero(volumes["labels"]) == 6


def test_a_damaged_edit_changes_nothing() -> None:
    labels = np.zeros(SHAPE, np.uint8)
    box = Box((0, 0, 0), (2, 2, 2))
    good = Patch.of(box, np.full(box.shape, 255, np.uint8))
    history = EditHistory()
    history.push(Edit(EditKind.BRUSH, (good, Patch(box, b"damaged"))))
    with pytest.raises(Exception, match="decompress"):
        history.undo(Held(labels))
    assert not labels.any() and history.undo_name == "Brush"


def test_no_boxes_have_no_box_around_them() -> None:
    assert bounding_box([]) is None


def test_objects_keep_numbers_that_need_all_32_bits() -> None:
    rng = np.random.default_rng(1)
    objects = rng.choice(np.array([0, 5, 70_000, 2**32 - 1], np.uint32), SHAPE)
    before = objects.copy()
    recorder = Recorder(EditKind.SPLIT_OBJECT, objects, "objects")
    recorder.write(Box((1, 2, 3), (4, 20, 30)), np.full((3, 18, 27), 3_000_000_000, np.uint32))
    recorder.paint(Box((0, 0, 0), (2, 9, 9)), rng.random((2, 9, 9)) < 0.5, 80_000)
    after = objects.copy()
    edit = recorder.finish()
    assert edit is not None and edit.target == "objects"
    assert edit.gained == np.count_nonzero(after) - np.count_nonzero(before)
    assert edit.toggle(objects) == -edit.gained
    assert np.array_equal(objects, before)
    edit.toggle(objects)
    assert np.array_equal(objects, after)


def test_an_edit_of_the_table_alone_is_taken_back_and_made_again_among_the_others() -> None:
    labels, objects = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint32)
    held, history = Held(labels, objects=objects), EditHistory()
    tables = [held.object_table]

    def do(edit: Edit | None) -> None:
        assert edit is not None
        if edit.rows is not None:
            held.change_table(edit.rows)
        held.gain(edit.target, edit.gained)
        history.push(edit)
        tables.append(held.object_table)

    recorder = Recorder(EditKind.NEW_OBJECT, objects, "objects")
    recorder.paint(Box((0, 0, 0), (1, 5, 5)), np.ones((1, 5, 5), bool), 7)
    recorder.rows = held.object_table.change({7: ObjectRow()})
    do(recorder.finish())
    change = held.object_table.change({7: ObjectRow("Vesicle", Decided.HAND)})
    do(Edit(EditKind.CLASS, (), "objects", rows=change))
    stroke = Recorder(EditKind.BRUSH, labels)
    stroke.paint(Box((0, 0, 0), (1, 5, 5)), np.ones((1, 5, 5), bool), 255)
    do(stroke.finish())
    assert history.done[1].summary == "Class of object 7: Vesicle"
    for table in reversed(tables[:-1]):
        assert history.undo(held) is not None
        assert held.object_table == table
    assert not objects.any() and not labels.any() and held.counts == {"labels": 0, "objects": 0}
    for table in tables[1:]:
        assert history.redo(held) is not None
        assert held.object_table == table
    assert held.counts == {"labels": 25, "objects": 25} and (objects == 7).sum() == 25


def test_rolling_back_forgets_the_rows() -> None:
    recorder = Recorder(EditKind.NEW_OBJECT, np.zeros(SHAPE, np.uint32), "objects")
    recorder.rows = ObjectTable().change({7: ObjectRow()})
    recorder.roll_back()
    assert recorder.finish() is None
