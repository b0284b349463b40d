"""Loss, learning rate and validation of every epoch, as a table."""

from __future__ import annotations

import logging
import os
from typing import Any

import torch
from ignite.engine import Events
from monai.engines import Evaluator, Trainer
from torch.optim import Optimizer

from sre_monai.io.tables import write_table

logger = logging.getLogger(__name__)


class TrainingLog:
    """Ignite handler that writes a table with a row per epoch, and logs a line at regular intervals.

    Columns are ``epoch``, ``loss`` (mean over the epoch's steps), ``learning_rate`` (that of the epoch) and the metrics
    of the validations, empty where there was none. The mean loss is ``engine.state.metrics["loss"]`` as well, for
    other handlers. The rows are ``engine.state.log``, a part of the trainer's ``state_dict``: a run that resumes from a
    checkpoint continues the table.

    Args:
        path: the CSV file to write.
        optimizer: its learning rate is recorded; that of the first parameter group.
        evaluator: the validation that runs at the end of epochs, before this handler.
        interval: epochs between two lines of the log, and two updates of the table; it is written at the end as well.

    Examples:
        >>> TrainingLog("output/training_log.csv", optimizer, evaluator, 25).attach(trainer)  # doctest: +SKIP
    """

    def __init__(
        self, path: str | os.PathLike[str], optimizer: Optimizer, evaluator: Evaluator | None = None, interval: int = 1
    ) -> None:
        self.path = path
        self.optimizer = optimizer
        self.evaluator = evaluator
        self.interval = interval
        self._losses: list[torch.Tensor] = []
        self._learning_rate = 0.0

    def attach(self, engine: Trainer) -> None:
        """Record the loss of every step, and add a row at the end of every epoch.

        Args:
            engine: MONAI's trainer, with ``decollate=False``.
        """
        engine.state.log = []
        engine.state_dict_user_keys.append("log")
        engine.add_event_handler(Events.EPOCH_STARTED, self._start_epoch)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._note_loss)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self._add_row)
        engine.add_event_handler(Events.EPOCH_COMPLETED(every=self.interval), self._log_line)
        engine.add_event_handler(Events.EPOCH_COMPLETED(every=self.interval) | Events.COMPLETED, self._write)

    def _start_epoch(self) -> None:
        self._losses = []
        self._learning_rate = float(self.optimizer.param_groups[0]["lr"])  # before the schedule moves on

    def _note_loss(self, engine: Trainer) -> None:
        self._losses.append(engine.state.output["loss"].detach())

    def _add_row(self, engine: Trainer) -> None:
        epoch = engine.state.epoch
        loss = torch.stack(self._losses).mean().item()
        engine.state.metrics["loss"] = loss
        row: dict[str, Any] = {"epoch": epoch, "loss": loss, "learning_rate": self._learning_rate}
        if self.evaluator is not None and self.evaluator.state.epoch == epoch:
            row |= {name: float(value) for name, value in self.evaluator.state.metrics.items()}
        engine.state.log.append(row)

    def _log_line(self, engine: Trainer) -> None:
        values = ", ".join(f"{name} {value:.4g}" for name, value in engine.state.log[-1].items() if name != "epoch")
        logger.info("epoch %d of %d: %s", engine.state.epoch, engine.state.max_epochs, values)

    def _write(self, engine: Trainer) -> None:
        if engine.state.rank == 0:
            write_table(self.path, engine.state.log)
