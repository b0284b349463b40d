"""Wrong command lines, with sre-monai and with MONAI's command: status 2, one sentence, nothing written."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from sre_monai_cli import long_command, main
from tests.bundles.evaluation_toy import write_dataset
from tests.bundles.mistakes import mistake
from tests.bundles.toy import BUNDLE, photographs

PLAIN = BUNDLE / "models" / "baselines" / "plain_unet.pt"

TABLE = [
    ("segment", "--treshold 0.4", "treshold: the configuration has no such option; did you mean threshold?"),
    ("segment", "--nosuch#id 1", "nosuch#id: the configuration has no such option."),
    ("segment", "--threshold#x 1", "threshold#x: the configuration has no such option."),
    ("segment", "--config_file typo.json", "Cannot find the config file: typo.json."),
    ("segment", "--args_file typo.json", "No such file or directory: 'typo.json'"),
    ("segment", "--run_id typo", "run ID 'typo' doesn't exist in the config file."),
    ("segment", "--threshold 1.4", "threshold must be a number from 0 to 1, got 1.4."),
    ("segment", "--threshold abc", "threshold must be a number from 0 to 1, got 'abc'."),
    ("segment", "--dataset_dir typo", "dataset_dir: folder not found: typo"),
    ("segment", "--output_dir 2024", "output_dir must be text, got 2024."),
    ("segment", "--checkpoint typo.pt", "checkpoint: file not found: typo.pt."),
    ("segment", f"--checkpoint {PLAIN}", "are not those of SREUNet as configured ("),
    ("segment", f"--checkpoint {BUNDLE}/LICENSE", "LICENSE contains no network's weights"),
    ("segment", "--device gpu", "device: gpu is not available here"),
    ("segment", "--output_ext .jpg", "output_ext must be one of .png, .nii.gz, .dcm, got '.jpg'."),
    ("segment", "--write_overlay maybe", "write_overlay must be True or False, got 'maybe'."),
    ("segment", "--working_diameter 0", "working_diameter must be a number of at least 32, in pixels, got 0."),
    ("segment", "--batch_size 0", "batch_size must be a whole number of at least 1, got 0."),
    ("segment", "--saving_threads 0", "saving_threads must be a whole number of at least 1, got 0."),
    ("segment", "--window_size 1.5", "window_size must be a whole number of at least 32, in pixels, got 1.5."),
    ("segment", "--net unett", "net must be one of sre_harmonic_unet, sre_harmonic_unet_small, "),
    ("segment", "--network_def#profile bnads", "profile must be one of bands, gaussian, gmr, got 'bnads'."),
    ("segment", "--network_def#profil bands", "got an unexpected keyword argument 'profil'"),
    ("segment", "--inferer#overlap 2", "overlap must be at least 0 and below 1, got 2."),
    ("train", "--max_epoch 3", "max_epoch: the configuration has no such option; did you mean max_epochs?"),
    ("train", "--max_epochs 0", "max_epochs must be a whole number of at least 1, got 0."),
    ("train", "--zoom_range [0,1]", "zoom_range must be a list of 2 numbers above 0, got [0, 1]."),
    ("train", "--zoom_range [1]", "zoom_range must be a list of 2 numbers above 0, got [1]."),
    ("train", "--images_per_batch 0", "images_per_batch must be a whole number of at least 1, got 0."),
    ("train", "--learning_rate -1", "learning_rate must be a number of at least 0, got -1."),
    ("train", "--seed -1", "seed must be a whole number from 0 to 4294967295, got -1."),
    ("train", "--learning_rate fast", "learning_rate must be a number of at least 0, got 'fast'."),
    (
        "train",
        "--validation_count 2 --optimizer#lr -1",
        "keywords: params,lr,weight_decay: Invalid learning rate: -1",
    ),
    ("train", "--validation_count 2 --loss#reduction foo", "'foo' is not a valid value"),
    ("train", "--validation_count 100", "validation_count must be below the number of training images, 4, got 100."),
    ("evaluate", "--section tset", "has no section 'tset'; choose one of training, test, all"),
    ("evaluate", "--limit 0", "limit must be a whole number of at least 1, got 0."),
    ("evaluate", "--threshold 2", "threshold must be a number from 0 to 1, got 2."),
    ("rotate", "--angles [north]", "angles must be a list of one or more numbers, in degrees, got ['north']."),
    ("rotate", "--angles []", "angles must be a list of one or more numbers, in degrees, got []."),
    ("rotate", "--angles [0] --angle_step 30", "angles and angle_step can't be given together; give one of them."),
    ("rotate", "--angle_step -10", "angle_step must be a whole number from 1 to 360, in degrees, got -10."),
    ("rotate", "--published_size 0", "published_size must be a whole number of at least 32, in pixels, got 0."),
    ("rotate", "--overlay_angles 3", "overlay_angles must be a list of numbers, in degrees, got 3."),
    (
        "evaluate",
        "--overlay_angles [0] --write_overlay False",
        "overlay_angles and write_overlay can't be given together",
    ),
    ("rotate", "--angle_step 0", "angle_step must be a whole number from 1 to 360, in degrees, got 0."),
    ("classify", "--classes []", "classes must be a list of 2 or more names, got []."),
    ("classify", "--spatial_dims 4", "spatial_dims must be one of 2, 3, got 4."),
    (
        "classify",
        "--task regression",
        "task must be one of binary-class, multi-class, 'multi-label, binary-class', ordinal-regression, got",
    ),
    ("classify", "--checkpoint typo.pt", "checkpoint: file not found: typo.pt."),
    ("classify", f"--checkpoint {PLAIN}", "are not those of SREResNet as configured ("),
    ("rotate", "--protocols published", "protocols must be a list of one or more names, got 'published'."),
]


ONLY_MONAI = ("--dataset_dir", "--output_dir")
"""What `sre-monai` takes as arguments instead; both together are a conflict."""

MONAI_ALONE_CANNOT = ("--nosuch#id", "--threshold#x", "--config_file", "--args_file")
"""What MONAI refuses before it evaluates the configuration: its own command raises, see docs/commands.md."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("mistakes")
    dataset, training = write_dataset(folder / "dataset"), photographs(folder / "training")
    return {
        "segment": dataset / "images",
        "train": training,
        "evaluate": dataset,
        "rotate": dataset,
        "classify": dataset / "images",
    }


