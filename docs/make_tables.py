"""Write the tables that follow from the code: data sets in docs/data.md, options in docs/commands.md.

python docs/make_tables.py
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from sre_monai.retina import RETINA_DATASETS
from sre_monai_cli.bundles import COMMANDS, HIPPOCAMPUS, MEDMNIST, RETINA, find_bundle
from sre_monai_cli.configuration import read_configuration
from sre_monai_cli.options import read_options
from sre_monai_cli.parser import default_text, value_text

DOCS = Path(__file__).resolve().parent
START, END = "<!-- start of the {}, see make_tables.py -->\n", "<!-- end of the {} -->\n"
DATASETS = (
    "data set", "training + test", "width × height", "split", "second observer", "field of view", "licence", "paper",
)  # fmt: skip
OPTIONS = ("option", "commands", "value", "default", "description")


def dataset_rows() -> Iterator[tuple[str, ...]]:
    """Describe every data set of the registry."""
    for dataset in RETINA_DATASETS.values():
        authors, doi = dataset.citation.split(",")[0], dataset.citation.rpartition("doi:")[2]
        yield (
            f"[{dataset.name}]({dataset.url})",
            f"{len(dataset.training)} + {len(dataset.test)}",
            "{} × {}".format(*dataset.image_size) if dataset.image_size else "differ",
            dataset.split,
            ", ".join(dataset.second_observer_sections) if dataset.second_observer else "–",
            "official" if dataset.fov else "estimated",
            dataset.licence,
            f"[{authors}](https://doi.org/{doi})",
        )


def option_rows(bundle: str) -> Iterator[tuple[str, ...]]:
    """Describe every option of a bundle's commands."""
    root = find_bundle(bundle) / "configs"
    for name, schema in read_options([str(root / "train.json")]).items():
        if schema["commands"]:
            files = [root / file for file in COMMANDS[schema["commands"][0]].configurations]
            default = default_text(read_configuration(files).get(name), schema)
            yield f"`--{name}`", ", ".join(schema["commands"]), value_text(schema), default, schema["description"]


def with_table(page: str, name: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Replace the table of that name in the text of a page."""
    start, end = START.format(name), END.format(name)
    table = "".join(f"| {' | '.join(row)} |\n" for row in (columns, ("---",) * len(columns), *rows))
    return page.split(start)[0] + start + table + end + page.split(end)[1]


def updated_pages() -> dict[Path, str]:
    """The pages with their tables as they should be."""
    data, commands = DOCS / "data.md", DOCS / "commands.md"
    pages = {page: page.read_text(encoding="utf-8") for page in (data, commands)}
    pages[data] = with_table(pages[data], "data sets", DATASETS, dataset_rows())
    for bundle in (RETINA, HIPPOCAMPUS, MEDMNIST):
        pages[commands] = with_table(pages[commands], f"options of {bundle}", OPTIONS, option_rows(bundle))
    return pages


if __name__ == "__main__":
    for page, text in updated_pages().items():
        page.write_text(text, encoding="utf-8")
