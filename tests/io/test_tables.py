from __future__ import annotations

import csv
import json

import pytest

from sre_monai.io.tables import align_columns, write_json, write_table


def test_table_joins_the_columns_of_all_rows(tmp_path):
    path = tmp_path / "new" / "table.csv"
    write_table(path, [{"image": "ä,b.png", "dice": 0.1 + 0.2}, {"image": "c", "auc": float("nan"), "flip": True}])
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows == [
        {"image": "ä,b.png", "dice": repr(0.1 + 0.2), "auc": "", "flip": ""},
        {"image": "c", "dice": "", "auc": "", "flip": "True"},
    ]


def test_table_of_given_columns_takes_any_iterable(tmp_path):
    write_table(tmp_path / "table.csv", ({"image": name} for name in "ab"), ["image", "dice"])
    assert (tmp_path / "table.csv").read_text().split() == ["image,dice", "a,", "b,"]


def test_json_has_null_for_nan_at_any_depth(tmp_path):
    path = tmp_path / "summary.json"
    write_json(path, {"a": float("nan"), "b": [1, {"c": float("nan")}], "d": "ü", "e": 0.25})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": None, "b": [1, {"c": None}], "d": "ü", "e": 0.25}


def test_nothing_is_left_of_a_failure(tmp_path):
    path = tmp_path / "summary.json"
    path.write_text("old")
    with pytest.raises((TypeError, ValueError)):
        write_json(path, {"a": object()})
    with pytest.raises(ValueError):
        write_json(path, {"a": float("inf")})
    assert [file.name for file in tmp_path.iterdir()] == ["summary.json"]
    assert path.read_text() == "old"


def test_columns_are_aligned():
    assert align_columns([["", "mean"], ["dice", "0.8"], ["a", "0.75"]]) == "      mean\ndice   0.8\na     0.75"
