"""A frozen value that widgets share: all of them show it, any of them may replace it."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from PySide6.QtCore import QObject, Signal

from sxtstudio.core.edit_kind import EditKind, Target
from sxtstudio.core.edits import Edit
from sxtstudio.core.evaluation.marks import Mark

if TYPE_CHECKING:  # at run time this loads what measures objects
    from sxtstudio.core.measure.contacts import ContactSite

T = TypeVar("T")


class Observed(QObject, Generic[T]):
    """Holds a frozen dataclass; ``changed`` comes whenever it is replaced by another value."""

    changed = Signal()

    def __init__(self, value: T, parent: QObject | None = None) -> None:
        """Begin with ``value``."""
        super().__init__(parent)
        self._value = value

    @property
    def value(self) -> T:
        """The value now."""
        return self._value

    def set(self, **fields: Any) -> None:
        """Replace the given fields; nothing happens where they were so already."""
        new = replace(self._value, **fields)  # type: ignore[type-var]
        if new != self._value:
            self._value = new
            self.changed.emit()


class Belonging(Generic[T]):
    """Parts what of a state belongs to the open tomogram from what is the user's own.

    What belongs to the tomogram begins anew with the next one, and with the next start of the program. The
    rest stays as the user has it; what only came with a project goes with it.
    """

    def __init__(self, state: Observed[T], to_document: Iterable[str]) -> None:
        """Begin with what ``state`` is now as the user's own; ``to_document`` are names of its fields."""
        self._state = state
        self._defaults = {
            field.name: field.default
            for field in fields(state.value)  # type: ignore[arg-type]
            if field.name in set(to_document)
        }
        self._own = self._came = replace(state.value, **self._defaults)  # type: ignore[type-var]

    @property
    def own(self) -> T:
        """The state as it is for the next tomogram."""
        now, came = vars(self._state.value), vars(self._came)
        chosen = {
            name: value for name, value in now.items() if name not in self._defaults and value != came[name]
        }
        return replace(self._own, **chosen)  # type: ignore[type-var]

    def begin(self) -> None:
        """Begin with another tomogram."""
        self._own = self._came = self.own
        self._state.set(**vars(self._own))

    def restored(self) -> None:
        """Say that the state is now that of a project; what the user changes from here on is their own."""
        self._came = self._state.value


class LeavesOut(Enum):
    """What a trial of the segmentation does not label: frame and gold, which is dark or bright."""

    NOTHING = "nothing"
    DARK_GOLD = "dark gold"
    BRIGHT_GOLD = "bright gold"


class Panel(Enum):
    """The steps of the work: the panels of the side column, in its order; the settings keep the value."""

    IMAGE = "image"
    SEGMENT = "segment"
    CLEAN = "clean"
    MASK = "mask"
    LABELS = "labels"
    OBJECTS = "objects"
    SURFACE = "surface"
    EVALUATE = "evaluate"


@dataclass(frozen=True)
class DisplayState:
    """How slices are drawn.

    Attributes
    ----------
    low, high
        Grey values that are drawn black and white.
    colour_map
        "grey", or the name of another map of the image panel.
    inverted
        Draw ``low`` white and ``high`` black.
    smooth
        Interpolate between pixels when zoomed in.
    label_rgb, label_opacity, labels_visible
        The overlay of the labels; opacity 0…1.
    mask_rgb, mask_visible
        The outline of the cell mask.
    left_out
        Hatch what was not labelled.
    crosshair, scale_bar
        Whether they are drawn.
    """

    low: float = 0.0
    high: float = 1.0
    colour_map: str = "grey"
    inverted: bool = False
    smooth: bool = True
    label_rgb: tuple[int, int, int] = (255, 176, 0)
    label_opacity: float = 0.5
    labels_visible: bool = True
    mask_rgb: tuple[int, int, int] = (64, 200, 255)
    mask_visible: bool = True
    left_out: bool = True
    crosshair: bool = True
    scale_bar: bool = True


@dataclass(frozen=True)
class LayoutState:
    """What of the window is shown.

    Attributes
    ----------
    slices, view3d
        The slice views and the 3D view; at least one of them.
    sides
        All three planes rather than XY alone.
    objects_pane
        The pane below the views: table of the objects, plots, filopodia.
    panel
        The panel of the current step beside the views; its column of buttons is always there.
    full_screen
        The window fills the screen.
    scheme
        Its colours: dark, light, or those of the desktop.
    """

    slices: bool = True
    view3d: bool = False
    sides: bool = True
    objects_pane: bool = False
    panel: bool = True
    full_screen: bool = False
    scheme: Literal["dark", "light", "system"] = "system"


