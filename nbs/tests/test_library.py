"The library is what the notebooks export, loads lightly, and does nothing unsafe"
import ast
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from functools import lru_cache

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rerun import notebooks, root

lib = root / "t2v_learn"
HEAVY = {"transformers", "matplotlib", "ipywidgets", "sklearn", "accelerate", "diffusers", "imageio", "av", "IPython"}
UNSAFE_MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}


def python(code, **env):
    "Standard output of `code` run in a fresh interpreter"
    env = {k: v for k, v in os.environ.items() if k != "IN_TEST"} | env
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, cwd=root)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sources(folder):
    "Text of each module under `folder` by its path, without the empty __init__.py of a part"
    found = {p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8") for p in folder.rglob("*.py")}
    return {name: text for name, text in found.items() if text.strip()}


@pytest.fixture(scope="session")
def copy(tmp_path_factory):
    "A copy of what nbdev reads: settings.ini and the notebooks"
    folder = tmp_path_factory.mktemp("copy")
    shutil.copy(root / "settings.ini", folder)
    for path in notebooks():
        target = folder / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return folder


@pytest.fixture(scope="session")
def exported(copy):
    "The library as `nbdev_export` makes it from nothing"
    python(f"import os; os.chdir({str(copy)!r}); from nbdev.doclinks import nbdev_export; nbdev_export()")
    return sources(copy / "t2v_learn")


def test_every_module_has_its_notebook(exported):
    assert not set(sources(lib)) - set(exported), "left over from a deleted notebook: remove it"


def test_every_notebook_has_its_module(exported):
    assert not set(exported) - set(sources(lib)), "not exported: run nbdev_export"


def test_library_is_in_step_with_notebooks(exported):
    here = sources(lib)
    differ = [name for name in exported if here.get(name) != exported[name]]
    assert not differ, f"edit the notebook, then run nbdev_export: {differ}"


def test_every_part_is_a_package():
    without = [p.relative_to(root) for p in {p.parent for p in lib.rglob("*.py")} if not (p / "__init__.py").exists()]
    assert not without, without


def test_notebooks_are_clean(copy):
    "`nbdev_clean` finds nothing to do"
    python(f"import os; os.chdir({str(copy)!r}); from nbdev.clean import nbdev_clean; nbdev_clean()")
    dirty = [p.stem for p in notebooks() if (copy / p.relative_to(root)).read_text(encoding="utf-8") != p.read_text(encoding="utf-8")]
    assert not dirty, f"run nbdev_clean: {dirty}"


def settings():
    parser = ConfigParser(delimiters=["="])
    parser.read(root / "settings.ini", encoding="utf-8")
    return parser["DEFAULT"]


@lru_cache
def installed_by(*requirements):
    "Names of all packages that pip installs for these requirements, theirs and so on; a package that is not here is left out"
    todo, seen = [Requirement(text) for text in requirements], set()
    while todo:
        requirement = todo.pop()
        key = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if key in seen: continue
        seen.add(key)
        try: needs = [Requirement(text) for text in importlib.metadata.requires(requirement.name) or []]
        except importlib.metadata.PackageNotFoundError: continue
        extras = [{"extra": extra} for extra in ("", *requirement.extras)]
        todo += [need for need in needs if not need.marker or any(need.marker.evaluate(extra) for extra in extras)]
    return {name for name, _ in seen}


def missing_from(installed, code):
    "Modules that a text imports, inside functions too, and that none of these packages holds"
    code = re.sub(r"^\s*[%!].*$", "", code, flags=re.M)                # IPython's own lines
    found = [node for node in ast.walk(ast.parse(code)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    names = {alias.name for node in found if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in found if isinstance(node, ast.ImportFrom) and not node.level}
    names = {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"t2v_learn"}
    return {name for name in names if not installed & {canonicalize_name(package) for package in PACKAGES.get(name, [])}}


PACKAGES = importlib.metadata.packages_distributions()                 # module: packages that hold it


def test_what_is_missing_is_recognised():
    installed = installed_by("imageio[ffmpeg]", "jupyterlab")
    assert {"imageio-ffmpeg", "nbclient", "ipython"} <= installed and "playwright" not in installed
    code = "%matplotlib inline\nimport os, IPython\ndef f(): from playwright.sync_api import Page"
    assert missing_from(installed, code) == {"playwright"}


FOR_NOTEBOOKS = {"explore.py"}   # they work in a notebook only, so they may import what `.[lab]` brings, inside functions


def test_library_needs_no_more_than_pip_installs():
    installed = installed_by(*settings()["requirements"].split())
    with_lab = installed_by(*settings()["requirements"].split(), *settings()["lab_requirements"].split())
    missing = {name: missing_from(with_lab if name in FOR_NOTEBOOKS else installed, text) for name, text in sources(lib).items()}
    assert not any(missing.values()), {name: what for name, what in missing.items() if what}


@pytest.mark.parametrize("path", [pytest.param(p, id=p.stem) for p in notebooks()])
def test_notebook_needs_no_more_than_lab_installs(path):
    installed = installed_by(*settings()["requirements"].split(), *settings()["lab_requirements"].split())
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code": assert not missing_from(installed, cell.source), f"put it into lab_requirements: cell {cell.id}"


def test_version_is_stated_once():
    index = json.loads((root / "nbs" / "index.ipynb").read_text(encoding="utf-8"))
    version = settings()["version"]
    stated = f'__version__ = "{version}"'
    assert any(stated in "".join(cell["source"]) for cell in index["cells"]), f"nbs/index.ipynb does not say {stated}"
    assert python("import t2v_learn; print(t2v_learn.__version__)").strip() == version


def test_import_is_light():
    "`import t2v_learn` adds little to `import torch` and loads nothing heavy"
    code = "import time, torch, sys; before = set(sys.modules); start = time.perf_counter(); import t2v_learn; " \
           "took = time.perf_counter() - start; import json; print(json.dumps([took, sorted(set(sys.modules) - before)]))"
    took, loaded = json.loads(python(code))
    assert not HEAVY & set(loaded)
    assert took <= 0.3, f"{took:.2f} s"


def test_every_module_is_light():
    "No module loads what only some of its functions need"
    names = [".".join(("t2v_learn", *p.relative_to(lib).with_suffix("").parts)).removesuffix(".__init__") for p in lib.rglob("*.py")]
    code = f"import importlib, sys, torch; before = set(sys.modules); [importlib.import_module(n) for n in {sorted(names)!r}]; " \
           "import json; print(json.dumps(sorted(set(sys.modules) - before)))"
    heavy = HEAVY & set(json.loads(python(code)))
    assert not heavy, f"imported at the top of a module: {heavy}"


def test_public_names_are_there():
    "What `t2v_learn` says it offers can be had, and a wrong name is refused as usual"
    python("import t2v_learn; [getattr(t2v_learn, name) for name in t2v_learn.__all__]; from t2v_learn import *")
    python("import t2v_learn; assert not hasattr(t2v_learn, 'no_such_name')")


def unsafe(tree):
    "What in a syntax tree loads by unpickling, trusts remote code, or ties the code to one kind of device"
    for node in ast.walk(tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom): names = [node.module or ""]
        yield from (f"import {name}" for name in names if name.split(".")[0] in UNSAFE_MODULES)
        if not isinstance(node, ast.Call): continue
        called, keywords = ast.unparse(node.func), {k.arg: ast.unparse(k.value) for k in node.keywords}
        if called in ("torch.load", "torch.save", "torch.jit.load") or called.endswith(".cuda"): yield called
        yield from (f"{k}=..." for k in ("trust_remote_code", "allow_pickle") if keywords.get(k, "False") != "False")


@pytest.mark.parametrize("code", ["x.cuda()", "import pickle", "from joblib import load", "torch.load('a')", "f(trust_remote_code=True)"])
def test_unsafe_code_is_recognised(code):
    assert list(unsafe(ast.parse(code)))


def test_library_is_safe():
    found = {name: list(unsafe(ast.parse(text))) for name, text in sources(lib).items()}
    assert not any(found.values()), {name: what for name, what in found.items() if what}


def test_ruff_is_content():
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "."], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_top_level_is_tidy():
    "What a visitor sees at the top, hidden files aside"
    git = shutil.which("git")
    if not git or not (root / ".git").exists(): pytest.skip("not a git checkout")
    files = subprocess.run([git, "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout.split()
    top = {f.split("/")[0] for f in files if not f.startswith(".")}
    assert top <= {"nbs", "t2v_learn", "data", "settings.ini", "setup.py", "README.md", "LICENSE"}
