"""The short command is translated to the long one; mistakes give one sentence."""

import os
import shlex
import subprocess
import sys

import pytest
from fire.parser import DefaultParseValue

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
    command = long_command(name, "data/DRIVE", overrides={"max_epochs": 3})
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
        (["segment", "eyes", "--bundle_root"], "argument --bundle_root: expected one argument"),
        (["segment", "eyes", "--overlay", "typo.yaml"], "Cannot find the config file: "),
        (["segment", "eyes", "--set", "threshold"], "argument --set: give ID=VALUE, got 'threshold'"),
        (["segment", "eyes", "--threshold", "0.4", "--set", "threshold=0.5"], "threshold is given twice, 0.4 and 0.5"),
        (["segment", "eyes", "--dataset_dir", "ears"], "dataset_dir is given twice, 'eyes' and 'ears'"),
        (["segment", "eyes", "out", "more"], "unrecognized arguments: more"),
        (["segment", "eyes", "--dryrun"], "dryrun: the configuration has no such option; did you mean dry_run?"),
        (["rotate", "eyes", "--angles", "[0]", "--angle_step", "9"], "angles and angle_step can't be given together"),
        (["segmnt", "eyes"], "no command is called 'segmnt'; did you mean segment?"),
        (["segment", "eyes", "--threshold", "$1 / 3"], "threshold must be a number from 0 to 1, got '$1 / 3'"),
        (["classify", "x", "--net_settings", "{'_target_': 'os.getcwd'}"], "_target_: a value must be data"),
        (["segment", "eyes", "--config_file", "r#1/typo.json"], "Cannot find the config file: r#1/typo.json"),
        (["xyzzy"], "no command is called 'xyzzy'; choose one of segment, "),
        (["prepare", "EYES"], "no data set is called 'EYES'"),
        (["segment"], "required: data"),
        ([], "required: command"),
        (["--verion"], "required: command"),
        (["--print_completion", "pwsh"], "no completion for the shell 'pwsh'"),
    ],
    ids=str,
)
def test_a_mistake_is_one_sentence(arguments, sentence, capsys):
    try:
        status = main(arguments)
    except SystemExit as stop:
        status = stop.code
    assert status == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("error: ")
    assert sentence in told


@pytest.mark.parametrize(
    ("words", "parsed"),
    [
        (["--write_probability"], ["--write_probability", "True"]),
        (["--write_probability", "false"], ["--write_probability", "False"]),
        (["--window-size=512"], ["--window_size", "512"]),
        (["--inferer#overlap", "0.5"], ["--inferer#overlap", "0.5"]),
        (["--set", "inferer::overlap=0.5"], ["--inferer#overlap", "0.5"]),
        (["--network_def#features=[4,4]"], ["--network_def#features", "[4, 4]"]),
        (["--output_dir", "2024"], ["--output_dir", "'2024'"]),
        (["--checkpoint", "1e3"], ["--checkpoint", "'1e3'"]),
        (["--set", "device=$torch.device('cpu')"], ["--device", "$torch.device('cpu')"]),
        (["--set", "threshold=$1 / 3"], ["--threshold", "$1 / 3"]),
        (["--inferer#overlap", "@threshold"], ["--inferer#overlap", "@threshold"]),
        (["--device", "$p"], ["--device", r"$'$p'"]),
        (["--checkpoint", "%p@2#3"], ["--checkpoint", r"$'\x25p\x402\x233'"]),
        (["--set", "checkpoint=r#1"], ["--checkpoint", r"$'r\x231'"]),
        (["--set", "inferer#mode=a#b"], ["--inferer#mode", r"$'a\x23b'"]),
        (["--checkpoint", "~/m.pt"], ["--checkpoint", os.path.expanduser("~/m.pt")]),
        (["--threshold", "0.4", "--threshold", "0.4"], ["--threshold", "0.4"]),
        (["--tracking", "mlflow"], ["--tracking", "mlflow"]),
    ],
    ids=str,
)
def test_spellings_of_options(words, parsed, capsys):
    assert main(["segment", "eyes", *words, "--dry_run"]) == 0
    command = shlex.split(capsys.readouterr().err)
    assert command[command.index("eyes") + 1 :] == parsed


