import pytest

from sre_monai.io.files import printable, remove_unfinished, require_file, written_atomically


def test_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / "new" / "report.csv"
    with written_atomically(path) as unfinished:
        unfinished.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / "report.csv"
    path.write_text("old")

    def fail_half_way():
        with written_atomically(path) as unfinished:
            unfinished.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_required_file(tmp_path):
    path = tmp_path / "model.pt"
    with pytest.raises(FileNotFoundError, match=r"checkpoint: file not found: .*model\.pt"):
        require_file(path, "checkpoint")
    path.touch()
    assert require_file(path, "checkpoint") == str(path)


def test_remains_of_killed_processes_are_removed(tmp_path):
    (tmp_path / "sub").mkdir()
    with written_atomically(tmp_path / "sub" / "a.png") as unfinished:
        unfinished.touch()
        remains = unfinished.with_name(unfinished.name.replace("a.png", "b.png"))
        remains.touch()
    remove_unfinished(tmp_path)
    assert [path.name for path in (tmp_path / "sub").iterdir()] == ["a.png"]


def test_undecodable_names_become_printable():
    assert printable("ß\udcff.png") == "ß\\xff.png"
