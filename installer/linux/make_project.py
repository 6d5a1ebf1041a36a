"""Make a project of two objects by the program of this checkout: `make_project.py TOMOGRAM FOLDER.sxt`."""

import sys
from pathlib import Path

from sxtstudio.core.object_table import Decided, ObjectRow, ObjectTable
from sxtstudio.workflow.document.document import Document
from sxtstudio.workflow.document.project import save, snapshot


def main() -> None:
    """Open the tomogram, draw two boxes as objects, and save."""
    made = Document.open(Path(sys.argv[1]))
    made.volume("labels")[1:4, 5:25, 10:50] = 255
    objects = made.volume("objects")
    objects[1:4, 5:15, 10:50] = 2
    objects[2:5, 30:44, 60:70] = 9
    for target in ("labels", "objects"):
        made.recount(target)
    rows = {2: ObjectRow("Vesicle", Decided.HAND), 9: ObjectRow("Mitochondrion", Decided.HAND)}
    made.set_table(ObjectTable(rows))
    save(snapshot(made), Path(sys.argv[2])).lock.release()
    made.discard()
    made.close()


if __name__ == "__main__":
    main()
