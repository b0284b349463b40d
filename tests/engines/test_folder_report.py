import csv

import pytest

from sre_monai.engines import FolderReport


def test_table_has_a_row_for_each_file(tmp_path):
    report = FolderReport(tmp_path / "out" / "report.csv")
    report.add("b.png", "done", vessel_density=0.1, seconds=1.5)
    report.add("a, b.png", "failed", reason="it is “damaged”, badly")
    report.finish()
    with (tmp_path / "out" / "report.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["file"] for row in rows] == ["a, b.png", "b.png"]
    assert rows[0]["reason"] == "it is “damaged”, badly"
    assert rows[1]["vessel_density"] == "0.1"
    assert (report.count("done"), report.count("failed")) == (1, 1)


def test_status_when_nothing_was_done(tmp_path):
    report = FolderReport(tmp_path / "report.csv")
    report.add("a.png", "failed", reason="damaged")
    with pytest.raises(SystemExit) as stop:
        report.finish()
    assert stop.value.code == 1
    assert (tmp_path / "report.csv").is_file()
