from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from ignite.engine import Events
from monai.handlers import LrScheduleHandler

import sre_monai.handlers.training_checkpoint as module
from sre_monai.handlers import EpochSeed, TrainingCheckpoint
from tests.handlers.training_toy import make_network, make_trainer

IDENTITY = {"seed": "0", "network": "small"}


class Killed(BaseException):
    """Stands for SIGKILL: no handler catches it."""


def training(path: Path, kill_at: int | None = None, identity: dict[str, str] = IDENTITY, **options: Any):
    """A trainer with everything that belongs in a checkpoint; optionally killed after a step."""
    network = make_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=6)
    objects = {"network": network, "optimizer": optimizer, "lr_scheduler": schedule}
    checkpoint = TrainingCheckpoint(path, objects, identity, **options)
    handlers = [EpochSeed(0), LrScheduleHandler(schedule, print_lr=False), checkpoint]
    trainer = make_trainer(handlers, network=network, optimizer=optimizer, max_epochs=6)

    def kill() -> None:
        raise Killed

    if kill_at is not None:
        trainer.add_event_handler(Events.ITERATION_COMPLETED(once=kill_at), kill)
    return trainer, checkpoint


def weights(trainer) -> torch.Tensor:
    return torch.cat([value.flatten().double() for value in trainer.network.state_dict().values()])


@pytest.fixture
def uninterrupted(tmp_path) -> torch.Tensor:
    torch.manual_seed(0)
    trainer, _ = training(tmp_path / "uninterrupted.pt")
    trainer.run()
    return weights(trainer)


@pytest.mark.parametrize(("interval", "steps"), [(1, [1, 4, 12]), (2, [8, 16]), (4, [11, 17, 18])])
def test_killed_training_runs_end_like_an_uninterrupted_one(uninterrupted, tmp_path, interval, steps):
    torch.manual_seed(0)
    path = tmp_path / "checkpoint.pt"
    for step in steps:
        trainer, _ = training(path, kill_at=step, interval=interval)
        with pytest.raises(Killed):
            trainer.run()
        assert not path.is_file() or torch.load(path, weights_only=True)["trainer"]["iteration"] <= step
        if not path.is_file():
            torch.manual_seed(0)  # the same initial weights
    trainer, _ = training(path, interval=interval)
    trainer.run()
    assert trainer.state.epoch == 6
    assert torch.equal(weights(trainer), uninterrupted)


def test_training_that_was_complete_stays_as_it_is(tmp_path):
    trainer, _ = training(tmp_path / "checkpoint.pt")
    trainer.run()
    again, _ = training(tmp_path / "checkpoint.pt", kill_at=1)
    again.run()
    assert again.state.epoch == 6
    assert torch.equal(weights(again), weights(trainer))


def test_checkpoint_is_replaced_in_one_piece(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.pt"
    training(path)[0].run()
    before = path.read_bytes()

    def die(*_: Any) -> None:
        raise Killed

    monkeypatch.setattr("os.replace", die)
    trainer, checkpoint = training(path)
    with pytest.raises(Killed):
        checkpoint._save(trainer)
    assert path.read_bytes() == before


def test_leftovers_of_killed_processes_are_removed(tmp_path):
    (tmp_path / ".unfinished-1.checkpoint.pt").write_bytes(b"half")
    training(tmp_path / "checkpoint.pt")[0].run()
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_starts_anew_on_demand(tmp_path):
    path = tmp_path / "checkpoint.pt"
    training(path)[0].run()
    trainer, _ = training(path, kill_at=1, resume=False, identity={"seed": "1"})
    with pytest.raises(Killed):
        trainer.run()
    assert trainer.state.iteration == 1
    assert not path.exists()  # otherwise the next run would resume the previous training run


@pytest.mark.parametrize(
    ("identity", "named"),
    [
        ({"seed": "1", "network": "small"}, "another training run: seed was 0 and is now 1; give"),
        ({"seed": "1", "network": "large"}, "seed was 0 and is now 1; network was small and is now large; give"),
        ({"seed": "0"}, "network was small and is now absent;"),
        ({**IDENTITY, "loss": "Dice"}, "loss was absent and is now Dice;"),
    ],
)
def test_another_identity_is_one_sentence(tmp_path, identity, named):
    path = tmp_path / "checkpoint.pt"
    training(path)[0].run()
    with pytest.raises(ValueError, match=named) as error:
        training(path, identity=identity)
    assert str(path) in str(error.value)
    assert "--resume False" in str(error.value)


def test_another_number_of_processes_is_another_run(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.pt"
    training(path)[0].run()
    monkeypatch.setattr(module, "get_world_size", lambda: 2)
    with pytest.raises(ValueError, match="processes was 1 and is now 2;"):
        training(path)


def test_missing_object_is_named(tmp_path):
    path = tmp_path / "checkpoint.pt"
    training(path)[0].run()
    with pytest.raises(ValueError, match="it has no average;"):
        TrainingCheckpoint(path, {"average": make_network()}, IDENTITY).attach(make_trainer([]))


def test_other_files_are_not_checkpoints(tmp_path):
    path = tmp_path / "checkpoint.pt"
    training(path)[0].run()
    whole = path.read_bytes()
    for content in (b"", b"hello", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="not a checkpoint of this version"):
            training(path)
    for other in (make_network().state_dict(), [1, 2]):
        torch.save(other, path)
        with pytest.raises(ValueError, match="not a checkpoint of this version"):
            training(path)


def test_scaler_of_mixed_precision_is_kept(tmp_path):
    class Scaler:
        scale = 1.0

        def state_dict(self) -> dict[str, float]:
            return {"scale": self.scale}

        def load_state_dict(self, state: dict[str, float]) -> None:
            self.scale = state["scale"]

    trainer, checkpoint = training(tmp_path / "checkpoint.pt")
    trainer.scaler = Scaler()
    trainer.scaler.scale = 8.0
    checkpoint._save(trainer)
    trainer, checkpoint = training(tmp_path / "checkpoint.pt")
    trainer.scaler = Scaler()
    checkpoint._start(trainer)
    assert trainer.scaler.scale == 8.0


def test_other_processes_read_and_do_not_write(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.pt"
    trainer, _ = training(path)
    trainer.run()
    other, _ = training(path)
    other.state.rank = 1
    monkeypatch.setattr(module, "save_state", lambda *_: pytest.fail("written"))
    other.run()
    assert torch.equal(weights(other), weights(trainer))
