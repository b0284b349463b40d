"""The pages of the documentation site."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

import sre_monai

DOCS = Path(__file__).resolve().parents[2] / "docs"


def build(folder: Path, text: str) -> subprocess.CompletedProcess:
    """Build a site of two pages by the repository's configuration."""
    (folder / "docs").mkdir()
    (folder / "docs" / "index.md").write_text(f"# Title\n\n```{{toctree}}\nother\n```\n\n{text}\n")
    (folder / "docs" / "other.md").write_text("# Other\n\n## A heading\n")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", DOCS, folder, folder / "site"]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.slow
def test_good_links(tmp_path):
    done = build(tmp_path, "[a](other.md) [b](other.md#a-heading) [c](#title) [d](https://example.org/none)")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_broken_links(tmp_path):
    done = build(tmp_path, "[a](none.md) [b](none) [c](other.md#end) [d](#nowhere) [e](none.py) ![f](none.png)")
    assert done.returncode == 1
    for message in (
        "target not found: 'none.md'",
        "target not found: 'none'",
        "local id not found in doc 'docs/other': 'end'",
        "target not found: 'nowhere'",
        "target not found: 'none.py'",
        "not readable: docs/none.png",
    ):
        assert message in done.stderr


def test_every_tutorial_has_a_page():
    tutorials = DOCS / "tutorials"
    for script in tutorials.glob("*.py"):
        page = script.with_suffix(".md").read_text(encoding="utf-8")
        included = re.findall(r"^```\{literalinclude\} (.+)$", page, flags=re.MULTILINE)
        assert included == [script.name, f"output/{script.stem}.txt"]
        assert all((tutorials / file).is_file() for file in included)


def test_reference_has_every_public_package():
    pages = "\n".join(page.read_text() for page in (DOCS / "reference").glob("*.md"))
    documented = set(re.findall(r"^\.\. automodule:: (\S+)$", pages, flags=re.MULTILINE))
    packages = [module.name for module in pkgutil.walk_packages(sre_monai.__path__, "sre_monai.") if module.ispkg]
    public = {name for name in packages if hasattr(importlib.import_module(name), "__all__")}
    assert documented >= public


def test_reference_has_every_short_name():
    page = (DOCS / "reference" / "sre_monai.md").read_text()
    names = {name for name in sre_monai.__all__ if not isinstance(getattr(sre_monai, name), types.ModuleType)}
    assert names <= set(re.findall(r"`(\w+)`", page))


def test_every_page_is_in_a_table_of_contents():
    pages = {path.resolve() for path in DOCS.glob("**/*.md") if "node_modules" not in path.parts}
    linked = {(DOCS / "index.md").resolve()}
    for page in pages:
        for block in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(), flags=re.DOTALL):
            for entry in re.findall(r"^(?!:)(?:.*<)?([^<>\n]+?)>?$", block, flags=re.MULTILINE):
                linked |= {found.resolve() for found in page.parent.glob(f"{entry}.md")} - {page.resolve()}
    assert pages <= linked
