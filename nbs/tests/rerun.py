"""Run notebooks in place and store clean outputs: python nbs/tests/rerun.py [NOTEBOOK ...]   (default: all, in reading order)

Each runs in a fresh kernel, in its own folder and offline. What is stored is what `nbdev_clean` would leave, cell ids included,
so that a rerun changes only outputs that really differ. A notebook that fails is left as it was.
"""
import base64
import io
import json
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

root = Path(__file__).resolve().parents[2]
offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}


def notebooks():
    "All notebooks of the course in reading order, the index last: it imports from the others"
    found = [p for p in (root / "nbs").rglob("*.ipynb") if not any(part[0] in "._" for part in p.relative_to(root).parts)]
    return sorted(found, key=lambda p: (p.stem == "index", p.stem))


def merge_streams(outputs):
    "Neighbouring pieces of one stream as one output, however the kernel happened to cut them"
    merged = []
    for out in outputs:
        if out.output_type == "stream" and merged and merged[-1].get("name") == out.name: merged[-1].text += out.text
        else: merged.append(out)
    return merged


def fewer_colors(image, colors):
    "The frames of a picture, all with the same few colours"
    from PIL import Image, ImageSequence
    frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(image)]
    wall = Image.new("RGB", (image.width, image.height * len(frames)))
    for i, frame in enumerate(frames): wall.paste(frame, (0, i * image.height))
    palette = wall.quantize(colors, dither=Image.Dither.NONE)
    return [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]


def lighter(picture, at_least=20_000, colors=96, film_colors=None):
    "A large PNG (base64) with fewer colours if that makes it smaller; animations only where asked for, small pictures as they are"
    from PIL import Image
    data = base64.b64decode(picture)
    if len(data) < at_least: return picture
    image, beside = Image.open(io.BytesIO(data)), io.BytesIO()
    if getattr(image, "n_frames", 1) == 1:
        image.convert("RGB").quantize(colors, dither=Image.Dither.NONE).save(beside, "PNG", optimize=True)
    elif film_colors:
        duration = image.info["duration"]
        first, *others = fewer_colors(image, film_colors)
        first.save(beside, "PNG", save_all=True, append_images=others, duration=duration, loop=0)
    else: return picture
    return base64.b64encode(beside.getvalue()).decode() if beside.tell() < len(data) else picture


def lighten(nb):
    "Make the stored pictures of a notebook small enough to live in a repository; films only in cells with the tag few-colors"
    for cell in nb.cells:
        film_colors = 160 if "few-colors" in cell.metadata.get("tags", []) else None
        for out in cell.get("outputs", []):
            if "image/png" in out.get("data", {}): out.data["image/png"] = lighter(out.data["image/png"], film_colors=film_colors)
    return nb


def execute(path, timeout=600):
    "The notebook at `path`, run from top to bottom in its own folder; nothing is written"
    nb = nbformat.read(path, as_version=4)
    env = {**os.environ, **offline}
    NotebookClient(nb, timeout=timeout, kernel_name="python3", resources={"metadata": {"path": str(Path(path).parent)}}).execute(env=env)
    for cell in nb.cells:
        if cell.cell_type == "code": cell.outputs = merge_streams(cell.outputs)
    nb.metadata.pop("widgets", None)
    return nb


def store(nb, path):
    "Write `nb` in the form that `nbdev_clean` leaves, beside the old file first"
    from execnb.nbio import nb2str
    from nbdev.clean import clean_nb
    on_disk = json.loads(nbformat.writes(lighten(nb)))
    clean_nb(on_disk, allowed_cell_metadata_keys=["tags"], clean_ids=False)
    beside = Path(f"{path}.tmp")
    beside.write_text(nb2str(on_disk), encoding="utf-8", newline="\n")
    os.replace(beside, path)


def main(paths):
    for path in map(Path, paths or notebooks()):
        start = time.time()
        store(execute(path), path)
        print(f"{path.name}: {time.time() - start:.0f} s", flush=True)


if __name__ == "__main__": main(sys.argv[1:])
