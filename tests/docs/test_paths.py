"""The files that CONTRIBUTING and the architecture name exist, and so do the Python names on all pages."""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path

import pytest

from sre_monai.former import MOVED

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("sre_monai", "sre_monai_cli", "tests", "docs", "bundles", "benchmarks", "data_scripts", ".ci", ".github")
FUTURE = {"sre_monai/losses", "tests/losses"}  # made by the recipe for a loss

pages = pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])


def words(page: str) -> set[str]:
    """The words in code spans and shell commands of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    code = re.findall(r"```bash\n(.*?)```|(?<!`)`([^`\n]+)`(?!`)", text, flags=re.DOTALL)
    return {word.strip("\"',;:()") for span in code for word in "".join(span).split()}


@pages
def test_paths(page):
    paths = {word for word in words(page) if word.startswith(tuple(f"{folder}/" for folder in FOLDERS))}
    assert paths
    for path in paths:
        place = path.rpartition("/")[0] if "NAME" in path or "__init__" in path else path
        assert (ROOT / place).exists() != (place in FUTURE), path


@pages
def test_file_names(page):
    names = {word for word in words(page) if re.fullmatch(r"\w+\.(py|pyi|md|json|yaml|yml|toml|cff)", word)}
    assert names
    files = [file for folder in (".", *FOLDERS) for file in (ROOT / folder).glob("*" if folder == "." else "**/*")]
    assert names <= {file.name for file in files}


def test_python_names():
    pages = ["README.md", "CONTRIBUTING.md", *ROOT.glob("docs/*.md"), *ROOT.glob("bundles/*/docs/README.md")]
    text = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in pages)
    names = {name for name in re.findall(r"(?<![\w./-])sre_monai(?:\.\w+)+", text) if "NAME" not in name}
    assert len(names) > 10
    for name in names:
        assert name.split(".")[1] not in MOVED, f"{name} is a former name"
        pkgutil.resolve_name(name)
