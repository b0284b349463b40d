"""Write the table of data sets in docs/data.md from the registry in `sre_monai.data`.

python docs/make_dataset_table.py
"""

from __future__ import annotations

from pathlib import Path

from sre_monai.retina import RETINA_DATASETS, RetinaDataset

PAGE = Path(__file__).with_name("data.md")
START, END = "<!-- start of the table, see make_dataset_table.py -->\n", "<!-- end of the table -->\n"
COLUMNS = (
    "data set", "training + test", "width × height", "split", "second observer", "field of view", "licence", "paper",
)  # fmt: skip


def table() -> str:
    """Describe every data set of the registry in a row of a Markdown table."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *map(_row, RETINA_DATASETS.values())]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(dataset: RetinaDataset) -> tuple[str, ...]:
    authors, doi = dataset.citation.split(",")[0], dataset.citation.rpartition("doi:")[2]
    return (
        f"[{dataset.name}]({dataset.url})",
        f"{len(dataset.training)} + {len(dataset.test)}",
        "{} × {}".format(*dataset.image_size) if dataset.image_size else "differ",
        dataset.split,
        ", ".join(dataset.second_observer_sections) if dataset.second_observer else "–",
        "official" if dataset.fov else "estimated",
        dataset.licence,
        f"[{authors}](https://doi.org/{doi})",
    )


def with_table(page: str) -> str:
    """Replace the table in the text of the page."""
    before, after = page.split(START)[0], page.split(END)[1]
    return before + START + table() + END + after


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
