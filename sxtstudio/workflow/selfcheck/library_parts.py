"""Libraries that the program loads only when it needs them: nobody sees before that one is missing."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from sxtstudio.core.errors import UserError
from sxtstudio.workflow.selfcheck.trial import AGAIN

#: All modules of others that the program imports, but those of the window and of optional parts. They are
#: looked for by name and not loaded, but for the packages that hold them.
LIBRARIES = tuple(
    """
    PIL cc3d edt fpdf fpdf.fonts google.protobuf.message h5py imagecodecs imageio imageio_ffmpeg
    mrcfile.constants mrcfile.dtypes mrcfile.utils msgspec msgspec.json msgspec.structs numcodecs numpy
    numpy.typing olefile onnx onnx.inliner onnx.reference onnxruntime platformdirs polars psutil pyvista
    roifile scipy scipy.interpolate scipy.ndimage scipy.sparse scipy.sparse.csgraph scipy.spatial
    scipy.spatial.distance scipy.spatial.transform scipy.special skimage.draw skimage.graph skimage.measure
    skimage.morphology skimage.restoration skimage.segmentation sklearn.ensemble sklearn.tree._tree tifffile
    tomli_w vtkmodules.util.numpy_support vtkmodules.vtkCommonCore vtkmodules.vtkCommonDataModel
    vtkmodules.vtkFiltersCore vtkmodules.vtkFiltersSources vtkmodules.vtkIOImage
    vtkmodules.vtkRenderingAnnotation vtkmodules.vtkRenderingCore vtkmodules.vtkRenderingFreeType
    vtkmodules.vtkRenderingOpenGL2 xlsxwriter zarr zarr.abc.codec zarr.abc.store zarr.codecs
    zarr.core.metadata zarr.core.sync zarr.storage
    """.split()
)
#: Packages whole: without a screen they need not load, and with one the part "window" tries Qt.
OF_THE_WINDOW = ("PySide6", "shiboken6", "pyqtgraph", "pyvistaqt", "qtawesome", "superqt")


def libraries() -> str:
    """Look for every library that some function asks for; packages on the way to one are loaded."""
    wrong = [name for name in (*LIBRARIES, *OF_THE_WINDOW) if not _is_there(name)]
    if wrong:
        raise UserError(f"Libraries are missing or damaged ({', '.join(wrong)}): {AGAIN}.")
    return f"{len(LIBRARIES) + len(OF_THE_WINDOW)} modules of other projects are there"


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except Exception:  # a damaged package on the way to it can raise anything
        return False


def classifier() -> str:
    """Train a classifier with objects of two classes that a child tells apart, and ask it of others."""
    from sxtstudio.core.classes.classifier import Examples
    from sxtstudio.core.classes.features import FeatureTable
    from sxtstudio.core.classes.fitting import train
    from sxtstudio.core.object_classes import MITOCHONDRION, VESICLE

    classes, keys = (MITOCHONDRION, VESICLE), ("size",)
    class_of = np.repeat([0, 1], 6)
    sizes = np.where(class_of == 0, 10.0, 1.0) + np.tile(np.arange(6), 2) / 10
    trained = train(Examples(keys, sizes[:, None], class_of, classes, True))
    others = FeatureTable(np.array([1, 2]), keys, np.array([[10.2], [1.2]]), True)
    named = trained.predict(others).class_names
    if named != [one.name for one in classes]:
        raise UserError(f"A classifier named two objects wrongly ({', '.join(named)}): {AGAIN}.")
    return f"a classifier was trained with {len(sizes)} objects, and named others rightly"
