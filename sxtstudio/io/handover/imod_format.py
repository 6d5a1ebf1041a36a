"""The layout of IMOD's binary models: chunks with big-endian numbers.

Format: https://bio3d.colorado.edu/imod/doc/binspec.html; what it leaves open follows libimod of IMOD 4.8.2
(imodel_files.c, iobj.c, imodel.c). A contour's x and y are pixels from the corner of the first one, its z is
the number of a slice: the centre of voxel (x, y, z) = (i, j, k) lies at (i + 0.5, j + 0.5, k).
"""

from __future__ import annotations

import struct

MAGIC, VERSION, END = b"IMOD", b"V1.2", b"IEOF"
OBJECT, CONTOUR, MESH, MATERIAL, IMAGE = b"OBJT", b"CONT", b"MESH", b"IMAT", b"MINX"

# name; size x, y, z; objects; flags; draw and mouse mode, black and white level; offset and scale x, y, z;
# current object, contour and point; resolution, threshold; pixel size, unit; checksum; three angles
HEADER = struct.Struct(">128s4iI4i6f5ifii3f")
# name; extra; contours; flags; axis, draw mode; red, green, blue; size of points; symbol and its size, lines
# in 2D and 3D, their style, flags, padding, transparency; meshes; surfaces
OBJECT_HEADER = struct.Struct(">64s64siI2i3fi8B2i")
CONTOUR_HEADER = struct.Struct(">iI2i")  # points; flags; time; surface
MESH_HEADER = struct.Struct(">2iI2h")  # vertices and normals; list; flags; time, surface
CHUNK = struct.Struct(">4si")  # name, size of the data; objects, contours and meshes have no size
# scale, origin, rotation of the image of old; and of the current one
IMAGE_PLACE = struct.Struct(">18f")
#: Chunks of which IMOD does not believe the size; some programs write 48.
FIXED_BYTES = {MATERIAL: 16, b"SLAN": 60}

NAME_BYTES, OBJECT_NAME_BYTES = 128, 64

# Flags of a model: several clipping planes, materials as bytes, origin and tilt are stored; y and z changed.
MULTIPLE_CLIP, MATERIAL_BYTES, HAS_ORIGIN, HAS_TILT, FLIPPED = 1 << 12, 1 << 13, 1 << 14, 1 << 15, 1 << 16
# Flags of an object; the first two are also flags of a contour.
OPEN, WILD, FILL, SCATTERED, DRAW_MESH, NO_LINES = 1 << 3, 1 << 4, 1 << 8, 1 << 9, 1 << 10, 1 << 11

# Of the list of a mesh: triangles with vertex, normal pairs; end of these; end of the list.
TRIANGLES, END_TRIANGLES, END_LIST = -25, -22, -1

NANOMETER = -9
#: How many nm a unit of the pixel size has; 0 are pixels.
NM_OF_UNIT = {3: 1e12, 1: 1e9, -2: 1e7, -3: 1e6, -6: 1e3, -9: 1.0, -10: 0.1, -12: 1e-3}


#: How the name of a model ends that this program wrote: over which kind of image it lies right. The file has
#: no place for it, and 3dmod shows the first row of MRC at the bottom, and of TIFF at the top.
FIRST_ROW_ENDINGS = {True: " [first row at the top]", False: " [first row at the bottom]"}


def model_name(name: str, *, rows_from_top: bool) -> bytes:
    """Return the name of a model in the file, which says where the first row of its image lies."""
    ending = FIRST_ROW_ENDINGS[rows_from_top].encode("ascii")
    return name_bytes(name, NAME_BYTES - len(ending)) + ending


def rows_from_top(stored: bytes) -> bool | None:
    """Whether the first row of the image of a model lies at the top; None where its name does not say."""
    name = name_of(stored)
    return next((top for top, ending in FIRST_ROW_ENDINGS.items() if name.endswith(ending)), None)


def name_bytes(name: str, size: int) -> bytes:
    """Return a name in UTF-8, cut between characters, so that a zero byte ends it."""
    return name.encode("utf-8")[: size - 1].decode("utf-8", "ignore").encode("utf-8")


def name_of(stored: bytes) -> str:
    """Return a name as it was stored; before UTF-8, 3dmod wrote what the system had."""
    raw = stored.split(b"\0", 1)[0]
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()
