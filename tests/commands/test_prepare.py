import os
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sre_monai.commands.prepare import run_prepare
from sre_monai.io import load_datalist
from sre_monai.medmnist import load_medmnist, synthetic_volume
from sre_monai.retina import synthetic_fundus
from sre_monai.retina.data import prepare
from tests.retina.data.toy import TOYS, write_source

DRIVE = TOYS["DRIVE"]


def run(*arguments: object) -> int:
    return run_prepare([str(argument) for argument in arguments], datasets=TOYS)


def test_success(tmp_path, capsys):
    write_source(DRIVE, tmp_path / "source")
    assert run("DRIVE", "--source", tmp_path / "source", "--output", tmp_path / "out") == 0
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
    assert run(dataset, *arguments, "--output", tmp_path / "out") == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_options_reach_the_preparation(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(
        "sre_monai.commands.prepare.prepare_dataset", lambda *args, **kwargs: calls.append((args, kwargs))
    )
    output = tmp_path / "CHASE"
    run("CHASE_DB1", "--output", f"{output}/", "--download", "--allow-partial", "--overwrite")
    ((dataset, source, target), options) = calls[0]
    assert dataset is TOYS["CHASE_DB1"]
    assert (Path(source), Path(target)) == (tmp_path / "CHASE_download", output)
    assert options == {"download": True, "allow_partial": True, "overwrite": True}


def test_drive_has_no_download_option(tmp_path, capsys):
    assert run("DRIVE", "--output", tmp_path / "out", "--download") == 2
    assert capsys.readouterr().err.startswith("error: --download: no such option; ")


def test_termination_removes_the_temporary_folder(tmp_path, monkeypatch):
    write_source(DRIVE, tmp_path / "source")
    monkeypatch.setattr(prepare, "_prepare_case", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as caught:
        run("DRIVE", "--source", tmp_path / "source", "--output", tmp_path / "out")
    assert caught.value.code == 143
    assert os.listdir(tmp_path) == ["source"]
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("name", ["EYES", "oct2"])
def test_unknown_names_are_refused_with_the_known_ones(name, capsys):
    assert run(name, "--output", "out") == 2
    message = capsys.readouterr().err
    known = ", ".join([*TOYS, "Hippocampus", "synthetic", "shapes3d"])
    assert f"no data set is called '{name}'; choose one of {known}." in message


@pytest.mark.parametrize("name", [*TOYS, "chase_db1"])
def test_every_data_set_has_its_help(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(SystemExit) as caught:
        run(name, "--help")
    assert caught.value.code == 0
    assert TOYS[name.upper()].url in capsys.readouterr().out


def test_synthetic_photographs(tmp_path, capsys):
    output = tmp_path / "eyes"
    assert run("synthetic", "--output", output, "--count", "2", "--size", "80", "90", "--seed", "5") == 0
    assert capsys.readouterr().out.strip() == str(output)
    (item,) = load_datalist(output, "test")
    assert np.array_equal(np.asarray(Image.open(item["image"])), synthetic_fundus((80, 90), seed=6).image)
    assert run("synthetic", "--output", output) == 2
    assert "exists and is not an empty folder" in capsys.readouterr().err


def test_synthetic_volumes(tmp_path, capsys):
    path = tmp_path / "s.npz"
    arguments = ["shapes3d", "--output", path, "--train", "4", "--val", "4", "--test", "4", "--size", "8"]
    assert run(*arguments) == 0
    assert capsys.readouterr().out.strip() == str(path)
    assert np.array_equal(load_medmnist(path, "test")[1]["image"][0], synthetic_volume(1, 8, seed=9))
    assert run(*arguments, "--test", "1") == 2
    assert "argument --test: expected a whole number of at least 4, got 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("synthetic --seed -1", "argument --seed: expected a whole number from 0 to 4294967295, got -1"),
        ("synthetic --count 1", "argument --count: expected a whole number of at least 2, got 1"),
        ("synthetic --size 8 8", "argument --size: expected a whole number of at least 64, got 8"),
        ("synthetic --size 100", "argument --size: expected 2 arguments"),
        ("synthetic --sed 3", "--sed: no such option; did you mean --seed?"),
        ("synthtic", "no data set is called 'synthtic'; did you mean synthetic?"),
        ("shapes3d --size big", "argument --size: expected a whole number of at least 8, got big"),
        ("shapes3d --output out.txt", "path must end in .npz, got out.txt."),
        ("DRIVE --source x", "the following arguments are required: --output"),
        ("", "the following arguments are required: NAME"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_written(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments.split()) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith(f"error: {message}")
    assert not list(tmp_path.iterdir())
