"""The files and names in CONTRIBUTING and in the architecture exist."""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path

import pytest

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


@pages
def test_python_names(page):
    names = {word for word in words(page) if re.fullmatch(r"sre_monai(\.\w+)+", word) and "NAME" not in word}
    assert names or page != "CONTRIBUTING.md"
    for name in names:
        pkgutil.resolve_name(name)
