"""Checkpoints of a training run that may be killed at any moment."""

from __future__ import annotations

import logging
import os
import pickle
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from ignite.distributed import get_world_size
from ignite.engine import Events
from monai.engines import Trainer

from sre_monai.io.files import remove_unfinished, save_state
from sre_monai.runs.identity import differences

logger = logging.getLogger(__name__)


class TrainingCheckpoint:
    """Ignite handler that writes a checkpoint every few epochs, and resumes from it when there is one.

    There is one file, replaced atomically: whenever the process is killed, the file is complete.
    (`monai.handlers.CheckpointSaver` removes the old file first and then writes the new one in place.) It holds the
    state of the objects, the number of the epoch, the seconds trained and the run's identity. With `EpochSeed` there
    are no random states to store, and on a CPU a resumed run ends with the same weights as an uninterrupted one.

    Attach it after the handlers that change the objects at the end of epochs. Among several processes the first one
    writes, and all read.

    Args:
        path: the file.
        objects: objects with ``state_dict`` and ``load_state_dict``, by name: network, optimizer, schedule and so on.
        identity: what the run depends on, by `sre_monai.runs.identity.run_identity`. The checkpoint of a run of another
            identity, or with another number of processes, is refused.
        interval: epochs between two checkpoints; there is always one after the last epoch.
        resume: whether to start from the checkpoint; if not it is removed.

    Examples:
        >>> objects = {"network": network, "optimizer": optimizer}  # doctest: +SKIP
        >>> TrainingCheckpoint("output/checkpoint.pt", objects, {"seed": "0"}).attach(trainer)  # doctest: +SKIP
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        objects: Mapping[str, Any],
        identity: Mapping[str, str],
        interval: int = 1,
        resume: bool = True,
    ) -> None:
        self.path = Path(path)
        self.objects = dict(objects)
        self.identity = {**identity, "processes": str(get_world_size())}
        self.interval = interval
        self.resume = resume
        self.seconds, self.since = 0.0, time.perf_counter()

    def attach(self, engine: Trainer) -> None:
        """Load at the start, save at the end of epochs.

        Args:
            engine: MONAI's trainer.

        Raises:
            ValueError: when the file is not a checkpoint, or that of another training run.
        """
        self._read()
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_COMPLETED(every=self.interval) | Events.COMPLETED, self._save)

    def _read(self) -> dict[str, Any] | None:
        """Return the content of the checkpoint to start from, None when the training starts anew."""
        if not self.resume or not self.path.is_file():
            return None
        remedy = "give another output_dir, or --resume False to start over"
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            former = dict(state["identity"])
        except (RuntimeError, EOFError, LookupError, TypeError, ValueError, pickle.UnpicklingError):
            raise ValueError(f"{self.path} is not a checkpoint of this version; {remedy}") from None
        lacking = [f"it has no {name}" for name in self.objects if name not in state]
        changes = "; ".join(filter(None, [differences(former, self.identity), *lacking]))
        if changes:
            raise ValueError(f"{self.path} is a checkpoint of another training run: {changes}; {remedy}")
        return state

    def _start(self, engine: Trainer) -> None:
        """Load the checkpoint, or remove what is not to be loaded."""
        first = engine.state.rank == 0
        if first:
            remove_unfinished(self.path.parent)
        state = self._read()
        if state is not None:
            for name, part in self._parts(engine).items():
                part.load_state_dict(state[name])
            self.seconds = state["seconds"]
            logger.info("resuming after epoch %d of %d", engine.state.epoch, engine.state.max_epochs)
        elif first:
            self.path.unlink(missing_ok=True)
        self.since = time.perf_counter()

    def _save(self, engine: Trainer) -> None:
        if engine.state.rank == 0:
            states = {name: part.state_dict() for name, part in self._parts(engine).items()}
            seconds = self.seconds + time.perf_counter() - self.since
            save_state(self.path, {"identity": self.identity, "seconds": seconds, **states})

    def _parts(self, engine: Trainer) -> dict[str, Any]:
        """Everything whose state is kept; the trainer counts the epochs, and makes a gradient scaler for itself."""
        scaler = {} if engine.scaler is None else {"scaler": engine.scaler}
        return {**self.objects, "trainer": engine, **scaler}
