import json
from pathlib import Path

import pytest
import torch

from benchmarks import bundle_runs
from benchmarks.bundle_runs import BundleRun, side_by_side
from tests.benchmarks.instant_runs import instant_runs
from tests.bundles.medmnist_toy import BUNDLE
from tests.medmnist.medmnist_toy import write_set

CONFIGURATION = {
    "imports": ["$import sre_monai.runs as runs"],
    "identity": "$runs.run_identity(runs.configuration_being_parsed())",
    "loss": 1,
}


@pytest.fixture
def bundle(tmp_path) -> Path:
    folder = tmp_path / "bundle"
    (folder / "configs" / "models").mkdir(parents=True)
    (folder / "configs" / "a.json").write_text(json.dumps(CONFIGURATION))
    (folder / "configs" / "models" / "b.yaml").write_text("seed: 0\n")
    return folder


def a_run(bundle: Path, **settings) -> BundleRun:
    return BundleRun(bundle, ["a.json", "models/b.yaml"], bundle.parent / "out", settings)


def test_a_run_gets_its_settings_and_threads(bundle, tmp_path, monkeypatch):
    shell = tmp_path / "python"
    shell.write_text('#!/bin/sh\necho "$OMP_NUM_THREADS $@"\n')
    shell.chmod(0o755)
    monkeypatch.setattr(bundle_runs.sys, "executable", str(shell))
    a_run(bundle, seed=3).run(threads=2)
    arguments = json.loads((tmp_path / "out" / "arguments.json").read_text())
    assert arguments == {"seed": 3, "bundle_root": str(bundle), "output_dir": str(tmp_path / "out")}
    said = (tmp_path / "out" / "console.txt").read_text()
    assert said.startswith("2 -m monai.bundle run")
    assert str(bundle / "configs" / "models" / "b.yaml") in said


def test_a_failed_run_names_its_log_and_is_not_finished(bundle, tmp_path, monkeypatch):
    shell = tmp_path / "python"
    shell.write_text("#!/bin/sh\necho started\necho error: another training run\nexit 2\n")
    shell.chmod(0o755)
    monkeypatch.setattr(bundle_runs.sys, "executable", str(shell))
    with pytest.raises(ChildProcessError, match=r"console\.txt tells why: error: another training run$"):
        a_run(bundle).run()
    assert not a_run(bundle).is_finished()


def test_a_finished_run_is_kept_and_another_one_is_not(bundle, monkeypatch):
    started = instant_runs(monkeypatch, lambda output, files: None)
    for settings in ({}, {}, {"output_dir": "elsewhere"}, {"loss": 2}, {"loss": 2}, {"seed": 1}):
        a_run(bundle, **settings).run()
    assert [(run.get("loss"), run.get("seed")) for run in started] == [(None, None), (2, None), (None, 1)]


def test_an_interrupted_run_is_run_again(bundle, monkeypatch):
    def interrupt(output, files):
        raise KeyboardInterrupt

    instant_runs(monkeypatch, lambda output, files: None)
    a_run(bundle).run()
    instant_runs(monkeypatch, interrupt)
    with pytest.raises(KeyboardInterrupt):
        a_run(bundle, loss=2).run()
    assert not a_run(bundle).is_finished()
    assert not a_run(bundle, loss=2).is_finished()


def test_tasks_share_the_threads(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    done = []
    side_by_side(lambda task, threads: done.append((task, threads)), ["a", "b", "c"], jobs=3, unit="task")
    assert sorted(done) == [("a", 2), ("b", 2), ("c", 2)]
    side_by_side(lambda task, threads: done.append((task, threads)), ["d"], jobs=20, unit="task")
    assert done[-1] == ("d", 1)


@pytest.mark.parametrize("threads", [None, 2])
@pytest.mark.parametrize("edge", [10, 1001], ids=["small", "large"])
def test_weights_are_stored_with_log_and_record_large_ones_in_half_precision(edge, threads, tmp_path):
    write_set(tmp_path / "data" / "breastmnist.npz")
    settings = {"dataset_dir": str(tmp_path / "data"), "seed": 3, "device": "cpu"}
    run = BundleRun(BUNDLE, ["train.json"], tmp_path, settings)
    (tmp_path / "training_log.csv").write_text("epoch,loss\n")
    state = {"weight": torch.rand(edge, edge), "num_batches_tracked": torch.tensor(100_001)}
    torch.save(state, tmp_path / "model.pt")
    torch.save({"trainer": {"iteration": 2400}, "seconds": 90.0}, tmp_path / "checkpoint.pt")
    run.store(tmp_path / "models" / "kept.pt", threads)
    kept = torch.load(tmp_path / "models" / "kept.pt", weights_only=True)
    assert torch.equal(kept["weight"], state["weight"].half() if edge > 1000 else state["weight"])
    assert torch.equal(kept["num_batches_tracked"], state["num_batches_tracked"])
    assert (tmp_path / "models" / "kept.csv").read_text() == "epoch,loss\n"
    expected = {"parameters": 6462210, "steps": 2400, "training_minutes": 1.5, "seed": 3, "device": "cpu"}
    expected |= {"mixed_precision": False} | ({"threads": threads} if threads else {})
    assert json.loads((tmp_path / "models" / "kept.json").read_text()) == expected
