"""The rows of the table of ``programs``: formats, what is shown, how it is opened, what gets lost."""

from __future__ import annotations

from sxtstudio.core.handover import Content, Form, Program

C, P, F = Content, Program, Form
Pair = tuple[Content, Program]
#: What is shown, how it is opened, what gets lost.
Sentences = tuple[str, str, str]

_FIJI_OPEN = "Drag the file into Fiji's window, or File > Open."
_MIB_MODEL = "Open the image first, then Models > Load model."
_MIB_LOST = "The place in space."
_IMOD_MODEL = "3dmod TOMOGRAM FILE; imodmesh FILE makes surfaces of the contours."
_AMIRA_OPEN = "File > Open Data."
_SLICER_OPEN = "3D Slicer: File > Add Data; ITK-SNAP: Segmentation > Open, over the image."
_NAPARI_OPEN = "Drag the folder into napari (plugin napari-ome-zarr)."
_MIB_OPEN = "Drag the file into MIB."
_IMOD_IMAGE = "3dmod FILE; beside the tomogram: 3dmod TOMOGRAM, then File > Open Image."
_CHIMERAX_OPEN = "File > Open, or drag the file into ChimeraX."
_NO_NAMES = "Names and colours; the tables have them."
_FLIP = "Of an MRC tomogram rows run the other way round in TIFF; write the tomogram as TIFF, too."

