import math

import pytest
import torch
from monai.networks.nets import BasicUNetPlusPlus
from torch import nn

from sre_monai.conversion import check_equivariance, convert_to_sre
from sre_monai.metrics import equivariance_error
from sre_monai.networks import layers
from sre_monai.networks.layers import SREConv2d, SREConv3d
from sre_monai.networks.nets import SREUNet


class Shift(nn.Module):
    """One pixel along the last axis."""

    def forward(self, x):
        return x.roll(1, dims=-1)


@pytest.mark.parametrize(
    ("shape", "group", "number"),
    [
        ((1, 2, 9), "all", 2),
        ((1, 2, 9, 12), "all", 8),
        ((2, 2, 5, 6, 7), "all", 48),
        ((1, 2, 5, 6, 7), "rotations", 24),
    ],
)
def test_equivariant_layers_have_no_error(shape, group, number):
    dims = len(shape) - 2
    network = getattr(layers, f"SREConv{dims}d")(2, 3, 3, padding=1)
    report = check_equivariance(network, shape, group)
    assert len(report.symmetries) == number
    assert report.worst < 1e-6
    assert report.is_equivariant
    assert report.layers == []


def test_agrees_with_the_metric():
    network = nn.Conv2d(2, 3, 3, padding=1)
    x = torch.randn(1, 2, 9, 12, generator=torch.Generator().manual_seed(3))
    report = check_equivariance(network, x.shape, seed=3)
    assert sorted(report.symmetries.values()) == pytest.approx(
        sorted(equivariance_error(network, x).values()), rel=1e-5
    )


def test_a_shift_breaks_what_does_not_keep_its_direction():
    errors = check_equivariance(Shift(), (1, 1, 64, 64)).symmetries
    kept = {name for name, error in errors.items() if error == 0}
    assert kept == {"(x, y)", "(-x, y)"}
    assert all(error == pytest.approx(math.sqrt(2), abs=0.1) for name, error in errors.items() if name not in kept)


def test_the_culprit_is_found_among_many_layers():
    network = nn.Sequential(
        SREConv2d(1, 4, 3, padding=1), nn.ReLU(inplace=True), nn.Sequential(nn.Identity(), Shift()), nn.ReLU()
    )
    report = check_equivariance(network, (1, 1, 8, 9), layers=True)
    assert [(layer.name, layer.kind) for layer in report.culprits] == [("2.1", "Shift")]
    assert [layer.name for layer in report.layers] == ["", "0", "1", "2", "2.0", "2.1", "3"]
    by_name = {layer.name: layer for layer in report.layers}
    assert by_name["1"].output_error < 1e-6 < 0.1 < by_name["3"].input_error
    assert "broken by 2.1 (Shift)" in str(report)
    assert len(report.layer_table().splitlines()) == 8
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_operations_of_a_container_are_attributed_to_it():
    class Crop(nn.Sequential):
        def forward(self, x):
            return super().forward(x)[..., :-1]

    report = check_equivariance(nn.Sequential(Crop(nn.ReLU())), (1, 1, 8, 8), layers=True)
    assert [layer.name for layer in report.culprits] == ["0"]
    assert report.worst == math.inf
    assert not report.is_equivariant


def test_invariance_of_vectors_and_several_outputs():
    classifier = nn.Sequential(SREConv2d(1, 4, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    assert check_equivariance(classifier, (2, 1, 8, 9)).worst < 1e-5
    assert check_equivariance(nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten()), (1, 1, 8, 8)).worst > 0.1
    several = convert_to_sre(BasicUNetPlusPlus(2, 1, 2, features=(4,) * 6, deep_supervision=True))
    assert check_equivariance(several, (1, 1, 17, 16)).worst < 1e-4


def test_other_angles_are_measured_and_smooth_rings_are_better_at_them():
    errors = {}
    for profile in ("bands", "gaussian"):
        torch.manual_seed(0)
        network = SREConv2d(1, 8, 9, padding=4, profile=profile)
        errors[profile] = check_equivariance(network, (1, 1, 65, 64), angles=[30, 90]).angles
        assert list(errors[profile]) == ["30°", "90°"]
    assert 0 < errors["gaussian"]["30°"] < 0.02 < errors["bands"]["30°"] < 0.2


def test_angles_in_three_dimensions_go_about_each_axis():
    report = check_equivariance(SREConv3d(1, 2, 3, padding=1), (1, 1, 20, 21, 22), "mirrors", angles=[45])
    assert list(report.angles) == ["45° about z", "45° about y", "45° about x"]
    assert all(0 < error < 0.3 for error in report.angles.values())


def test_modes_are_restored():
    network = SREUNet(2, 1, 2, features=(4, 4, 4), kernel_size=3, dropout=0.5)
    network.encoder[0].eval()
    before = {name: module.training for name, module in network.named_modules()}
    check_equivariance(network, (1, 1, 8, 8))
    assert {name: module.training for name, module in network.named_modules()} == before


def test_a_zero_output_is_not_taken_for_equivariance():
    class Undefined(nn.Module):
        def forward(self, x):
            return x * float("nan")

    assert not check_equivariance(Undefined(), (1, 1, 4, 4)).is_equivariant


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [
        ({"input_shape": (1, 1)}, "input_shape must be"),
        ({"input_shape": (1, 1, 8, 8), "group": "turns"}, "group must be one of"),
        ({"input_shape": (1, 1, 8), "angles": [30]}, "angles need two or three"),
    ],
)
def test_errors_name_the_argument(kwargs, sentence):
    with pytest.raises(ValueError, match=sentence):
        check_equivariance(nn.Identity(), **kwargs)
