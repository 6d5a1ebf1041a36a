"""The rows of the table of ``programs``: formats, what is shown, how it is opened, what gets lost."""

from __future__ import annotations

from sxtstudio.core.handover import Content, Form, Program
from sxtstudio.workflow.handover.said import Said, Words, said_of

C, P, F = Content, Program, Form
Pair = tuple[Content, Program]
#: What is shown, how it is opened, what gets lost.
Row = tuple[Words, Words, Words]


_TIFF, _ROIS, _MRC = said_of(F.TIFF), said_of(F.ROIS), said_of(F.MRC)
_COLOURED, _MODEL, _SCRIPT = said_of(F.COLOUR_TIFF), said_of(F.IMOD_MODEL), said_of(F.CHIMERAX_SCRIPT)
_PLAIN = said_of(F.TIFF, F.ZARR)
_SEGMENTS, _NIFTI = said_of(F.SEG_NRRD), said_of(F.NIFTI)

_FIJI_OPEN = "Drag the file into Fiji's window, or File > Open."
_FIJI_ROIS = _ROIS("File > Open: they come into the ROI Manager.")
_FIJI_STACK = (_TIFF(_FIJI_OPEN), _FIJI_ROIS)
_FIJI_NAMED = (_COLOURED(f"{_FIJI_OPEN} Names stand in Image > Show Info."), _FIJI_ROIS)
_MIB_MODEL = "Open the image first, then Models > Load model."
_MIB_LOST = "In MIB 2 the place in space."
_IMOD_MODEL = _MODEL("3dmod TOMOGRAM FILE; imodmesh FILE makes surfaces of the contours.")
_AMIRA_OPEN = "File > Open Data."
_SLICER_OPEN = "3D Slicer: File > Add Data; ITK-SNAP: Segmentation > Open, over the image."
_NAPARI_OPEN = "Drag the folder into napari (plugin napari-ome-zarr)."
_MIB_OPEN = "Drag the file into MIB."
_IMOD_IMAGE = _MRC("3dmod FILE; beside the tomogram: 3dmod TOMOGRAM, then File > Open Image.")
_CHIMERAX_OPEN = "File > Open, or drag the file into ChimeraX."
_NO_NAMES = Said("Names and colours; the tables have them.", of_each=True)
_NOT_WHICH = Said("Which object is which.", of_each=True)
_LARGE = _MRC("Numbers above 65,535.")
_FIJI_FIT = Said(
    "The fit over the MRC, whose rows Fiji turns round: write the tomogram as TIFF, too.",
    over_mrc=True,
    of_each=True,
)
_NO_Y = "Lengths along y, where voxels are longer or shorter along y than along x."
_IMOD_FIT = Said(
    "The fit over the tomogram, whose first row IMOD shows at the top: write it as MRC, too.",
    (F.MRC,),
    over_mrc=False,
    of_each=True,
)
_BELOW = (
    Said("The script opens the tomogram below them.", (F.CHIMERAX_SCRIPT,), over_mrc=True),
    Said("The script opens no tomogram: write it as MRC, too.", (F.CHIMERAX_SCRIPT,), over_mrc=False),
)
_MRC_NAMES = Said("Names and colours.", (F.MRC,), of_each=True)
_STL, _OBJ, _PLY = said_of(F.STL), said_of(F.OBJ), said_of(F.PLY)
_MESH_LOST = (_PLY("Names."), _STL("Names and colours."))
# 3D Slicer passes over the unit of NRRD; ITK, which reads NIfTI for it, turns µm into mm.
_SLICER_OVER = (_SEGMENTS("They fit over the tomogram in NRRD."), _NIFTI("They fit over it in NIfTI."))
_NIFTI_LOST = _NIFTI("Names and colours.")

