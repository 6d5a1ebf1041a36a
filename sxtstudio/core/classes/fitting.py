"""Trains a classifier: the one place that knows scikit-learn, which is loaded only for this."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.classes.classifier import Classifier, ClassifierScores, ClassScore, Examples
from sxtstudio.core.classes.forest import Forest, Tree
from sxtstudio.core.errors import UserError
from sxtstudio.core.wording import count

Values = NDArray[np.float64]

TREES = 100
LEAST = 2  # training objects of a class
MOST = 20_000  # training objects in all
#: A feature counts where it could be measured of this share of the training objects.
_MEASURED = 0.5


def train(examples: Examples, *, seed: int = 0) -> Classifier:
    """Train a forest in which each class has the same weight; the same examples give the same one.

    Extremely randomised trees (Geurts, Ernst & Wehenkel 2006, Machine Learning 63:3-42), each on a sample of
    the examples: with three to twenty examples of a class they are a little better than a random forest
    (``python -m bench.classes``).

    Parameters
    ----------
    examples
        At least two objects of each of two classes or more; classes of one object alone are left out.
    seed
        Of the choices that are drawn by chance.

    Raises
    ------
    UserError
        If there are too few examples, or nothing that was measured of them differs.
    """
    examples = _useful(examples)
    from sklearn.ensemble import ExtraTreesClassifier

    fill = _middle(examples)
    rows = np.where(np.isnan(examples.values), fill, examples.values)
    model = ExtraTreesClassifier(
        TREES, class_weight="balanced_subsample", bootstrap=True, random_state=seed, n_jobs=1
    )
    model.fit(rows, examples.class_of)
    trees = [_tree(one.tree_) for one in model.estimators_]
    scores = _out_of_bag(trees, model.estimators_samples_, rows, examples)
    importance = np.asarray(model.feature_importances_, np.float64)
    return Classifier(examples, fill, Forest(trees), importance, scores)


def _useful(examples: Examples) -> Examples:
    """Leave out classes of a single object, and features that could not be measured or are all one."""
    objects = np.bincount(examples.class_of, minlength=len(examples.classes))
    known = np.flatnonzero(objects >= LEAST)
    if len(known) < 2:
        given = ", ".join(
            f"{n} of “{one.name}”" for n, one in zip(objects, examples.classes, strict=True) if n
        )
        raise UserError(
            f"A classifier needs at least {LEAST} objects each of two classes, given by hand; there are "
            f"{given or 'none'}: give some more their class first."
        )
    stays = np.isin(examples.class_of, known)
    if stays.sum() > MOST:
        raise UserError(
            f"A classifier is trained with {MOST} objects at most, not {count(int(stays.sum()), 'object')}: "
            "take the class away from some."
        )
    values = examples.values[stays]
    measured = np.isfinite(values).mean(0) >= _MEASURED
    differ = [bool(len(np.unique(column[np.isfinite(column)])) > 1) for column in values.T]
    chosen = np.flatnonzero(measured & differ)
    if not len(chosen):
        raise UserError("All objects with a class given by hand measure the same: nothing tells them apart.")
    place = np.full(len(examples.classes), -1)
    place[known] = np.arange(len(known))
    classes = tuple(examples.classes[number] for number in known)
    return replace(
        examples,
        keys=tuple(examples.keys[column] for column in chosen),
        values=values[:, chosen],
        class_of=place[examples.class_of[stays]],
        classes=classes,
        of_sheets=examples.of_sheets.intersection(one.name for one in classes),
    )


def _middle(examples: Examples) -> Values:
    """Return what stands for missing values: the median of each class, and of these the mean.

    Else a missing value would speak for the class of most examples.
    """
    of_class = [examples.values[examples.class_of == n] for n in range(len(examples.classes))]
    medians = [
        np.array([np.median(known) if (known := one[np.isfinite(one)]).size else np.nan for one in part.T])
        for part in of_class
    ]
    return np.asarray(np.nanmean(medians, axis=0), np.float64)


def _tree(tree: object) -> Tree:
    """Return a tree of scikit-learn's as plain arrays."""
    from sklearn.tree._tree import Tree as Fitted

    if not isinstance(tree, Fitted):
        raise TypeError(f"{type(tree)} is no tree")
    leaf = tree.children_left < 0
    shares = tree.value[:, 0, :].astype(np.float64)
    return Tree(
        np.where(leaf, -1, tree.feature).astype(np.int32),
        np.where(leaf, 0.0, tree.threshold).astype(np.float64),
        tree.children_left.astype(np.int32),
        tree.children_right.astype(np.int32),
        shares / shares.sum(1, keepdims=True),
    )


def _out_of_bag(
    trees: list[Tree], samples: list[NDArray[np.integer]], rows: Values, examples: Examples
) -> ClassifierScores:
    """Ask of each training object the trees that had not seen it (Breiman 2001)."""
    said = np.zeros((len(rows), len(examples.classes)))
    for tree, seen in zip(trees, samples, strict=True):
        unseen = np.setdiff1d(np.arange(len(rows)), seen)
        said[unseen] += Forest([tree]).probabilities(rows[unseen])
    right = (said.argmax(1) == examples.class_of) & (said.sum(1) > 0)
    return ClassifierScores(
        tuple(
            ClassScore(
                one.name, int((examples.class_of == n).sum()), int(right[examples.class_of == n].sum())
            )
            for n, one in enumerate(examples.classes)
        )
    )
