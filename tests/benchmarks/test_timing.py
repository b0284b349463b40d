"""The timing and what uses it: each script runs to its end with tiny settings."""

import json
import time
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks import folder, measures, speed
from benchmarks.__main__ import main
from benchmarks.experiments import NETWORKS
from benchmarks.timing import in_own_process, peak_megabytes, time_in_turn
from benchmarks.update_ratios import kernels
from sre_monai.networks.layers import SREConv2d
from tests.bundles.toy import photographs
from tests.medmnist.medmnist_toy import write_set


def test_subjects_alternate_and_preparation_does_not_count():
    calls = []
    runs = {"a": lambda: calls.append("a"), "b": lambda wait: calls.append("b") or time.sleep(wait)}
    seconds = time_in_turn(runs, rounds=2, turn=0, prepare={"b": lambda: time.sleep(0.3) or 0.01})
    assert calls == ["a", "b"] * 3
    assert 0 <= seconds["a"] < 0.01 <= seconds["b"] < 0.3
    calls.clear()
    assert time_in_turn({"a": partial(time.sleep, 0.002)}, rounds=1, turn=0.02)["a"] >= 0.002


def allocate(megabytes: int) -> float:
    np.ones(megabytes * 2**20, np.uint8)
    before = peak_megabytes(reset=True)
    np.ones(megabytes * 2**20, np.uint8)
    return peak_megabytes() - before


@pytest.mark.slow
def test_memory_is_the_peak_beyond_what_was_in_use():
    assert in_own_process(allocate, 64) == pytest.approx(64, abs=4)
    assert in_own_process(torch.get_num_threads) == torch.get_num_threads()


def test_a_ring_moves_all_taps_of_its_own():
    network = nn.Sequential(SREConv2d(1, 1, 3), nn.Conv2d(1, 1, 3))
    with torch.no_grad():
        network[0].weight.fill_(1.0)
    before = kernels(network)
    with torch.no_grad():
        network[0].weight[..., 1] = 2.0  # the ring of the centre's eight neighbours
    changes = {name: (kernel - before[name]).norm() / before[name].norm() for name, kernel in kernels(network).items()}
    assert changes == {"0": pytest.approx((8 / 9) ** 0.5), "1": 0}


@pytest.mark.parametrize("name", ["drive", "general"])
def test_photographs_are_measured_with_the_weights_and_the_size_of_a_row(name, repository, tmp_path):
    (tmp_path / "photographs").mkdir()
    (tmp_path / "photographs" / "eye.png").symlink_to(repository / "docs" / "sample" / "eye_565x584.png")
    measured = measures.segment(NETWORKS[name], tmp_path / "photographs", tmp_path / "results")["eye.png"]
    assert set(measured) == set(measures.MEASURES)
    assert measured["area_density"] == pytest.approx(0.14, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "folder --sizes 0.3 --count 1 --rounds 1 --measure start photographs memory --output out/record.json",
        "folder --measure lists --list_lengths 19 --keep out/kept --output out/record.json",
        "measures --data . --rows drive plain_unet --angle_step 120 --count 2 --output_dir out",
        "update_ratios --data . --rows sre_resnet18 --epochs 1 --output out/ratios.csv",
        "conversions --networks UNet AttentionUnet",
        "conversions --every --networks UNet ViT Pooler",
        "speed --rounds 1 --kernel_sizes 3 --output_dir out",
    ],
    ids=lambda command: command.replace("--", "").partition(" out")[0],
)
def test_scripts_run_to_their_end(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    photographs(tmp_path / "DRIVE")
    write_set(tmp_path / "medmnist" / "breastmnist.npz")
    for name in ("MAPS", "VOLUMES"):
        monkeypatch.setattr(speed, name, [(4, size[1]) for size in getattr(speed, name)[-1:]])
    for name in ("UNET_TASKS", "RESNET_TASKS"):
        monkeypatch.setattr(speed, name, [getattr(speed, name)[0]._replace(size=(2, 3, 32, 32))])
    monkeypatch.setattr(speed, "TRAINING", (2, 3, 48, 48))
    monkeypatch.setattr(speed, "in_own_process", lambda function, *arguments: function(*arguments))
    subjects = ("network alone", "folder with overlays")
    monkeypatch.setattr(folder, "SUBJECTS", {name: folder.SUBJECTS[name] for name in subjects})
    monkeypatch.setattr(speed, "UNETS", {name: speed.UNETS[name] for name in (speed.REFERENCE, speed.ORDINARY)})
    main(command.split())
    shown = capsys.readouterr().out
    script = command.split()[0]
    if "lists" in command:
        assert list(json.loads(shown))[-1] == "list of 19"
        assert len(list((tmp_path / "out" / "kept").rglob("patient_*.png"))) >= 19
    elif script == "folder":
        record = json.loads(shown)
        assert set(record["0.3 megapixels"]) == set(folder.SUBJECTS)
        assert min(record["start"].values()) > 0 < min(record["0.3 megapixels, MB"].values())
    else:
        assert shown.startswith("| ")
        pictures = {"speed": {"layers.png", "networks.png"}, "measures": {"rotation.png"}}
        assert {path.name for path in tmp_path.glob("out/*.png")} == pictures.get(script, set())
