"""The weights of the best validation so far."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from ignite.engine import Events
from monai.engines import Evaluator
from torch import nn

from sre_monai.files import save_state

__all__ = ["BestWeights"]


class BestWeights:
    """Ignite handler that saves a network's weights whenever a validation score is better than all before.

    The best score is the handler's ``state_dict``, a part of checkpoints: a run that resumes replaces the file by
    better weights only. The file is replaced atomically. (`monai.handlers.CheckpointSaver` forgets the score and
    removes the old file before it writes the new one.)

    Args:
        network: whose weights to keep.
        path: the file, a ``state_dict``.
        metric: name of the validation's metric, the higher the better.

    Examples:
        >>> best = BestWeights(network, "output/model.pt", "val_auc")  # doctest: +SKIP
        >>> best.attach(evaluator)  # doctest: +SKIP
        >>> TrainingCheckpoint("output/checkpoint.pt", {"network": network, "best": best}, {})  # doctest: +SKIP
    """

    def __init__(self, network: nn.Module, path: str | os.PathLike[str], metric: str) -> None:
        self.network = network
        self.path = path
        self.metric = metric
        self.score = -math.inf

    def attach(self, engine: Evaluator) -> None:
        """Compare the metric after every validation.

        Args:
            engine: MONAI's evaluator.
        """
        engine.add_event_handler(Events.COMPLETED, self._keep)

    def state_dict(self) -> dict[str, Any]:
        """Return the best score so far."""
        return {"score": self.score}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the best score.

        Args:
            state: from :meth:`state_dict`.
        """
        self.score = state["score"]

    def _keep(self, engine: Evaluator) -> None:
        score = float(engine.state.metrics[self.metric])
        if score > self.score or self.score == -math.inf:  # weights are saved even when every score is NaN
            self.score = -math.inf if math.isnan(score) else score
            if engine.state.rank == 0:
                save_state(self.path, self.network.state_dict())
