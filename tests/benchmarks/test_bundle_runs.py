import json

import pytest
import torch

from benchmarks import bundle_runs
from benchmarks.bundle_runs import BundleRun, side_by_side
from tests.benchmarks.instant_runs import instant_runs
from tests.bundles.medmnist_toy import BUNDLE
from tests.medmnist.medmnist_toy import write_set

IDENTITY = "$runs.run_identity(runs.configuration_being_parsed())"
CONFIGURATION = {"imports": ["$import sre_monai.runs as runs"], "identity": IDENTITY, "loss": 1}


@pytest.fixture
def a_run(tmp_path):
    """A run of a bundle of two configurations with some settings."""
    (tmp_path / "bundle" / "configs" / "models").mkdir(parents=True)
    (tmp_path / "bundle" / "configs" / "a.json").write_text(json.dumps(CONFIGURATION))
    (tmp_path / "bundle" / "configs" / "models" / "b.yaml").write_text("seed: 0\n")
    return lambda **settings: BundleRun(tmp_path / "bundle", ["a.json", "models/b.yaml"], tmp_path / "out", settings)


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """Take a shell script in place of Python."""
    monkeypatch.setattr(bundle_runs.sys, "executable", str(tmp_path / "python"))

    def write(script: str) -> None:
        (tmp_path / "python").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "python").chmod(0o755)

    return write


def test_a_run_gets_its_settings_and_threads(a_run, shell, tmp_path):
    shell('echo "$OMP_NUM_THREADS $@"')
    a_run(seed=3).run(threads=2)
    arguments = json.loads((tmp_path / "out" / "arguments.json").read_text())
    assert arguments == {"seed": 3, "bundle_root": str(tmp_path / "bundle"), "output_dir": str(tmp_path / "out")}
    said = (tmp_path / "out" / "console.txt").read_text()
    assert said.startswith("2 -m monai.bundle run")
    assert str(tmp_path / "bundle" / "configs" / "models" / "b.yaml") in said


def test_a_failed_run_names_its_log_and_is_not_finished(a_run, shell):
    shell("echo started\necho error: another training run\nexit 2")
    with pytest.raises(ChildProcessError, match=r"console\.txt tells why: error: another training run$"):
        a_run().run()
    assert not a_run().is_finished()


def test_a_finished_run_is_kept_and_another_one_is_not(a_run, monkeypatch):
    started = instant_runs(monkeypatch, lambda output, files: None)
    for settings in ({}, {}, {"output_dir": "elsewhere"}, {"loss": 2}, {"loss": 2}, {"seed": 1}):
        a_run(**settings).run()
    assert [(run.get("loss"), run.get("seed")) for run in started] == [(None, None), (2, None), (None, 1)]


def test_an_interrupted_run_is_run_again(a_run, monkeypatch):
    def interrupt(output, files):
        raise KeyboardInterrupt

    instant_runs(monkeypatch, lambda output, files: None)
    a_run().run()
    instant_runs(monkeypatch, interrupt)
    with pytest.raises(KeyboardInterrupt):
        a_run(loss=2).run()
    assert not a_run().is_finished()
    assert not a_run(loss=2).is_finished()


@pytest.mark.parametrize(("jobs", "threads"), [(3, 2), (20, 1)])
def test_tasks_share_the_threads(jobs, threads, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    done = []
    side_by_side(lambda *task_and_threads: done.append(task_and_threads), ["a", "b", "c"], jobs, unit="task")
    assert sorted(done) == [("a", threads), ("b", threads), ("c", threads)]


@pytest.mark.parametrize("threads", [None, 2])
@pytest.mark.parametrize("edge", [10, 1001], ids=["small", "large"])
def test_weights_are_stored_with_log_and_record_large_ones_in_half_precision(edge, threads, tmp_path):
    write_set(tmp_path / "data" / "breastmnist.npz")
    settings = {"dataset_dir": str(tmp_path / "data"), "seed": 3, "device": "cpu"}
    (tmp_path / "training_log.csv").write_text("epoch,loss\n")
    state = {"weight": torch.rand(edge, edge), "num_batches_tracked": torch.tensor(100_001)}
    torch.save(state, tmp_path / "model.pt")
    torch.save({"trainer": {"iteration": 2400}, "seconds": 90.0}, tmp_path / "checkpoint.pt")
    BundleRun(BUNDLE, ["train.json"], tmp_path, settings).store(tmp_path / "kept" / "model.pt", threads)
    kept = torch.load(tmp_path / "kept" / "model.pt", weights_only=True)
    assert torch.equal(kept["weight"], state["weight"].half() if edge > 1000 else state["weight"])
    assert torch.equal(kept["num_batches_tracked"], state["num_batches_tracked"])
    assert (tmp_path / "kept" / "model.csv").read_text() == "epoch,loss\n"
    expected = {"parameters": 6462210, "steps": 2400, "training_minutes": 1.5, "seed": 3, "device": "cpu"}
    expected |= {"mixed_precision": False} | ({"threads": threads} if threads else {})
    assert json.loads((tmp_path / "kept" / "model.json").read_text()) == expected
