from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from ignite.engine import Events

from sre_monai.handlers import WeightAverage
from tests.handlers.training_toy import make_network, make_trainer
from tests.tolerances import assert_close


def trained(tmp_path, momentum: float, epochs: int = 4):
    """The average after training, and the network's state after each step."""
    network = make_network()
    average = WeightAverage(network, deepcopy(network), momentum, tmp_path / "model.pt")
    trainer = make_trainer([average], network=network, max_epochs=epochs)
    states: list[dict[str, torch.Tensor]] = []
    trainer.add_event_handler(
        Events.ITERATION_COMPLETED,
        lambda: states.append({name: value.clone() for name, value in network.state_dict().items()}),
    )
    trainer.run()
    return average, states


def test_average_of_weights_and_statistics_by_definition(tmp_path):
    average, states = trained(tmp_path, momentum=0.8)
    assert len(states) == 12
    expected = {name: value.double() for name, value in states[0].items()}  # independent of the initial weights
    for t, state in enumerate(states[1:], start=2):
        fraction = max(0.8, 10 / (9 + t))
        for name, value in state.items():
            expected[name] = (1 - fraction) * expected[name] + fraction * value.double()
    averaged = average.averaged.state_dict()
    for name in ("1.weight", "1.bias", "0.running_mean", "0.running_var"):
        assert_close(averaged[name], expected[name])
        assert not torch.equal(averaged[name], states[-1][name])
    assert averaged["0.num_batches_tracked"] == 12


def test_file_holds_the_average_at_the_end(tmp_path):
    average, _ = trained(tmp_path, momentum=0.1)
    written = torch.load(tmp_path / "model.pt", weights_only=True)
    assert written.keys() == average.averaged.state_dict().keys()
    assert all(torch.equal(value, written[name]) for name, value in average.averaged.state_dict().items())
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]


def test_averaged_network_stays_out_of_the_training(tmp_path):
    average, _ = trained(tmp_path, momentum=0.1)
    assert not average.averaged.training
    assert average.network.training
    assert not any(parameter.requires_grad for parameter in average.averaged.parameters())


def test_constants_outside_the_state_stay_exact(tmp_path):
    network = make_network()
    network.register_buffer("constant", torch.tensor([0.1, 1 / 3]), persistent=False)
    average = WeightAverage(network, deepcopy(network), 0.1, tmp_path / "model.pt")
    make_trainer([average], network=network).run()
    assert torch.equal(average.averaged.constant, network.constant)


@pytest.mark.parametrize("momentum", [0, -0.1, 1.5])
def test_momentum_is_a_fraction(momentum, tmp_path):
    with pytest.raises(ValueError, match="momentum"):
        WeightAverage(make_network(), make_network(), momentum, tmp_path / "model.pt")
