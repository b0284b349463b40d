"""Write the tables of options in docs/commands.md from each bundle's ``options.json``.

python docs/make_options_tables.py
"""

from __future__ import annotations

from pathlib import Path

from sre_monai_cli.bundles import COMMANDS, MEDMNIST, RETINA, find_bundle
from sre_monai_cli.configuration import read_configuration
from sre_monai_cli.options import read_options
from sre_monai_cli.parser import default_text, value_text

PAGE = Path(__file__).with_name("commands.md")
START, END = "<!-- start of the options of {}, see make_options_tables.py -->\n", "<!-- end of the options of {} -->\n"
COLUMNS = ("option", "commands", "value", "default", "description")


def table(bundle: str) -> str:
    """Describe every option of a bundle in a row of a Markdown table."""
    root = find_bundle(bundle) / "configs"
    rows = [COLUMNS, ("---",) * len(COLUMNS)]
    for name, schema in read_options([str(root / "train.json")]).items():
        if schema["commands"]:
            files = [root / file for file in COMMANDS[schema["commands"][0]].configurations]
            default = default_text(read_configuration(files).get(name), schema)
            rows.append(
                (f"`--{name}`", ", ".join(schema["commands"]), value_text(schema), default, schema["description"])
            )
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def with_tables(page: str) -> str:
    """Replace the tables in the text of the page."""
    for bundle in (RETINA, MEDMNIST):
        start, end = START.format(bundle), END.format(bundle)
        page = page.split(start)[0] + start + table(bundle) + end + page.split(end)[1]
    return page


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
