"""Run notebooks in place and store clean outputs: python nbs/tools/rerun.py [NOTEBOOK ...]   (default: all, in reading order)

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


def faithful(image):
    "A still or an animated picture with 256 colours, rare ones included: each within a few hundredths of what it was"
    from PIL import Image, ImageSequence
    frames, beside = [frame.convert("RGB") for frame in ImageSequence.Iterator(image)], io.BytesIO()
    wall = Image.new("RGB", (image.width, image.height * len(frames)))
    for i, frame in enumerate(frames): wall.paste(frame, (0, i * image.height))
    palette = wall.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
    first, *others = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    film = dict(save_all=True, append_images=others, duration=image.info.get("duration"), loop=0) if others else {}
    first.save(beside, "PNG", optimize=True, **film)
    return beside


def lighter(picture, at_least=20_000, colors=96, careful=False):
    "A large PNG (base64) with fewer colours if that makes it smaller; animations only where careful, small pictures as they are"
    from PIL import Image
    data = base64.b64decode(picture)
    if len(data) < at_least and not careful: return picture
    image = Image.open(io.BytesIO(data))
    if careful: beside = faithful(image)
    elif getattr(image, "n_frames", 1) > 1: return picture
    else:
        beside = io.BytesIO()
        image.convert("RGB").quantize(colors, dither=Image.Dither.NONE).save(beside, "PNG", optimize=True)
    return base64.b64encode(beside.getvalue()).decode() if beside.tell() < len(data) else picture


def lighten(nb):
    "Make the stored pictures of a notebook small enough to live in a repository; a cell with the tag many-colors keeps its colours"
    for cell in nb.cells:
        careful = "many-colors" in cell.metadata.get("tags", [])
        for out in cell.get("outputs", []):
            if "image/png" in out.get("data", {}): out.data["image/png"] = lighter(out.data["image/png"], careful=careful)
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
