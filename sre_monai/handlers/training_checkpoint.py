"""A training that may be killed at any moment and goes on where it was."""

from __future__ import annotations

import logging
import os
import pickle
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Events
from monai.engines import Trainer

from sre_monai.files import remove_unfinished, save_state

__all__ = ["TrainingCheckpoint"]

logger = logging.getLogger(__name__)


class TrainingCheckpoint:
    """Ignite handler that writes a checkpoint every so many epochs, and starts from it when it is there.

    There is one file, which the next checkpoint replaces in one piece: whenever a process is killed, the file is
    complete. (`monai.handlers.CheckpointSaver` removes the old one first and then writes the new one in place.) It
    holds the state of the objects, the number of the epoch and the seconds trained. With `EpochSeed` there are no
    random states to store, and on a CPU the training ends with the very weights of an undisturbed one.

    Attach it after the handlers that change the objects at the end of epochs. Among several processes the first one
    writes, and all read.

    Args:
        path: the file.
        objects: what has ``state_dict`` and ``load_state_dict``, by name: network, optimizer, schedule and so on.
        settings: whatever else decides what a training does, by name; numbers, text, or lists of them. A checkpoint of
            a training with other settings is refused.
        interval: epochs between two checkpoints; the last epoch has one too.
        resume: whether to start from the checkpoint; if not it is removed.

    Examples:
        >>> objects = {"network": network, "optimizer": optimizer}  # doctest: +SKIP
        >>> TrainingCheckpoint("output/checkpoint.pt", objects, {"seed": 0}).attach(trainer)  # doctest: +SKIP
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        objects: Mapping[str, Any],
        settings: Mapping[str, Any],
        interval: int = 1,
        resume: bool = True,
    ) -> None:
        self.path = Path(path)
        self.objects = dict(objects)
        self.settings = dict(settings)
        self.interval = interval
        self.resume = resume
        self.seconds, self.since = 0.0, time.perf_counter()

    def attach(self, engine: Trainer) -> None:
        """Load at the start, save at the end of epochs.

        Args:
            engine: MONAI's trainer.

        Raises:
            ValueError: when there is a file that is no checkpoint, or that of another training.
        """
        self._read()
        engine.add_event_handler(Events.STARTED, self._start)
        engine.add_event_handler(Events.EPOCH_COMPLETED(every=self.interval) | Events.COMPLETED, self._save)

    def _read(self) -> dict[str, Any] | None:
        """Return the content of the checkpoint to start from, None when the training starts anew."""
        if not self.resume or not self.path.is_file():
            return None
        way_out = "give another output_dir, or --resume False to start anew"
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            settings = dict(state["settings"])
        except (RuntimeError, EOFError, LookupError, TypeError, ValueError, pickle.UnpicklingError):
            raise ValueError(f"{self.path} is no checkpoint of a training; {way_out}") from None
        others = [name for name in self.settings | settings if self.settings.get(name) != settings.get(name)]
        others += [name for name in self.objects if name not in state]
        if others:
            raise ValueError(f"{self.path} is of a training with another {' and '.join(others)}; {way_out}")
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
            logger.info("going on after epoch %d of %d", engine.state.epoch, engine.state.max_epochs)
        elif first:
            self.path.unlink(missing_ok=True)
        self.since = time.perf_counter()

    def _save(self, engine: Trainer) -> None:
        if engine.state.rank == 0:
            states = {name: part.state_dict() for name, part in self._parts(engine).items()}
            seconds = self.seconds + time.perf_counter() - self.since
            save_state(self.path, {"settings": self.settings, "seconds": seconds, **states})

    def _parts(self, engine: Trainer) -> dict[str, Any]:
        """Everything whose state is kept; the trainer counts the epochs, and makes a gradient scaler for itself."""
        scaler = {} if engine.scaler is None else {"scaler": engine.scaler}
        return {**self.objects, "trainer": engine, **scaler}
