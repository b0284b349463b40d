from __future__ import annotations

from math import nan
from types import SimpleNamespace

import torch
from ignite.engine import Events

from sre_monai.handlers import BestWeights
from tests.handlers.training_toy import make_network


class Validations:
    """An evaluator with a handler and given scores."""

    def __init__(self) -> None:
        self.handlers = {}

    def add_event_handler(self, event, handler):
        self.handlers[event] = handler

    def finish(self, score: float) -> None:
        state = SimpleNamespace(metrics={"val_auc": score, "other": -score}, rank=0)
        self.handlers[Events.COMPLETED](SimpleNamespace(state=state))


def changed(network):
    with torch.no_grad():
        network[1].weight += 1
    return network[1].weight.clone()


def test_the_file_has_the_weights_of_the_best_validation(tmp_path):
    network, evaluator, kept = make_network(), Validations(), []
    best = BestWeights(network, tmp_path / "model.pt", "val_auc")
    best.attach(evaluator)
    for score, expected in ((nan, 0), (nan, 1), (0.4, 2), (0.7, 3), (0.7, 3), (nan, 3), (0.6, 3)):
        kept.append(changed(network))
        evaluator.finish(score)
        written = torch.load(tmp_path / "model.pt", weights_only=True)
        assert torch.equal(written["1.weight"], kept[expected])
    assert best.state_dict() == {"score": 0.7}


def test_a_resumed_run_keeps_the_best_score(tmp_path):
    network, evaluator = make_network(), Validations()
    best = BestWeights(network, tmp_path / "model.pt", "val_auc")
    best.load_state_dict({"score": 0.7})
    best.attach(evaluator)
    evaluator.finish(0.65)
    assert not (tmp_path / "model.pt").exists()
    evaluator.finish(0.75)
    assert best.state_dict() == {"score": 0.75}
    assert (tmp_path / "model.pt").is_file()
