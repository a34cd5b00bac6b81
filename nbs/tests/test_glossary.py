"The glossary: in the order of the alphabet, one sentence a term, and each term stands in the lesson that is named"
import re

import nbformat
import pytest
from rerun import root

ROW = re.compile(r"^\| \*\*(.+?)\*\* \| (.+) \| \[(\d\d [^\]]+)\]\(([^)]+)\) \|$", re.M)
GLOSSARY = root / "nbs" / "glossary.ipynb"


def prose(path):
    "The text of a notebook, without code"
    return "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown")


ROWS = ROW.findall(prose(GLOSSARY))


def test_terms_are_in_order():
    terms = [term.lower() for term, *_ in ROWS]
    assert terms == sorted(set(terms)) and len(terms) >= 40
    assert len(terms) == len([line for line in prose(GLOSSARY).splitlines() if line.startswith("| **")]), "a row has another form"


def test_terms_have_one_sentence():
    wrong = [term for term, meaning, *_ in ROWS if not re.fullmatch(r"[A-Z][^.]*(?:\.\d[^.]*)*\.", meaning)]
    assert not wrong, wrong


@pytest.mark.parametrize("term, lesson, link", [pytest.param(term, lesson, link, id=term) for term, _, lesson, link in ROWS])
def test_term_stands_in_its_lesson(term, lesson, link):
    path = GLOSSARY.parent / link
    assert path.exists() and path.stem.replace("_", " ") == lesson, "the link leads elsewhere"
    words = r"[\s-]+".join(re.escape(word) for word in term.split())
    found = re.search(rf"(?<!\w){words}", prose(path), re.I) is not None
    assert found, f"{lesson} does not say {term!r}"
