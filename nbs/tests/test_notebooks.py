"Every notebook runs from top to bottom, and what is stored in it is what such a run shows"
import json
import re
from collections import Counter

import nbformat
import pytest
from rerun import execute, notebooks, root
from runs import files_of, runs_in_browser, unlike_stored

lessons = [p for p in notebooks() if p.parent.name[0].isdigit()]
every_notebook = pytest.mark.parametrize("path", [pytest.param(p, id=p.stem) for p in notebooks()])
PLACES = re.compile(r"(?<![\w.])/(home|root|work|tmp|Users|private|usr|opt)/|[A-Z]:\\\\?Users|site-packages|ipykernel_\d")
PROGRESS = re.compile(r"\r|\d+%\|.*\||\d(it/s|s/it)\b|█")
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]{6,}")


def texts(nb):
    "All text among the stored outputs, as (cell id, text); pictures left out"
    for cell in nb.cells:
        for out in cell.get("outputs", []):
            yield from ((cell.id, text) for kind, text in out.get("data", {}).items() if kind.startswith("text/"))
            if "text" in out: yield cell.id, out.text


def code_of(path):
    return "\n".join(c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code")


def module_of(path):
    "The module that a notebook exports to, as in `video.clips`"
    found = re.search(r"^#\s*\|\s*default_exp\s+(\S+)", code_of(path), re.M)
    return found and found[1]


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.parametrize("path", [pytest.param(p, id=p.stem) for p in notebooks() if not runs_in_browser(p)])
def test_notebook_runs(path):
    "Those with widgets run in test_browser.py, where a browser is there"
    files = files_of(path.parent)
    differ = unlike_stored(execute(path), nbformat.read(path, as_version=4))
    assert not differ, f"stored outputs are not those of a run, in cells {differ}: python nbs/tools/rerun.py {path.relative_to(root)}"
    left = files_of(path.parent) - files
    assert not left, f"{path.name} leaves files behind: {sorted(p.name for p in left)}"


@every_notebook
def test_notebook_is_valid(path):
    nb = json.loads(path.read_text(encoding="utf-8"))  # nbformat.read would repair some faults without a word
    twice = [id_ for id_, n in Counter(c["id"] for c in nb["cells"]).items() if n > 1]
    assert not twice, f"cell ids used twice: {twice}"
    nbformat.validate(nb, version=4)
    assert "widgets" not in nb["metadata"], "widget state is dead weight: store a static picture beside the widget"


@every_notebook
def test_notebook_was_run(path):
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code" and c.source.strip()]
    outputs = [(c.id, out) for c in cells for out in c.outputs]
    assert outputs or not cells, f"no outputs stored: python nbs/tools/rerun.py {path.relative_to(root)}"
    assert not [id_ for id_, out in outputs if out.output_type == "error"], "an error is stored"
    assert not [id_ for id_, out in outputs if out.get("name") == "stderr"], "a warning or a progress bar is stored"


@every_notebook
def test_notebook_outputs_are_for_readers(path):
    assert path.stat().st_size <= 500 * 1024, f"{path.stat().st_size // 1024} KB: store smaller or fewer pictures"
    for id_, text in texts(nbformat.read(path, as_version=4)):
        for name, pattern in {"a path of this machine": PLACES, "a progress bar": PROGRESS, "a memory address": ADDRESS}.items():
            found = pattern.search(text)
            assert not found, f"cell {id_} stores {name}: {text[max(0, found.start() - 30):found.end() + 30]!r}"


def test_each_notebook_exports_to_a_module_of_its_own():
    modules = Counter(module_of(p) for p in notebooks() if p.stem != "glossary")
    assert set(modules.values()) == {1} and None not in modules, modules


@pytest.mark.parametrize("path", [pytest.param(p, id=p.stem) for p in lessons])
def test_lesson_has_its_skeleton(path):
    "A title with its one-line subtitle first, and a summary and exercises at the end"
    prose = [c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "markdown"] or [""]
    assert re.match(r"# .+\n+> [^\\\n]+", prose[0]), "the first cell is the title and a subtitle without backslashes"
    missing = [part for part in ("Summary", "Exercises") if not re.search(rf"^(#+ |\*\*){part}", "\n".join(prose), re.M)]
    assert not missing, missing


@every_notebook
def test_stored_pictures_have_words(path):
    "For those who do not see them"
    pictures = [(cell.id, out.metadata.get(kind, {}).get("alt", "")) for cell in nbformat.read(path, as_version=4).cells
                for out in cell.get("outputs", []) for kind in out.get("data", {}) if kind.startswith("image/")]
    silent = [id_ for id_, words in pictures if not words.strip()]
    assert not silent, f"python nbs/tools/rerun.py {path.relative_to(root)} gives words to the pictures of {silent}"
