"""Settings of Sphinx for the site that `t2v docs` builds (nbs/tools/docs.ipynb).

This file is copied beside the pages; site.json, which is written there, says what changes from build to build.
"""
import importlib
import json
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
site = json.loads((here / "site.json").read_text(encoding="utf-8"))
for module in site["modules"]: importlib.import_module(f"t2v_learn.{module}")   # some give methods to classes of others
sys.setrecursionlimit(10_000)

project = author = site["title"]
version = release = site["version"]
html_title = site["title"]
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.viewcode", "sphinx.ext.mathjax", "sphinx_design", "sphinx_exercise",
              "t2v_learn.docs"]
exclude_patterns = ["_beside", "_static"]
language = "en"
smartquotes = False                       # the words of the lessons as they are

# pages from notebooks: what is stored in them, nothing is run, no widgets from elsewhere
nb_execution_mode = "off"
nb_ipywidgets_js = {}
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]

# formulas: MathJax and its font lie in _static
mathjax_path = "mathjax/tex-chtml.js"
mathjax4_config = {"loader": {"paths": {"fonts": "[mathjax]/fonts"}}}

# the reference: types beside the comments
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_typehints_format = "short"
autodoc_class_signature = "mixed"
autodoc_inherit_docstrings = False
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
add_module_names = False
toc_object_entries_show_parents = "hide"
viewcode_follow_imported_members = False   # a method that another module gives to a class would confuse it

html_theme = "sphinx_book_theme"
html_context = {"default_mode": "auto"}    # light or dark, as the reader's system is
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_extra_path = ["_beside"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
html_theme_options = {
    "use_download_button": False,         # each lesson has its own line of links
    "use_fullscreen_button": False,
    "show_toc_level": 2,
    "show_navbar_depth": 1,
    "home_page_in_toc": True,
    "navigation_with_keys": True,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "repository_url": f"https://github.com/{site['repository']}" if site["repository"] else "",
    "use_repository_button": bool(site["repository"]),
    "article_header_start": ["toggle-primary-sidebar.html"],
    "footer_content_items": [],
    "navbar_persistent": [],              # the search stands in the sidebar
}
