"""The site: nothing is loaded from elsewhere, no link is dead, every lesson and every public name is there; and each check can fail.

It is built once for all tests, from nothing. What a browser shows is looked at with the network cut.
"""
import ast
import html
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
from rerun import notebooks, root
from runs import find_browser

from t2v_learn import docs
from t2v_learn.core import InputError
from t2v_learn.docs import (Page, Site, SourceFolder, alt_text, build_site, check_site, course_pages, install_cell, lay_notebook,
                            repository_name, site_server, stage_notebook, stage_text)

NBS = root / "nbs"
PAGES = course_pages(NBS)
LESSON = next(page for page in PAGES if page.name == "5_diffusion/51_noise")
PIXEL = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001"
                      "e221bc330000000049454e44ae426082")


# --- the pieces

def test_pages_are_the_notebooks_in_reading_order():
    assert {page.path for page in PAGES} == set(notebooks())
    numbers = [page.number for page in PAGES if page.number]
    assert numbers == sorted(numbers) and len(numbers) > 40


@pytest.mark.parametrize("text", ['{"cells": [', "[]", '{"nbformat": 4}', ""])
def test_a_damaged_notebook_is_named(tmp_path, text):
    (tmp_path / "11_clips.ipynb").write_text(text)
    with pytest.raises(InputError, match="11_clips.ipynb"): course_pages(tmp_path)


def test_reference_is_the_same_in_every_program():
    "Texts are hashed differently in each: what is written must not hang on that"
    code = "from t2v_learn.docs import *; from t2v_learn import docs; import hashlib, importlib, pathlib\n" \
           f"pages = [page for page in course_pages(pathlib.Path({str(NBS)!r})) if page.module and not page.module.startswith('_')]\n" \
           "print({page.module: hashlib.md5(docs._module_page(page.module, page).encode()).hexdigest() for page in pages})"
    run = dict(capture_output=True, text=True, check=True)
    found = [subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, **run).stdout for seed in "12"]
    assert found[0] == found[1] and "video.world" in found[0]


@pytest.fixture
def site(tmp_path):
    return Site(NBS, SourceFolder(tmp_path), PAGES)


@pytest.mark.parametrize("text, staged", [
    ("[a](54_denoiser.ipynb)", "[a](54_denoiser.ipynb)"),
    ("[a](../1_video/11_clips.ipynb#Two-Words)", "[a](../1_video/11_clips.ipynb#two-words)"),
    ("[a `b[0]`](54_denoiser.ipynb)", "[a `b[0]`](54_denoiser.ipynb)"), ("[a](../../settings.ini)", "a"), ("[a](results)", "a"),
    ("`[a](../../settings.ini)`", "`[a](../../settings.ini)`"), ("```\n[a](../../settings.ini)\n```", "```\n[a](../../settings.ini)\n```"),
    ("[a](https://arxiv.org/abs/1)", "[a](https://arxiv.org/abs/1)"), ("[a](#here)", "[a](#here)"), ("x[0](1)", "x[0](1)"),
    ("[gone](gone.ipynb)", "[gone](gone.ipynb)")])
def test_links_in_texts(site, text, staged):
    assert stage_text(text, site, LESSON.path.parent, LESSON.name, "Noise") == staged


def test_pictures_in_texts_get_words(site):
    picture = '<img src="../data/gallery/01-red-circle-right.webp" width="9">'
    table = f"| {picture} | {picture} |\n| --- | --- |\n| a red circle | {picture} |\n| one | two |"
    text = stage_text(table + "\n\n![](../data/gallery/between.png)\n\n![kept](../data/gallery/between.png)", site, NBS, "index", "Gallery")
    assert re.findall(r'alt="([^"]*)"', text) == ["a red circle", "Picture, Gallery", "two", "Picture, Gallery", "kept"]


@pytest.mark.parametrize("code, words", [
    ("axis.set_title('one')\naxis.set(title='two')", "one; two"), ("sheet(clips, ['red', 'blue'])", "red; blue"),
    ("strip(x, [f'step {i}' for i in s])", "step –"), ("pipeline_figure('noise')", "pipeline figure noise"), ("fig", None), ("((", None),
    ("%matplotlib inline\nax.set_title('magic')", "magic"), ("ax.set_title('" + "x" * 999 + "')", None)])
def test_alternative_texts(code, words):
    found = alt_text(code, "A `heading`")
    assert found.startswith("Picture, A heading") and len(found) <= 250
    if words: assert found == f"Picture, A heading: {words}"


