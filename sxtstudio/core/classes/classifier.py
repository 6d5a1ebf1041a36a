"""A classifier of objects: what it goes by, what it was trained with, and what it says of other objects."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sxtstudio.core.classes.features import FeatureTable, Need, feature_named
from sxtstudio.core.classes.forest import Forest
from sxtstudio.core.errors import UserError
from sxtstudio.core.object_classes import ObjectClass
from sxtstudio.core.wording import count, share

Values = NDArray[np.float64]

TOO_WRONG = "too often wrong to use; give more examples"
#: Training objects of a class from which its score says something.
ENOUGH = 5
#: Right in less than this share, a classifier is too often wrong to use.
_USABLE = 0.5
#: Farther from all training objects than so many times what these are from each other at most: unlike them.
_UNLIKE = 1.5
#: Shapes say that two examples are one object where there are so many of them; else all features do.
_ENOUGH_SHAPES = 3
#: Features that differ by less are the same: files keep some measurements with seven digits.
_SAME = 1e-5
_NO_VALUE = -1e13  # beyond what a feature may be


@dataclass(frozen=True)
class ClassScore:
    """Of a class: training objects, and how many of them trees named rightly that had not seen them."""

    name: str
    objects: int
    right: int


@dataclass(frozen=True)
class ClassifierScores:
    """How well a classifier does on its own training objects, each asked of trees that had not seen it."""

    classes: tuple[ClassScore, ...]

    @property
    def objects(self) -> int:
        """How many training objects there are."""
        return sum(one.objects for one in self.classes)

    @property
    def accuracy(self) -> float:
        """Mean over the classes of the share that was named rightly, so that a rare class counts as much."""
        return sum(one.right / one.objects for one in self.classes) / len(self.classes)

    @property
    def usable(self) -> bool:
        """Whether it is right in at least half of the cases."""
        return self.accuracy >= _USABLE

    @property
    def too_few(self) -> tuple[ClassScore, ...]:
        """The classes of too few training objects for a score that says something."""
        return tuple(one for one in self.classes if one.objects < ENOUGH)

    @property
    def text(self) -> str:
        """What it is, in a sentence."""
        asked = f"{count(self.objects, 'object')} (out of bag, mean of the classes)"
        text = f"{share(self.accuracy)} right of {asked}"
        if not self.usable:
            text = f"{text}: {TOO_WRONG}"
        if self.too_few:
            few = ", ".join(f"{one.objects} of “{one.name}”" for one in self.too_few)
            return f"{text}; too few to rely on: {few}, {ENOUGH} or more of each are needed"
        return text


@dataclass(frozen=True, eq=False)
class Examples:
    """Objects whose class is known.

    Attributes
    ----------
    keys
        Of the features.
    values
        Their features (objects, features), NaN where there is none.
    class_of
        Number of the class of each (objects,), in the order of the classes.
    classes
        All of them, and their colours.
    calibrated
        Sizes are in µm³, else in voxels.
    of_sheets
        Names of the classes of which open sheets of membrane are examples, too.
    """

    keys: tuple[str, ...]
    values: Values
    class_of: NDArray[np.int64]
    classes: tuple[ObjectClass, ...]
    calibrated: bool
    of_sheets: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a classifier says of objects.

    Attributes
    ----------
    numbers
        Of the objects (n,).
    classes
        Their names, in the order of the columns of ``probabilities``.
    probabilities
        Of each class (n, classes), of sum 1.
    unlike
        Whether an object is unlike all that the classifier was trained with (n,).
    """

    numbers: NDArray[np.int64]
    classes: tuple[str, ...]
    probabilities: Values
    unlike: NDArray[np.bool_]

    @property
    def class_names(self) -> list[str]:
        """The most probable class of each object."""
        return [self.classes[place] for place in self.probabilities.argmax(1)]

    @property
    def sure(self) -> Values:
        """How sure each of them is, 0…1: the probability of the most probable class."""
        return np.asarray(self.probabilities.max(1, initial=0.0), np.float64)

    @property
    def margins(self) -> Values:
        """How much more probable the most probable class is than the next one, 0…1."""
        ordered = np.sort(self.probabilities, axis=1)
        return np.asarray(ordered[:, -1] - ordered[:, -2], np.float64)

    @property
    def warning(self) -> str | None:
        """A sentence where many objects are unlike all that was trained with."""
        unlike = int(self.unlike.sum())
        if unlike <= max(1, 0.1 * len(self.numbers)):
            return None
        return (
            f"{count(unlike, 'object')} of {len(self.numbers)} are unlike all that the classifier was "
            "trained with: check these, and train it with some of them."
        )


