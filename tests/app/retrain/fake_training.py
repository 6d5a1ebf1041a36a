"""Plays the part of ``sxtstudio train CONFIG -o RUN --json --control``, quickly and without PyTorch.

``RUN/../fake.json`` says how: ``steps``, ``pause_s`` between two steps, ``f1`` after training, ``model`` (an
.onnx file to present as the result), ``fail`` (a sentence to end with), ``die_at`` (a step to kill itself),
``linger_s`` (how long it takes to end after its last word),
``flood`` (how many lines it writes at once before its last word),
``real_pictures`` (of the slices that it was given).
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import shutil
import sys
import threading
import time
import tomllib
from pathlib import Path

import numpy as np

CONFIG, RUN = Path(sys.argv[2]), Path(sys.argv[4])
assert sys.argv[1] == "train" and sys.argv[3] == "-o" and sys.argv[5:] == ["--json", "--control"]
given = json.loads((CONFIG.parent / "fake.json").read_text())
config = tomllib.loads(CONFIG.read_text(encoding="utf-8"))
RUN.mkdir(exist_ok=True)
words: queue.Queue[str] = queue.Queue()


def listen() -> None:
    for line in sys.stdin:
        words.put(line.strip())
    words.put("cancel")


def say(event: str, **more: object) -> None:
    line = json.dumps({"event": event, **more})
    with (RUN / "events.jsonl").open("a") as file:
        file.write(line + "\n")
    print(line, flush=True)


def pictures(sharp: float) -> dict[str, np.ndarray]:
    if given.get("real_pictures"):
        import tifffile  # takes a while

        one = config["labelled"][0]
        image, truth = (tifffile.imread(CONFIG.parent / one[name])[0] for name in ("tomogram", "labels"))
        image = ((image - image.mean()) / image.std()).astype(np.float32)
    else:
        image, truth = np.eye(64, 80, dtype=np.float32), np.eye(64, 80, dtype=np.uint8) * np.uint8(255)
    noise = np.random.default_rng(0).normal(0, 1, truth.shape)
    label = np.where(truth > 128, 1.0, -1.0) + (1 - sharp) * 1.5 * noise
    return {"image": image, "truth": truth, "label": np.clip(label, -1, 1).astype(np.float32)}


def save(path: Path, **arrays: np.ndarray) -> None:
    np.savez(path.with_name("part.npz"), **arrays)
    os.replace(path.with_name("part.npz"), path)


threading.Thread(target=listen, daemon=True).start()
if given.get("fail"):
    say("error", text=given["fail"])
    print(f"sxtstudio: {given['fail']}", file=sys.stderr)
    time.sleep(given.get("linger_s", 0))
    sys.exit(2)
state, of, f1 = RUN / "state.npz", given["steps"], given["f1"]
step = int(np.load(state)["step"]) if state.exists() else 0
say(
    "start",
    step=step,
    of=of,
    device="cpu",
    labelled=2,
    held_out=1,
    unlabelled=len(config.get("unlabelled", [])),
)
paused, reason = False, "steps"
while True:
    while True:
        try:
            word = words.get(timeout=0.02 if paused else given["pause_s"] or 0.001)
        except queue.Empty:
            word = ""
        if word == "cancel":
            save(state, step=np.array(step))
            sys.exit(130)
        if word in ("pause", "resume"):
            paused = word == "pause"
            say("paused" if paused else "resumed", step=step)
        if word == "stop":
            reason = "stopped"
        if not paused or reason == "stopped":
            break
    share = step / of
    if step % max(1, of // 8) == 0:
        say(
            "evaluate", step=step, of=of, label_share=0.5 + 0.4 * share, image_share=0.4 + 0.3 * share,
            test_label_loss=0.5 * np.exp(-2 * share) + 0.05, test_image_loss=0.3 * np.exp(-share),
            precision=0.5 + 0.3 * share, recall=0.6, f1=0.5 + (f1 - 0.5) * share, best=True,
        )  # fmt: skip
        save(RUN / "preview.npz", **pictures(share), redrawn=np.zeros((2, 2), np.float32))
        say("preview", step=step, file="preview.npz")
    if step >= of or reason == "stopped":
        break
    step += 1
    left = 0.5 * (of - step)
    wave = 0.02 * np.sin(3.0 * step)
    say(
        "step", step=step, of=of, label_loss=0.45 * np.exp(-2 * step / of) + 0.05 + wave,
        image_loss=None if step < 2 else 0.25 * np.exp(-step / of), seconds=0.5 * step, remaining_s=left,
    )  # fmt: skip
    if step % 5 == 0:
        save(state, step=np.array(step))
    if step == given.get("die_at") and not (RUN / "died").exists():
        (RUN / "died").touch()
        os.kill(os.getpid(), 9)
line = json.dumps({"event": "step", "step": step, "of": of, "label_loss": 0.05}) + "\n"
sys.stdout.write(line * given.get("flood", 0))
found = pictures(1.0)
save(
    RUN / "comparison.npz", image_0=found["image"], truth_0=found["truth"], after_0=found["label"],
    before_0=pictures(0.2)["label"],
)  # fmt: skip
model = RUN / f"{config['name']}.onnx"
shutil.copyfile(given["model"], model)
card = {
    "name": config["name"], "description": config["description"], "trained_on": "a test", "base_width": 1,
    "label_output": "label", "licence": config["licence"], "file": model.name,
    "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
}  # fmt: skip
model.with_suffix(".json").write_text(json.dumps(card))
say(
    "done", step=step, reason=reason, model=model.name, better=f1 > 0.5, comparison="comparison.npz",
    before={"precision": 0.45, "recall": 0.56, "f1": 0.5}, after={"precision": f1, "recall": f1, "f1": f1},
)  # fmt: skip
time.sleep(given.get("linger_s", 0))