def test_every_stored_picture_gets_words_and_no_script_is_kept(site):
    "Of all notebooks: outputs become pictures with words, widgets and scripts are left out"
    stored = shown = 0
    for page in PAGES:
        stage_notebook(page, site)
        for cell in json.loads(page.path.read_text(encoding="utf-8"))["cells"]:
            stored += sum(any(kind.startswith("image/") for kind in out.get("data", {})) for out in cell.get("outputs", []))
        staged = (site.folder.root / f"{page.name}.ipynb").read_text(encoding="utf-8")
        outputs = [out["data"] for cell in json.loads(staged)["cells"] for out in cell.get("outputs", []) if "data" in out]
        text = "\n".join("".join(data.get("text/html", "")) for data in outputs)
        shown += text.count("<img ")
        assert not re.search(r'<img (?![^>]*alt="[^"]+")', text) and "<script" not in text
        assert not any("widget" in kind for data in outputs for kind in data)
    assert shown >= stored > 400


# --- Colab

class Shell:
    "Writes down what a notebook would have the shell do"
    def __init__(self): self.lines = []
    def system(self, line): self.lines.append(line)
    def run_line_magic(self, *line): self.lines.append(" ".join(line))


def test_the_install_cell_acts_in_colab_only(monkeypatch):
    cell = install_cell(LESSON, "owner/name", ["jupyterlab>=4", "gensim>=4.4,<5"])
    shell = Shell()
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    exec(cell["source"], {})
    assert shell.lines == []
    monkeypatch.setitem(sys.modules, "google.colab", object())
    exec(cell["source"], {})
    clone, folder, packages = shell.lines
    assert "https://github.com/owner/name" in clone and folder.endswith("/name/nbs/5_diffusion") and "'gensim>=4.4,<5'" in packages
    assert "jupyterlab" not in packages


@pytest.mark.parametrize("repository", ["", "owner/name"])
def test_colab_is_offered_where_there_is_a_repository(site, repository):
    site.repository = repository
    for page in PAGES:
        lay_notebook(page, site, [])
        stage_notebook(page, site)
        beside = site.folder.root / "_beside" / "notebooks" / f"{page.name}.ipynb"
        text = (site.folder.root / f"{page.name}.ipynb").read_text(encoding="utf-8")
        address = f"https://colab.research.google.com/github/owner/name/blob/gh-pages/notebooks/{page.name}.ipynb"
        assert (address in text) == (bool(repository) and page.name != "index")
        if not repository: assert beside.read_bytes() == page.path.read_bytes()
        else: assert "google.colab" in json.loads(beside.read_text(encoding="utf-8"))["cells"][1]["source"]


@pytest.mark.parametrize("text", ["name", "a/b/c", "https://gitlab.com/a/b", "../x", "a b/c", "owner/", "-x/y"])
def test_what_is_no_repository_is_refused(text):
    with pytest.raises(InputError, match="write it as owner/name"): repository_name(text)


# --- the check can fail

def planted(folder, body="", style="", script=""):
    "A small site that is right but for what is planted"
    folder.mkdir(exist_ok=True)
    (folder / "deep").mkdir()
    (folder / "red.png").write_bytes(PIXEL)
    (folder / "site.css").write_text(f"body {{ background: url('red.png') }} /* url(https://comment.org/x) */ {style}")
    (folder / "site.js").write_text(f"/* https://licence.org */ const x = 'https://named.org'; {script}")
    (folder / "deep" / "index.html").write_text('<h1 id="top-of-it">x</h1><a href="../index.html#a">back</a>')
    links = '<a id="a" href="deep/">x</a><a href="deep/index.html#top-of-it">x</a><a href="#a">x</a><a href="https://arxiv.org">x</a>'
    head = '<link rel="stylesheet" href="site.css"><link rel="canonical" href="https://me.org"><script src="site.js"></script>'
    data = '<img src="data:image/png;base64,AA" alt="x"><svg><a href="deep/index.html"><image href="red.png"/></a></svg>'
    (folder / "index.html").write_text(f'<html><head>{head}</head><body>{links}{data}<img src="red.png" alt="red">{body}</body></html>')
    return check_site(folder)


def test_a_site_without_fault_passes(tmp_path):
    found = planted(tmp_path / "site")
    assert (found.problems, found.pages, found.pictures) == ([], 2, 2) and found.links == 5


