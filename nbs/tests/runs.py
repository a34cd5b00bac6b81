"What is asked of a run of a notebook, and what runs it: JupyterLab in a browser if it has widgets and a browser is there, else nbclient"
import os
import re
import shutil
import sys
from importlib.util import find_spec

import nbformat
import pytest
from rerun import merge_streams

WIDGET = "application/vnd.jupyter.widget-view+json"


def chromium():
    "An installed Chromium or Chrome, or None"
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def find_browser():
    "As `chromium`; without one the test is skipped, but not on the Linux machines of CI"
    found = chromium()
    if found and find_spec("playwright"): return found
    if os.environ.get("CI") == "true" and sys.platform == "linux": pytest.fail("CI must install chromium and playwright")
    pytest.skip("no chromium on this machine (Debian: apt-get install chromium; pip install playwright)")


def widget_cells(nb):
    "The numbers of the cells that show a widget, by what is stored in them"
    return [i for i, cell in enumerate(nb.cells) if any(WIDGET in out.get("data", {}) for out in cell.get("outputs", []))]


def has_widget(path): return bool(widget_cells(nbformat.read(path, as_version=4)))


def runs_in_browser(path): return has_widget(path) and bool(chromium() and find_spec("playwright"))


def shown(cell):
    "What a cell shows, by kind: the streams it writes, the formats of its pictures and values, and the words of its tables"
    def words(data): return re.sub(r"\d[\d.,]*", "#", data.get("text/markdown", ""))       # numbers may have been measured
    return [out.name if out.output_type == "stream" else (sorted(out.get("data", {})), words(out.get("data", {})))
            for out in merge_streams(cell.outputs)]


def unlike_stored(fresh, stored):
    "The cells that show something of another kind than what is stored"
    assert [cell.id for cell in fresh.cells] == [cell.id for cell in stored.cells]
    return [old.id for new, old in zip(fresh.cells, stored.cells) if old.cell_type == "code" and shown(new) != shown(old)]


def files_of(folder):
    "All files below a folder but those that Jupyter and Python make for themselves"
    return {p for p in folder.rglob("*") if not {".ipynb_checkpoints", "__pycache__"} & set(p.parts)}
