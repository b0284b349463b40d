import csv

import pytest

from sre_monai.io.tables import write_table
from sre_monai.runs.folder import FolderReport, GatheredTable, RecordTable

ITEMS = [{"file": name, "name": name} for name in ("c.png", "b\udcff.png", "a.png", "never.png")]


def read(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_row_per_file_that_is_done(tmp_path):
    records = [
        {"file": "c.png", "status": "done", "length": 1.5, "thumbnails": ["x"]},
        {"file": "a.png", "status": "done", "length": 1},
        {"file": "a.png", "status": "failed", "reason": "damaged since"},
        {"file": "b\udcff.png", "status": "failed", "reason": "at first"},
        {"file": "b\udcff.png", "status": "done", "length": ""},
        {"file": "of another folder", "status": "done", "length": 7},
    ]
    table = RecordTable(tmp_path / "vessels.csv", ["length", "calibre"])
    FolderReport(tmp_path, ["length"], tables=[table]).write(ITEMS, records)
    assert read(tmp_path / "vessels.csv") == [
        {"file": "b\\xff.png", "length": "", "calibre": ""},
        {"file": "c.png", "length": "1.5", "calibre": ""},
    ]


def test_gathered_files(tmp_path):
    write_table(tmp_path / "parts" / "sub" / "c.csv", [{"file": "c,\n.png", "n": 1}, {"file": "c,\n.png", "n": 2}])
    write_table(tmp_path / "parts" / "a.csv", [{"file": "a.png", "n": 3}])
    write_table(tmp_path / "parts" / "none.csv", [], ["file", "n"])
    records = [
        {"file": "c.png", "status": "done", "outputs": {"c_mask.png": 4, "parts/sub/c.csv": 9}},
        {"file": "a.png", "status": "done", "outputs": {"parts/a.csv": 9}},
        {"file": "never.png", "status": "done", "outputs": {"parts/none.csv": 9}},
    ]
    table = GatheredTable(tmp_path / "segments.csv", ["file", "n"], "parts")
    FolderReport(tmp_path, tables=[table]).write(ITEMS, records)
    rows = [(row["file"], row["n"]) for row in read(tmp_path / "segments.csv")]
    assert rows == [("a.png", "3"), ("c,\n.png", "1"), ("c,\n.png", "2")]


def test_nothing_is_done(tmp_path):
    tables = [RecordTable(tmp_path / "a.csv", ["x"]), GatheredTable(tmp_path / "b.csv", ["y"], "parts")]
    FolderReport(tmp_path, tables=tables).write(ITEMS, [])
    assert (tmp_path / "a.csv").read_text() == "file,x\n"
    assert (tmp_path / "b.csv").read_text() == "y\n"


def test_parts_elsewhere_are_not_read(tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a.csv").write_text("file\nsecret\n")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "parts").symlink_to(tmp_path / "secret")
    for part in ("parts/a.csv", "parts/../../secret/a.csv"):
        with pytest.raises(OSError, match=r"parts/.*a\.csv does not lie in this folder"):
            GatheredTable(tmp_path / "out" / "all.csv", ["file"], "parts").write([{"file": "a", "outputs": {part: 1}}])
    assert not (tmp_path / "out" / "all.csv").exists()
