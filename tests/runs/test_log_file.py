import logging

import pytest

from sre_monai.runs.log_file import log_to_file


@pytest.fixture(autouse=True)
def _restore_handlers():
    """Restore the root logger."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.setLevel(logging.INFO)
    yield
    for handler in root.handlers[:]:
        if handler not in before:
            root.removeHandler(handler)
            handler.close()
    root.setLevel(level)


def test_lines_are_appended_once_however_often_it_is_called(tmp_path):
    for number in range(2):
        path = log_to_file(tmp_path / "new")
        logging.getLogger("some.module").info("line %d", number)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line.split(" - ", 1)[1] for line in lines] == [f"some.module - INFO - line {n}" for n in range(2)]


def test_other_processes_than_the_first_write_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    assert not log_to_file(tmp_path / "new").parent.exists()
