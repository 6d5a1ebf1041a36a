"""Tools > Retrain with my labels in the installed program, clicked through as a user does: test_retrain.py.

What is clicked is found by reading the screen, so that this trial knows no place of any button.
"""

from __future__ import annotations

from roots import Root
from screen import Screen
from steps import check
from window_work import Window, save_and_quit

_DIALOG = "Retrain with my labels"
MODEL = "learned"
# The shortest training that can be chosen is a minute; loading PyTorch and judging take as long.
_TRAINING_S = 400


def retrain_in_window(
    root: Root, screen: Screen, program: str, name: str, tomogram: str, project: str
) -> None:
    """Segment a small tomogram, retrain with its labels for a minute, keep the model, and segment with it.

    Parameters
    ----------
    root, screen, program
        The system, its screen, and what starts the installed program in it.
    name
        For the pictures.
    tomogram
        A few slices of the sample.
    project
        Where it is saved at the end, beside the tomogram.
    """
    with Window(root, screen, program, tomogram) as window:
        window.content()
        window.idle()
        window.keys("ctrl+r")
        window.labels()
        window.idle()
        window.click("Tools")
        window.click(_DIALOG)
        window.until(lambda: _has_dialog(window), "the dialog")
        window.click("Complete slices", right=200)
        window.type("1-4")
        window.idle()
        window.picture(f"{name}-labels")
        window.click_main()
        window.picture(f"{name}-others")
        window.click_main()
        for field, text in (("How long", "1"), ("Name of the new model", MODEL)):
            window.click(field, right=200)
            window.keys("ctrl+a")
            window.type(text)
        window.idle()
        window.picture(f"{name}-model")
        window.click_main()
        window.read("Held-out slices")
        window.picture(f"{name}-running")
        window.read("Keep both, use the old one", _TRAINING_S)
        window.idle()
        window.picture(f"{name}-result")
        window.click("Keep both, use the old one")
        window.idle(4)
        window.picture(f"{name}-kept")
        window.click("Close")
        window.until(lambda: not _has_dialog(window), "the end of the dialog")
        window.click("compact")
        window.keys("Down", "Return")  # the next one of the list; its words are not always read
        window.keys("ctrl+r")
        window.idle(4)
        window.picture(f"{name}-segmented")
        save_and_quit(root, window, project)
    check(MODEL in root.run(program, "models"), "the model that was trained in the window is not listed")
    record = (root.folder / project[1:] / "project.json").read_text(encoding="utf-8")
    check(f'"model": "{MODEL}"' in record, "the project does not say that the new model segmented")


def _has_dialog(window: Window) -> bool:
    return any(title.startswith(_DIALOG) for title in window.titles())
