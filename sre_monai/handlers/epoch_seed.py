"""Random numbers that depend on the epoch, not on the epochs before it."""

from __future__ import annotations

from typing import cast

import numpy as np
from ignite.engine import Events
from ignite.utils import manual_seed
from monai.data import set_rnd
from monai.engines import Workflow
from torch.utils.data import DataLoader


class EpochSeed:
    """Ignite handler that seeds all random number generators at the start of every epoch, by seed, epoch and process.

    A run that resumes between two epochs draws the same numbers as an uninterrupted one, and no random state has to be
    stored. Seeded are PyTorch, NumPy, Python's ``random``, the transforms of
    the data set and the data loader's generator, if it has one of its own. Workers take their seeds from PyTorch's
    generator when the loader starts them, which is why the epoch's iterator over the batches is made here as well.

    Args:
        seed: 0 or greater.

    Examples:
        >>> EpochSeed(0).attach(trainer)  # doctest: +SKIP
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def attach(self, engine: Workflow) -> None:
        """Seed at the start of every epoch.

        Args:
            engine: MONAI's trainer.

        Raises:
            ValueError: when the data loader keeps its workers, and with them their random states, over the epochs.
        """
        if getattr(engine.data_loader, "persistent_workers", False):
            raise ValueError("workers with persistent_workers=True can't be seeded anew; leave it out")
        engine.add_event_handler(Events.EPOCH_STARTED, self._reseed)

    def _reseed(self, engine: Workflow) -> None:
        loader = cast(DataLoader, engine.data_loader)
        sequence = np.random.SeedSequence((self.seed, engine.state.epoch, engine.state.rank))
        seed = int(sequence.generate_state(1)[0])
        manual_seed(seed)
        set_rnd(loader.dataset, seed)
        if loader.generator is not None:
            loader.generator.manual_seed(seed)
        engine.set_data(loader)