def run_in_process(command: list[str]) -> None:
    """Run ``python -m monai.bundle …`` in this process."""
    sys.argv = command[2:]
    runpy.run_module("monai.bundle", run_name="__main__")


@pytest.mark.parametrize(
    "short", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["sre-monai", "monai.bundle"]
)
@pytest.mark.parametrize(("command", "option", "sentence"), TABLE, ids=lambda value: str(value)[:24])
def test_a_mistake_is_one_sentence(folders, tmp_path, monkeypatch, capfd, command, option, sentence, short):
    if short and option.startswith(ONLY_MONAI):
        sentence = f"{option.split()[0].removeprefix('--')} is given twice, "
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setattr(sys, "path", sys.path[:])
    arguments = [str(folders[command]), "out"]
    if short:
        told = mistake(capfd, main, arguments=[command, *arguments, *option.split()])
    else:
        words = [*long_command(command, *arguments), *option.split()]
        if option.startswith(MONAI_ALONE_CANNOT):
            with pytest.raises((KeyError, ValueError, FileNotFoundError)):
                run_in_process(words)
            return
        told = mistake(capfd, lambda: run_in_process(words))
    assert sentence in told
    assert not list(tmp_path.iterdir())


def run_command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(BUNDLE / "configs" / "inference.json")]
    command += ["--bundle_root", str(BUNDLE), "--output_dir", "out", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, timeout=300)


@pytest.mark.slow
def test_a_process_of_its_own_ends_with_status_2(folders, tmp_path):
    result = run_command(tmp_path, "--dataset_dir", str(folders["segment"]), "--threshold", "1.4")
    assert result.returncode == 2
    assert result.stderr.endswith("error: threshold must be a number from 0 to 1, got 1.4.\n")
    assert "Traceback" not in result.stderr + result.stdout
    assert "terminating due to exception" not in result.stderr + result.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_defect_keeps_its_trace_and_status_1(tmp_path):
    result = run_command(tmp_path, "--run", "$torch.hub.list(3)")
    assert result.returncode == 1
    assert "Traceback" in result.stderr
