"""The average of a network's weights over the last steps of its training."""

from __future__ import annotations

import os

import torch
from ignite.engine import Events
from monai.engines import Trainer
from torch import nn

from sre_monai.io.files import save_state

WARM_UP = 10


class WeightAverage:
    """Ignite handler that keeps the exponential moving average of a network and writes it when training is complete.

    After every step t = 1, 2, … the average moves towards the network by the fraction max(momentum, 10 / (9 + t)): from
    the initial weights nothing remains after the first step, and the average covers about the last tenth of the steps
    until that is more than 1 / momentum of them. The running statistics of batch normalisation are averaged as well, to
    suit the averaged weights; integers are copied. The fraction depends on the step alone, so that a run that resumes
    averages like an uninterrupted one (`ignite.handlers.EMAHandler` would warm up again).

    Args:
        network: what to average.
        averaged: a copy of it that will hold the average; a part of checkpoints.
        momentum: fraction of the newest weights, 0–1, after warming up.
        path: file for the averaged ``state_dict``.

    Examples:
        >>> averaged = copy.deepcopy(network)  # doctest: +SKIP
        >>> WeightAverage(network, averaged, 0.002, "output/model.pt").attach(trainer)  # doctest: +SKIP
    """

    def __init__(self, network: nn.Module, averaged: nn.Module, momentum: float, path: str | os.PathLike[str]) -> None:
        if not 0 < momentum <= 1:
            raise ValueError(f"momentum must be above 0 and at most 1, got {momentum}")
        self.network = network
        self.averaged = averaged.requires_grad_(False).eval()
        self.momentum = momentum
        self.path = path

    def attach(self, engine: Trainer) -> None:
        """Average after every iteration, write at the end.

        Args:
            engine: MONAI's trainer.
        """
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._update)
        engine.add_event_handler(Events.COMPLETED, self._write)

    @torch.no_grad()
    def _update(self, engine: Trainer) -> None:
        fraction = max(self.momentum, WARM_UP / (WARM_UP - 1 + engine.state.iteration))
        for average, value in zip(self.averaged.state_dict().values(), self.network.state_dict().values()):
            if average.is_floating_point():
                average.lerp_(value, fraction)
            else:
                average.copy_(value)

    def _write(self, engine: Trainer) -> None:
        if engine.state.rank == 0:
            save_state(self.path, self.averaged.state_dict())
