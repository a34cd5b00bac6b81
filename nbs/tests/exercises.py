"""How an exercise of a lesson is found and tried, without running the lesson.

An exercise N is: a text that begins with `**N. Title** (medium; importance 2 of 3; 10 minutes).` and folds a solution away (and hints, if
it has any); a code cell `exercise-N` with a stub; a code cell `exercise-N-check` that calls `check.name(yours)` of `t2v_learn.exercises`.
What the check prints last begins with "right" or with "not yet: ". Around an exercise there is what the lesson's cells import, what its
module defines, and the cells that have the tag `exercise`.

`answers/LESSON.py` holds other answers, each after a line `# %% N right` or `# %% N wrong: part of the message that it must get`.
"""
import ast
import importlib
import io
import re
from contextlib import redirect_stdout
from functools import lru_cache

import nbformat
from rerun import notebooks, root

TITLE = re.compile(r"^\*\*(\d)\. ([^*]+)\*\* \((easy|medium|hard); importance ([123]) of 3; (\d+) minutes\)\.", re.M)
SOLUTION = re.compile(r"<details><summary>Solution</summary>\s+```python\n(.*?)^```", re.M | re.S)
ANSWER = re.compile(r"^# %% (\d) (right|wrong: [^\n]+)\n(.*?)(?=^# %% |\Z)", re.M | re.S)
CALL = re.compile(r"^check\.(\w+)\((\w+(?:, \w+)*)\)$")


def is_imports(source):
    "Whether a cell holds imports and nothing else"
    body = ast.parse(re.sub(r"^\s*[%!].*$", "", source, flags=re.M)).body
    return bool(body) and all(isinstance(node, (ast.Import, ast.ImportFrom)) for node in body)


@lru_cache
def cells(stem):
    path, = (p for p in notebooks() if p.stem == stem)
    return nbformat.read(path, as_version=4).cells


def checks(stem):
    "The check cells of a lesson by the numbers of their exercises; empty where it has none of this form"
    found = {re.fullmatch(r"exercise-(\d)-check", cell.id): cell for cell in cells(stem) if cell.cell_type == "code"}
    return {int(match[1]): cell for match, cell in found.items() if match and CALL.match(cell.source)}


def lessons():
    "The lessons whose exercises have this form"
    return [p.stem for p in notebooks() if checks(p.stem)]


def prose(stem):
    return "\n\n".join(cell.source for cell in cells(stem) if cell.cell_type == "markdown")


def titles(stem):
    "Number, title, difficulty, importance and minutes of each exercise, as the lesson says them"
    found = TITLE.findall(prose(stem))
    return [(int(n), title, difficulty, int(importance), int(minutes)) for n, title, difficulty, importance, minutes in found]


def texts(stem):
    "The prose of each exercise by its number, from its title to the next"
    starts = [match.start() for match in TITLE.finditer(prose(stem))] + [len(prose(stem))]
    return {int(prose(stem)[start + 2]): prose(stem)[start:end] for start, end in zip(starts, starts[1:])}


def solution(stem, number):
    return SOLUTION.search(texts(stem)[number])[1]


def stub(stem, number):
    source, = (cell.source for cell in cells(stem) if cell.id == f"exercise-{number}")
    return source


@lru_cache
def answers(stem):
    "Answers to try, as (number, `right` or the part of the message that it must get, source)"
    path = root / "nbs" / "tests" / "answers" / f"{stem}.py"
    if not path.exists(): return ()
    return tuple((int(n), kind.removeprefix("wrong: "), source) for n, kind, source in ANSWER.findall(path.read_text(encoding="utf-8")))


@lru_cache
def around(stem):
    "The names that the exercises of a lesson stand among"
    sources = [re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.M) for cell in cells(stem) if cell.cell_type == "code"]
    module, = re.findall(r"^# ?\| ?default_exp (\S+)", "\n".join(sources), re.M)
    names = {name: value for name, value in vars(importlib.import_module(f"t2v_learn.{module}")).items() if not name.startswith("__")}
    for source in sources:
        if is_imports(source): exec(source, names)
    for cell in cells(stem):
        if "exercise" in cell.metadata.get("tags", []): exec(re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.M), names)
    return names


def verdict(stem, number, answer):
    "What the check of an exercise prints last about an answer, given as the text of its cell"
    import matplotlib.pyplot as plt
    plt.switch_backend("Agg")
    names = dict(around(stem))
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(answer, names)
        exec(checks(stem)[number].source, names)
    plt.close("all")
    lines = printed.getvalue().strip().splitlines() or [""]
    return lines[-1]
