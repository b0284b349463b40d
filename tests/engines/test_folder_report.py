import csv

from sre_monai.engines import FolderReport


def test_a_row_for_each_input_whatever_its_name(tmp_path):
    items = [{"file": name} for name in ("b.png", "a, b.png", "=ß\udcff\n<b>.png", "never.png")]
    records = [
        {"file": "a, b.png", "status": "failed", "reason": "it is “damaged”, badly"},
        {"file": "b.png", "status": "failed", "reason": "at first"},
        {
            "file": "b.png",
            "status": "done",
            "vessel_density": 0.1,
            "thumbnails": ["x"],
            "outputs": {"b_overlay.png": 1},
        },
        {"file": "of another folder", "status": "done"},
        {"file": "=ß\udcff\n<b>.png", "status": "done"},
    ]
    count = FolderReport(tmp_path / "out").write(items, records)
    assert count == {"done": 2, "failed": 1, "pending": 1}
    with (tmp_path / "out" / "report.csv").open(encoding="utf-8", newline="") as stream:
        rows = {row["file"]: row for row in csv.DictReader(stream)}
    assert list(rows) == ["=ß\\xff\n<b>.png", "a, b.png", "b.png", "never.png"]
    assert rows["a, b.png"]["reason"] == "it is “damaged”, badly"
    assert (rows["b.png"]["status"], rows["b.png"]["vessel_density"]) == ("done", "0.1")
    assert rows["never.png"]["status"] == "pending"
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "b_overlay.png" in page
    assert "<b>" not in page


def test_unwritten_records_count(tmp_path):
    late = {"a.png": {"file": "a.png", "status": "failed", "reason": "disk full"}}
    assert FolderReport(tmp_path).write([{"file": "a.png"}], [], late) == {"failed": 1}
