import csv

from sre_monai.runs.folder import FolderReport


def test_a_row_for_each_input_whatever_its_name(tmp_path):
    names = ("b.png", "a, b.png", "=ß\udcff\n<b>.png", "never.png")
    items = [{"file": name, "name": name[:-4], "image": str(tmp_path / "in" / name)} for name in names]
    records = [
        {"file": "a, b.png", "status": "failed", "reason": "it is “damaged”, badly"},
        {"file": "b.png", "status": "failed", "reason": "at first"},
        {
            "file": "b.png",
            "status": "done",
            "vessel_density": 0.1,
            "thumbnails": ["small/b.jpg"],
            "outputs": {"b_mask.nii.gz": 5, "b_overlay.png": 7},
        },
        {"file": "of another folder", "status": "done"},
        {"file": "=ß\udcff\n<b>.png", "status": "done"},
    ]
    count = FolderReport(tmp_path / "out", ["vessel_density"]).write(items, records)
    assert count == {"done": 2, "failed": 1, "pending": 1}
    with (tmp_path / "out" / "report.csv").open(encoding="utf-8", newline="") as stream:
        rows = {row["file"]: row for row in csv.DictReader(stream)}
    assert list(rows) == ["=ß\\xff\n<b>.png", "a, b.png", "b.png", "never.png"]
    assert rows["a, b.png"]["reason"] == "it is “damaged”, badly"
    assert (rows["b.png"]["status"], rows["b.png"]["vessel_density"]) == ("done", "0.1")
    assert rows["never.png"]["status"] == "pending"
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert r'["photograph","../in/%3D%C3%9F%FF%0A%3Cb%3E.png"]' in page
    assert '{"thumbnails":["small/b.jpg"],"views":[["photograph","../in/b.png"],["overlay","b_overlay.png"]]}' in page
    assert "<b>" not in page


def test_not_a_number_is_an_empty_cell(tmp_path):
    record = {"file": "a.png", "status": "done", "tortuosity": float("nan"), "density": float("inf")}
    FolderReport(tmp_path, ["tortuosity", "density"]).write([{"file": "a.png"}], [record])
    assert (tmp_path / "report.csv").read_text().splitlines()[1] == "a.png,done,,,,"
    assert '["a.png","done","","","",""]' in (tmp_path / "report.html").read_text()


def test_columns_that_are_not_shown_are_in_the_page(tmp_path):
    FolderReport(tmp_path, ["width", "density"], shown=["density"], title="Eyes").write([{"file": "a.png"}], [])
    page = (tmp_path / "report.html").read_text()
    assert '"columns":["file","status","reason","width","density","seconds"]' in page
    assert '"shown":["file","status","reason","density","seconds"]' in page
    assert "<h1>Eyes</h1>" in page


def test_unwritten_records_count(tmp_path):
    late = {"a.png": {"file": "a.png", "status": "failed", "reason": "disk full"}}
    assert FolderReport(tmp_path).write([{"file": "a.png"}], [], late) == {"failed": 1}


def test_report_has_its_columns_even_when_all_fail(tmp_path):
    report = FolderReport(tmp_path, ["prediction", "probability_a", "probability_b"])
    done = {"file": "z.png", "status": "done", "prediction": "a", "probability_a": "0.9", "probability_b": "0.1"}
    failed = {"file": "b.png", "status": "failed", "reason": "damaged"}
    report.write([{"file": "z.png"}, {"file": "b.png"}], [done, failed])
    with (tmp_path / "report.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["file", "status", "reason", "prediction", "probability_a", "probability_b", "seconds"]
    assert [(row["file"], row["prediction"]) for row in rows] == [("b.png", ""), ("z.png", "a")]
    assert "damaged" in (tmp_path / "report.html").read_text(encoding="utf-8")
