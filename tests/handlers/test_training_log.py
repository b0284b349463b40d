from __future__ import annotations

import csv
import logging
from copy import deepcopy
from typing import Any

import torch
from ignite.engine import Events
from monai.engines import SupervisedEvaluator
from monai.handlers import LrScheduleHandler, ValidationHandler, from_engine
from monai.handlers import MeanSquaredError as SquaredError

from sre_monai.handlers import TrainingLog
from tests.handlers.training_toy import make_loader, make_network, make_trainer
from tests.tolerances import assert_close


def training(path, max_epochs: int = 5, interval: int = 2):
    """A trainer that validates every other epoch and halves its learning rate after each, with its losses."""
    network = make_network()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.008)
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=make_loader(),
        network=network,
        key_val_metric={"val_error": SquaredError(output_transform=from_engine(["pred", "label"]))},
    )
    log = TrainingLog(path, optimizer, evaluator, interval)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    handlers = [LrScheduleHandler(schedule, print_lr=False), ValidationHandler(2, evaluator), log]
    trainer = make_trainer(handlers, network=network, optimizer=optimizer, max_epochs=max_epochs)
    losses: list[float] = []
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda e: losses.append(e.state.output["loss"].item()))
    return trainer, losses


def read(path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_one_row_per_epoch(tmp_path):
    trainer, losses = training(tmp_path / "log.csv")
    trainer.run()
    rows = read(tmp_path / "log.csv")
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4", "5"]
    assert [float(row["learning_rate"]) for row in rows] == [0.008, 0.004, 0.002, 0.001, 0.0005]
    assert [row["val_error"] != "" for row in rows] == [False, True, False, True, False]
    expected = torch.tensor(losses).reshape(5, 3).mean(1)
    assert_close(torch.tensor([float(row["loss"]) for row in rows]), expected)
    assert trainer.state.metrics["loss"] == float(rows[-1]["loss"])


def test_line_at_every_interval(tmp_path, caplog):
    with caplog.at_level(logging.INFO, "sre_monai"):
        training(tmp_path / "log.csv")[0].run()
    lines = [record.message for record in caplog.records if record.name.startswith("sre_monai")]
    assert [line.split(":")[0] for line in lines] == ["epoch 2 of 5", "epoch 4 of 5"]
    assert "val_error" in lines[0]


def test_resumed_run_appends_to_the_rows_of_the_trainer_state(tmp_path):
    trainer, _ = training(tmp_path / "log.csv", max_epochs=3)
    states: list[dict[str, Any]] = []
    trainer.add_event_handler(Events.EPOCH_COMPLETED(once=2), lambda: states.append(deepcopy(trainer.state_dict())))
    trainer.run()
    trainer, _ = training(tmp_path / "log.csv", max_epochs=3)
    trainer.load_state_dict(deepcopy(states[0]))
    trainer.run()
    assert [row["epoch"] for row in read(tmp_path / "log.csv")] == ["1", "2", "3"]
    assert trainer.state.log[:2] == states[0]["log"]


def test_other_processes_write_nothing(tmp_path):
    trainer, _ = training(tmp_path / "log.csv")
    trainer.state.rank = 1
    trainer.run()
    assert not (tmp_path / "log.csv").exists()
