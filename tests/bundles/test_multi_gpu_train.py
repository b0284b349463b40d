"""Two processes train one network: both have the same weights, only the first writes files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.bundles.toy import BUNDLE, SHORT, SMALL, config_files, parse, photographs
from tests.tolerances import assert_close

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training run by two processes; each saves its state in a separate file."""
    folder = tmp_path_factory.mktemp("two_processes")
    known = {
        "averaged": "@averaged_network.state_dict()",
        "metrics": "@validate#evaluator.state.metrics",
        "handlers": "[type(handler).__name__ for handler in [*@train#handlers, *@validate#handlers]]",
        "sampled": "list(@train#sampler)",
    }
    content = ", ".join(f"'{key}': {value}" for key, value in known.items())
    arguments = {
        **SHORT,
        **SMALL,
        "bundle_root": str(BUNDLE),
        "dataset_dir": str(photographs(folder / "data")),
        "output_dir": str(folder / "output"),
        "run": [*parse("train.json")["run"], f"$torch.save({{{content}}}, '{folder}/rank' + str(@rank) + '.pt')"],
    }
    del arguments["device"]
    (folder / "arguments.json").write_text(json.dumps(arguments))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    command += ["-m", "monai.bundle", "run", "--args_file", str(folder / "arguments.json")]
    command += ["--config_file", str(config_files("train.json", "multi_gpu_train.json"))]
    command += ["--backend", "gloo"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr[-3000:]
    (folder / "log.txt").write_text(result.stdout)
    return folder


@pytest.fixture(scope="module")
def ranks(trained: Path) -> list[dict[str, Any]]:
    return [torch.load(trained / f"rank{rank}.pt", weights_only=True) for rank in (0, 1)]


def test_both_processes_end_with_the_same_weights(ranks):
    first, second = (rank["averaged"] for rank in ranks)
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


def test_each_process_trains_on_its_own_images(ranks):
    assert sorted(ranks[0]["sampled"] + ranks[1]["sampled"]) == [0, 1]


def test_only_the_first_process_logs_and_saves(trained, ranks):
    log = (trained / "log.txt").read_text()
    assert log.count("epoch 2 of 2") == 1
    assert set(ranks[0]["handlers"]) - set(ranks[1]["handlers"]) == {"TensorBoardStatsHandler"}
    assert len(list((trained / "output").glob("events*"))) == 2  # the trainer's and the evaluator's


def test_validation_is_shared(ranks):
    assert ranks[0]["metrics"] == ranks[1]["metrics"]


def test_weights_score_the_same_in_one_process(trained, ranks):
    parser = parse("train.json", **SHORT, **SMALL, dataset_dir=str(trained / "data"), output_dir=str(trained / "alone"))
    weights = torch.load(trained / "output" / "model.pt", weights_only=True)
    evaluator = parser.get_parsed_content("validate#evaluator")
    evaluator.network.load_state_dict(weights)
    evaluator.run()
    expected = torch.tensor(ranks[0]["metrics"]["val_dice"])
    assert_close(torch.tensor(evaluator.state.metrics["val_dice"]), expected)