@pytest.mark.parametrize("fault", [
    dict(body='<a href="gone.html">x</a>'), dict(body='<a href="deep/index.html#gone">x</a>'), dict(body='<a href="#gone">x</a>'),
    dict(body='<a href="../outside.html">x</a>'), dict(body='<svg><a href="gone.html">x</a></svg>'),
    dict(body='<img src="gone.png" alt="x">'),
    dict(body='<img src="red.png">'), dict(body='<img src="red.png" alt=" ">'), dict(style="p { background: url(gone.png) }")], ids=str)
def test_dead_links_and_silent_pictures_are_found(tmp_path, fault):
    assert len(planted(tmp_path / "site", **fault).problems) == 1


@pytest.mark.parametrize("fault", [
    dict(body='<script src="https://x.org/x.js"></script>'), dict(body="<SCRIPT SRC=//x.org/x.js></SCRIPT>"),
    dict(body='<link rel="preconnect" href="https://x.org">'), dict(body='<link rel="icon" href="https://x.org/i">'),
    dict(body='<img alt="x" src="HTTPS://x.org/x.png">'), dict(body='<img alt="x" srcset="https://x.org/x.png 2x" src="red.png">'),
    dict(body='<video src="https://x.org/v.mp4"></video>'), dict(body='<iframe src="https://x.org"></iframe>'),
    dict(body='<object data="https://x.org/o"></object>'), dict(body='<svg><image href="https://x.org/i.png"/></svg>'),
    dict(body='<svg><use xlink:href="https://x.org/i.svg#a"/></svg>'), dict(body='<p style="background:url(//x.org/p.png)">'),
    dict(body="<style>@import url(https://x.org/a.css)</style>"), dict(body='<script>fetch("https://x.org/d")</script>'),
    dict(body='<script type="importmap">{"imports": {"a": "https://x.org/a.js"}}</script>'),
    dict(body='<script type="module">import "https://x.org/m.js"</script>'), dict(style='@import "https://x.org/a.css";'),
    dict(style="@font-face { src: url( 'https://x.org/f.woff2' ) }"), dict(script="new Worker('https://x.org/w.js')"),
    dict(script="importScripts('https://x.org/w.js')"), dict(script="image.src = 'https://x.org/i.png'"),
    dict(script="export * from 'https://x.org/m.js'"), dict(script="r.open('GET', 'https://x.org/d')")], ids=str)
def test_what_is_loaded_from_elsewhere_is_found(tmp_path, fault):
    problem, = planted(tmp_path / "site", **fault).problems
    assert "from elsewhere" in problem


# --- what cannot be built is said in one sentence

def test_outside_of_a_clone(t2v, monkeypatch):
    monkeypatch.setattr("t2v_learn.cli.course_folder", lambda *places: None)
    status, out, lines = t2v("docs")
    assert status == 2 and not out and len(lines) == 1 and "clone t2v_learn" in lines[0]


@pytest.mark.parametrize("missing", ["sphinx", "sphinx_exercise"])
def test_without_sphinx(t2v, monkeypatch, missing):
    find = docs.importlib.util.find_spec
    monkeypatch.setattr(docs.importlib.util, "find_spec", lambda name: None if name == missing else find(name))
    status, out, lines = t2v("docs", "--output", "site")
    assert status == 2 and lines == [f'{missing} is missing, which makes the pages: run `pip install -e ".[docs]"`.']
    assert not Path("site").exists()


def test_without_npm(tmp_path, monkeypatch):
    pytest.importorskip("sphinx_book_theme", reason='needs pip install -e ".[docs]"')
    monkeypatch.setattr("t2v_learn.npm._npm_cache", lambda: tmp_path / "npm")
    monkeypatch.setattr("t2v_learn.npm.shutil.which", lambda name: None)
    with pytest.raises(InputError, match="install Node.js"): build_site(NBS, tmp_path / "site", work=tmp_path / "work")
    assert not (tmp_path / "site").exists()


def test_nothing_else_is_written_over(t2v, tmp_path):
    pytest.importorskip("sphinx_book_theme", reason='needs pip install -e ".[docs]"')
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    (tmp_path / "file").write_text("x")
    for output, words in (("mine", "is no site"), ("file", "is a file"), (NBS / "site", "among the notebooks"), (root, "is no site")):
        status, _, lines = t2v("docs", "--output", output)
        assert status == 2 and len(lines) == 1 and words in lines[0]
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


