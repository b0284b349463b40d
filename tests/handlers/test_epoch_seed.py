from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from ignite.engine import Events

from sre_monai.handlers import EpochSeed
from tests.handlers.training_toy import make_loader, make_trainer


def images(seed: int = 0, start: int = 0, epochs: int = 3, **loader: Any) -> list[torch.Tensor]:
    """The images of each epoch (3, 2, 1, 2) of a training run that starts after an epoch."""
    trainer = make_trainer([EpochSeed(seed)], make_loader(**loader), max_epochs=epochs)
    trainer.load_state_dict({"epoch": start, "epoch_length": 3, "max_epochs": epochs})
    seen: list[torch.Tensor] = []
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: seen.append(engine.state.batch["image"]))
    trainer.run()
    return list(torch.stack(seen).split(3))


LOADERS = {
    "in this process": dict,
    "two workers": partial(dict, num_workers=2),
    "own generator": lambda: {"generator": torch.Generator()},
}


@pytest.mark.parametrize("settings", LOADERS.values(), ids=LOADERS.keys())
def test_later_epochs_do_not_depend_on_earlier_ones(settings):
    undisturbed = images(**settings())
    torch.rand(7)
    resumed = images(start=1, **settings())
    assert len(resumed) == 2
    for epoch, again in zip(undisturbed[1:], resumed):
        assert torch.equal(epoch, again)


def test_epochs_and_seeds_differ():
    first, second, third = images()
    assert not torch.equal(first, second)
    assert not torch.equal(second, third)
    assert not torch.equal(first, images(seed=1, epochs=1)[0])


def test_processes_differ():
    def seed_of(rank: int) -> int:
        trainer = make_trainer([EpochSeed(0)], max_epochs=1)
        trainer.state.rank = rank
        trainer.add_event_handler(Events.EPOCH_STARTED, lambda: drawn.append(torch.initial_seed()))
        trainer.run()
        return drawn[-1]

    drawn: list[int] = []
    assert seed_of(0) != seed_of(1)


def test_workers_that_persist_are_refused():
    with pytest.raises(ValueError, match="persistent_workers"):
        make_trainer([EpochSeed(0)], make_loader(num_workers=1, persistent_workers=True))
