"""Sphinx extension: a tutorial's script is a page.

The script's docstring is the introduction, each comment `# %%` starts a section, and what the script printed and drew
(`tutorials/output/NAME.txt` and `NAME.png`, made by `make_tutorials.py`) is the end of the page.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from textwrap import dedent

from docutils import nodes
from myst_parser.parsers.sphinx_ import MystParser
from sphinx.application import Sphinx

CELL = re.compile(r"^ *# %% ?(.*)\n", re.MULTILINE)


def tutorial_page(script: str, output: str = "", picture: str = "") -> str:
    """Write a script as Markdown.

    Args:
        script: text of the script.
        output: what it printed.
        picture: path of the picture it drew, from the page.

    Returns:
        The page.
    """
    docstring = ast.get_docstring(ast.parse(script)) or ""
    title, _, introduction = docstring.partition("\n")
    code = script.split('"""\n', 1)[1]
    first, *cells = CELL.split(code)
    parts = [f"# {title.rstrip('.')}", introduction.strip("\n"), _block(first)]
    for heading, body in zip(cells[::2], cells[1::2]):
        parts += [f"## {heading}", _block(body)]
    if output or picture:
        parts += ["## Result"]
    if output:
        parts += [f"```text\n{output.rstrip()}\n```"]
    if picture:
        parts += [f"![What the script draws]({picture})"]
    return "\n\n".join(parts) + "\n"


def _block(code: str) -> str:
    return f"```python\n{dedent(code).strip()}\n```"


class TutorialParser(MystParser):
    """Parse a script as its page."""

    supported = ("tutorial",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Parse the text of a script into a document."""
        source = Path(document["source"])
        output = source.parent / "output" / f"{source.stem}.txt"
        picture = output.with_suffix(".png")
        for file in (output, picture):
            document.settings.env.note_dependency(file)
        page = tutorial_page(
            inputstring,
            output.read_text(encoding="utf-8") if output.exists() else "",
            f"output/{picture.name}" if picture.exists() else "",
        )
        super().parse(page, document)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the parser."""
    app.add_source_parser(TutorialParser)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