def test_a_page_that_cannot_be_made_is_left_out(tmp_path, monkeypatch):
    pytest.importorskip("t2v_learn.page")
    def refuse(*args, **kwargs): raise InputError("the page needs onnxscript.")
    monkeypatch.setattr("t2v_learn.page.build_page", refuse)
    said = []
    assert docs._lay_page(tmp_path / "try", "a stamp", said.append) is False
    assert said == ["Without the page that has the model in it: the page needs onnxscript."]


def test_a_taken_port_is_named(tmp_path):
    with site_server(tmp_path) as server, pytest.raises(InputError, match="name another with --port"):
        with site_server(tmp_path, server.server_address[1]): pass


# --- the site itself, built once

def build_once(place):
    "The site in a new folder, and what was said of it"
    start = time.monotonic()
    report = build_site(NBS, place / "html", work=place / "work")
    about = dict(warnings=report.warnings, problems=report.check.problems, pages=report.check.pages, links=report.check.links,
                 pictures=report.check.pictures, megabytes=report.megabytes, seconds=time.monotonic() - start)
    (place / "beside.json").write_text(json.dumps(about))
    (place / "beside.json").rename(place / "about.json")


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    "A folder with the site (html) and what is known of it (about.json); one process builds, the others wait"
    for name in ("sphinx", "myst_nb", "sphinx_book_theme", "sphinx_design", "sphinx_exercise"):
        pytest.importorskip(name, reason='needs pip install -e ".[docs]"')
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "site"
    try: place.mkdir()
    except FileExistsError:
        deadline = time.monotonic() + 1200
        while not (place / "about.json").exists() and not (place / "failed").exists():
            assert time.monotonic() < deadline, "the site is not built in 20 minutes"
            time.sleep(1)
        if (place / "failed").exists(): pytest.skip((place / "failed").read_text())
        return place
    try: build_once(place)
    except InputError as error:
        (place / "failed").write_text(str(error))
        if "npm" in str(error): pytest.skip(str(error))
        raise
    except BaseException as error:
        (place / "failed").write_text(repr(error))
        raise
    return place


@pytest.fixture(scope="session")
def about(built):
    return json.loads((built / "about.json").read_text())


def page_text(path):
    "The words of a page"
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", path.read_text(encoding="utf-8"), flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", text)).split())


@pytest.mark.slow
def test_nothing_is_dead_silent_or_from_elsewhere(built, about, record_property):
    for name in ("pages", "links", "pictures", "megabytes", "seconds"): record_property(name, round(about[name]))
    assert about["problems"] == []
    assert about["links"] > 5000 and about["pictures"] > 400
    assert about["warnings"] == []


@pytest.mark.slow
def test_every_lesson_is_there_in_order(built):
    index = (built / "html" / "index.html").read_text(encoding="utf-8")
    sidebar = index[index.index("bd-links"):index.index("</nav>", index.index("bd-links"))]
    listed = [name for name in re.findall(r'href="([^"#]+)\.html"', sidebar) if re.match(r"\d_\w+/\d\d_", name)]
    assert listed == [page.name for page in PAGES if page.number and "/" in page.name]
    for page in PAGES:
        text = page_text(built / "html" / f"{page.name}.html")
        assert page.title.replace("`", "") in text and page.name == "index" or "Download the notebook" in text
        assert (built / "html" / "notebooks" / f"{page.name}.ipynb").read_bytes() == page.path.read_bytes()
    lessons = (built / "html" / "5_diffusion").glob("*.html")
    assert "colab.research.google.com" not in "".join(path.read_text(encoding="utf-8") for path in lessons)


MODULES = {page.module: page for page in PAGES if page.module and not page.module.startswith("_")}


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_in_the_reference(built, module):
    import importlib
    path = built / "html" / "api" / f"{module}.html"
    ids = set(re.findall(r'\bid="([^"]+)"', path.read_text(encoding="utf-8")))
    text = page_text(path).replace("`", "")
    library = importlib.import_module(f"t2v_learn.{module}")
    commands = {c.callback.__name__ for c in library.app.registered_commands} if module == "cli" else set()
    for name in library.__all__:
        if name in commands: continue
        assert f"t2v_learn.{module}.{name}" in ids, f"{name} is missing"
        thing = getattr(library, name)
        if not callable(thing) or getattr(thing, "__module__", "") != library.__name__: continue
        lost = [comment for comment in docs._comments(thing).values() if " ".join(comment.replace("`", "").split()) not in text]
        assert not lost, f"comments of {name} are missing: {lost}"


