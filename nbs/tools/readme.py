"""Make README.md from nbs/index.ipynb: python nbs/tools/readme.py

Cells tagged `hide` are dropped, and those tagged `tour`, which are for whoever runs the notebook; outputs stay, and of cells tagged
`output-only` nothing else. Pictures among the outputs go to .github/readme/. Links in the notebook are relative to nbs/, where they work
in JupyterLab; in the README they become relative to the top of the repository.
"""
import posixpath
import re
import sys
from pathlib import Path

import nbformat
from jinja2 import DictLoader
from nbconvert import MarkdownExporter
from traitlets.config import Config

root = Path(__file__).resolve().parents[2]
pictures = ".github/readme"
LINK = re.compile(r"""(\]\(|\b(?:src|href)=["'])(?![a-z]+:|#|/)([^)"'\s]+)""")
# nbconvert's own Markdown forgets the width at which a picture wants to be shown
TEMPLATE = """{%- extends 'markdown/index.md.j2' -%}
{%- macro picture(output, kind) -%}
{%- set about = output.metadata.get(kind) or output.metadata -%}
<img src="{{ output.metadata.filenames[kind] }}"
{%- if about.get('alt') %} alt="{{ about.get('alt') | e }}"{% endif %}
{%- if about.get('width') %} width="{{ about.get('width') }}"{% endif %}>
{% endmacro -%}
{% block data_png %}{{ picture(output, 'image/png') }}{% endblock -%}
{% block data_gif %}{{ picture(output, 'image/gif') }}{% endblock -%}
"""


def from_root(link):
    "A link relative to nbs/ as a link relative to the top of the repository"
    path, hash_, anchor = link.partition("#")
    return posixpath.normpath(posixpath.join("nbs", path)) + hash_ + anchor


def visible(nb):
    "The notebook without hidden cells and nbdev's directives, its links as seen from the top"
    nb.cells = [c for c in nb.cells if not {"hide", "tour"} & set(c.metadata.get("tags", []))]
    for cell in nb.cells:
        if "output-only" in cell.metadata.get("tags", []): cell.metadata["transient"] = dict(remove_source=True)
        if cell.cell_type == "code": cell.source = re.sub(r"^#\s*\|.*\n?", "", cell.source, flags=re.M)
        else: cell.source = LINK.sub(lambda m: m[1] + from_root(m[2]), cell.source)
    nb.cells = [c for c in nb.cells if c.source.strip()]
    nb.metadata["language_info"] = {"name": "python"}  # nbdev_clean drops it, and the code fences need it
    return nb


def render(path=root / "nbs" / "index.ipynb"):
    "README text, and the pictures it shows as a dict of file name -> bytes"
    config = Config({"ExtractOutputPreprocessor": {"output_filename_template": pictures + "/{cell_index}_{index}{extension}"}})
    exporter = MarkdownExporter(config=config, extra_loaders=[DictLoader({"readme.md.j2": TEMPLATE})], template_file="readme.md.j2")
    text, resources = exporter.from_notebook_node(visible(nbformat.read(path, as_version=4)))
    text = re.sub(r"[ \t]+$", "", text, flags=re.M)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n", resources["outputs"]


def write(text, files, folder=root):
    "Write the README and its pictures, and remove pictures it no longer shows"
    (folder / "README.md").write_text(text, encoding="utf-8", newline="\n")
    for old in (folder / pictures).glob("*"): old.unlink()
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    text, files = render()
    write(text, files)
    print(f"README.md: {len(text.splitlines())} lines, {len(files)} pictures", file=sys.stderr)
