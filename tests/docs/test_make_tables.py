"""The tables in the documentation follow the registry of data sets and the bundles' ``options.json``."""

from sre_monai.retina import RETINA_DATASETS


def test_tables_are_up_to_date(repository):
    from docs.make_tables import updated_pages

    pages = updated_pages()
    assert {page.name for page in pages} == {"data.md", "commands.md"}
    for page, text in pages.items():
        assert page.read_text(encoding="utf-8") == text, "run `python docs/make_tables.py`"


def test_data_sets(repository):
    page = (repository / "docs" / "data.md").read_text(encoding="utf-8")
    for dataset in RETINA_DATASETS.values():
        (row,) = [line for line in page.splitlines() if line.startswith(f"| [{dataset.name}]({dataset.url}) |")]
        assert f"{len(dataset.training)} + {len(dataset.test)}" in row
        assert dataset.citation.rpartition("doi:")[2] in row


def test_options(repository):
    page = (repository / "docs" / "commands.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if line.startswith("| `--threshold` |")]
    assert "| segment, evaluate, rotate, export | a number from 0 to 1 | 0.5 |" in row
