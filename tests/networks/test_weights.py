import pickle
from pathlib import Path

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
        ({"optimizer": {"lr": 1.0}}, "contains no network's weights; give the model.pt"),
        ({name: SREUNet(2, 3, 2, **TINY).state_dict() for name in ("network", "averaged_network")}, "contains 2 sets"),
        (torch.ones(1), "contains no network's weights"),
    ],
    ids=["other input", "empty", "more weights", "other entries", "a training's checkpoint", "a tensor"],
)
def test_other_weights_are_refused(tmp_path, content, sentence):
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(ValueError, match=f"checkpoint: .*other.pt.*{sentence}"):
        load_weights(SREUNet(2, 3, 2, **TINY), tmp_path / "other.pt")


LIGHTNING = {"epoch": 3, "pytorch-lightning_version": "2.5", "hyper_parameters": {"lr": 0.1}, "optimizer_states": [{}]}
WRAPPED = {
    "DataParallel": lambda w: {f"module.{k}": v for k, v in w.items()},
    "torch.compile": lambda w: {f"_orig_mod.{k}": v for k, v in w.items()},
    "compiled in DataParallel": lambda w: {f"module._orig_mod.{k}": v for k, v in w.items()},
    "AveragedModel": lambda w: {"n_averaged": torch.tensor(3)} | {f"module.{k}": v for k, v in w.items()},
    "model": lambda w: {"model": w, "epoch": 3, "optimizer": {"state": {}, "param_groups": []}},
    "state_dict": lambda w: {"state_dict": w},
    "Lightning": lambda w: (
        LIGHTNING | {"state_dict": {f"net.{k}": v for k, v in w.items()} | {"loss.weight": torch.ones(2)}}
    ),
}


@pytest.mark.parametrize("kind", WRAPPED)
@pytest.mark.parametrize("published", [False, True])
def test_wrapped_weights_load(tmp_path, kind, published):
    saved, network = SREUNet(2, 3, 2, **TINY), SREUNet(2, 3, 2, **TINY)
    weights = saved.state_dict()
    if published:
        weights = {saved.published_naming(saved)[0][name]: value for name, value in weights.items()}
    torch.save(WRAPPED[kind](weights), tmp_path / "model.pt")
    load_weights(network, tmp_path / "model.pt")
    assert all(torch.equal(value, saved.state_dict()[name]) for name, value in network.state_dict().items())


def test_a_failure_of_the_networks_own_code_is_an_error_whatever_its_text(tmp_path):
    """It was taken for weights that had been loaded."""
    network = torch.nn.Linear(2, 1)
    torch.save(network.state_dict(), tmp_path / "model.pt")

    def fail(*_):
        raise RuntimeError("no such version")

    network.register_load_state_dict_pre_hook(fail)
    with pytest.raises(ValueError, match=r"checkpoint: .*model.pt cannot be loaded into Linear: no such version"):
        load_weights(network, tmp_path / "model.pt")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_of_a_training_that_failed_are_refused(tmp_path, value):
    network = SREUNet(2, 3, 2, **TINY)
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    weights = SREUNet(2, 3, 2, **TINY).state_dict()
    weights["final_conv.bias"][1] = value
    torch.save(weights, tmp_path / "model.pt")
    with pytest.raises(ValueError, match=r"checkpoint: 1 weights in .* are not finite, such as final_conv.bias"):
        load_weights(network, tmp_path / "model.pt")
    assert all(torch.equal(weight, before[name]) for name, weight in network.state_dict().items())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "is a pointer of Git LFS"),
        (b"\n<!DOCTYPE html><html></html>", "is a web page"),
        (b"<html>", "is a web page"),
        (b"no checkpoint", "contains no network's weights"),
        (b"PK\x03\x04 damaged", "contains no network's weights"),
        (pickle.dumps(Path("x"), 2), "contains no network's weights, or more than tensors"),
    ],
)
def test_files_that_are_no_checkpoint_are_named(tmp_path, content, sentence):
    (tmp_path / "damaged.pt").write_bytes(content)
    with pytest.raises(ValueError, match=f"checkpoint: .*damaged.pt {sentence}"):
        load_weights(SREUNet(2, 3, 2, **TINY), tmp_path / "damaged.pt")


def test_a_whole_network_is_refused(tmp_path):
    torch.save(torch.nn.Linear(2, 1), tmp_path / "network.pt")
    with pytest.raises(ValueError, match="more than tensors"):
        load_weights(torch.nn.Linear(2, 1), tmp_path / "network.pt")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="checkpoint: file not found"):
        load_weights(SREUNet(2, 3, 2, **TINY), tmp_path / "none.pt")


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "cpu:x"])
def test_a_device_that_is_not_there(device):
    with pytest.raises(ValueError, match=f"device: {device} is not available here"):
        to_device(torch.nn.Conv2d(1, 1, 1), device)
