"How the library is built, read from its sources: reading order is import order, one step per line, one concept in one class"
import ast
import re
from collections import Counter
from graphlib import CycleError, TopologicalSorter

import nbformat
import pytest
from rerun import notebooks, root

LIBRARY = root / "t2v_learn"
TESTED_PARTS = ("training", "gan", "diffusion", "judge", "latent", "beyond")
TEST_FILES = {"diffusion.pipeline": "test_diffusion_pipeline.py", "gan.train": "test_gan_train.py"}   # the others: test_<module>.py
MAX_PACKINGS = 6    # per 1,000 lines of code
MAX_NAMES = 13.8    # public ones, a module on average
MAX_LINES = 60      # of a cell


# --- what is read

def module_name(path):
    "video/clips.py -> video.clips; the package itself is the empty string"
    return ".".join(path.relative_to(LIBRARY).with_suffix("").parts).removesuffix("__init__").rstrip(".")


PATHS = {module_name(p): p for p in LIBRARY.rglob("*.py") if p.name != "_modidx.py" and p.read_text(encoding="utf-8").strip()}
TREES = {name: ast.parse(p.read_text(encoding="utf-8")) for name, p in PATHS.items()}
NOTEBOOKS = notebooks()


def number(stem):
    "The number of a lesson by its file's name; None for the index and the tools, which have none"
    found = re.match(r"(\d+)_", stem)
    return found and int(found[1])


def lesson_numbers():
    "The number of the lesson that each module was exported from, as nbdev wrote it at the first cell; modules without a number left out"
    found = {name: re.search(r"^# %% \S*nbs/(?:\S+/)?(\S+)\.ipynb", path.read_text(encoding="utf-8"), re.M) for name, path in PATHS.items()}
    return {name: number(match[1]) for name, match in found.items() if match and number(match[1]) is not None}


def lazy_names():
    "Names that `t2v_learn` itself offers, with the module that each comes from"
    tables = [n.value for n in TREES[""].body if isinstance(n, ast.Assign) and getattr(n.targets[0], "id", "") == "_modules"]
    return ast.literal_eval(tables[0])


def imported(tree, here=None):
    "Modules of the library that a syntax tree imports, inside functions included; `here`: the module whose tree it is, if it is one"
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.removeprefix("t2v_learn.") for alias in node.names if alias.name.startswith("t2v_learn."))
        elif isinstance(node, ast.ImportFrom):
            base = (node.module or "").split(".") if node.module else []
            if node.level: base = ["t2v_learn", *here.split(".")][:-node.level] + base
            if base[:1] != ["t2v_learn"]: continue
            for alias in node.names:
                inside = ".".join([*base[1:], alias.name])                    # `from t2v_learn.video import clips`
                name = ".".join(base[1:]) or lazy_names().get(alias.name, "")
                yield inside if inside in PATHS else name


def code_cells(path):
    "The code cells of a notebook as (cell id, source), without lines that are IPython's"
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code": yield cell.id, re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.M)


EDGES = {name: {other for other in imported(tree, name) if other and other != name} for name, tree in TREES.items()}


# --- reading order = import order = number

def test_notebook_numbers_are_the_reading_order():
    "The first digit of a lesson is its part's, the second its own; core, which all parts need, is 00"
    lessons = [p for p in NOTEBOOKS if number(p.stem) is not None]
    wrong = [p.stem for p in lessons if p.parent.name[:1] != p.stem[:1] and p.stem != "00_core" or not re.match(r"\d\d_", p.stem)]
    assert not wrong, wrong
    numbers = [number(p.stem) for p in sorted(lessons, key=lambda p: (p.parent != root / "nbs", p.parent.name, p.name))]
    assert numbers == sorted(set(numbers)), f"not a reading order: {numbers}"


def test_every_module_knows_its_lesson():
    "A module is a numbered lesson's or a tool's"
    without = set(PATHS) - set(lesson_numbers()) - {""}
    tools = {name for name in without if re.search(r"^# %% \S*nbs/tools/", PATHS[name].read_text(encoding="utf-8"), re.M)}
    assert without == tools, without - tools


def test_no_module_imports_a_later_lesson():
    numbers = lesson_numbers()
    late = [f"{name} ({numbers[name]}) imports {other} ({numbers[other]})" for name in numbers for other in EDGES[name]
            if numbers.get(other, 0) > numbers[name]]
    assert not late, late


def test_no_lesson_imports_a_later_one():
    "Cells that are not exported included"
    numbers = lesson_numbers()
    late = [f"{path.stem}, cell {id_}: {other}" for path in NOTEBOOKS if number(path.stem) is not None for id_, code in code_cells(path)
            for other in imported(ast.parse(code)) if numbers.get(other, 0) > number(path.stem)]
    assert not late, late


