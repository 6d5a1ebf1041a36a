"""GLB, the binary file of glTF 2.0: a node, a mesh and a material for each part, under a node for its class.

Khronos, "glTF 2.0 Specification", 2021 (3.6 data, 3.9 materials, 4.4 GLB). What matters here:

- glTF is right-handed with y upwards. The points are written along the axes of the volume, as everywhere;
  the node of the tomogram turns them by half a turn about x. So the front view of Blender shows what a slice
  shows: x to the right, y downwards, the first slice in front. Nothing is mirrored.
- Colours of materials are linear, those of the program are sRGB (IEC 61966-2-1).
- A length of 1 is a metre. A cell would be too small for any program, so a length of 1 is one unit as chosen;
  which one is said in ``extras``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from sxtstudio import __version__
from sxtstudio.core.errors import UserError
from sxtstudio.core.object_classes import Rgb
from sxtstudio.surface.handover.part import MeshPart
from sxtstudio.surface.handover.sink import (
    Counted,
    Lengths,
    MeshPaths,
    MeshSink,
    Step,
    Totals,
    Vector,
    append,
    nothing,
)

Json = dict[str, Any]
_MAGIC, _JSON, _BINARY = b"glTF", b"JSON", b"BIN\0"
_FLOAT, _USHORT, _UINT = 5126, 5123, 5125
_POINTS, _INDICES = 34962, 34963
# Sizes in the file have 32 bit; the table of contents needs some of it.
_MOST_BYTES = 4_000_000_000
# Half a turn about x, as a quaternion (x, y, z, w).
_UPRIGHT = [1.0, 0.0, 0.0, 0.0]
_NO_CLASS = "without class"


def linear(rgb: Rgb) -> list[float]:
    """Return an sRGB colour (0…255) as linear red, green and blue (0…1), as IEC 61966-2-1 says."""
    shares = np.array(rgb) / 255
    values = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    return [round(float(value), 6) for value in values]


class GlbSink(MeshSink):
    """Numbers go into a scratch file; the table of contents, which stands before them, comes at the end."""

    def __init__(self, where: MeshPaths, lengths: Lengths, name: str, step: Step = None) -> None:
        """Begin with the node of the tomogram."""
        super().__init__(where, lengths, name, step)
        self._file = self.opened()
        self._numbers = self.scratch()
        self._bytes = 0
        self._accessors: list[Json] = []
        self._views: list[Json] = []
        self._meshes: list[Json] = []
        self._materials: list[Json] = []
        # The node turns what is in it, so where it stands is turned as well.
        x, y, z = lengths.of(np.zeros((1, 3)))[0].tolist()
        self._nodes: list[Json] = [{"name": name, "rotation": _UPRIGHT, "children": []}]
        if (x, y, z) != (0, 0, 0):
            self._nodes[0]["translation"] = [x, -y, -z]
        self._classes: dict[str, Json] = {}

    def _add(self, part: MeshPart, places: Vector) -> None:
        if not len(part.triangles):
            return  # glTF has no empty meshes
        self._step(len(part.points) + len(part.triangles))
        points = (part.points * self.lengths.scale).astype("<f4")
        short = len(points) < 65536
        corners = {"min": points.min(axis=0).tolist(), "max": points.max(axis=0).tolist()}
        indices = part.triangles.reshape(-1).astype("<u2" if short else "<u4")
        primitive = {
            "attributes": {
                "POSITION": self._accessor(points.tobytes(), _FLOAT, "VEC3", len(points), _POINTS, corners),
                "NORMAL": self._accessor(
                    part.with_normals.astype("<f4").tobytes(), _FLOAT, "VEC3", len(points), _POINTS
                ),
            },
            "indices": self._accessor(
                indices.tobytes(), _USHORT if short else _UINT, "SCALAR", len(indices), _INDICES
            ),
            "material": len(self._materials),
        }
        self._materials.append(
            {
                "name": part.name,
                "pbrMetallicRoughness": {
                    "baseColorFactor": [*linear(part.rgb), 1.0],
                    "metallicFactor": 0.0,
                    "roughnessFactor": 0.6,
                },
                "doubleSided": True,  # who cuts a mesh open sees its inside
            }
        )
        self._meshes.append({"name": part.name, "primitives": [primitive]})
        facts = {"number": part.number, "class": part.class_name} if part.number else {}
        self._node(part.class_name if part.number else None)["children"].append(len(self._nodes))
        node: Json = {"name": part.name, "mesh": len(self._meshes) - 1}
        self._nodes.append({**node, "extras": facts} if facts else node)

    def _node(self, class_name: str | None) -> Json:
        """Return the node of a class, made when it is first needed; None is that of the tomogram."""
        if class_name is None:
            return self._nodes[0]
        if class_name not in self._classes:
            node: Json = {"name": class_name or _NO_CLASS, "children": []}
            self._nodes[0]["children"].append(len(self._nodes))
            self._nodes.append(node)
            self._classes[class_name] = node
        return self._classes[class_name]

    def _accessor(
        self, data: bytes, kind: int, shape: str, count: int, target: int, more: Json | None = None
    ) -> int:
        """Write numbers; return how they are referred to."""
        if self._bytes + len(data) > _MOST_BYTES:
            raise UserError(
                f"{self.final.name} would be larger than the 4 GB that GLB can hold: write one file per "
                "class or per object, or allow fewer faces."
            )
        self._numbers.write(data.ljust(-(-len(data) // 4) * 4, b"\0"))
        view = {"buffer": 0, "byteOffset": self._bytes, "byteLength": len(data), "target": target}
        self._views.append(view)
        self._bytes += -(-len(data) // 4) * 4
        accessor = {"bufferView": len(self._views) - 1, "componentType": kind, "count": count, "type": shape}
        self._accessors.append({**accessor, **(more or {})})
        return len(self._accessors) - 1

    def finish(self) -> None:
        """Write header, contents and numbers."""
        contents: Json = {
            "asset": {
                "version": "2.0",
                "generator": f"SXT Studio {__version__}",
                "extras": {
                    "unit": self.lengths.word,
                    "axes": "x, y, z along the axes of the volume, turned by 180 degrees about x",
                },
            },
            "scene": 0,
            "scenes": [{"name": self.name, "nodes": [0]}],
            "nodes": [
                {key: value for key, value in node.items() if value != []} for node in self._nodes
            ],  # glTF has no empty lists
        }
        if self._meshes:
            contents |= {
                "meshes": self._meshes,
                "materials": self._materials,
                "accessors": self._accessors,
                "bufferViews": self._views,
                "buffers": [{"byteLength": self._bytes}],
            }
        text = json.dumps(contents, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
        text = text.ljust(-(-len(text) // 4) * 4)
        total = 12 + 8 + len(text) + (8 + self._bytes if self._bytes else 0)
        self._file.write(_MAGIC + _u32(2) + _u32(total) + _u32(len(text)) + _JSON + text)
        if self._bytes:
            self._file.write(_u32(self._bytes) + _BINARY)
            append(self._file, self._numbers)
        self.close()

    def read_back(self) -> Totals:
        """Return what the file holds."""
        return read_totals(self.path, self._step)


def _u32(number: int) -> bytes:
    return number.to_bytes(4, "little")


def read_totals(path: Path, step: Counted = nothing) -> Totals:
    """Return what a file that was written here holds, in its unit and along the axes of the volume."""
    totals = Totals()
    with open(path, "rb") as file:
        header = file.read(20)
        total, length = (int.from_bytes(header[at : at + 4], "little") for at in (8, 12))
        contents = json.loads(file.read(length))
        begin = file.tell() + 8
        if total != path.stat().st_size:
            return Totals(-1, -1)
        x, y, z = contents["nodes"][0].get("translation", [0, 0, 0])
        for mesh in contents.get("meshes", []):
            step(0)
            (primitive,) = mesh["primitives"]
            points, corners = (
                _read(file, begin, contents, accessor)
                for accessor in (primitive["attributes"]["POSITION"], primitive["indices"])
            )
            totals.add_points(points.reshape(-1, 3) + np.array([x, -y, -z]))
            totals.triangles += int(np.count_nonzero(corners.reshape(-1, 3).max(axis=1) < len(points) // 3))
    return totals


def _read(file: Any, begin: int, contents: Json, accessor: int) -> Any:
    described = contents["accessors"][accessor]
    view = contents["bufferViews"][described["bufferView"]]
    file.seek(begin + view["byteOffset"])
    kind = {_FLOAT: "<f4", _USHORT: "<u2", _UINT: "<u4"}[described["componentType"]]
    return np.fromfile(file, kind, described["count"] * (3 if described["type"] == "VEC3" else 1))
