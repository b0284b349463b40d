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


def script(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(DOCS))
    return importlib.import_module(name)


def write_site(folder: Path, link: str) -> Path:
    (folder / "a").mkdir()
    (folder / "a" / "page.html").write_text('<h1 id="title">…</h1><a href="#title">…</a><img src="../b%20c.png">')
    (folder / "b c.png").write_bytes(b"")
    (folder / "index.html").write_text(f'<a href="{link}">…</a><a href="https://example.org/none">…</a>')
    return folder


def check(site: Path) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, DOCS / "check_links.py", site], capture_output=True, text=True)


@pytest.mark.parametrize("link", ["a/page.html", "a/page.html#title", "a/page.html?x=1#title"])
def test_good_links(tmp_path, link):
    done = check(write_site(tmp_path, link))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("a/other.html", "a/other.html does not exist"),
        ("a", "a does not exist"),
        ("a/page.html#end", "a/page.html#end has no such anchor"),
        ("#end", "#end has no such anchor"),
    ],
)
def test_broken_links(tmp_path, link, message):
    done = check(write_site(tmp_path, link))
    assert done.returncode == 1
    assert message in done.stderr
    assert "1 broken link" in done.stderr


def test_site_that_is_not_built(tmp_path):
    done = check(tmp_path)
    assert done.returncode == 1
    assert "build the site first" in done.stderr


def test_tutorial_page(monkeypatch):
    tutorial_page = script("tutorial_pages", monkeypatch).tutorial_page
    text = (
        '"""Do it.\n\nLike this.\n"""\n\nimport os\n\n\ndef main():\n'
        "    # %% First step\n    os.getcwd()\n# %% Last\nmain()\n"
    )
    page = tutorial_page(text, "done\n\n", "output/it.png")
    assert page.startswith("# Do it\n\nLike this.\n\n```python\nimport os\n\n\ndef main():\n```\n")
    assert "## First step\n\n```python\nos.getcwd()\n```\n" in page
    assert "## Last\n\n```python\nmain()\n```\n" in page
    assert page.endswith("## Result\n\n```text\ndone\n```\n\n![What the script draws](output/it.png)\n")
    assert "## Result" not in tutorial_page(text)


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
    pages = {path.resolve() for path in DOCS.glob("**/*.md")} | set((DOCS / "tutorials").resolve().glob("*.py"))
    linked = {(DOCS / "index.md").resolve()}
    for page in DOCS.glob("**/*.md"):
        for block in re.findall(r"```\{toctree\}\n(.*?)```", page.read_text(), flags=re.DOTALL):
            for entry in re.findall(r"^(?!:)(?:.*<)?([^<>\n]+?)>?$", block, flags=re.MULTILINE):
                linked |= {(page.parent / f"{entry}{suffix}").resolve() for suffix in (".md", ".py")}
    assert pages <= linked
