"""The steps of the tour, and the words of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

#: What the tour segments: enough for objects, and seconds of work.
FIRST, LAST = 24, 40
#: Specks that the clean-up of the tour removes, in voxels.
SMALLEST = 300


class TourStep(Enum):
    """What is done in a step, in this order; the settings keep the value."""

    OPEN = "open"
    LOOK = "look"
    SEGMENT = "segment"
    CLEAN = "clean"
    FIND = "find"
    CHOOSE = "choose"
    MEASURE = "measure"

    @property
    def number(self) -> int:
        """Its place, from 1."""
        return STEPS.index(self) + 1


STEPS = tuple(TourStep)


@dataclass(frozen=True)
class Words:
    """Of a step: its title, what to do, and what is said when it is done.

    ``lacks`` is what later steps call its result where that is missing.
    """

    title: str
    text: str
    done: str
    lacks: str = ""


WORDS: dict[TourStep, Words] = {
    TourStep.OPEN: Words(
        "Open the sample",
        "The tour works on a small simulated cell, and never on your own data. Press “Open sample”, or "
        "choose File > Open sample tomogram. If you have work that is not saved, you are asked first.",
        "This is the sample: a part of a cell, in 64 slices.",
        "the sample",
    ),
    TourStep.LOOK: Words(
        "Look through the slices",
        "Drag this slider, or turn the mouse wheel over the picture.",
        "You see another slice. The blue lines show the same point from three sides.",
    ),
    TourStep.SEGMENT: Words(
        "Find the membranes",
        f"A network draws the outlines. Slices {FIRST + 1} to {LAST} are enough for the tour and take some "
        "seconds. Press “Segment”.",
        "What is coloured now are the membranes that the network found.",
        "labels",
    ),
    TourStep.CLEAN: Words(
        "Clean up",
        f"Small specks are no membranes. Everything below {SMALLEST} voxels is to go. Press “Apply to all "
        "slices”.",
        "The specks are gone. Ctrl+Z takes back any step of your work.",
    ),
    TourStep.FIND: Words(
        "Find objects",
        "Now every body that an outline encloses gets a number and a colour. Press “Find objects”.",
        "Each colour is an object. Here most are open above and below, because only some slices were "
        "segmented.",
        "objects",
    ),
    TourStep.CHOOSE: Words(
        "Choose an object in 3D",
        "Drag to turn the picture, turn the wheel to come closer. Then click one of the coloured bodies.",
        "Object {number} is chosen, in 3D and in the slices.",
    ),
    TourStep.MEASURE: Words(
        "Measure",
        "Press “Measure”. The numbers of all objects come into the table.",
        "Object {number} has a volume of {volume}. The marked row of the table says the same, and more. "
        "This was the tour: the rest of Help tells how to go on.",
    ),
}
