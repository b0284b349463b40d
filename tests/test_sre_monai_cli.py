"""The short command is translated to the long one; mistakes give one sentence."""

import os
import subprocess
import sys

import pytest

from sre_monai_cli import find_bundle, long_command, main
from tests.bundles.toy import BUNDLE, config_files


def test_segment_is_short_for_the_bundle(capsys):
    assert main(["segment", "my eyes", "out", "--threshold", "0.4", "--dry_run"]) == 0
    assert capsys.readouterr().err.strip() == (
        f"python -m monai.bundle run --config_file {config_files('inference.json')[0]} --bundle_root {BUNDLE} "
        "--dataset_dir 'my eyes' --output_dir out --threshold 0.4"
    )


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("train", ["train.json"]),
        ("evaluate", ["train.json", "evaluate.json"]),
        ("rotate", ["train.json", "evaluate.json", "rotation.json"]),
    ],
)
def test_configurations_of_the_others(name, files):
    command = long_command(name, "data/DRIVE", further=["--max_epochs", "3"])
    known = config_files(*files)
    assert command[5] == (known[0] if len(known) == 1 else str(known))
    assert command[-2:] == ["--max_epochs", "3"]
    assert "--output_dir" not in command


def test_values_of_options_are_not_folders(capsys):
    """`100` belongs to the option, though the output is left out."""
    main(["train", "data/DRIVE", "--max_epochs", "100", "--dry_run"])
    assert capsys.readouterr().err.strip().endswith("--dataset_dir data/DRIVE --max_epochs 100")


@pytest.mark.parametrize(("folder", "quoted"), [("2024", "'2024'"), ("left,right", "'left,right'"), ("eyes", "eyes")])
def test_folders_that_look_like_numbers_or_lists(folder, quoted):
    assert long_command("segment", folder)[-1] == quoted


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["segment", "eyes", "--bundle_root", "nowhere"], "no bundle in nowhere"),
        (["prepare", "EYES"], "no data set is called 'EYES'"),
        (["segment"], "required: data"),
        ([], "required: command"),
    ],
    ids=str,
)
def test_a_mistake_is_one_sentence(arguments, sentence, capsys):
    try:
        status = main(arguments)
    except SystemExit as stop:
        status = stop.code
    assert status == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("command", ["segment", "evaluate", "rotate", "train", "prepare"])
def test_help_teaches_by_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"sre-monai {command} " in capsys.readouterr().out.split("example:")[-1]


def test_prepare_states_what_it_needs(capsys):
    assert main(["prepare", "drive", "--output", "data/DRIVE"]) == 2
    assert "give --source" in capsys.readouterr().err


def test_a_bundle_elsewhere(tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "metadata.json").touch()
    assert find_bundle(tmp_path) == tmp_path


@pytest.mark.parametrize("module", ["sre_monai_cli", "sre_monai.cli"])
def test_the_command_returns_its_exit_status(module, tmp_path):
    command = [sys.executable, "-m", module, "segment", "typo", str(tmp_path / "out")]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=_environment(), timeout=300)
    assert result.returncode == 2
    assert "error: dataset_dir: folder not found: typo" in result.stderr


def _environment():
    return {**os.environ, "PYTHONPATH": str(BUNDLE.parents[1])}


def test_help_imports_no_framework():
    command = [sys.executable, "-X", "importtime", "-m", "sre_monai_cli", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, env=_environment(), timeout=300)
    assert result.returncode == 0
    imported = {line.split("|")[-1].strip() for line in result.stderr.splitlines()}
    assert "argparse" in imported
    assert not imported & {"torch", "monai", "numpy", "sre_monai"}


def test_earlier_scripts_find_the_command():
    from sre_monai import cli

    assert cli.main is main