def test_overlays_come_last(capsys):
    arguments = ["--overlay", "recipes/model.yaml", "--overlay", "recipes/plain_unet.yaml", "--datasets", "['STARE']"]
    assert main(["train", "data", *arguments, "--dry_run"]) == 0
    files = config_files("train.json", "recipes/model.yaml", "recipes/plain_unet.yaml")
    assert shlex.split(capsys.readouterr().err)[5] == str(files)


def test_the_other_bundle(capsys):
    assert main(["evaluate", "data", "--bundle_root", "medmnist_classification", "--section", "val", "--dry_run"]) == 0
    assert "bundles/medmnist_classification/configs/evaluate.json" in capsys.readouterr().err
    assert main(["classify", "data", "--classes", "[a,b]", "--dry_run"]) == 0
    assert shlex.split(capsys.readouterr().err)[-2:] == ["--classes", "['a', 'b']"]


def test_export_names_the_bundle_and_the_file(capsys):
    assert main(["export", "medmnist_classification", "net.pt2", "--checkpoint", "my.pt", "--dry_run"]) == 0
    words = shlex.split(capsys.readouterr().err)
    root = find_bundle("medmnist_classification")
    assert words[4:] == [
        "--config_file", str([str(root / "configs" / name) for name in ("inference.json", "export.json")]),
        *("--bundle_root", str(root), "--filepath", "net.pt2", "--checkpoint", "my.pt"),
    ]  # fmt: skip
    assert main(["export", "medmnist", "net.pt2"]) == 2
    assert "no bundle in medmnist" in capsys.readouterr().err


def test_what_is_printed_is_read_alike_by_monai():
    values = {"a": "2024", "b": "left,right", "c": "-x", "d": ["0", 1.5], "e": True, "f": "$@a + 'b'", "g": {"h": None}}
    words = long_command("segment", "eyes", overrides=values)[-2 * len(values) :]
    assert {k.removeprefix("--"): DefaultParseValue(v) for k, v in zip(words[::2], words[1::2], strict=True)} == values


@pytest.mark.parametrize(
    "command", ["segment", "evaluate", "rotate", "train", "classify", "export", "share", "prepare"]
)
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


@pytest.mark.slow
def test_the_command_returns_its_exit_status(tmp_path):
    command = [sys.executable, "-m", "sre_monai_cli", "segment", "typo", str(tmp_path / "out")]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=_environment(), timeout=300)
    assert result.returncode == 2
    assert "error: dataset_dir: folder not found: typo" in result.stderr


def _environment():
    return {**os.environ, "PYTHONPATH": str(BUNDLE.parents[1])}


@pytest.mark.slow
@pytest.mark.parametrize("started", ["script", "module"])
def test_what_lies_beside_the_photographs_is_no_code(started, tmp_path):
    """The interpreter itself looks at some modules before ours run, which are not tried here."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sre-monai").write_text("import sys\nfrom sre_monai_cli import main\nsys.exit(main())\n")
    folder = tmp_path / "work"
    folder.mkdir()
    for name in ("torch", "argparse", "shlex", "fire", "yaml", "itk", "cucim", "nibabel", "sre_monai"):
        (folder / f"{name}.py").write_text(f"raise SystemExit('{name}.py was run')")
    start = [str(tmp_path / "bin" / "sre-monai")] if started == "script" else ["-m", "sre_monai_cli"]
    command = [sys.executable, *start, "segment", "typo", "out"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=_environment(), timeout=300)
    assert "error: dataset_dir: folder not found: typo" in result.stderr
    assert result.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["--help"], 0), (["train", "--help"], 0), (["--version"], 0), (["segment", "eyes", "--treshold", "0.4"], 2)],
    ids=str,
)
def test_help_and_mistakes_import_no_framework(arguments, status):
    command = [sys.executable, "-X", "importtime", "-m", "sre_monai_cli", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, env=_environment(), timeout=300)
    assert result.returncode == status
    imported = {line.split("|")[-1].strip() for line in result.stderr.splitlines()}
    assert "argparse" in imported
    assert not imported & {"torch", "monai", "numpy", "sre_monai"}


def test_earlier_scripts_find_the_command():
    from sre_monai import cli

    assert cli.main is main
