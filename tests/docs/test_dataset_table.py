"""The table of data sets in the documentation follows the registry."""

import runpy

from sre_monai.retina import RETINA_DATASETS


def test_table_is_up_to_date(repository):
    script = runpy.run_path(str(repository / "docs" / "make_dataset_table.py"))
    page = (repository / "docs" / "data.md").read_text(encoding="utf-8")
    assert page == script["with_table"](page), "run `python docs/make_dataset_table.py`"
    for dataset in RETINA_DATASETS.values():
        (row,) = [line for line in page.splitlines() if line.startswith(f"| [{dataset.name}]({dataset.url}) |")]
        assert f"{len(dataset.training)} + {len(dataset.test)}" in row
        assert dataset.citation.rpartition("doi:")[2] in row
