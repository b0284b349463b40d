import pytest

from sre_monai.runs.folder.journal import Journal


def test_records_of_all_processes_are_read(tmp_path):
    for rank in range(2):
        Journal(tmp_path, rank).append({"file": f"{rank}.png", "status": "done"})
    Journal(tmp_path).append({"file": "ß\udcff.png", "status": "failed"})
    assert [record["file"] for record in Journal(tmp_path)] == ["0.png", "ß\udcff.png", "1.png"]


@pytest.mark.parametrize("torn", [b'{"file": "b.png", "sta', b"\xff\xfe", b"[]\n", b'{"status": "done"}\n'])
def test_torn_lines_count_for_nothing(tmp_path, torn):
    journal = Journal(tmp_path)
    journal.append({"file": "a.png"})
    with journal.path.open("ab") as stream:
        stream.write(torn)
    journal.append({"file": "c.png"})
    assert [record["file"] for record in journal] == ["a.png", "c.png"]


def test_gathering_keeps_useful_files_once(tmp_path):
    first, second = Journal(tmp_path, 0), Journal(tmp_path, 1)
    for journal, number in ((first, 1), (first, 2), (second, 3), (second, 1)):
        journal.append({"file": str(number)})
    first.gather(keep=lambda record: record["file"] != "2")
    assert [record["file"] for record in first] == ["1", "3"]
    assert len(list(tmp_path.iterdir())) == 1
    second.append({"file": "2"})
    first.gather(keep=lambda record: True)
    assert [record["file"] for record in first] == ["1", "3", "2"]


def test_gathering_looks_at_each_record_once(tmp_path):
    """It does not read the file that it writes, whose lines are on disk early when there are many."""
    journal = Journal(tmp_path)
    journal.path.write_text("".join(f'{{"file": "{number}", "reason": "{"long" * 100}"}}\n' for number in range(500)))
    journal.gather(keep=lambda record: True)
    seen = []
    journal.gather(keep=lambda record: not seen.append(record["file"]))
    assert seen == [str(number) for number in range(500)]


def test_an_empty_journal_is_made(tmp_path):
    journal = Journal(tmp_path / "new")
    assert list(journal) == []
    journal.gather(keep=lambda record: True)
    assert list(journal) == []


ELSEWHERE = ["/etc/passwd", "../a.png", "x/../../a.png", "..", "C:/a.png", "\\\\server\\a.png", 3, None]


@pytest.mark.parametrize("path", ELSEWHERE, ids=str)
@pytest.mark.parametrize("key", ["outputs", "thumbnails", "preview"])
def test_a_record_of_files_elsewhere_counts_for_nothing(tmp_path, key, path):
    path = str(path) if key == "outputs" else path  # a key of JSON is text
    if path in ("3", "None"):
        path = "/3"
    journal = Journal(tmp_path)
    journal.append({"file": "a.png", key: {"outputs": {path: 1}, "thumbnails": [path], "preview": path}[key]})
    journal.append({"file": "b.png", "outputs": {"x/b..c.png": 4, "..b.png": 1}, "thumbnails": [".journal/b.jpg"]})
    assert [record["file"] for record in journal] == ["b.png"]


@pytest.mark.parametrize("record", [{"outputs": ["/etc/passwd"]}, {"thumbnails": "abc"}, {"outputs": 3}, {"file": []}])
def test_a_record_of_another_form_counts_for_nothing(tmp_path, record):
    Journal(tmp_path).append({"file": "a.png", **record})
    assert list(Journal(tmp_path)) == []