@dataclass(frozen=True)
class Reason:
    """What a feature counts for: its title, and its part in the decision, 0…1 (negative: against it)."""

    title: str
    part: float


@dataclass(frozen=True, eq=False)
class Classifier:
    """A trained classifier.

    Attributes
    ----------
    examples
        What it was trained with; only features that it asks for.
    fill
        Of each feature, what stands for a value that there is not: the mean of the medians of the classes.
    forest
        Its trees.
    importance
        Of each feature, its part in what the trees tell apart (features,), of sum 1.
    scores
        Out of bag.
    """

    examples: Examples
    fill: Values
    forest: Forest
    importance: Values
    scores: ClassifierScores

    @property
    def classes(self) -> tuple[ObjectClass, ...]:
        """The classes that it tells apart."""
        return self.examples.classes

    @property
    def reasons(self) -> list[Reason]:
        """What it goes by, the most important first."""
        order = np.argsort(-self.importance, kind="stable")
        return [Reason(_title(self.examples.keys[place]), float(self.importance[place])) for place in order]

    def needs(self, need: Need) -> bool:
        """Whether one of its features needs this."""
        return any((known := feature_named(key)) and known.need is need for key in self.examples.keys)

    def predict(self, features: FeatureTable, sheets: Collection[int] = ()) -> Predictions:
        """Say the class of objects.

        Parameters
        ----------
        features
            Of the objects.
        sheets
            Those that enclose nothing: they get only classes of which it has seen sheets, and else none.

        Raises
        ------
        UserError
            If features that it asks for have not been measured, or sizes are in another unit.
        """
        rows = self._filled(self._chosen(features))
        names = tuple(one.name for one in self.classes)
        probabilities = self.forest.probabilities(rows)
        flat = np.isin(features.numbers, np.array(sorted(sheets), np.int64))
        of_sheets = np.array([name in self.examples.of_sheets for name in names], bool)
        asked = ~flat | of_sheets[probabilities.argmax(1)]
        return Predictions(features.numbers[asked], names, probabilities[asked], self._unlike(rows[asked]))

    def reasons_for(self, features: FeatureTable, number: int) -> list[Reason]:
        """Return what spoke for the class of one object, the most first, and what spoke against it.

        Raises
        ------
        UserError
            As ``predict``.
        """
        row = self._filled(self._chosen(features)[features.numbers == number])
        said = self.forest.said(row[0])[:, self.forest.probabilities(row)[0].argmax()]
        order = np.argsort(-said, kind="stable")
        return [Reason(_title(self.examples.keys[place]), float(said[place])) for place in order]

    def _chosen(self, features: FeatureTable) -> Values:
        missing = [key for key in self.examples.keys if key not in features.keys]
        if missing:
            known = [feature for key in missing if (feature := feature_named(key)) is not None]
            titles = ", ".join(f"“{feature.title}”" for feature in known[:3])
            more = f" and {len(known) - 3} more" if len(known) > 3 else ""
            raise UserError(f"The classifier goes by {titles}{more}, which need {_advice(known[0].need)}.")
        if self.examples.calibrated != features.calibrated and "size" in self.examples.keys:
            has, wants = ("known", "voxels") if features.calibrated else ("unknown", "µm³")
            raise UserError(
                f"The classifier was trained with sizes in {wants}, but here the voxel size is {has}: "
                + ("train it anew." if features.calibrated else "give it (--voxel).")
            )
        return features.values[:, [features.keys.index(key) for key in self.examples.keys]]

    def _filled(self, values: Values) -> Values:
        return np.where(np.isnan(values), self.fill, values)

    def _unlike(self, rows: Values) -> NDArray[np.bool_]:
        """Whether the nearest training object is farther than these are from each other, by what matters."""
        own = self._filled(self.examples.values)
        weight = np.sqrt(self.importance) / np.maximum(own.std(0), 1e-6)
        apart = _nearest(own * weight, own * weight, 1)
        return _nearest(rows * weight, own * weight, 0) > _UNLIKE * max(float(apart.max()), 1e-6)


