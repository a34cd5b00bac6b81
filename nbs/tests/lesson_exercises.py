"The exercises of a lesson as its tests need them: the stubs that stand in the cells, and the solutions that fold away"
import re

import nbformat
from rerun import root


def exercises(lesson):
    "All (number, check cell, stub cell, solution) of a notebook; the solution is the code in its <details>"
    cells = {cell.id: cell.source for cell in nbformat.read(root / "nbs" / lesson, as_version=4).cells}
    numbers = sorted({match[1] for id_ in cells if (match := re.fullmatch(r"exercise-(\d+)", id_))})
    found = []
    for k in numbers:
        solution = re.search(r"<details>.*?```python\n(.*?)```", cells[f"exercise-{k}-solution"], re.S)[1]
        found.append((k, cells[f"exercise-{k}-check"], cells[f"exercise-{k}"], solution))
    return found


def said(check, answer, stub, names):
    "What the check prints for an answer: the call is the last line of the stub"
    import contextlib
    import io
    scope = dict(names)
    exec(check, scope)
    exec(answer, scope)
    with contextlib.redirect_stdout(io.StringIO()) as printed: exec(stub.strip().splitlines()[-1], scope)
    return printed.getvalue().strip()
