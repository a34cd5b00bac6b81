"README.md is made from the index notebook, and what it says to type works"
import os
import re
import shutil
import subprocess
import sys

import pytest
from readme import pictures, render
from rerun import notebooks, offline, root


@pytest.fixture(scope="session")
def text():
    return (root / "README.md").read_text(encoding="utf-8")


def blocks(text, *languages):
    "Code blocks of the README in these languages"
    return [code for language, code in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S) if language in languages]


def commands(text):
    "Each call of the command line in the README as [subcommand, rest]"
    shell = "\n".join(blocks(text, "bash", "sh", "shell")).replace("\\\n", " ")
    return re.findall(r"(?:^|[\s/\\])t2v[ \t]+([a-z]+)([^\n&|;#]*)", shell)


def test_readme_is_in_step_with_the_index(text):
    fresh, files = render()
    assert text == fresh, "run python nbs/tools/readme.py"
    stored = {p.relative_to(root).as_posix(): p.read_bytes() for p in (root / pictures).glob("*")}
    assert stored == files, "run python nbs/tools/readme.py"


def test_readme_links_lead_somewhere(text):
    links = re.findall(r"\]\(([^)\s]+)", text) + re.findall(r"""\b(?:src|href)=["']([^"']+)""", text)
    files = [link.split("#")[0] for link in links if not re.match(r"[a-z]+:|#", link)]
    assert files, "a README without a single picture or lesson?"
    broken = [f for f in files if not (root / f).exists()]
    assert not broken, broken


def test_course_table_is_the_reading_order(text):
    "Every notebook is in the table of the README, in the order in which it is read"
    listed = re.findall(r"^\| \[[^\]]+\]\((nbs/[^)]+\.ipynb)\)", text, re.M)
    numbered = [p.relative_to(root).as_posix() for p in notebooks() if p.stem[0].isdigit()]
    others = {p.relative_to(root).as_posix() for p in notebooks() if not p.stem[0].isdigit()} - {"nbs/index.ipynb"}
    others = {name for name in others if not name.startswith("nbs/tools/exercises/") or name.endswith("answers.ipynb")}   # one row
    assert listed[:len(numbered)] == numbered
    assert set(listed[len(numbered):]) == others


@pytest.mark.slow
def test_readme_python_runs(text, tmp_path):
    "The Python blocks, in order, as one script in an empty folder"
    found = blocks(text, "python")
    assert found, "the README shows no Python"
    (tmp_path / "readme.py").write_text("\n".join(found), encoding="utf-8")
    done = subprocess.run([sys.executable, "readme.py"], cwd=tmp_path, env={**os.environ, **offline}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_readme_shell_parses(text):
    found = blocks(text, "bash", "sh", "shell")
    assert found, "the README shows no command"
    if not shutil.which("bash") or sys.platform == "win32": pytest.skip("no bash to parse with")
    for code in found:
        done = subprocess.run(["bash", "-n"], input=code, capture_output=True, text=True)
        assert done.returncode == 0, f"{code}\n{done.stderr}"


def test_readme_commands_exist(text):
    "Each `t2v` subcommand of the README is there, and has the options that the README gives it"
    found = commands(text)
    assert {"generate"} <= {name for name, _ in found}, "the README does not say how to generate"
    for name in {name for name, _ in found}:
        env = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
        done = subprocess.run([sys.executable, "-c", "from t2v_learn.cli import main; main()", name, "--help"],
                              capture_output=True, text=True, encoding="utf-8", env={**env, "PYTHONIOENCODING": "utf-8"})
        assert done.returncode == 0, f"t2v {name}: {done.stderr}"
        options = {o for n, rest in found if n == name for o in re.findall(r"(?<!\S)--?[a-z][\w-]*", rest)}
        unknown = [o for o in options if not re.search(rf"(?<![\w-]){o}(?![\w-])", done.stdout)]
        assert not unknown, f"t2v {name} has no {unknown}"