ROUTES: dict[Pair, tuple[tuple[Form, ...], Sentences]] = {
    (C.LABELS, P.FIJI): (
        (F.TIFF, F.ROIS),
        (
            "A stack of 8 bit, 255 where there is a label, with voxel size; or (.zip) ROIs of the outlines.",
            f"{_FIJI_OPEN} ROIs open in the ROI Manager.",
            _FLIP,
        ),
    ),
    (C.MASK, P.FIJI): (
        (F.TIFF, F.ROIS),
        (
            "A stack of 8 bit, 255 inside the cell, with the voxel size; or (.zip) ROIs of its outlines.",
            f"{_FIJI_OPEN} ROIs open in the ROI Manager.",
            _FLIP,
        ),
    ),
    (C.OBJECTS, P.FIJI): (
        (F.COLOUR_TIFF, F.ROIS),
        (
            "A stack in which each object has its number and colour; or (.zip) a ROI for each in each slice.",
            f"{_FIJI_OPEN} Names stand in Image > Show Info; ROIs open in the ROI Manager.",
            "Numbers above 65,535 (for napari they are kept); above 255 neighbours in number share a colour.",
        ),
    ),
    (C.IMAGE, P.FIJI): (
        (F.TIFF,),
        ("The slices with their grey values and the voxel size.", _FIJI_OPEN, ""),
    ),
    (C.OUTPUT, P.FIJI): (
        (F.TIFF,),
        ("A stack of 8 bit: 255 where the network is sure of a membrane.", _FIJI_OPEN, ""),
    ),
    (C.TABLE, P.FIJI): (
        (F.CSV,),
        ("The table as a Results table.", "File > Import > Results…", "The dictionary lies beside it."),
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
        ("A model with a material for each class, in its colour.", _MIB_MODEL, _MIB_LOST),
    ),
    (C.OBJECTS, P.MIB): (
        (F.MIB_MODEL,),
        (
            "A model in which each object is a material; up to 65,535 are shown.",
            _MIB_MODEL,
            f"{_MIB_LOST} Above 255 objects, names and colours.",
        ),
    ),
    (C.MASK, P.MIB): (
        (F.MIB_MASK,),
        (
            "The cell as MIB's mask.",
            "Open the image first, then Mask > Import mask, or Load mask.",
            _MIB_LOST,
        ),
    ),
    (C.LABELS, P.IMOD): (
        (F.IMOD_MODEL, F.MRC),
        (
            "A model with one object, or (.mrc) a volume in which labels are 127, right over the tomogram.",
            _IMOD_MODEL,
            "",
        ),
    ),
    (C.MASK, P.IMOD): (
        (F.IMOD_MODEL, F.MRC),
        (
            "A model with one object, or (.mrc) a volume in which the cell is 127, right over the tomogram.",
            _IMOD_MODEL,
            "",
        ),
    ),
    (C.OBJECTS, P.IMOD): (
        (F.IMOD_MODEL,),
        (
            "An object for each, with name and colour, whose contours run along the edges of the voxels.",
            _IMOD_MODEL,
            "Names longer than 63 bytes; what is not in ASCII may be shown wrongly.",
        ),
    ),
    (C.CLASSES, P.IMOD): (
        (F.IMOD_MODEL,),
        (
            "An object for each class, with name and colour; contours run along the edges of the voxels.",
            _IMOD_MODEL,
            "Which object is which; what is not in ASCII may be shown wrongly.",
        ),
    ),
    (C.IMAGE, P.IMOD): ((F.MRC,), ("The slices with their grey values and the voxel size.", _IMOD_IMAGE, "")),
    (C.LABELS, P.CHIMERAX): (
        (
            F.CHIMERAX_SCRIPT,
            F.MRC,
        ),
        (
            "The labels as one surface, named and coloured, over a tomogram in MRC; or (.mrc) the map alone.",
            _CHIMERAX_OPEN,
            "",
        ),
    ),
    (C.OBJECTS, P.CHIMERAX): (
        (
            F.CHIMERAX_SCRIPT,
            F.MRC,
        ),
        (
            "A surface for each object, named and coloured, over a tomogram in MRC; or (.mrc) the map alone.",
            _CHIMERAX_OPEN,
            "Numbers above 16,777,216.",
        ),
    ),
    (C.MASK, P.CHIMERAX): (
        (
            F.CHIMERAX_SCRIPT,
            F.MRC,
        ),
        (
            "The cell as one surface, named and coloured, over a tomogram in MRC; or (.mrc) the map alone.",
            _CHIMERAX_OPEN,
            "",
        ),
    ),
    (C.IMAGE, P.CHIMERAX): (
        (F.MRC,),
        ("The tomogram as a map.", _CHIMERAX_OPEN, "What a float16 or 64 bit holds beyond 32 bit."),
    ),
    (C.SURFACES, P.CHIMERAX): (
        (F.GLB, F.OBJ, F.STL),
        (
            "Each object as a model with name and colour; lengths are read as Å, whatever the unit.",
            f"{_CHIMERAX_OPEN} Choose Å as the unit to have them over a map.",
            "Colours in OBJ and STL, names in STL.",
        ),
    ),
    (C.IMAGE, P.NAPARI): (
        (F.ZARR,),
        ("An image layer with the voxel size.", "Drag the folder into napari (plugin napari-ome-zarr).", ""),
    ),
    (C.SURFACES, P.BLENDER): (
        (F.GLB, F.PLY, F.OBJ, F.STL),
        (
            "Each object with its name and material, upright in GLB; there 1 µm is drawn as 1 m.",
            "File > Import > glTF 2.0 (or PLY, OBJ, STL).",
            "In GLB nothing; in PLY names, in STL names and colours.",
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
            "A stack in which each class has its number and colour; or (.zip) a ROI for each in each slice.",
            f"{_FIJI_OPEN} Names stand in Image > Show Info; ROIs open in the ROI Manager.",
            "Which object is which.",
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
            "A segmentation with one segment, with name and colour; µm are read as mm.",
            _SLICER_OPEN,
            "In NIfTI names and colours.",
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
            "A segmentation with one segment, the cell, with name and colour; µm are read as mm.",
            _SLICER_OPEN,
            "In NIfTI names and colours.",
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
            "A segmentation with a segment for each object, with name and colour; µm are read as mm.",
            _SLICER_OPEN,
            "In NIfTI names and colours.",
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
            "Names keep letters, digits and _ only; which object is which.",
        ),
    ),
    (C.CLASSES, P.SLICER): (
        (F.SEG_NRRD, F.NIFTI),
        (
            "A segmentation with a segment for each class, with name and colour; µm are read as mm.",
            _SLICER_OPEN,
            "In NIfTI names and colours.",
        ),
    ),
    (C.CLASSES, P.NAPARI): (
        (F.LABEL_ZARR,),
        ("A labels layer with a label for each class, with colour and name.", _NAPARI_OPEN, ""),
    ),
    (C.CLASSES, P.CHIMERAX): (
        (F.CHIMERAX_SCRIPT,),
        (
            "A surface for each class, named and coloured, over a tomogram in MRC.",
            _CHIMERAX_OPEN,
            "Which object is which.",
        ),
    ),
    (C.IMAGE, P.AMIRA): (
        (F.AMIRA_MESH,),
        ("The grey values as a uniform field; lengths are in µm.", _AMIRA_OPEN, ""),
    ),
    (C.IMAGE, P.SLICER): (
        (F.NRRD, F.NIFTI),
        ("The grey values as a volume; µm are read as mm.", _SLICER_OPEN, ""),
    ),
    (C.SURFACES, P.AMIRA): (
        (F.PLY, F.STL, F.OBJ),
        (
            "The surfaces of the objects at their place in space.",
            _AMIRA_OPEN,
            "Names in PLY; names and colours in STL.",
        ),
    ),
    (C.SURFACES, P.SLICER): (
        (F.VTP, F.PLY, F.STL, F.OBJ),
        (
            "The surfaces as a model; lengths are read as mm, whatever the unit. Choose µm for a volume's.",
            "File > Add Data.",
            "Names; colours in STL.",
        ),
    ),
    (C.LABELS, P.OTHER): (
        (F.TIFF, F.MRC, F.ZARR),
        ("255 where there is a label (127 in MRC), else 0.", "As any file of this format.", ""),
    ),
    (C.OBJECTS, P.OTHER): (
        (F.TIFF, F.MRC, F.ZARR),
        (
            "The number of an object as the value of its voxels.",
            "As any file of this format.",
            f"{_NO_NAMES} In MRC, numbers above 65,535.",
        ),
    ),
    (C.CLASSES, P.OTHER): (
        (F.TIFF, F.MRC, F.ZARR),
        (
            "The number of a class as the value of its voxels; the receipt says which is which.",
            "As any file of this format.",
            _NO_NAMES,
        ),
    ),
    (C.MASK, P.OTHER): (
        (F.TIFF, F.MRC, F.ZARR),
        ("255 inside the cell (127 in MRC), else 0.", "As any file of this format.", ""),
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
            "Names in PLY; names and colours in STL.",
        ),
    ),
    (C.TABLE, P.OTHER): (
        (F.CSV, F.XLSX, F.PARQUET),
        (
            "A row for each object, with class, flags, notes and all that was measured.",
            "With a spreadsheet, R or pandas; a dictionary of the columns is beside it or the second sheet.",
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

#: What was written from which source; most programs cannot be installed where this is tested.
READ: dict[Program, str] = {
    P.FIJI: "ImageJ 1.53t was run; Fiji itself was not.",
    P.MIB: "From the sources of MIB 2.91 and MIB 3; GNU Octave read the files. MIB itself was not run.",
    P.IMOD: "IMOD 4.8.2, built from its public source, read the models; newer ones were not run.",
    P.AMIRA: "The library ahds read the files back; Amira itself was not run.",
    P.CHIMERAX: "From ChimeraX's documentation, which was read; ChimeraX was not run.",
    P.SLICER: "pynrrd and nibabel read the files back; neither program was run.",
    P.NAPARI: "ome-zarr-py read voxels, colours, names and lengths; napari itself was not run.",
    P.BLENDER: "Blender 3.4 imported GLB, OBJ, PLY and STL in our tests: places, colours, names.",
    P.POVRAY: "POV-Ray 3.7 was run.",
    P.OTHER: "Read back with other libraries.",
}
