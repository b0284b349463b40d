"""A list of images: a CSV or a JSON file, as people and their programs write them."""

from __future__ import annotations

import codecs
import csv
import json
import logging
import os
import re
from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Any

from sre_monai.io.datalist import FILE_KEYS
from sre_monai.io.pixel_size import check_um_per_pixel

LIST_EXTENSIONS = (".json", ".csv")
PATH_KEYS = ("image", "file", "path")
PIXEL_SIZE = "um_per_pixel"
SIMILARITY = 0.75  # of a column to the one that was probably meant
DELIMITERS = ",;\t"
PREAMBLE = re.compile(r"\A\s*(sep=.*\n)?", re.IGNORECASE)  # blank lines, and what Excel reads the delimiter from
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}

logger = logging.getLogger(__name__)


def read_list(source: Path) -> dict[str, dict[str, float]]:
    r"""Read the paths of a list, and what else is known of each image.

    Columns, or the keys of objects in JSON, are ``image``, ``file`` or ``path``, and ``um_per_pixel``; spaces around
    them and upper case don't matter. Others are named in a warning. CSV has commas, semicolons or tabs; the encoding is
    UTF-8, UTF-16 with its mark, or that of Windows in western Europe.

    Args:
        source: the file, ``.csv`` or ``.json``.

    Returns:
        By path, as in the list: ``um_per_pixel`` where it is given. Each image once, however often and by whatever path
        it is listed.

    Raises:
        ValueError: naming the list, and what can't be understood of it.

    Examples:
        >>> _ = Path("list.csv").write_text("Image; um_per_pixel\neye.png; 7,5\n")
        >>> read_list(Path("list.csv"))
        {'eye.png': {'um_per_pixel': 7.5}}
    """
    try:
        entries = read_entries(source)
        _tell_unknown(source, {key for entry in entries for key in entry})
        listed = [(_path_of(entry), entry.get(PIXEL_SIZE)) for entry in entries]
    except (ValueError, csv.Error) as error:
        raise ValueError(
            f"dataset_dir: {source} is not a list of images ({error}); give a column or a key 'image' with paths."
        ) from None
    return _each_once(source, listed)


def read_entries(source: Path) -> list[dict[str, Any]]:
    r"""Read the rows of a table, or the objects of a JSON file, by their columns or keys in lower case.

    Args:
        source: the file, ``.csv`` or ``.json``.

    Returns:
        The entries; a path alone has the key ``image``.

    Raises:
        ValueError: saying what can't be understood.

    Examples:
        >>> _ = Path("list.csv").write_text("Artery;Vein\na.png;v.png\n")
        >>> read_entries(Path("list.csv"))
        [{'artery': 'a.png', 'vein': 'v.png'}]
    """
    text = _text(source.read_bytes())
    is_json = source.suffix.lower() == ".json"
    return [_named(entry) for entry in (_entries(json.loads(text)) if is_json else _rows(text))]


def _text(content: bytes) -> str:
    """Decode by the byte order mark, or else as UTF-8 or, if it is none, as Windows writes it."""
    encoding = next((name for mark, name in BYTE_ORDER_MARKS.items() if content.startswith(mark)), "")
    try:
        text = content.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        text = content.decode(encoding or "cp1252", errors="replace")
    if "\0" in text or "\N{REPLACEMENT CHARACTER}" in text:
        raise ValueError("its encoding is not known: save it as UTF-8")
    return text


def _rows(text: str) -> list[dict[str, Any]]:
    """Split a table into mappings from its columns."""
    text = PREAMBLE.sub("", text)
    delimiter = max(DELIMITERS, key=text.partition("\n")[0].count)
    reader = csv.DictReader(StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    columns = Counter(_key(name) for name in reader.fieldnames or ())
    if twice := [name for name, count in columns.items() if count > 1 and name]:
        raise ValueError(f"it has two columns {twice[0]!r}")
    rows = []
    for row in reader:
        if None in row:
            raise ValueError(f"line {reader.line_num} has more cells than columns: quote what contains {delimiter!r}")
        cells = {_key(name): (cell or "").strip() for name, cell in row.items()}
        if delimiter != "," and PIXEL_SIZE in cells:  # where it separates numbers from others, a comma may be in them
            cells[PIXEL_SIZE] = cells[PIXEL_SIZE].replace(",", ".")
        if any(cells.values()):
            rows.append(cells)
    return rows


def _entries(content: Any) -> list[Any]:
    """Flatten the sections of a datalist."""
    if isinstance(content, dict):
        return [entry for value in content.values() if isinstance(value, list) for entry in value]
    if isinstance(content, list):
        return content
    raise ValueError("neither a list nor an object")


def _key(name: Any) -> str:
    return str(name).strip().casefold().replace(" ", "_")


def _named(entry: Any) -> dict[str, Any]:
    """Give an entry as a mapping, with its keys as they are known here."""
    return {_key(key): value for key, value in entry.items()} if isinstance(entry, dict) else {PATH_KEYS[0]: entry}


def _tell_unknown(source: Path, keys: Iterable[str]) -> None:
    """Refuse what is probably a misspelt column, and name all others that are not used."""
    unknown = sorted(set(keys) - {*PATH_KEYS, *FILE_KEYS, PIXEL_SIZE, ""})
    if meant := get_close_matches(PIXEL_SIZE, unknown, 1, SIMILARITY):
        raise ValueError(f"column {meant[0]!r} is not known: is it {PIXEL_SIZE!r}?")
    if unknown:
        logger.warning("%s: not used: %s; known are %s and %s", source, ", ".join(unknown), PATH_KEYS, PIXEL_SIZE)


def _path_of(entry: dict[str, Any]) -> str:
    """Path of one entry."""
    path = next((entry[key] for key in PATH_KEYS if entry.get(key)), None)
    if not isinstance(path, str):
        raise ValueError(f"an entry has no path, only {', '.join(map(repr, entry))}")
    return Path(path).as_posix()


def _each_once(source: Path, listed: Iterable[tuple[str, Any]]) -> dict[str, dict[str, float]]:
    """Take each image once, with the size of its pixels, of which there must not be two."""
    files: dict[str, str] = {}
    known: dict[str, dict[str, float]] = {}
    for path, size in listed:
        file = files.setdefault(os.path.abspath(source.parent / os.path.expanduser(path)), path)
        sizes = known.setdefault(file, {})
        if size in (None, ""):
            continue
        value = check_um_per_pixel(size, f"dataset_dir: {source}: {PIXEL_SIZE} of {path}")
        if sizes.setdefault(PIXEL_SIZE, value) != value:
            both = f"{sizes[PIXEL_SIZE]:g} and {value:g}"
            raise ValueError(f"dataset_dir: {source}: {path} is listed twice, with the {PIXEL_SIZE} {both}.")
    return known