@dataclass(frozen=True)
class OfferState:
    """What there is to go on with, as far as only one part of the window knows it.

    Attributes
    ----------
    interrupted
        A segmentation that was cancelled, or that a crash ended.
    clean_up
        Steps of the clean-up are switched on.
    former_model
        Another model was the default before.
    recent
        Files that were open before.
    """

    interrupted: bool = False
    clean_up: bool = False
    former_model: bool = False
    recent: bool = False


@dataclass(frozen=True)
class ToolState:
    """Which mouse tool is in the hand.

    Attributes
    ----------
    tool
        "look" (pan and crosshair), "brush", "eraser", "fill", "wand", "polygon", "lasso", "delete", "keep",
        "cut", "merge" or "ruler"; of objects also "pick", "part" and "grow"; of marks "mark" alone.
    target
        What the tool changes: "labels", "mask", "objects" or "marks".
    brush_px
        Diameter of brush and eraser in pixels.
    ball
        Brush and eraser paint a ball (3D) rather than a disc.
    tolerance
        Of the magic wand: difference of the grey value in percent of the contrast range.
    wand_reach_px
        How far from the click the magic wand reaches, in pixels.
    cut_px
        Width of a cut through an object in pixels.
    grow_px
        By how much a click grows or shrinks an object, in pixels.
    grey_range
        Brush and eraser change only pixels whose grey value lies within this, ends included; None: all.
    """

    tool: str = "look"
    target: Target = "labels"
    brush_px: int = 4
    ball: bool = False
    tolerance: float = 10.0
    wand_reach_px: int = 100
    cut_px: int = 2
    grow_px: int = 1
    grey_range: tuple[float, float] | None = None


@dataclass(frozen=True)
class MarksState:
    """The marks of an evaluation: whether they are shown, and which one the tool gives.

    ``brush_px`` is the diameter of what is painted, in pixels.
    """

    visible: bool = False
    mark: Mark = Mark.FALSE_POSITIVE
    brush_px: int = 4


@dataclass(frozen=True)
class ContactsState:
    """The contact sites that were found last, and whether they are drawn in 3D."""

    sites: tuple[ContactSite, ...] = ()
    visible: bool = True


@dataclass(frozen=True)
class CutState:
    """The plane that an object is to be split by, while it is looked for.

    Attributes
    ----------
    place
        A point of it (z, y, x), in voxels; None: there is no plane.
    normal
        Its direction (z, y, x) in space, of length 1, whatever the shape of a voxel.
    reach
        How far it is drawn from the point, in nm (voxels where their size is unknown).
    """

    place: tuple[float, float, float] | None = None
    normal: tuple[float, float, float] = (1.0, 0.0, 0.0)
    reach: float = 0.0


@dataclass(frozen=True)
class ObjectsState:
    """How objects are shown, and which are chosen; the same in slices, 3D, table and plots.

    Attributes
    ----------
    selected
        Numbers of the chosen objects, the latest last.
    hidden
        Not drawn anywhere, by the user's choice.
    only
        If not None, only these are drawn and listed: what a filter, a lasso or *Show only* left.
    colour_by
        "number", "class", or the key of a column of measurements.
    visible, opacity
        Of the overlay in the slices; opacity 0…1.
    click_class
        Objects that are clicked on get the current class,
    click_gives
        which has this name.
    """

    selected: tuple[int, ...] = ()
    hidden: frozenset[int] = frozenset()
    only: frozenset[int] | None = None
    colour_by: str = "number"
    visible: bool = True
    opacity: float = 0.5
    click_class: bool = False
    click_gives: str = ""

    def after(self, edit: Edit, there: Container[int]) -> ObjectsState:
        """Return what is chosen and shown after an edit or its undo; ``there`` are the objects that are left.

        An object that is new is drawn also where a filter shows only some: nobody draws what he cannot see.
        """
        return replace(
            self,
            selected=tuple(number for number in self.selected if number in there),
            hidden=frozenset(number for number in self.hidden if number in there),
            only=_still_only(self.only, edit, there),
        )


def _still_only(only: frozenset[int] | None, edit: Edit, there: Container[int]) -> frozenset[int] | None:
    """Return which objects are shown alone after an edit or its undo; None: all of them."""
    rows = edit.rows
    if only is None or rows is None or edit.kind in (EditKind.FIND_OBJECTS, EditKind.OPEN_OBJECTS):
        return None  # what was found or read anew are other objects, whatever their numbers
    both = rows.before.keys() | rows.after.keys()
    new = {n for n in both if n in there and (rows.before.get(n) is None or rows.after.get(n) is None)}
    left = frozenset(number for number in only if number in there) | new
    return left if left or not only else None