def test_no_circle_of_imports():
    "Of any length"
    try: TopologicalSorter(EDGES).prepare()
    except CycleError as error: pytest.fail(" <- ".join(error.args[1]))


def test_nobody_imports_the_tools():
    numbers = lesson_numbers()
    wrong = {name: EDGES[name] - set(numbers) for name in numbers if EDGES[name] - set(numbers)}
    assert not wrong, wrong


# --- one step per line

def source_of(value):
    "What a packed value is a part of, or a result of"
    if isinstance(value, ast.Call): return ast.dump(value.func)
    if isinstance(value, (ast.Attribute, ast.Subscript)): return ast.dump(value.value)
    return ast.dump(value)


def is_packing(node):
    "`a, b = x, y` with values that are not parts of one thing or results of one function"
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Tuple) or not isinstance(node.targets[0], ast.Tuple): return False
    return len({source_of(value) for value in node.value.elts}) > 1


def is_thrown_away(node):
    "A statement that only computes a value: calls strung together, a comparison, a comprehension made for what it does on the way"
    useless = (ast.Tuple, ast.List, ast.ListComp, ast.SetComp, ast.DictComp, ast.Compare, ast.Subscript)
    return isinstance(node, ast.Expr) and isinstance(node.value, useless)


def places(wanted):
    return [f"{name or '__init__'}:{node.lineno}" for name, tree in TREES.items() for node in ast.walk(tree) if wanted(node)]


@pytest.mark.parametrize("code, wanted", [("a, b = x, y", True), ("a, b = f(x), g(x)", True), ("self.a, self.b = a, [b]", True),
                                          ("a, b = x", False), ("a, b = f(x), f(y)", False),
                                          ("a, b = x.a, x.b", False), ("a, b = (f(x) for x in y)", False)])
def test_packing_is_recognised(code, wanted):
    assert is_packing(ast.parse(code).body[0]) == wanted


@pytest.mark.parametrize("code, wanted", [("f(), g()", True), ("[f(x) for x in y]", True), ("a == b", True), ("a[0]", True), ("f()", False),
                                          ('"a docstring"', False), ("assert a == b", False), ("...", False)])
def test_what_is_thrown_away_is_recognised(code, wanted):
    assert is_thrown_away(ast.parse(code).body[0]) == wanted


def test_little_is_packed():
    lines = sum(bool(re.match(r"\s*[^\s#]", line)) for path in PATHS.values() for line in path.read_text(encoding="utf-8").splitlines())
    found = places(is_packing)
    assert len(found) <= MAX_PACKINGS * lines / 1000, f"{len(found)} in {lines:,} lines; give each its own line: {found}"


def test_nothing_is_thrown_away():
    found = places(is_thrown_away)
    assert not found, found


# --- one concept in one place

def test_public_names():
    "What only one module or lesson uses begins with _"
    counts = {name: len(ast.literal_eval(n.value)) for name, tree in TREES.items() for n in tree.body   # the package passes names on
              if name and isinstance(n, ast.Assign) and getattr(n.targets[0], "id", "") == "__all__"}
    average = sum(counts.values()) / len(counts)
    assert average <= MAX_NAMES, f"{average:.2f}: {dict(sorted(counts.items(), key=lambda pair: -pair[1]))}"


@pytest.mark.parametrize("path", [pytest.param(p, id=p.stem) for p in NOTEBOOKS])
def test_no_cell_is_too_long(path):
    lengths = {cell.id: len(cell.source.splitlines()) for cell in nbformat.read(path, as_version=4).cells}
    long = {id_: n for id_, n in lengths.items() if n > MAX_LINES}
    assert not long, long


def test_no_base_class_without_a_second_use():
    "A class that only one other builds on, and nothing else names, is a page break: one class"
    classes = {node.name for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    nodes = [node for tree in TREES.values() for node in ast.walk(tree)]
    builds_on = Counter(base.id for node in nodes if isinstance(node, ast.ClassDef) for base in node.bases if isinstance(base, ast.Name))
    uses = Counter(node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
    alone = sorted(name for name in classes if builds_on[name] == 1 and uses[name] == 1)
    assert not alone, alone


# --- tests mirror modules

@pytest.mark.parametrize("name", sorted(name for name in PATHS if name.split(".")[0] in TESTED_PARTS))
def test_module_has_its_tests(name):
    "A file of its name, about that module, with something in it that the quick round runs"
    path = root / "nbs" / "tests" / TEST_FILES.get(name, f"test_{name.split('.')[-1]}.py")
    assert path.exists(), f"there is no {path.name}"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert name in set(imported(tree)), f"{path.name} does not import t2v_learn.{name}"
    tests = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    assert any("mark.slow" not in ast.unparse(mark) for test in tests for mark in test.decorator_list or [ast.Pass()]), "all of it is slow"