ROUTES: dict[Pair, tuple[tuple[Form, ...], Row]] = {
    (C.LABELS, P.FIJI): (
        (F.TIFF, F.ROIS),
        (
            (
                _TIFF("A stack of 8 bit, 255 where there is a label, with the voxel size."),
                _ROIS("ROIs of the outlines."),
            ),
            _FIJI_STACK,
            _FIJI_FIT,
        ),
    ),
    (C.MASK, P.FIJI): (
        (F.TIFF, F.ROIS),
        (
            (
                _TIFF("A stack of 8 bit, 255 inside the cell, with the voxel size."),
                _ROIS("ROIs of the outlines of the cell."),
            ),
            _FIJI_STACK,
            _FIJI_FIT,
        ),
    ),
    (C.OBJECTS, P.FIJI): (
        (F.COLOUR_TIFF, F.ROIS),
        (
            (
                _COLOURED("A stack in which each object has its number and colour, with the voxel size."),
                _ROIS("A ROI for each object in each slice, with its name and colour."),
            ),
            _FIJI_NAMED,
            (
                _COLOURED("Numbers above 65,535 (for napari they are kept)."),
                _COLOURED("Above 255, neighbours in number share a colour."),
                _FIJI_FIT,
            ),
        ),
    ),
    (C.IMAGE, P.FIJI): (
        (F.TIFF,),
        ("The slices with their grey values and the voxel size.", _FIJI_OPEN, ""),
    ),
    (C.OUTPUT, P.FIJI): (
        (F.TIFF,),
        ("A stack of 8 bit: 255 where the network is sure of a membrane.", _FIJI_OPEN, _FIJI_FIT),
    ),
    (C.TABLE, P.FIJI): (
        (F.CSV,),
        (
            ("The table as a Results table.", "What its columns mean stands in the file beside it."),
            "File > Import > Results…",
            "",
        ),
    ),
    (C.IMAGE, P.MIB): (
        (F.TIFF,),
        ("The slices with their grey values and the voxel size.", _MIB_OPEN, ""),
    ),
    (C.LABELS, P.MIB): (
        (F.MIB_MODEL,),
        (
            "A model with one material, right over the image of the same size.",
            _MIB_MODEL,
            _MIB_LOST,
        ),
    ),
    (C.CLASSES, P.MIB): (
        (F.MIB_MODEL,),
        ("A model with a material for each class, in its colour.", _MIB_MODEL, (_MIB_LOST, _NOT_WHICH)),
    ),
    (C.OBJECTS, P.MIB): (
        (F.MIB_MODEL,),
        (
            "A model in which the number of each object is a material; up to 65,535 are shown.",
            _MIB_MODEL,
            (_MIB_LOST, "All names and colours, if a number is above 255."),
        ),
    ),
    (C.MASK, P.MIB): (
        (F.MIB_MASK,),
        (
            "The cell as MIB's mask.",
            "Open the image first, then Mask > Import mask, or Load mask.",
            "The place in space.",
        ),
    ),
    (C.LABELS, P.IMOD): (
        (F.IMOD_MODEL, F.MRC),
        (
            (
                _MODEL("A model with one object, right over the tomogram."),
                _MRC("A volume in which labels are 127, else 0."),
                Said("It lies right over the tomogram.", (F.MRC,), over_mrc=True),
            ),
            (_IMOD_MODEL, _IMOD_IMAGE),
            (_MODEL(_NO_Y), _IMOD_FIT),
        ),
    ),
    (C.MASK, P.IMOD): (
        (F.IMOD_MODEL, F.MRC),
        (
            (
                _MODEL("A model with one object, right over the tomogram."),
                _MRC("A volume in which the cell is 127, else 0."),
                Said("It lies right over the tomogram.", (F.MRC,), over_mrc=True),
            ),
            (_IMOD_MODEL, _IMOD_IMAGE),
            (_MODEL(_NO_Y), _IMOD_FIT),
        ),
    ),
    (C.OBJECTS, P.IMOD): (
        (F.IMOD_MODEL,),
        (
            "An object for each, with name and colour, whose contours run along the edges of the voxels.",
            _IMOD_MODEL,
            ("Names longer than 63 bytes; what is not in ASCII may be shown wrongly.", _NO_Y),
        ),
    ),
    (C.CLASSES, P.IMOD): (
        (F.IMOD_MODEL,),
        (
            "An object for each class, with name and colour; contours run along the edges of the voxels.",
            _IMOD_MODEL,
            (_NOT_WHICH, "What is not in ASCII may be shown wrongly.", _NO_Y),
        ),
    ),
    (C.IMAGE, P.IMOD): ((F.MRC,), ("The slices with their grey values and the voxel size.", _IMOD_IMAGE, "")),
    (C.LABELS, P.CHIMERAX): (
        (
            F.CHIMERAX_SCRIPT,
            F.MRC,
        ),
        (
            (
                _SCRIPT("The labels as one surface, named and coloured."),
                *_BELOW,
                _MRC("A map in which labels are 127, else 0."),
            ),
            _CHIMERAX_OPEN,
            _MRC_NAMES,
        ),
    ),
    (C.OBJECTS, P.CHIMERAX): (
        (
            F.CHIMERAX_SCRIPT,
            F.MRC,
        ),
        (
            (
                _SCRIPT("A surface for each object, named and coloured."),
                *_BELOW,
                _MRC("A map of the numbers of the objects."),
            ),
            _CHIMERAX_OPEN,
            (_MRC_NAMES, _LARGE, _SCRIPT("Numbers above 16,777,216.")),
        ),
    ),
    (C.MASK, P.CHIMERAX): (
        (
            F.CHIMERAX_SCRIPT,
            F.MRC,
        ),
        (
            (
                _SCRIPT("The cell as one surface, named and coloured."),
                *_BELOW,
                _MRC("A map in which the cell is 127, else 0."),
            ),
            _CHIMERAX_OPEN,
            _MRC_NAMES,
        ),
    ),
    (C.IMAGE, P.CHIMERAX): (
        (F.MRC,),
        ("The tomogram as a map.", _CHIMERAX_OPEN, ""),
    ),
    (C.SURFACES, P.CHIMERAX): (
        (F.GLB, F.OBJ, F.STL),
        (
            "Each object as a model with name and colour; lengths are read as Å, whatever the unit.",
            f"{_CHIMERAX_OPEN} Choose Å as the unit to have them over a map.",
            (_OBJ("Colours."), _STL("Names and colours.")),
        ),
    ),
    (C.IMAGE, P.NAPARI): (
        (F.ZARR,),
        ("An image layer with the voxel size.", "Drag the folder into napari (plugin napari-ome-zarr).", ""),
    ),
    (C.SURFACES, P.BLENDER): (
        (F.GLB, F.PLY, F.OBJ, F.STL),
        (
            (
                said_of(F.GLB, F.OBJ)("Each object with its name and material."),
                said_of(F.GLB)("It stands upright; 1 µm is drawn as 1 m."),
                _PLY("The objects together, in their colours."),
                _STL("The objects together."),
            ),
            (
                said_of(F.GLB)("File > Import > glTF 2.0."),
                _PLY("File > Import > Stanford PLY."),
                _OBJ("File > Import > Wavefront."),
                _STL("File > Import > STL."),
            ),
            _MESH_LOST,
        ),
    ),
    (C.SURFACES, P.POVRAY): (
        (F.POV,),
        (
            "A mesh and a colour for each object, on white, seen from an edge of the volume.",
            "povray +W1600 +H1200 +A0.1 with the file, or open it in POV-Ray 3.7. The panel “3D view” saves "
            "the scene as the 3D view shows it, with its camera and clipping.",
            "Names of objects are comments in the scene.",
        ),
    ),
    (C.CLASSES, P.FIJI): (
        (F.COLOUR_TIFF, F.ROIS),
        (
            (
                _COLOURED("A stack in which each class has its number and colour, with the voxel size."),
                _ROIS("A ROI for each class in each slice, with its name and colour."),
            ),
            _FIJI_NAMED,
            (_NOT_WHICH, _FIJI_FIT),
        ),
    ),
    (C.LABELS, P.AMIRA): (
        (F.AMIRA_MESH,),
        (
            "A label field with one material; lengths are in µm.",
            _AMIRA_OPEN,
            "Names keep letters, digits and _ only.",
        ),
    ),
    (C.LABELS, P.SLICER): (
        (F.SEG_NRRD, F.NIFTI),
        (
            (
                _SEGMENTS("A segmentation with one segment, with name and colour; µm are read as mm."),
                _NIFTI("The labels as value 1, with true lengths in mm."),
            ),
            (_SLICER_OPEN, *_SLICER_OVER),
            _NIFTI_LOST,
        ),
    ),
    (C.LABELS, P.NAPARI): (
        (F.LABEL_ZARR,),
        ("A labels layer with one label, with colour and name.", _NAPARI_OPEN, ""),
    ),
    (C.MASK, P.AMIRA): (
        (F.AMIRA_MESH,),
        (
            "A label field with one material, the cell; lengths are in µm.",
            _AMIRA_OPEN,
            "Names keep letters, digits and _ only.",
        ),
    ),
    (C.MASK, P.SLICER): (
        (F.SEG_NRRD, F.NIFTI),
        (
            (
                _SEGMENTS(
                    "A segmentation with one segment, the cell, with name and colour; µm are read as mm."
                ),
                _NIFTI("The cell as value 1, with true lengths in mm."),
            ),
            (_SLICER_OPEN, *_SLICER_OVER),
            _NIFTI_LOST,
        ),
    ),
    (C.MASK, P.NAPARI): (
        (F.LABEL_ZARR,),
        ("A labels layer with one label, the cell, with colour and name.", _NAPARI_OPEN, ""),
    ),
    (C.OBJECTS, P.AMIRA): (
        (F.AMIRA_MESH,),
        (
            "A label field with a material for each object, in its colour; lengths are in µm.",
            _AMIRA_OPEN,
            "Names keep letters, digits and _ only.",
        ),
    ),
    (C.OBJECTS, P.SLICER): (
        (F.SEG_NRRD, F.NIFTI),
        (
            (
                _SEGMENTS(
                    "A segmentation with a segment for each object, with name and colour; µm are read as mm."
                ),
                _NIFTI("The number of each object as the value of its voxels, with true lengths in mm."),
            ),
            (_SLICER_OPEN, *_SLICER_OVER),
            _NIFTI_LOST,
        ),
    ),
    (C.OBJECTS, P.NAPARI): (
        (F.LABEL_ZARR,),
        ("A labels layer with a label for each object, with colour and name.", _NAPARI_OPEN, ""),
    ),
    (C.CLASSES, P.AMIRA): (
        (F.AMIRA_MESH,),
        (
            "A label field with a material for each class, in its colour; lengths are in µm.",
            _AMIRA_OPEN,
            ("Names keep letters, digits and _ only.", _NOT_WHICH),
        ),
    ),
    (C.CLASSES, P.SLICER): (
        (F.SEG_NRRD, F.NIFTI),
        (
            (
                _SEGMENTS(
                    "A segmentation with a segment for each class, with name and colour; µm are read as mm."
                ),
                _NIFTI("The number of each class as the value of its voxels, with true lengths in mm."),
            ),
            (_SLICER_OPEN, *_SLICER_OVER),
            (_NIFTI_LOST, _NOT_WHICH),
        ),
    ),
    (C.CLASSES, P.NAPARI): (
        (F.LABEL_ZARR,),
        ("A labels layer with a label for each class, with colour and name.", _NAPARI_OPEN, _NOT_WHICH),
    ),
    (C.CLASSES, P.CHIMERAX): (
        (F.CHIMERAX_SCRIPT,),
        (
            ("A surface for each class, named and coloured.", *_BELOW),
            _CHIMERAX_OPEN,
            _NOT_WHICH,
        ),
    ),
    (C.IMAGE, P.AMIRA): (
        (F.AMIRA_MESH,),
        ("The grey values as a uniform field; lengths are in µm.", _AMIRA_OPEN, ""),
    ),
    (C.IMAGE, P.SLICER): (
        (F.NRRD, F.NIFTI),
        (
            (
                said_of(F.NRRD)("The grey values as a volume; µm are read as mm."),
                _NIFTI("The grey values as a volume, with true lengths in mm."),
            ),
            _SLICER_OPEN,
            "",
        ),
    ),
    (C.SURFACES, P.AMIRA): (
        (F.PLY, F.STL, F.OBJ),
        (
            "The surfaces of the objects at their place in space.",
            _AMIRA_OPEN,
            _MESH_LOST,
        ),
    ),
    (C.SURFACES, P.SLICER): (
        (F.VTP, F.PLY, F.STL, F.OBJ),
        (
            "The surfaces as a model; lengths are read as mm, whatever the unit. µm fit a volume in NRRD.",
            "File > Add Data.",
            (said_of(F.VTP, F.PLY, F.OBJ)("Names."), _STL("Names and colours.")),
        ),
    ),
    (C.LABELS, P.OTHER): (
        (F.TIFF, F.MRC, F.ZARR),
        (
            (_PLAIN("255 where there is a label, else 0."), _MRC("127 where there is a label, else 0.")),
            "As any file of this format.",
            "",
        ),
    ),
    (C.OBJECTS, P.OTHER): (
        (F.TIFF, F.MRC, F.ZARR),
        (
            "The number of an object as the value of its voxels.",
            "As any file of this format.",
            (_NO_NAMES, _LARGE),
        ),
    ),
    (C.CLASSES, P.OTHER): (
        (F.TIFF, F.MRC, F.ZARR),
        (
            "The number of a class as the value of its voxels; the receipt says which is which.",
            "As any file of this format.",
            (_NO_NAMES, _NOT_WHICH),
        ),
    ),
    (C.MASK, P.OTHER): (
        (F.TIFF, F.MRC, F.ZARR),
        (
            (_PLAIN("255 inside the cell, else 0."), _MRC("127 inside the cell, else 0.")),
            "As any file of this format.",
            "",
        ),
    ),
    (C.IMAGE, P.OTHER): (
        (F.TIFF, F.MRC, F.ZARR),
        ("The grey values as they are in the tomogram.", "As any file of this format.", ""),
    ),
    (C.OUTPUT, P.OTHER): (
        (F.TIFF, F.MRC, F.ZARR),
        ("255 where the network is sure of a membrane.", "As any file of this format.", ""),
    ),
    (C.SURFACES, P.OTHER): (
        (F.PLY, F.GLB, F.OBJ, F.STL, F.VTP),
        (
            "A closed mesh for each object at its place in space.",
            "As any file of this format.",
            _MESH_LOST,
        ),
    ),
    (C.TABLE, P.OTHER): (
        (F.CSV, F.XLSX, F.PARQUET),
        (
            (
                "A row for each object, with class, flags, notes and all that was measured.",
                said_of(F.CSV, F.PARQUET)("What the columns mean stands in the file beside it."),
                said_of(F.XLSX)("What the columns mean stands on the second sheet."),
            ),
            "With a spreadsheet, R or pandas.",
            "",
        ),
    ),
    (C.PLOTS, P.OTHER): (
        (F.PNG, F.SVG),
        ("Size, shape and grey values of the objects by class, with mean and SD.", "As any picture.", ""),
    ),
    (C.PICTURE, P.OTHER): (
        (F.PNG,),
        ("The slices as they are on the screen.", "As any picture.", "Depth: it is a picture of a screen."),
    ),
    (C.METHODS, P.OTHER): (
        (F.TEXT,),
        (
            "What was done with all parameters, for the methods section; the same as JSON beside it.",
            "With any editor.",
            "",
        ),
    ),
}