def _nearest(rows: Values, others: Values, which: int) -> Values:
    """Return the distance of each row from the nearest other one, or the next after ``which`` nearer ones."""
    from scipy.spatial import KDTree

    found, _ = KDTree(others).query(rows, k=[which + 1])
    return np.asarray(found[:, 0], np.float64)


def _title(key: str) -> str:
    known = feature_named(key)
    return key if known is None else known.title


def _advice(need: Need) -> str:
    match need:
        case Need.GREY:
            return "grey values: give the tomogram, too (--image)"
        case Need.NEIGHBOURS:
            return "the distances between objects: measure them"
        case Need.SHAPE:
            return "the shapes of the objects: measure them"


def combined(one: Examples, other: Examples) -> Examples:
    """Return the examples of two, with the features and the classes of both; an object counts once.

    What stands in both is taken from ``other``, with the class that it has there: else one copy would be
    asked of trees that have seen the other, and the score would be too good.

    Raises
    ------
    UserError
        If sizes are in different units.
    """
    if one.calibrated != other.calibrated:
        raise UserError(
            "The voxel size of one of them is known, that of the other is not: objects of both together "
            "train no classifier. Set the voxel size first."
        )
    one = _without(one, other)
    keys = (*one.keys, *(key for key in other.keys if key not in one.keys))
    classes = list(one.classes)
    names = [known.name for known in classes]
    place = np.empty(len(other.classes), np.int64)
    for number, added in enumerate(other.classes):
        if added.name not in names:
            names.append(added.name)
            classes.append(added)
        place[number] = names.index(added.name)
    values = np.full((len(one.values) + len(other.values), len(keys)), np.nan)
    for begin, part in ((0, one), (len(one.values), other)):
        for column, key in enumerate(part.keys):
            values[begin : begin + len(part.values), keys.index(key)] = part.values[:, column]
    class_of = np.concatenate([one.class_of, place[other.class_of]])
    return Examples(keys, values, class_of, tuple(classes), one.calibrated, one.of_sheets | other.of_sheets)


def _without(one: Examples, other: Examples) -> Examples:
    """Leave out the examples that are in the other ones, too, known by their shape.

    Grey values of the same object change a little with the noise of all objects of its tomogram.
    """
    from scipy.spatial import KDTree

    shared = [key for key in one.keys if key in other.keys]
    shapes = [key for key in shared if (known := feature_named(key)) and known.need is Need.SHAPE]
    keys = shapes if len(shapes) >= _ENOUGH_SHAPES else shared
    if not (keys and len(one.values) and len(other.values)):
        return one
    mine, theirs = (
        np.nan_to_num(part.values[:, [part.keys.index(key) for key in keys]], nan=_NO_VALUE)
        for part in (one, other)
    )
    apart, _ = KDTree(theirs).query(mine, p=np.inf, distance_upper_bound=_SAME)
    new = np.isinf(apart)
    return replace(one, values=one.values[new], class_of=one.class_of[new])


def examples_of(
    features: FeatureTable,
    classes: Sequence[ObjectClass],
    named: dict[int, str],
    sheets: Collection[int] = (),
) -> Examples:
    """Return objects whose class is known (``named`` by their number) as examples, with all features.

    ``sheets`` are those that enclose nothing.
    """
    used = [one for one in classes if one.name in named.values()]
    places = {one.name: place for place, one in enumerate(used)}
    numbers = np.array(sorted(n for n, name in named.items() if name in places), np.int64)
    numbers = numbers[np.isin(numbers, features.numbers)]
    class_of = np.array([places[named[number]] for number in numbers.tolist()], np.int64)
    of_sheets = frozenset(named[number] for number in numbers.tolist() if number in sheets)
    return Examples(
        features.keys, features.rows(numbers), class_of, tuple(used), features.calibrated, of_sheets
    )
