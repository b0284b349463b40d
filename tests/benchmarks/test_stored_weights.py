from __future__ import annotations

import json

import pytest
import torch

from benchmarks.bundle_runs import BundleRun
from benchmarks.stored_weights import store
from tests.bundles.medmnist_toy import BUNDLE
from tests.medmnist.medmnist_toy import write_set


@pytest.fixture
def run(tmp_path) -> BundleRun:
    """A finished training run of a network with 1,001,000 values."""
    write_set(tmp_path / "data" / "breastmnist.npz")
    output = tmp_path / "train"
    output.mkdir()
    (output / "training_log.csv").write_text("epoch,loss\n")
    state = {"weight": torch.rand(1000, 1001), "num_batches_tracked": torch.tensor(100_001)}
    torch.save(state, output / "model.pt")
    torch.save({"trainer": {"iteration": 2400}, "seconds": 90.0}, output / "checkpoint.pt")
    settings = {"dataset_dir": str(tmp_path / "data"), "seed": 3, "device": "cpu"}
    return BundleRun(BUNDLE, ["train.json"], output, settings)


def test_large_networks_are_stored_in_half_precision(run, tmp_path):
    weights = tmp_path / "models" / "kept.pt"
    store(run, weights)
    state, kept = (torch.load(file, weights_only=True) for file in (run.output / "model.pt", weights))
    assert torch.equal(kept["weight"], state["weight"].half())
    assert torch.equal(kept["num_batches_tracked"], state["num_batches_tracked"])


def test_small_networks_are_stored_as_they_are(run, tmp_path):
    state = {"weight": torch.rand(10)}
    torch.save(state, run.output / "model.pt")
    store(run, tmp_path / "kept.pt")
    assert torch.equal(torch.load(tmp_path / "kept.pt", weights_only=True)["weight"], state["weight"])


@pytest.mark.parametrize("threads", [None, 2])
def test_log_and_record_come_beside_the_weights(run, tmp_path, threads):
    store(run, tmp_path / "kept.pt", threads)
    assert (tmp_path / "kept.csv").read_text() == "epoch,loss\n"
    expected = {"parameters": 6462210, "steps": 2400, "training_minutes": 1.5, "seed": 3, "device": "cpu"}
    expected |= {"mixed_precision": False} | ({"threads": threads} if threads else {})
    assert json.loads((tmp_path / "kept.json").read_text()) == expected
