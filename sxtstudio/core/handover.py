"""What can be handed over, to which programs, and in which formats."""

from __future__ import annotations

from enum import StrEnum


class Content(StrEnum):
    """What is handed over; the values are the words of the command line."""

    LABELS = "labels"
    OBJECTS = "objects"
    CLASSES = "classes"
    MASK = "mask"
    IMAGE = "image"
    OUTPUT = "output"
    SURFACES = "surfaces"
    TABLE = "table"
    PLOTS = "plots"
    PICTURE = "picture"
    METHODS = "methods"


class Program(StrEnum):
    """Who gets it; the values are the words of the command line."""

    FIJI = "fiji"
    MIB = "mib"
    IMOD = "imod"
    AMIRA = "amira"
    CHIMERAX = "chimerax"
    SLICER = "slicer"
    NAPARI = "napari"
    BLENDER = "blender"
    POVRAY = "povray"
    OTHER = "other"


class Form(StrEnum):
    """A format of files; one writer each."""

    TIFF = "TIFF"
    COLOUR_TIFF = "TIFF with names and colours"
    MRC = "MRC"
    ZARR = "OME-Zarr"
    LABEL_ZARR = "OME-Zarr with image-label"
    ROIS = "ImageJ ROIs"
    MIB_MODEL = "MIB model"
    MIB_MASK = "MIB mask"
    IMOD_MODEL = "IMOD model"
    AMIRA_MESH = "AmiraMesh"
    SEG_NRRD = "NRRD segmentation"
    NRRD = "NRRD"
    NIFTI = "NIfTI"
    CHIMERAX_SCRIPT = "ChimeraX script"
    GLB = "GLB"
    STL = "STL"
    PLY = "PLY"
    OBJ = "OBJ"
    VTP = "VTP"
    POV = "POV-Ray scene"
    CSV = "CSV"
    XLSX = "XLSX"
    PARQUET = "Parquet"
    PNG = "PNG"
    SVG = "SVG"
    TEXT = "Markdown"


class MeshOf(StrEnum):
    """What is a mesh of its own; the values are the words of the command line."""

    LABELS = "labels"
    PIECES = "pieces"
    OBJECTS = "objects"
    CLASS_FILES = "class-files"
    OBJECT_FILES = "object-files"

    @property
    def of_objects(self) -> bool:
        """Whether the objects are drawn rather than the labels."""
        return self not in (MeshOf.LABELS, MeshOf.PIECES)

    @property
    def in_folder(self) -> bool:
        """Whether several files are written."""
        return self in (MeshOf.CLASS_FILES, MeshOf.OBJECT_FILES)


MESH_NAMES: dict[MeshOf, str] = {
    MeshOf.LABELS: "Labels, in one colour",
    MeshOf.PIECES: "Labels, a colour for each piece",
    MeshOf.OBJECTS: "Objects, together in one file",
    MeshOf.CLASS_FILES: "Objects, a file for each class",
    MeshOf.OBJECT_FILES: "Objects, a file for each",
}

#: The endings of each format, the usual one first; ".seg.nrrd" is tried before ".nrrd".
SUFFIXES: dict[Form, tuple[str, ...]] = {
    Form.TIFF: (".tif", ".tiff"),
    Form.COLOUR_TIFF: (".tif", ".tiff"),
    Form.MRC: (".mrc", ".rec", ".map"),
    Form.ZARR: (".ome.zarr", ".zarr"),
    Form.LABEL_ZARR: (".ome.zarr", ".zarr"),
    Form.ROIS: (".zip",),
    Form.MIB_MODEL: (".model",),
    Form.MIB_MASK: (".mask",),
    Form.IMOD_MODEL: (".mod",),
    Form.AMIRA_MESH: (".am",),
    Form.SEG_NRRD: (".seg.nrrd",),
    Form.NRRD: (".nrrd",),
    Form.NIFTI: (".nii.gz", ".nii"),
    Form.CHIMERAX_SCRIPT: (".cxc",),
    Form.GLB: (".glb",),
    Form.STL: (".stl",),
    Form.PLY: (".ply",),
    Form.OBJ: (".obj",),
    Form.VTP: (".vtp",),
    Form.POV: (".pov",),
    Form.CSV: (".csv",),
    Form.XLSX: (".xlsx",),
    Form.PARQUET: (".parquet",),
    Form.PNG: (".png",),
    Form.SVG: (".svg",),
    Form.TEXT: (".md", ".txt"),
}

CONTENT_NAMES: dict[Content, str] = {
    Content.LABELS: "Labels",
    Content.OBJECTS: "Objects with numbers",
    Content.CLASSES: "Classes of the objects",
    Content.MASK: "Cell mask",
    Content.IMAGE: "Tomogram",
    Content.OUTPUT: "Network's output",
    Content.SURFACES: "Surfaces",
    Content.TABLE: "Table of objects",
    Content.PLOTS: "Plots of the objects",
    Content.PICTURE: "Picture of the slices",
    Content.METHODS: "Methods text",
}

PROGRAM_NAMES: dict[Program, str] = {
    Program.FIJI: "Fiji, ImageJ",
    Program.MIB: "MIB",
    Program.IMOD: "IMOD",
    Program.AMIRA: "Amira, Avizo",
    Program.CHIMERAX: "ChimeraX",
    Program.SLICER: "3D Slicer, ITK-SNAP",
    Program.NAPARI: "napari, OME",
    Program.BLENDER: "Blender",
    Program.POVRAY: "POV-Ray",
    Program.OTHER: "Other, by format",
}
