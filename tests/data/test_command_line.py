import os
import signal

import pytest

from sre_monai.data import prepare
from sre_monai.data.command_line import run_prepare
from tests.data.toy import TOYS, write_source

DRIVE = TOYS["DRIVE"]


def test_success(tmp_path, capsys):
    write_source(DRIVE, tmp_path / "source")
    assert run_prepare(DRIVE, ["--source", str(tmp_path / "source"), "--output", str(tmp_path / "out")]) == 0
    captured = capsys.readouterr()
    assert str(tmp_path / "out" / "datalist.json") in captured.out
    assert DRIVE.citation in captured.out
    assert "preparing DRIVE: 100%" in captured.err


@pytest.mark.parametrize(
    ("dataset", "arguments", "message"),
    [
        ("DRIVE", [], "DRIVE needs a registration, get it at https://drive.grand-challenge.org/"),
        ("HRF", [], "or --download to fetch it from https://www5.cs.fau.de"),
        ("HRF", ["--source", "nowhere"], "source nowhere does not exist"),
    ],
)
def test_mistakes_give_one_sentence_and_exit_code_2(dataset, arguments, message, tmp_path, capsys):
    assert run_prepare(TOYS[dataset], [*arguments, "--output", str(tmp_path / "out")]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_options_reach_the_preparation(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(
        "sre_monai.data.command_line.prepare_dataset", lambda *args, **kwargs: calls.append((args, kwargs))
    )
    output = tmp_path / "CHASE"
    run_prepare(TOYS["CHASE_DB1"], ["--output", str(output), "--download", "--allow-partial", "--overwrite"])
    ((_, source, target), options) = calls[0]
    assert (source, target) == (tmp_path / "CHASE_download", output)
    assert options == {"download": True, "allow_partial": True, "overwrite": True}


def test_drive_has_no_download_option(tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        run_prepare(DRIVE, ["--output", str(tmp_path / "out"), "--download"])
    assert caught.value.code == 2
    assert "--download" in capsys.readouterr().err


def test_termination_removes_the_temporary_folder(tmp_path, monkeypatch):
    write_source(DRIVE, tmp_path / "source")
    monkeypatch.setattr(prepare, "_prepare_case", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as caught:
        run_prepare(DRIVE, ["--source", str(tmp_path / "source"), "--output", str(tmp_path / "out")])
    assert caught.value.code == 143
    assert os.listdir(tmp_path) == ["source"]
    assert signal.getsignal(signal.SIGTERM) == before
