"""Label images: what each value means, and which voxels have it."""

from __future__ import annotations

import numpy as np
import pytest

from sxtstudio.core.errors import UserError
from sxtstudio.core.geometry import Box
from sxtstudio.core.handover import Content
from sxtstudio.core.label_image import LabelImage
from sxtstudio.core.object_colours import number_colours
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.exporting import source_of
from sxtstudio.workflow.handover.label_images import NO_CLASS, label_image


def voxels(image: LabelImage) -> np.ndarray:
    return image.volume.read(Box.whole(image.shape))


def test_classes_are_numbered_in_the_order_of_the_list(document: Document) -> None:
    image = label_image(source_of(document), Content.CLASSES, (0, 6))
    assert [(entry.value, entry.name) for entry in image.legend] == [
        (1, "Mitochondrion"),
        (2, "Körperchen"),
        (3, NO_CLASS),
    ]
    assert [entry.rgb for entry in image.legend[:2]] == [(230, 85, 75), (10, 200, 30)]
    expected = np.zeros((6, 40, 50))
    for number, value in ((3, 1), (7, 2), (300, 3)):
        expected[np.asarray(document.objects) == number] = value
    np.testing.assert_array_equal(voxels(image), expected)
    assert image.voxel_nm == (20.0, 10.0, 12.0) and image.name == "zelle"


def test_a_range_of_slices_inside_the_mask_keeps_its_place(document: Document) -> None:
    image = label_image(source_of(document), Content.OBJECTS, (1, 4), inside_mask=True)
    expected = np.array(document.objects)[1:4]
    expected[:, 30:] = 0
    np.testing.assert_array_equal(voxels(image), expected)
    assert image.origin_nm == pytest.approx((300.0 + 20.0, 200.0, 100.0))  # slice 1 on


def test_objects_have_names_and_the_colours_that_are_shown(document: Document) -> None:
    shown = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], np.uint8)
    image = label_image(source_of(document, shown), Content.OBJECTS, (0, 6))
    assert [(e.value, e.name, e.rgb) for e in image.legend] == [
        (3, "Mitochondrion 3", (1, 2, 3)),
        (7, "Körperchen 7", (4, 5, 6)),
        (300, "Object 300", (7, 8, 9)),
    ]
    usual = label_image(source_of(document), Content.OBJECTS, (0, 6)).legend
    assert [list(entry.rgb) for entry in usual] == number_colours(np.array([3, 7, 300])).tolist()


def test_labels_and_mask_are_one_value_each(document: Document) -> None:
    labels = label_image(source_of(document), Content.LABELS, (0, 6), inside_mask=True)
    assert (voxels(labels) == (np.asarray(document.labels) != 0)).all() and labels.largest == 1
    mask = label_image(source_of(document), Content.MASK, (0, 6))
    assert (voxels(mask) == (np.asarray(document.mask) != 0)).all()


def test_without_objects_the_pieces_of_the_labels_count(document: Document) -> None:
    document.volume("objects")[:] = 0
    document.recount("objects")
    image = label_image(source_of(document), Content.OBJECTS, (0, 6))
    assert [entry.name for entry in image.legend] == ["Object 1"] and voxels(image).max() == 1
    with pytest.raises(UserError, match="no classes"):
        label_image(source_of(document), Content.CLASSES, (0, 6))
