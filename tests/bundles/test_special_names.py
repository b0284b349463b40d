"""Folders and files whose names mean something to MONAI's configurations are data."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from sre_monai.retina import synthetic_fundus
from sre_monai_cli import main
from tests.bundles.mistakes import exit_status, mistake
from tests.bundles.toy import BUNDLE

SMALL = ["--working_diameter", "84", "--write_overlay", "False"]


@pytest.fixture
def eye(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    Image.fromarray(synthetic_fundus((96, 89), seed=0).image).save("eye.png")
    return tmp_path / "eye.png"


@pytest.mark.parametrize(("source", "output"), [("C#", "r#1"), ("$p", "@o"), ("%m", "a@#b"), ("~/eyes", "~/out")])
def test_folders(eye, source, output):
    place = Path(source).expanduser()
    place.mkdir(parents=True)
    eye.rename(place / "l#1.png")
    assert exit_status(main, arguments=["segment", source, output, *SMALL]) == 0
    assert (Path(output).expanduser() / "l#1_mask.png").is_file()
    assert not Path("~").exists()
    tops = {Path(source).parts[0], Path(output).parts[0], "home"} - {"~"}
    assert {path.name for path in Path().iterdir()} <= tops


@pytest.mark.parametrize("source", ["eye.png", "*.png", "$x/../e*"])
def test_a_file_or_a_pattern(eye, source):
    Path("$x").mkdir()
    assert exit_status(main, arguments=["segment", source, "out", *SMALL]) == 0
    assert Path("out/eye_mask.png").is_file()


def test_weights_and_bundles(eye):
    shutil.copytree(BUNDLE, "b#1", ignore=shutil.ignore_patterns("baselines", "output", "eval"))
    shutil.copy("b#1/models/model.pt", "@w#.pt")
    Path("list#.csv").write_text("image\neye.png\n")
    arguments = ["segment", "list#.csv", "out", "--bundle_root", "b#1", "--checkpoint", "@w#.pt", *SMALL]
    assert exit_status(main, arguments=arguments) == 0
    assert Path("out/eye_mask.png").is_file()


def test_monais_command_refuses_what_it_reads_otherwise(eye, capfd):
    from monai.bundle import run

    common = {"config_file": str(BUNDLE / "configs" / "inference.json"), "bundle_root": str(BUNDLE)}
    told = mistake(capfd, run, **common, dataset_dir=str(eye.parent), output_dir="r#1")
    assert told == r"""output_dir: MONAI does not read 'r#1' as it is written; give "$'r\x231'"."""
    told = mistake(capfd, run, config_file=common["config_file"], bundle_root="b#1")
    assert told == r"""bundle_root: MONAI does not read 'b#1' as it is written; give "$'b\x231'"."""
    assert mistake(capfd, run, **common, dataset_dir=str(eye.parent), output_dir="~/out").endswith('/home/out".')
    assert {path.name for path in Path().iterdir()} == {"eye.png"}