@pytest.mark.slow
def test_every_command_is_in_the_reference(built):
    from typer.main import get_command

    from t2v_learn.cli import app
    text = page_text(built / "html" / "api" / "cli.html")
    for name in get_command(app).commands: assert f"Usage: t2v {name}" in text


@pytest.mark.slow
def test_the_spine_has_measured_shapes_and_leads_everywhere(built):
    text = (built / "html" / "spine.html").read_text(encoding="utf-8")
    for name in ("tiny", "emoji"):
        shape = json.loads((root / "t2v_learn" / "weights" / name / "config.json").read_text())["shape"]
        assert "×".join(map(str, [1, *shape])) in text
    lessons = set(re.findall(r'<a href="(\d_\w+/\d\d_\w+)\.html" aria-label', text))
    references = set(re.findall(r'<a href="api/([\w.]+)\.html" aria-label', text))
    assert {name[:1] for name in lessons} >= set("124567") and len(lessons) >= 15
    assert references <= set(MODULES) and len(references) >= 12


@pytest.mark.slow
def test_moving_clips_move(built):
    "Each animated picture that is stored in a notebook is an animated picture of the site"
    from PIL import Image
    frames = Counter()
    for path in (built / "html" / "_static" / "pictures").iterdir():
        if path.suffix == ".svg": continue
        with Image.open(path) as image: frames[getattr(image, "n_frames", 1) > 1] += 1
    assert frames[True] >= 30 and frames[False] >= 100


@pytest.mark.slow
def test_exercises_are_boxes_with_addresses(built):
    text = (built / "html" / "exercises.html").read_text(encoding="utf-8")
    links = re.findall(r'href="([^"]+\.html#exercise-[\w-]+)"', text)
    assert len(links) == len(set(links)) >= 40
    lesson = (built / "html" / "5_diffusion" / "51_noise.html").read_text(encoding="utf-8")
    assert len(re.findall(r'class="[^"]*\bexercise\b[^"]*" id="exercise-51-noise-\d"', lesson)) >= 3 and "<details>" in lesson


@pytest.mark.slow
def test_the_second_build_reads_nothing_again_and_forgets_what_went(built, record_property):
    pages = {path: path.stat().st_mtime_ns for path in (built / "work" / "doctrees").rglob("*.doctree")}
    left = built / "work" / "source" / "8_beyond" / "89_gone.ipynb"
    shutil.copy(built / "work" / "source" / "8_beyond" / "81_scale.ipynb", left)
    (built / "work" / "html" / "8_beyond" / "89_gone.html").write_text("<p>old</p>")
    report = build_site(NBS, built / "again", work=built / "work")
    record_property("seconds of the second build", round(report.seconds))
    again = {path: path.stat().st_mtime_ns for path in (built / "work" / "doctrees").rglob("*.doctree")}
    assert {path.stem for path in pages if again.get(path) != pages[path]} <= {"index"}, "pages were read again"
    assert not (built / "again" / "8_beyond" / "89_gone.html").exists() and not left.exists()
    assert report.check.problems == []


# --- in a browser, with the network cut

@contextmanager
def browser(folder, **settings):
    "A page of Chromium that reaches this folder only; yields it, its address, and lists of requests that led elsewhere or failed"
    from playwright.sync_api import sync_playwright
    with site_server(folder) as server, sync_playwright() as play:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_address[1]}/"
        cut = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
        chromium = play.chromium.launch(executable_path=find_browser(), args=["--no-sandbox", "--disable-gpu", cut])
        page = chromium.new_context(**settings).new_page()
        page.set_default_timeout(60_000)
        elsewhere, failed = [], []
        page.on("request", lambda r: None if r.url.startswith((base, "data:", f"blob:{base}")) else elsewhere.append(r.url))
        page.on("response", lambda r: failed.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        page.on("requestfailed", lambda r: failed.append(r.url) if "ERR_ABORTED" not in (r.failure or "") else None)
        try: yield page, base, elsewhere, failed
        finally:
            chromium.close()
            server.shutdown()


SEEN = ["index", "spine", "5_diffusion/51_noise", "1_video/13_show", "api/diffusion.noise", "glossary", "exercises", "changelog"]


@pytest.mark.slow
@pytest.mark.parametrize("width, theme", [(1400, "light"), (390, "dark")])
def test_pages_load_nothing_from_elsewhere(built, width, theme):
    with browser(built / "html", viewport=dict(width=width, height=900), color_scheme=theme) as (page, base, elsewhere, failed):
        for name in SEEN:
            page.goto(f"{base}{name}.html", wait_until="networkidle")
            for image in page.locator("article img").all()[:6]: image.scroll_into_view_if_needed()
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{name} is {wide} pixels wide"
            dark = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).every(v => v < 128)")
            assert dark == (theme == "dark"), name
        assert elsewhere == [] and failed == []


