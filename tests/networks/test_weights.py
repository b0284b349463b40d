import pytest
import torch

from sre_monai.networks import load_weights, to_device
from sre_monai.networks.nets import SREUNet

TINY = {"features": (4, 6, 4), "kernel_size": 5, "profile": "gaussian"}


def test_weights_are_those_of_the_file(tmp_path):
    saved, network = SREUNet(2, 3, 2, **TINY), SREUNet(2, 3, 2, **TINY)
    torch.save(saved.state_dict(), tmp_path / "model.pt")
    assert load_weights(network, tmp_path / "model.pt", "cpu") is network
    assert all(torch.equal(value, saved.state_dict()[name]) for name, value in network.state_dict().items())


def test_weights_under_published_names_load(tmp_path):
    """Weights with the names of release 0.1.0."""
    network, again = (SREUNet(2, 3, 2, **TINY) for _ in range(2))
    names = network.published_naming(network)[0]
    former = {names[name]: value for name, value in network.state_dict().items()}
    assert former.keys() != network.state_dict().keys()
    torch.save(former, tmp_path / "model.pt")
    load_weights(again, tmp_path / "model.pt")
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in again.state_dict().items())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (SREUNet(2, 1, 2, **TINY).state_dict(), r"those of SREUNet as configured \(1 of a different shape, such as "),
        ({}, r"those of SREUNet as configured \(\d+ missing, such as "),
        (SREUNet(2, 3, 2, **TINY).state_dict() | {"head.weight": torch.ones(1)}, "1 unexpected, such as head.weight"),
        ({"network": {"a": torch.ones(1)}}, "does not contain a network's weights"),
        (torch.ones(1), "does not contain a network's weights"),
    ],
    ids=["other input", "empty", "more weights", "a training's checkpoint", "a tensor"],
)
def test_other_weights_are_refused(tmp_path, content, sentence):
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(ValueError, match=f"checkpoint: .*other.pt.*{sentence}"):
        load_weights(SREUNet(2, 3, 2, **TINY), tmp_path / "other.pt")


def test_invalid_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="checkpoint: file not found"):
        load_weights(SREUNet(2, 3, 2, **TINY), tmp_path / "none.pt")
    for content in (b"", b"no checkpoint", b"PK\x03\x04 damaged"):
        (tmp_path / "damaged.pt").write_bytes(content)
        with pytest.raises(ValueError, match=r"checkpoint: .*damaged.pt does not contain a network's weights"):
            load_weights(SREUNet(2, 3, 2, **TINY), tmp_path / "damaged.pt")


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "cpu:x"])
def test_a_device_that_is_not_there(device):
    with pytest.raises(ValueError, match=f"device: {device} is not available here"):
        to_device(torch.nn.Conv2d(1, 1, 1), device)
