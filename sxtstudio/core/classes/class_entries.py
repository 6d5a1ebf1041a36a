"""How a class stands in a JSON file: its name and its colour."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta, Struct

from sxtstudio.core.object_classes import ObjectClass
from sxtstudio.core.records import WrongKey

#: A name of a class or a column, as people write it.
Name = Annotated[
    str, Meta(pattern=r"\S", max_length=100, description="a text of 1 to 100 characters, not only spaces")
]
_Level = Annotated[int, Meta(ge=0, le=255)]


class ClassEntry(Struct, forbid_unknown_fields=True, frozen=True):
    """A class in a file."""

    name: Name
    rgb: Annotated[tuple[_Level, _Level, _Level], Meta(description="three whole numbers from 0 to 255")]

    @classmethod
    def of(cls, one: ObjectClass) -> ClassEntry:
        """Return how a class stands in a file."""
        return cls(one.name, one.rgb)

    def object_class(self) -> ObjectClass:
        """Return the class."""
        return ObjectClass(self.name, self.rgb)


def check_names(classes: Iterable[ClassEntry]) -> None:
    """Raise WrongKey if two classes have one name."""
    names = [one.name for one in classes]
    if len(set(names)) < len(names):
        raise WrongKey("classes", "a list in which each name stands once")
