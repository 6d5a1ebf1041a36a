"""A classifier: its trees say what scikit-learn's say, its scores are honest, its files are checked."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier

from sxtstudio.core.classes import fitting
from sxtstudio.core.classes.classifier import Classifier, Examples, combined, examples_of
from sxtstudio.core.classes.classifier_file import read_classifier, write_classifier
from sxtstudio.core.classes.features import FeatureTable, Need, feature_named, features_of
from sxtstudio.core.classes.fitting import train
from sxtstudio.core.classes.forest import Forest, Tree
from sxtstudio.core.errors import UserError

KINDS = [0] * 12 + [1] * 30 + [2] * 9


@pytest.fixture(scope="module")
def trained(specimens: Any) -> Classifier:
    return train(specimens.examples(KINDS))


def test_the_trees_say_what_those_of_scikit_learn_say(specimens: Any, trained: Classifier) -> None:
    """Of other objects, with and without missing values, and of values that lie on a threshold."""
    examples = trained.examples
    rows = np.where(np.isnan(examples.values), trained.fill, examples.values)
    theirs = ExtraTreesClassifier(
        fitting.TREES, class_weight="balanced_subsample", bootstrap=True, random_state=0, oob_score=True
    ).fit(rows, examples.class_of)
    others = specimens.features([0, 1, 2] * 40, seed=5).values
    on_thresholds = np.tile(rows[:1], (40, 1))
    tree = trained.forest.trees[3]
    for row, node in zip(on_thresholds, np.flatnonzero(tree.feature >= 0), strict=False):
        row[tree.feature[node]] = tree.threshold[node]
    given = np.concatenate([others, on_thresholds])
    ours = trained.forest.probabilities(given)
    assert np.allclose(ours, theirs.predict_proba(given), rtol=0, atol=1e-12)
    right = theirs.oob_decision_function_.argmax(1) == examples.class_of
    assert sum(one.right for one in trained.scores.classes) == right.sum()
    assert np.allclose(trained.importance, theirs.feature_importances_)


def test_a_tree_is_gone_through_by_hand() -> None:
    """What is no more than the threshold goes to the left; a share counts where it changes."""
    tree = Tree(
        np.array([1, -1, 0, -1, -1], np.int32),
        np.array([0.5, 0, -2.0, 0, 0]),
        np.array([1, -1, 3, -1, -1], np.int32),
        np.array([2, -1, 4, -1, -1], np.int32),
        np.array([[0.5, 0.5], [0.9, 0.1], [0.25, 0.75], [1.0, 0.0], [0.0, 1.0]]),
    )
    assert tree.check(2, 2) is None
    forest = Forest([tree, tree])
    rows = np.array([[9.0, 0.5], [9.0, 0.4], [-2.0, 0.6], [-1.9, 0.6]])
    assert forest.probabilities(rows)[:, 0].tolist() == [0.9, 0.9, 1.0, 0.0]
    assert np.allclose(forest.said(rows[0]), [[0, 0], [0.4, -0.4]])
    assert np.allclose(forest.said(rows[2]), [[0.75, -0.75], [-0.25, 0.25]])


def test_other_objects_get_their_class_and_the_sure_ones_are_right(
    specimens: Any, trained: Classifier
) -> None:
    kinds = [0] * 40 + [1] * 40 + [2] * 40
    said = trained.predict(features_of(specimens.measured(kinds, seed=7, spread=0.6), "bright"))
    names = [specimens.classes[kind].name for kind in kinds]
    right = np.array([one == other for one, other in zip(said.class_names, names, strict=True)])
    assert 0.75 < right.mean() < right[said.sure > 0.7].mean()
    assert said.numbers.tolist() == list(range(10, 250, 2))
    assert ((said.sure >= 1 / 3) & (said.sure <= 1)).all() and (said.margins <= said.sure).all()


def test_the_same_examples_give_the_same_classifier(specimens: Any, trained: Classifier) -> None:
    again = train(specimens.examples(KINDS))
    given = specimens.features([0, 1, 2], seed=9)
    assert np.array_equal(again.predict(given).probabilities, trained.predict(given).probabilities)


def test_out_of_bag_is_no_better_than_chance_where_nothing_tells_them_apart(specimens: Any) -> None:
    """Trees know their own training objects by heart; those must not be asked."""
    examples = specimens.examples([1] * 60)
    mixed = replace(examples, class_of=np.arange(60) % 2, classes=specimens.classes[:2])
    classifier = train(mixed)
    assert abs(classifier.scores.accuracy - 0.5) < 0.2
    known = classifier.forest.probabilities(mixed.values).argmax(1) == mixed.class_of
    assert known.mean() > 0.95


def test_a_rare_class_counts_as_much_as_a_frequent_one(specimens: Any) -> None:
    scores = train(specimens.examples([1] * 40 + [2] * 3)).scores
    right = [one.right / one.objects for one in scores.classes]
    assert scores.accuracy == pytest.approx(sum(right) / 2) and scores.objects == 43
    assert "too few to rely on: 3 of “Lipid droplet”" in scores.text
    assert "too few" not in train(specimens.examples([1] * 20 + [2] * 20)).scores.text


def test_reasons_are_what_tells_the_classes_apart(specimens: Any) -> None:
    """Mitochondria and vesicles differ in size, length and lumen alone; droplets in what they absorb."""
    classifier = train(specimens.examples([0] * 20 + [1] * 20))
    told = {"Volume", "First to second axis", "Grey value inside against around"}
    told |= {"Grey value at the rim against inside", "Grey value against around"}
    assert {one.title for one in classifier.reasons[:2]} <= told
    assert sum(one.part for one in classifier.reasons) == pytest.approx(1)
    table = specimens.features([0, 1], seed=3)
    for number, row in zip((10, 12), table.values, strict=True):
        said = classifier.reasons_for(table, number)
        assert said[0].title in told and said[0].part > 0.05
        at_roots = np.mean([tree.shares[0] for tree in classifier.forest.trees], axis=0)
        found = classifier.forest.probabilities(row[None])[0]
        assert sum(one.part for one in said) == pytest.approx(found.max() - at_roots[found.argmax()])


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        pytest.param([], "there are none", id="none"),
        pytest.param([1, 1, 1], "there are 3 of “Vesicle”", id="one-class"),
        pytest.param([0, 1, 1], "1 of “Mitochondrion”, 2 of “Vesicle”", id="one-object"),
    ],
)
def test_too_few_examples_are_refused(specimens: Any, kinds: list[int], said: str) -> None:
    with pytest.raises(UserError, match=said):
        train(specimens.examples(kinds))


def test_a_class_of_one_object_is_left_out(specimens: Any) -> None:
    assert [one.name for one in train(specimens.examples([0, 1, 1, 2, 2])).classes] == [
        "Vesicle",
        "Lipid droplet",
    ]


def test_two_objects_of_two_classes_are_enough_to_begin(specimens: Any) -> None:
    classifier = train(specimens.examples([0, 0, 2, 2]))
    assert {one.objects for one in classifier.scores.too_few} == {2}


def test_what_was_not_measured_is_no_number(specimens: Any) -> None:
    """Neither a missing value here and there nor a column of NaN ends the training."""
    examples = specimens.examples(KINDS)
    values = examples.values.copy()
    values[::3, 0] = np.nan
    values[:, 2] = np.nan
    values[:, 3] = 7.0
    classifier = train(replace(examples, values=values))
    assert set(examples.keys) - set(classifier.examples.keys) == {examples.keys[2], examples.keys[3]}
    table = specimens.features([0, 1, 2])
    table.values[:] = np.nan
    assert np.isfinite(classifier.predict(table).probabilities).all()
    with pytest.raises(UserError, match="nothing tells them apart"):
        train(replace(examples, values=np.full_like(values, np.nan)))


def test_a_missing_value_speaks_for_no_class(specimens: Any) -> None:
    """Not for that of most examples either."""
    examples = specimens.examples([1] * 40 + [2] * 5)
    medians = [np.median(examples.values[examples.class_of == n], axis=0) for n in (0, 1)]
    assert np.allclose(train(examples).fill, np.mean(medians, axis=0))


def test_missing_measurements_are_named(specimens: Any, trained: Classifier) -> None:
    measured = specimens.measured([0, 1, 2])
    measured.columns = tuple(one for one in measured.columns if "grey" not in one.key)
    with pytest.raises(UserError, match=r"goes by “Grey value.* need grey values: give the tomogram"):
        trained.predict(features_of(measured))
    assert trained.needs(Need.GREY) and trained.needs(Need.SHAPE)
    without = train(
        replace(trained.examples, keys=("size", "flatness"), values=trained.examples.values[:, :2])
    )
    assert not without.needs(Need.GREY)
    assert len(without.predict(features_of(measured)).numbers) == 3
    with pytest.raises(UserError, match="sizes in µm³, but here the voxel size is unknown"):
        trained.predict(specimens.features([0, 1], calibrated=False))


def test_objects_unlike_all_examples_are_seen(specimens: Any, trained: Classifier) -> None:
    same = trained.predict(specimens.features([0, 1, 2] * 20, seed=8))
    assert same.unlike.mean() < 0.1 and same.warning is None
    table = specimens.features([0, 1, 2] * 20, seed=8)
    table.values[:15, table.keys.index("size")] += 4  # ten thousand times as large
    other = trained.predict(table)
    assert other.unlike[:15].all() and other.unlike[15:].mean() < 0.1
    assert other.warning is not None and other.warning.startswith(
        f"{other.unlike.sum()} objects of 60 are unlike"
    )


def test_examples_of_two_tomograms_train_one_classifier(specimens: Any) -> None:
    """Their classes and their features need not be the same, nor in the same order."""
    one, other = specimens.examples([0] * 6 + [1] * 6, seed=1), specimens.examples([1] * 5 + [2] * 6, seed=2)
    turned = replace(other, keys=other.keys[::-1][:-1], values=other.values[:, ::-1][:, :-1])
    both = combined(one, turned)
    assert [name.name for name in both.classes] == ["Mitochondrion", "Vesicle", "Lipid droplet"]
    assert np.bincount(both.class_of).tolist() == [6, 11, 6] and both.keys == one.keys
    assert np.array_equal(both.values[:12], one.values)
    assert np.isnan(both.values[12:, 0]).all()  # a feature that the other one does not have
    assert np.array_equal(both.values[12:, 1:], other.values[:, 1:])
    with pytest.raises(UserError, match="voxel size of one of them is known"):
        combined(one, replace(other, calibrated=False))


def test_an_object_counts_once_and_its_last_class_counts(specimens: Any, tmp_path: Path) -> None:
    """Also where another object changed the noise, and with it all grey values."""
    first = train(specimens.examples([0, 1, 2] * 4, seed=1))
    write_classifier(tmp_path / "c.json", first)
    before: Examples = read_classifier(tmp_path / "c.json").examples
    again = specimens.examples([0, 1, 2] * 4, seed=1)
    assert train(combined(before, again)).scores == first.scores
    grey = [place for place, key in enumerate(again.keys) if feature_named(key).need is Need.GREY]
    values, class_of = again.values.copy(), again.class_of.copy()
    values[:, grey] *= 1.01
    class_of[0] = 1
    both = combined(combined(before, again), replace(again, values=values, class_of=class_of))
    assert np.bincount(both.class_of).tolist() == [3, 5, 4]
    more = combined(before, specimens.examples([0, 1, 2], seed=7))
    assert len(more.values) == 15, "other objects are added"


def test_sheets_get_only_classes_of_which_sheets_were_shown(specimens: Any, tmp_path: Path) -> None:
    kinds, given = [0, 1, 2] * 6, specimens.features([0, 1, 2], seed=9)
    numbers = given.numbers.tolist()
    all_of_them = train(specimens.examples(kinds)).predict(given)
    assert all_of_them.numbers.tolist() == numbers and all_of_them.class_names == [
        one.name for one in specimens.classes
    ]
    alone = train(specimens.examples(kinds))
    assert alone.predict(given, sheets=numbers).numbers.tolist() == []
    assert alone.predict(given, sheets=numbers[:1]).numbers.tolist() == numbers[1:]
    features = specimens.features(kinds)
    named = {
        n: specimens.classes[kind].name for n, kind in zip(features.numbers.tolist(), kinds, strict=True)
    }
    flat = [n for n, name in named.items() if name == specimens.classes[1].name]
    taught = train(examples_of(features, specimens.classes, named, sheets=flat))
    write_classifier(tmp_path / "c.json", taught)
    for one in (taught, read_classifier(tmp_path / "c.json")):
        assert one.examples.of_sheets == {specimens.classes[1].name}
        said = one.predict(given, sheets=numbers)
        assert said.numbers.tolist() == numbers[1:2] and said.class_names == [specimens.classes[1].name]
    both = combined(taught.examples, specimens.examples(kinds, seed=3))
    assert both.of_sheets == {specimens.classes[1].name}


# -- files ---------------------------------------------------------------------------------------


def test_a_file_says_the_same_without_scikit_learn(
    specimens: Any, trained: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_classifier(tmp_path / "c.json", trained)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    again = read_classifier(tmp_path / "c.json")
    given: FeatureTable = specimens.features([0, 1, 2] * 10, seed=4)
    one, other = again.predict(given), trained.predict(given)
    assert np.array_equal(one.probabilities, other.probabilities) and np.array_equal(one.unlike, other.unlike)
    assert again.scores == trained.scores and again.classes == trained.classes
    assert again.reasons == trained.reasons
    assert np.array_equal(again.examples.values, trained.examples.values, equal_nan=True)


def test_training_goes_on_from_a_file(specimens: Any, trained: Classifier, tmp_path: Path) -> None:
    write_classifier(tmp_path / "c.json", trained)
    before: Examples = read_classifier(tmp_path / "c.json").examples
    more = train(combined(before, specimens.examples([0, 1, 2] * 5, seed=6)))
    assert more.scores.objects == trained.scores.objects + 15


@pytest.fixture(scope="module")
def small(specimens: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    classifier = train(specimens.examples([0] * 5 + [2] * 5))
    path = tmp_path_factory.mktemp("classifier") / "c.json"
    write_classifier(path, classifier)
    content = json.loads(path.read_text())
    content["trees"] = [next(tree for tree in content["trees"] if len(tree["feature"]) > 2)]
    return dict(content)


def changed(content: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Set what lies at "trees.0.left" in a copy."""
    copy = json.loads(json.dumps(content))
    *folders, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place = copy
    for part in folders:
        place = place[part]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return dict(copy)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("format", "model", "'format' is wrong"),
        ("version", 2, "newer version"),
        ("features.version", 99, "newer version"),
        ("features.keys.0", "colour", "features that this version"),
        ("features.keys.0", "rim", "each key stands once"),
        ("sizes", "nm", "'sizes' is wrong"),
        ("classes.0.name", "Lipid droplet", "each name stands once"),
        ("classes", [], "'classes' is wrong"),
        ("trees", [], "'trees' is wrong"),
        ("trees.0", {}, r"'trees\[0\]\.feature' is missing"),
        ("trees.0.left.0", 0, "leads nowhere"),
        ("trees.0.right.0", 1000, "leads nowhere"),
        ("trees.0.right.0", -1, "leads nowhere"),
        ("trees.0.left.0", "1", "'trees"),
        ("trees.0.feature.0", 30, "feature that there is not"),
        ("trees.0.left", [], "not of one length"),
        ("trees.0.shares.0", [0.4, 0.4], "add up to 1"),
        ("trees.0.shares.0", [1.0], "one share for each class"),
        ("trees.0.shares", [], "one share for each class"),
        ("trees.0.threshold.0", 1e301, "finite number"),
        ("fill", [0.0], "'fill' is wrong"),
        ("fill.0", 1e200, "'fill' is wrong"),
        ("examples.features.0.0", 1e200, "features"),
        ("importance.0", 2.0, "'importance' is wrong"),
        ("right", [9, 9], "no more than there are training objects"),
        ("examples.class.0", 7, "training objects of each of the classes"),
        ("examples.features.0", [1.0], "features and a class for each"),
        ("examples", None, "'examples' is missing"),
    ],
)
def test_files_of_strangers_are_checked(
    small: dict[str, Any], path: str, value: object, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "c.json"
    file.write_text(json.dumps(small))
    read_classifier(file)
    file.write_text(json.dumps(changed(small, path, value)))
    with pytest.raises(UserError, match=said):
        read_classifier(file)


def test_half_a_file_is_no_classifier(small: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(json.dumps(small)[:-40])
    with pytest.raises(UserError, match=r"c\.json is damaged"):
        read_classifier(tmp_path / "c.json")
    with pytest.raises(UserError, match="cannot be read"):
        read_classifier(tmp_path / "none.json")
