"""Run notebooks in place and store clean outputs: python nbs/tools/rerun.py [NOTEBOOK ...]   (default: all, in reading order)

Each runs in a fresh kernel, in its own folder and offline. What is stored is what `nbdev_clean` would leave, cell ids included,
so that a rerun changes only outputs that really differ. A notebook that fails is left as it was.
"""
import base64
import io
import json
import os
import re
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


# Runs in the kernel before the first cell. A figure is stored with words for those who do not see it: its label, if it was given one, or
# the titles, axes and legends of its panels.
DESCRIBE = """
def _describe():
    from IPython.core import pylabtools
    plain = pylabtools.print_figure
    def words(figure):
        if isinstance(figure.get_label(), str) and figure.get_label(): return figure.get_label()
        panels = []
        for axis in figure.axes:
            across, up, legend = axis.get_xlabel(), axis.get_ylabel(), axis.get_legend()
            lines = ", ".join(text.get_text() for text in legend.get_texts()) if legend else ""
            title = axis.get_title() or axis.get_title("left")
            said = (title, across and f"across: {across}", up and f"up: {up}", lines and f"lines: {lines}")
            said = ", ".join(part for part in said if part)
            if said and said not in panels: panels.append(said)
        whole = figure.get_suptitle() if hasattr(figure, "get_suptitle") else ""
        return "; ".join(part for part in (whole, *panels) if part).replace("\\n", " ") or "a picture"
    def print_figure(figure, fmt="png", *args, **kwargs):
        drawn = plain(figure, fmt, *args, **kwargs)
        if fmt not in ("png", "retina") or drawn is None: return drawn
        return drawn, {"alt": words(figure)[:400]}
    pylabtools.print_figure = print_figure
_describe()
del _describe
"""


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


def lighter(picture, at_least=1000, colors=128, careful=False):
    "A PNG (base64) with fewer colours if that makes it smaller; animations only where careful, tiny pictures as they are"
    from PIL import Image
    data = base64.b64decode(picture)
    if len(data) < at_least and not careful: return picture
    image = Image.open(io.BytesIO(data))
    if careful: beside = faithful(image)
    elif getattr(image, "n_frames", 1) > 1: return picture
    else:
        beside = io.BytesIO()
        plain = image.convert("RGB").quantize(colors, Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
        plain.save(beside, "PNG", optimize=True)
    return base64.b64encode(beside.getvalue()).decode() if beside.tell() < len(data) else picture


def lighten(nb):
    "Make the stored pictures of a notebook small enough to live in a repository; a cell with the tag many-colors keeps its colours"
    for cell in nb.cells:
        careful = "many-colors" in cell.metadata.get("tags", [])
        for out in cell.get("outputs", []):
            if "image/png" in out.get("data", {}): out.data["image/png"] = lighter(out.data["image/png"], careful=careful)
    return nb


def describe(nb):
    "Give pictures that say nothing of themselves the heading under which they stand"
    heading = ""
    for cell in nb.cells:
        found = re.findall(r"^#+ (.+)$", cell.source, re.M) if cell.cell_type == "markdown" else []
        heading = re.sub(r"[*`$\\]", "", found[-1]) if found else heading
        for out in cell.get("outputs", []):
            for kind in [kind for kind in out.get("data", {}) if kind.startswith("image/")]:
                about = out.metadata.setdefault(kind, {})
                said = about.get("alt", "a picture")
                if said in ("a picture", "one state of the widget"): about["alt"] = f"{heading}: {said}"
    return nb


def execute(path, timeout=600):
    "The notebook at `path`, run from top to bottom in its own folder; nothing is written"
    nb = nbformat.read(path, as_version=4)
    env = {**os.environ, **offline, "T2V_PROGRESS": os.devnull}     # stored as nobody has solved anything
    nb.cells.insert(0, nbformat.v4.new_code_cell(DESCRIBE))
    NotebookClient(nb, timeout=timeout, kernel_name="python3", resources={"metadata": {"path": str(Path(path).parent)}}).execute(env=env)
    del nb.cells[0]
    for cell in nb.cells:
        if cell.cell_type == "code": cell.outputs = merge_streams(cell.outputs)
    nb.metadata.pop("widgets", None)
    return nb


def store(nb, path):
    "Write `nb` in the form that `nbdev_clean` leaves, beside the old file first"
    from execnb.nbio import nb2str
    from nbdev.clean import clean_nb
    on_disk = json.loads(nbformat.writes(describe(lighten(nb))))
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
