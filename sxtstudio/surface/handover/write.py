"""From meshes to files: all in one, one per class, or one per object; read back before they count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

from sxtstudio.core.atomic import atomic_write
from sxtstudio.core.errors import UserError
from sxtstudio.core.label_image import HandedOver
from sxtstudio.core.printable import csv_text, printable
from sxtstudio.core.verified import ALL_TRIANGLES, read_back
from sxtstudio.core.wording import count, grouped
from sxtstudio.surface.handover.kinds import MESH_SUFFIXES, MeshFormat, Per, files_of, format_of
from sxtstudio.surface.handover.names import file_stem, plain_stem
from sxtstudio.surface.handover.part import MeshPart
from sxtstudio.surface.handover.sink import Lengths, MeshPaths, Step

#: What lies beside the files of a folder and says what each of them is.
LISTING = "meshes.csv"
_COLUMNS = ("file", "object", "name", "class", "red", "green", "blue", "points", "triangles", "unit")


@dataclass
class WrittenMeshes:
    """What was written so far."""

    objects: int = 0
    points: int = 0
    triangles: int = 0
    bytes: int = 0
    classes: set[str] = field(default_factory=set)

    def add(self, part: MeshPart) -> None:
        """Count a part."""
        self.objects += part.number > 0
        self.points += len(part.points)
        self.triangles += len(part.triangles)
        self.classes |= {part.class_name} - {""}

    def details(self) -> tuple[tuple[str, str], ...]:
        """Return what it is, for the receipt."""
        objects = f"{grouped(self.objects)} in {count(len(self.classes), 'class', 'classes')}"
        return (
            ("Objects", objects if self.objects else "not told apart"),
            ("Size", f"{grouped(self.triangles)} triangles, {grouped(self.points)} points"),
        )


def write_file(
    path: Path, parts: Iterable[MeshPart], lengths: Lengths, name: str, step: Step = None
) -> HandedOver:
    """Write meshes to one file, by its suffix, and read it back.

    Parameters
    ----------
    path
        .ply, .stl, .obj (with an .mtl beside it), .vtp or .glb; a former file stays unless all goes well.
    parts
        They are gone through once.
    lengths
        The unit.
    name
        Of the tomogram.
    step
        Called with the number of points or triangles that have been written, or read back.

    Raises
    ------
    UserError
        For another suffix, if it cannot be written, or is not the same when it is read back.
    """
    kind = format_of(path)
    written = WrittenMeshes()
    with ExitStack() as stack:
        temporary = stack.enter_context(atomic_write(path))
        beside = kind.kind.beside
        second = None if beside is None else stack.enter_context(atomic_write(beside(path)))
        _fill(kind, MeshPaths(temporary, path, second), parts, written, lengths, name, step)
    size = sum(file.stat().st_size for file in files_of(path))
    details = (*written.details(), ("Unit of length", lengths.text))
    return HandedOver(path, kind.text, size, read_back(ALL_TRIANGLES), details, kind.kind.losses)


def write_folder(
    folder: Path,
    parts: Iterable[MeshPart],
    kind: MeshFormat,
    per: Per,
    lengths: Lengths,
    name: str,
    step: Step = None,
) -> HandedOver:
    """Write meshes to a folder, a file for each object or each class, and a list of them, ``meshes.csv``.

    The folder must be new, empty, or one that was written here before, which it then replaces.

    Parameters
    ----------
    folder
        Where.
    parts
        In the order of their classes.
    kind, per
        Format, and what a file holds.
    lengths, name, step
        As of ``write_file``.

    Raises
    ------
    UserError
        If the folder holds other files, or as of ``write_file``.
    """
    refuse_foreign(folder)
    rows: list[tuple[object, ...]] = []
    names = _Names()
    written = WrittenMeshes()
    files = 0
    with atomic_write(folder) as temporary:
        temporary.mkdir()
        for first, group in _grouped(parts, per):
            stem = _stem(first, per)
            stem = plain_stem(stem) if kind.kind.plain_names else stem
            path = temporary / names.unique(f"{stem}{kind.suffix}")
            beside = kind.kind.beside
            where = MeshPaths(path, path, None if beside is None else beside(path))
            _fill(kind, where, _listed(group, path.name, lengths, rows), written, lengths, name, step)
            files += 1
        text = csv_text(_COLUMNS, (dict(zip(_COLUMNS, row, strict=True)) for row in rows))
        (temporary / LISTING).write_text(text, encoding="utf-8-sig", newline="")
    details = (
        ("Files", f"{count(files, 'file')}, and {LISTING}, which says what each of them is"),
        *written.details(),
        ("Unit of length", lengths.text),
    )
    each = "one file per object" if per is Per.OBJECT else "one file per class"
    size = sum(path.stat().st_size for path in folder.iterdir())
    verified = read_back(ALL_TRIANGLES)
    return HandedOver(folder, f"{kind.text}, {each}", size, verified, details, kind.kind.losses)


def refuse_foreign(folder: Path) -> None:
    """Raise UserError if a folder would be replaced that holds anything but what is written here."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UserError(f"{folder} is no folder: give the name of a new one.")
    if not folder.is_dir():
        return
    there = sorted(path.name for path in folder.iterdir())
    listed = LISTING in there
    for name in there:
        known = name == LISTING or (Path(name).suffix in (*MESH_SUFFIXES, ".mtl", ".inc") and listed)
        if not known or not (folder / name).is_file():
            raise UserError(f"{folder} holds {name} and is not replaced: give the name of a new folder.")


