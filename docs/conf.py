"""Sphinx configuration. The source folder is the repository, so that relative links work here and on GitHub."""

import os
import sys
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

from build_browser import build_browser_page  # noqa: E402
from sphinx.application import Sphinx  # noqa: E402
from sphinx.pycode import ModuleAnalyzer  # noqa: E402

import sre_monai  # noqa: E402

project = "sre_monai"
author = "The sre_monai developers"
version = release = sre_monai.__version__

root_doc = "docs/index"
include_patterns = [
    "docs/*.md",
    "docs/reference/*.md",
    "docs/tutorials/*.md",
    "bundles/*/docs/README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
]
exclude_patterns = [".*", "build", "data", "docs/browser", "output", "runs"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "sphinx_copybutton"]
myst_heading_anchors = 4
copybutton_exclude = ".linenos, .gp, .go"  # copy the commands of an example, not its prompts and output

suppress_warnings = ["myst.header"]  # the Model Zoo's template for a bundle's page skips a level

# API reference: every cross reference must resolve, other than to other packages and to types that are not public
autodoc_default_options = {"members": True, "no-value": True, "show-inheritance": True}
autodoc_member_order = "groupwise"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_use_ivar = True
add_module_names = False
python_use_unqualified_type_names = True
maximum_signature_line_length = 88
default_role = "code"
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(torch|monai|numpy|np|pandas|pd|ignite|PIL|abc|os|pathlib|collections|nibabel)(\..*)?"),
    # type variables, and rows and arrays that are not public
    ("py:class", r"(sre_monai\..*\.)?(Array|Item|Result|ReplacedLayer|LayerError|VesselLines)"),
]

html_theme = "furo"
html_title = f"sre_monai {version}"
html_baseurl = os.environ.get("SITE_URL", "")
html_static_path = ["site/static"]
html_css_files = ["site.css"]
html_extra_path = ["site/root"]  # a page that leads from the root of the site to its first page
html_copy_source = False
html_show_copyright = False


def hide_private_bases(app: Sphinx, name: str, obj: type, options: Any, bases: list[type]) -> None:
    """Name only those base classes that have an entry in the reference."""
    for base in list(bases):
        package = sys.modules.get(base.__module__.rpartition(".")[0])
        if base is object or (base.__module__.startswith("sre_monai.") and not hasattr(package, base.__name__)):
            bases.remove(base)


def leave_out_markdown_tables(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Leave out what autodoc can't read: the table of the steps, which the page on the architecture shows."""
    if any(line.startswith("|---") for line in lines):
        table = [number for number, line in enumerate(lines) if line.startswith("|")]
        del lines[table[0] : table[-1] + 1]


def setup(app: Sphinx) -> None:
    """Let autodoc find the docstrings of a package's constants, which are where the constants are defined."""
    modules = [m for m in walk_packages(sre_monai.__path__, "sre_monai.") if not m.name.split(".")[-1].startswith("_")]
    constants = {m.name: ModuleAnalyzer.for_module(m.name).find_attr_docs() for m in modules}
    for package in (m.name for m in modules if m.ispkg):
        for name, docs in constants.items():
            if name.startswith(f"{package}."):
                constants[package].update({key: lines for key, lines in docs.items() if not key[0]})
    app.connect("autodoc-process-bases", hide_private_bases)
    app.connect("autodoc-process-docstring", leave_out_markdown_tables)
    app.connect("build-finished", build_browser_page)
