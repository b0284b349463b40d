"""The tables of options in the documentation follow the bundles' ``options.json``."""

import runpy


def test_tables_are_up_to_date(repository):
    script = runpy.run_path(str(repository / "docs" / "make_options_tables.py"))
    page = (repository / "docs" / "commands.md").read_text(encoding="utf-8")
    assert page == script["with_tables"](page), "run `python docs/make_options_tables.py`"
    (row,) = [line for line in page.splitlines() if line.startswith("| `--threshold` |")]
    assert "| segment, evaluate, rotate | a number from 0 to 1 | 0.5 |" in row