def _fill(
    kind: MeshFormat,
    where: MeshPaths,
    parts: Iterable[MeshPart],
    written: WrittenMeshes,
    lengths: Lengths,
    name: str,
    step: Step = None,
) -> None:
    """Write parts to a file, and read it back."""
    with closing(kind.kind.sink(where, lengths, printable(name), step)) as sink:
        for part in parts:
            sink.add(part)
            written.add(part)
        sink.finish()
    if not sink.totals.agrees(sink.read_back(), points=kind is not MeshFormat.STL):
        raise UserError(
            f"{where.final} is not complete when it is read back. Check the disk and export again."
        )


def _listed(
    parts: Iterable[MeshPart], file: str, lengths: Lengths, rows: list[tuple[object, ...]]
) -> Iterator[MeshPart]:
    """Pass parts on, and write down what they are."""
    for part in parts:
        counts = (len(part.points), len(part.triangles))
        known = (file, part.number or "", part.name, part.class_name)
        rows.append((*known, *part.rgb, *counts, lengths.word))
        yield part


def _stem(part: MeshPart, per: Per) -> str:
    """Return what a file that begins with this part is called, without its suffix."""
    if per is Per.CLASS:
        return file_stem(part.class_name) if part.class_name else "without_class"
    if not part.number:
        return file_stem(part.name)
    return f"{file_stem(part.class_name) if part.class_name else 'object'}_{part.number:05d}"


class _Names:
    """Gives names of files that were not given yet, whatever their case."""

    def __init__(self) -> None:
        self._taken = {LISTING}

    def unique(self, name: str) -> str:
        """Return ``name``, or with a number where it was given before."""
        stem, _, suffix = name.rpartition(".")
        chosen, number = name, 2
        while chosen.casefold() in self._taken:
            chosen, number = f"{stem}_{number}.{suffix}", number + 1
        self._taken.add(chosen.casefold())
        return chosen


def _grouped(parts: Iterable[MeshPart], per: Per) -> Iterator[tuple[MeshPart, Iterator[MeshPart]]]:
    """Yield the first part of each file, and all of them; one part is in memory at a time."""
    source = iter(parts)
    ahead = next(source, None)
    done: set[str] = set()

    def group(first: MeshPart) -> Iterator[MeshPart]:
        nonlocal ahead
        yield first
        ahead = next(source, None)
        while ahead is not None and per is not Per.OBJECT and ahead.class_name == first.class_name:
            yield ahead
            ahead = next(source, None)

    while ahead is not None:
        first = ahead
        if per is Per.CLASS and first.class_name in done:
            raise ValueError(f"the parts of class {first.class_name!r} are not together")
        done.add(first.class_name)
        yield first, group(first)