@pytest.mark.slow
def test_a_request_elsewhere_would_be_noticed(tmp_path):
    (tmp_path / "index.html").write_text("<script>const a = 'https:'; fetch(a + '//x.org/').catch(() => document.title = 'cut')</script>")
    assert check_site(tmp_path).problems == [], "put together by a script: only a browser sees it"
    with browser(tmp_path) as (page, base, elsewhere, failed):
        page.goto(f"{base}index.html")
        page.wait_for_function("document.title == 'cut'")
        assert elsewhere == ["https://x.org/"] and failed == ["https://x.org/"]


@pytest.mark.slow
def test_formulas_are_drawn(built):
    with browser(built / "html") as (page, base, elsewhere, failed):
        for name in ("5_diffusion/51_noise", "6_judge/67_measures"):
            page.goto(f"{base}{name}.html", wait_until="networkidle")
            n = page.locator(".math").count()
            assert n >= 3
            page.wait_for_function("n => document.querySelectorAll('.math mjx-container').length == n", arg=n)
            assert page.locator("mjx-merror, mjx-error").count() == 0
            assert page.locator(".math mjx-container").first.bounding_box()["width"] > 5
        assert elsewhere == [] and failed == []


@pytest.mark.slow
def test_the_search_finds(built):
    with browser(built / "html") as (page, base, elsewhere, failed):
        page.goto(f"{base}search.html?q=classifier-free+guidance")
        page.wait_for_selector("#search-results li a")
        page.wait_for_function("document.querySelector('#search-results h2, #search-results p.search-summary') !== null")
        found = [link.get_attribute("href") for link in page.locator("#search-results li a").all()]
        assert any("56_guidance" in link for link in found), found
        page.goto(f"{base}search.html?q=qwxzy")
        page.wait_for_function("document.querySelector('#search-results').textContent.includes('did not match')")
        assert elsewhere == [] and failed == []


@pytest.mark.slow
def test_a_clip_moves(built):
    with browser(built / "html", viewport=dict(width=1400, height=900)) as (page, base, *_):
        page.goto(f"{base}1_video/13_show.html", wait_until="networkidle")
        clip = page.locator('img[alt*="moving picture"]').first
        clip.scroll_into_view_if_needed()
        page.wait_for_timeout(300)
        first = clip.screenshot()
        for _ in range(50):
            if clip.screenshot() != first: return
            page.wait_for_timeout(100)
        pytest.fail("the clip stands still")


@pytest.mark.slow
def test_the_page_with_the_model_opens_from_the_site(built):
    if not (built / "html" / "try" / "index.html").is_file(): pytest.skip("the page with the model could not be made here")
    with browser(built / "html") as (page, base, elsewhere, failed):
        page.goto(f"{base}index.html")
        page.locator("nav.bd-links a", has_text="Try it here").click()
        page.locator("article a", has_text="Open the page").click()
        page.wait_for_selector("#generate:not([disabled])")
        assert elsewhere == [] and failed == []


def test_this_file_names_what_it_looks_at():
    "Pages that the browser opens are pages of the course, so that no test looks at an error page"
    known = {page.name for page in PAGES} | {"spine", "exercises", "changelog"} | {f"api/{module}" for module in MODULES}
    assert set(SEEN) <= known
    assert isinstance(LESSON, Page) and ast.parse(Path(__file__).read_text(encoding="utf-8"))


def test_what_no_build_made_is_not_removed(tmp_path):
    place = tmp_path / "site"
    place.mkdir()
    docs._check_place(place, NBS)
    (place / "index.html").write_text("old")
    with pytest.raises(InputError, match="no site of t2v"): docs._check_place(place, NBS)
    docs._note_names(place)
    docs._check_place(place, NBS)
    (place / ".git").mkdir()
    with pytest.raises(InputError, match=".git, which no build made"): docs._check_place(place, NBS)


def test_the_old_site_comes_back_if_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text(name)
    rename = Path.rename
    def fails(self, target):
        if self.name == "new": raise PermissionError(13, "it is open elsewhere")
        return rename(self, target)
    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(PermissionError): docs._replace(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old" / "index.html").read_text() == "old" and sorted(path.name for path in tmp_path.iterdir()) == ["new", "old"]
