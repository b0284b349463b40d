import copy
import random
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from monai.bundle import ConfigParser
from monai.networks.blocks import UnetrBasicBlock, UnetrPrUpBlock, UnetrUpBlock
from monai.networks.nets import AHNet, BasicUNet, PatchDiscriminator, Regressor, ResNet, SegResNetDS, UNet
from monai.networks.nets.hovernet import _ResidualBlock as HoVerNetBlock
from torch import nn
from torch.nn.utils import prune
from torch.utils._pytree import tree_leaves
from torch.utils.checkpoint import checkpoint

from sre_monai.conversion import check_equivariance, convert_to_sre
from sre_monai.networks.layers import SREConv2d, SymmetricMaxPool
from sre_monai.networks.nets import SREUNet
from tests.networks.networks_to_convert import NETWORKS, NETWORKS_3D
from tests.tolerances import assert_close


def count(network):
    return sum(p.numel() for p in network.parameters())


def assert_trains(network, shape):
    """Output and gradients are finite; every parameter that the output depends on has a gradient."""
    x = torch.randn(2, *shape[1:], requires_grad=True)
    sum(y.square().mean() for y in tree_leaves(network.train()(x))).backward()
    assert torch.isfinite(x.grad).all()
    assert x.grad.abs().max() > 0
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    assert len(gradients) > 0.5 * len(list(network.parameters()))
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


@pytest.mark.parametrize("name", NETWORKS)
def test_2d_networks_become_equivariant_at_even_and_odd_sizes(name):
    network = NETWORKS[name](2)
    shapes = [(1, 1, 32, 48), (1, 1, 35, 47)]
    converted = convert_to_sre(network, input_shapes=shapes)
    report = converted.conversion_report
    assert report.breaking == {}
    assert [measured.input_shape for measured in report.equivariance] == shapes
    assert all(measured.worst < 1e-4 for measured in report.equivariance)
    assert report.parameters == (count(network), count(converted))
    assert count(converted) < count(network)
    outputs, expected = (tree_leaves(n.eval()(torch.zeros(1, 1, 64, 64))) for n in (converted, network))
    assert [y.shape for y in outputs] == [y.shape for y in expected]
    keys = list(converted.state_dict())
    assert_trains(converted, shapes[1])
    assert list(converted.state_dict()) == keys == list(converted.eval().state_dict())


@pytest.mark.parametrize("name", NETWORKS_3D)
def test_3d_networks_become_equivariant(name):
    shape = (1, 1, 33, 34, 35) if name.startswith("Flexible") else (1, 1, 16, 17, 21)
    converted = convert_to_sre(NETWORKS[name](3))
    some_of_48 = check_equivariance(converted, shape, "rotations" if "ResNet" not in name else "mirrors")
    assert some_of_48.worst < 1e-4
    assert_trains(converted, shape)


def test_the_networks_themselves_are_not_equivariant():
    """The unconverted network exceeds the bound above by far."""
    for name in ("UNet", "BasicUNet nontrainable", "ResNet"):
        assert check_equivariance(NETWORKS[name](2), (1, 1, 64, 64)).worst > 1e-2


@pytest.mark.parametrize("channels", [16, 64])
def test_residual_blocks_of_hovernet_ask_their_convolutions_for_the_stride(channels):
    """The network itself takes 256×256 pixels only."""
    shapes = [(1, channels, 16, 18), (1, channels, 17, 15)]
    block = HoVerNetBlock(2, 8, channels, 24)
    report = convert_to_sre(block, input_shapes=shapes).conversion_report
    assert [measured.is_equivariant for measured in report.equivariance] == [True, True]
    even = torch.randn(shapes[0])
    assert convert_to_sre(block)(even).shape == block(even).shape


def test_strides_that_differ_between_axes_are_named():
    ahnet = AHNet(layers=(1, 1, 1, 1), spatial_dims=2, out_channels=2, psp_block_num=1)
    converted = convert_to_sre(ahnet)
    assert converted.conversion_report.breaking["conv1.0"] == (
        "strides (2, 1) differ between axes: flips are exact, rotations are not"
    )
    assert check_equivariance(converted, (1, 1, 67, 70), "mirrors").is_equivariant
    assert not check_equivariance(converted, (1, 1, 64, 64)).is_equivariant


@pytest.mark.parametrize(
    ("network", "shape", "reason"),
    [
        (PatchDiscriminator(2, channels=8, in_channels=1, num_layers_d=2), (1, 1, 32, 32), "still breaks .* 1.conv"),
        (Regressor((1, 16, 16), (1,), (4, 8), (2, 2)), (1, 1, 16, 16), r"broken by final"),
        (SegResNetDS(2, 8, 1, 2, blocks_down=(1, 1)), (1, 1, 35, 47), r"does not run at \(1, 1, 35, 47\): .*divisible"),
        (nn.Sequential(nn.Conv2d(1, 4, 3), nn.Linear(9, 2)), (1, 1, 8, 8), r"does not run at \(1, 1, 8, 8\): 1: mat1"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_report_has_the_reason_where_a_network_is_not_exact(network, shape, reason):
    converted = convert_to_sre(network, input_shapes=[shape])
    assert re.search(reason, str(converted.conversion_report))
    hooks = [len(module._forward_hooks) for module in converted.modules()]
    assert sum(hooks) == hooks[0] <= 1  # those of the measurement are taken off, that of the sizes remains


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_decoder_blocks_of_unetr(spatial_dims):
    common = {"kernel_size": 3, "norm_name": "instance"}
    blocks = [
        UnetrPrUpBlock(spatial_dims, 1, 4, 1, stride=1, upsample_kernel_size=2, **common),
        UnetrBasicBlock(spatial_dims, 1, 4, stride=1, res_block=True, **common),
    ]
    for block in blocks:
        converted = convert_to_sre(block)
        assert converted.conversion_report.breaking == {}
        assert check_equivariance(converted, (1, 1, *(5, 6, 7)[:spatial_dims])).worst < 1e-4
    up = convert_to_sre(UnetrUpBlock(spatial_dims, 4, 2, upsample_kernel_size=2, **common)).double()
    x, skip = (torch.randn(1, c, *[n] * spatial_dims, dtype=torch.float64) for c, n in ((4, 5), (2, 10)))
    assert_close(up(x.flip(2), skip.flip(2)), up(x, skip).flip(2))


def test_the_network_given_is_left_as_it_was():
    network = UNet(2, 1, 2, channels=(4, 8), strides=(2,)).eval()
    before = copy.deepcopy(network.state_dict())
    converted = convert_to_sre(network)
    assert not converted.training
    assert not any(isinstance(m, SREConv2d) for m in network.modules())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_converted_basic_unet_is_the_sre_unet():
    """The same outputs at every size: upsampling uses the size noted by the pooling."""
    network = BasicUNet(2, 3, 2, features=(4, 6, 8, 8, 8, 4), norm="batch", upsample="nontrainable")
    converted = convert_to_sre(network, kernel_size=5, profile="gaussian").eval()
    act = ("LeakyReLU", {"negative_slope": 0.1})
    own = SREUNet(2, 3, 2, features=(4, 6, 8, 8, 8, 4), kernel_size=5, profile="gaussian", act=act).eval()
    own.load_state_dict(converted.state_dict())
    for size in ((64, 64), (65, 97), (71, 38)):
        x = torch.randn(1, 3, *size)
        assert_close(converted(x), own(x))


@pytest.mark.parametrize(
    ("layer", "size", "expected"),
    [
        (nn.Conv2d(4, 6, 3, padding=1, dilation=1, groups=2), 9, "SREConv2d"),
        (nn.Conv2d(4, 6, 3, padding=2, dilation=2), 9, "SREConv2d"),
        (nn.Conv2d(4, 6, 5), 9, "SREConv2d"),
        (nn.Conv2d(4, 6, 3, padding="same", padding_mode="reflect"), 9, "SREConv2d"),
        (nn.Conv2d(4, 6, 4, padding="same"), 9, "SREConv2d"),
        (nn.ConvTranspose2d(4, 6, 3, padding=1, groups=2), 9, "SREConv2d"),
        (nn.ConvTranspose2d(4, 6, 3), 9, "SREConv2d"),
        (nn.Conv2d(4, 6, 3, padding=1, stride=2), 9, "SymmetricAvgPool SREConv2d"),
        (nn.Conv2d(4, 6, 7, padding=3, stride=(2, 1)), 9, "SymmetricAvgPool SREConv2d"),
        (nn.Conv2d(4, 6, 4, stride=4), 12, "SymmetricAvgPool SREConv2d"),
        (nn.Conv2d(4, 6, 1, stride=2), 9, "SymmetricAvgPool Conv2d"),
        (nn.ConvTranspose2d(4, 6, 2, stride=2), 9, "SymmetricUpsample SREConv2d"),
        (nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1), 9, "SymmetricUpsample SREConv2d"),
        (nn.MaxPool2d(2), 8, "SymmetricMaxPool"),
        (nn.MaxPool2d(3, 2, 1), 9, "SymmetricMaxPool"),
        (nn.AvgPool2d(2), 8, "SymmetricAvgPool"),
        (nn.Upsample(scale_factor=2), 9, "SymmetricUpsample"),
        (nn.Upsample(scale_factor=(2, 3), mode="bilinear"), 9, "SymmetricUpsample"),
        (nn.MaxPool2d(3, 1, 1), 9, "MaxPool2d"),
        (nn.Conv2d(4, 6, 1), 9, "Conv2d"),
    ],
    ids=str,
)
@pytest.mark.parametrize("kernel_size", [None, 5])
def test_layers_keep_their_size_and_become_symmetric(layer, size, expected, kernel_size):
    converted = convert_to_sre(layer, kernel_size=kernel_size)
    parts = converted if isinstance(converted, nn.Sequential) else [converted]
    assert " ".join(type(part).__name__ for part in parts) == expected
    x = torch.randn(1, 4, size, size)
    if kernel_size is None or layer(x).shape[2] > 4:
        assert converted(x).shape == layer(x).shape
    report = check_equivariance(converted, (1, 4, size, size), "mirrors")
    assert report.worst < 1e-5
    if kernel_size and expected.endswith("SREConv2d"):
        assert parts[-1].kernel_size == (kernel_size,) * 2


STRIDED = [
    *(
        nn.Conv2d(1, 2, k, s, p, d)
        for k, s, p, d in ((3, 2, 0, 1), (5, 2, 0, 1), (5, 2, 1, 1), (3, 2, 2, 1), (3, 2, 0, 2))
    ),
    *(nn.Conv2d(1, 2, (3, 5), (2, 1), (0, 2)), nn.Conv2d(1, 2, 7, 4, 1), nn.MaxPool2d(3, 2), nn.AvgPool2d(5, 2, 1)),
    *(nn.MaxPool2d(3, 2, dilation=2), nn.MaxPool2d(3, 2, 1)),
]


CEIL = nn.MaxPool2d(5, 2, ceil_mode=True)


@pytest.mark.parametrize("layer", STRIDED, ids=str)
def test_overlapping_windows_keep_their_sizes_whatever_the_padding(layer):
    """A classifier of 392 features got 512, so that its linear layer failed."""
    converted = convert_to_sre(layer)
    for size in ((16, 17), (18, 19), (21, 24), (23, 22)):
        x = torch.randn(1, 1, *size)
        assert converted(x).shape == layer(x).shape
    assert check_equivariance(converted, (1, 1, 17, 20), "mirrors").worst < 1e-5


def test_even_kernels_keep_even_sizes():
    for layer in (nn.Conv2d(1, 2, 4, 2), nn.Conv2d(1, 2, 4, 2, 1), nn.Conv2d(1, 2, 2, 2), nn.MaxPool2d(4, 2), CEIL):
        x = torch.randn(1, 1, 16, 18)
        assert convert_to_sre(layer)(x).shape == layer(x).shape


def test_a_classifier_with_a_linear_head_still_runs():
    network = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(392, 2))
    assert convert_to_sre(network)(torch.randn(1, 1, 16, 16)).shape == (1, 2)


def test_what_cannot_be_converted_is_reported():
    network = nn.Sequential(
        nn.Conv2d(1, 4, 2), nn.PixelShuffle(2), nn.ZeroPad2d((0, 1, 0, 1)), nn.MaxPool2d(2, 1), nn.LayerNorm((3, 3))
    )
    report = convert_to_sre(network).conversion_report
    assert list(report.breaking) == ["0", "1", "2", "3", "4"]
    assert report.replaced == []
    assert "still breaks equivariance: 1: PixelShuffle" in str(report)


def test_operations_in_forward_are_measured():
    """MONAI's ResNet with shortcut type A subsamples in its own code."""
    network = ResNet("basic", (1, 1, 1, 1), (4, 8, 8, 8), spatial_dims=2, n_input_channels=1, shortcut_type="A")
    report = convert_to_sre(network, input_shapes=[(1, 1, 64, 64)]).conversion_report
    assert report.breaking == {}
    assert not report.equivariance[0].is_equivariant
    assert [layer.name for layer in report.equivariance[0].culprits] == ["layer2.0"]
    assert "broken by layer2.0 (ResNetBlock)" in str(report)


def test_report_can_be_read():
    report = convert_to_sre(
        UNet(2, 1, 2, channels=(4, 8), strides=(2,)), project=True, input_shapes=[(1, 1, 9, 8)]
    ).conversion_report
    assert str(report).startswith("UNet: ")
    assert "equivariant at (1, 1, 9, 8)" in str(report)
    assert "projection lost" in str(report)
    assert 0 < report.mean_loss < 1
    assert len(report.details().splitlines()) == len(report.replaced)
    assert "→ SymmetricAvgPool(2, stride=(2, 2)) → SREConv2d(1, 4" in report.details()
    assert "of its kernel lost" in report.details()


def test_a_layer_used_twice_stays_one():
    shared = nn.Conv2d(4, 4, 3, padding=1)
    converted = convert_to_sre(nn.Sequential(shared, nn.ReLU(), shared))
    assert converted[0] is converted[2]
    assert len(converted.conversion_report.replaced) == 1


SIZES = [(n, m) for n in (17, 18, 19, 20) for m in (21, 22, 23, 24)]


def convolve_pool_and_back():
    """A network whose output size is that of its memory: nothing in it would raise at a wrong one."""
    down = [nn.Conv2d(1, 4, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, stride=2, padding=1)]
    return nn.Sequential(*down, nn.Upsample(scale_factor=2), nn.ConvTranspose2d(4, 2, 2, stride=2))


@pytest.mark.parametrize(
    "network", [convolve_pool_and_back, lambda: NETWORKS["UNet residual"](2)], ids=["in a row", "U-Net"]
)
def test_five_threads_get_what_one_gets(network):
    converted = convert_to_sre(network()).eval()
    images = [torch.randn(1, 1, *size) for size in SIZES]
    with torch.no_grad():
        expected = [converted(image) for image in images]
    assert [tuple(y.shape[2:]) for y in expected] == SIZES

    def call(seed):
        order = random.Random(seed).choices(range(len(images)), k=40)
        with torch.no_grad():
            return all(torch.equal(converted(images[i]), expected[i]) for i in order)

    with ThreadPoolExecutor(5) as threads:
        assert all(threads.map(call, range(5)))


def test_converted_networks_within_one_another_and_recomputed_in_the_backward_pass():
    inner = convert_to_sre(convolve_pool_and_back())
    outer = convert_to_sre(nn.Sequential(nn.MaxPool2d(2), inner, nn.Conv2d(2, 1, 1), nn.Upsample(scale_factor=2)))
    x = torch.randn(1, 1, 35, 38, requires_grad=True)
    (gradient,) = torch.autograd.grad(outer(x).square().sum(), x)
    y = checkpoint(outer, x, use_reentrant=False)
    assert y.shape == x.shape
    outer(torch.randn(1, 1, 34, 37))  # another call before the forward pass is computed again
    assert_close(torch.autograd.grad(y.square().sum(), x)[0], gradient)


@pytest.mark.slow
def test_converted_networks_compile_as_one_graph():
    converted = convert_to_sre(UNet(2, 1, 2, channels=(4, 8), strides=(2,))).eval()
    compiled = torch.compile(converted, backend="eager", fullgraph=True)
    for n in (15, 16, 17):
        x = torch.randn(1, 1, n, n + 4)
        with torch.no_grad():
            assert_close(compiled(x), converted(x))


def test_nested_target_in_a_configuration():
    parser = ConfigParser(
        {
            "network_def": {
                "_target_": "sre_monai.conversion.convert_to_sre",
                "network": {"_target_": "BasicUNet", "spatial_dims": 2, "features": [4, 4, 4, 4, 4, 4]},
                "kernel_size": 7,
                "profile": "gaussian",
            }
        }
    )
    network = parser.get_parsed_content("network_def")
    assert isinstance(network, BasicUNet)
    convs = [m for m in network.modules() if isinstance(m, SREConv2d)]
    assert {(m.kernel_size, m.profile) for m in convs} == {((7, 7), "gaussian")}
    assert any(isinstance(m, SymmetricMaxPool) for m in network.modules())


def test_dtype_and_device_are_kept():
    converted = convert_to_sre(UNet(2, 1, 2, channels=(4, 8), strides=(2,)).double())
    assert {p.dtype for p in converted.parameters()} == {torch.float64}


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [({"kernel_size": 4}, "kernel_size must be odd"), ({"profile": "hexagons"}, "profile must be one of")],
)
def test_errors_name_the_argument(kwargs, sentence):
    with pytest.raises(ValueError, match=sentence):
        convert_to_sre(nn.Conv2d(1, 1, 3), **kwargs)


class Unusual(nn.Conv2d):
    """A layer that cannot be replaced, since its padding is unknown."""

    def __init__(self):
        super().__init__(1, 1, 3, padding=1)
        self.padding_mode = "mirror"


def test_a_layer_that_cannot_be_replaced_stays_and_is_reported():
    converted = convert_to_sre(nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), Unusual()))
    assert isinstance(converted[0], SREConv2d)
    assert isinstance(converted[1], Unusual)
    assert "still breaks equivariance: 1: Unusual could not be replaced: padding_mode" in str(
        converted.conversion_report
    )


def test_a_scripted_part_stays_and_is_reported():
    converted = convert_to_sre(nn.Sequential(nn.Conv2d(1, 1, 3), torch.jit.script(nn.Conv2d(1, 1, 3))))
    assert list(converted.conversion_report.breaking) == ["1"]
    assert "1: compiled by TorchScript" in str(converted.conversion_report)


class Uncopied(nn.Module):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


class Standardised(nn.Conv2d):
    """A convolution of standardised weights, as in networks that use group normalisation."""

    def forward(self, input):
        weight = (self.weight - self.weight.mean()) / self.weight.std()
        return self._conv_forward(input, weight, self.bias)


class Named(nn.Conv2d):
    """A subclass without code of its own."""


COMPUTED = {
    "weight norm by hooks": lambda conv: nn.utils.weight_norm(conv),
    "spectral norm by hooks": lambda conv: nn.utils.spectral_norm(conv),
    "weight norm": lambda conv: nn.utils.parametrizations.weight_norm(conv),
    "spectral norm": lambda conv: nn.utils.parametrizations.spectral_norm(conv),
    "pruning": lambda conv: prune.l1_unstructured(conv, "weight", 0.5),
}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("kind", COMPUTED)
def test_layers_whose_weights_are_computed_stay_and_are_named(kind):
    plain, conv = nn.Conv2d(1, 1, 3, padding=1), COMPUTED[kind](nn.Conv2d(1, 1, 3, padding=1))
    converted = convert_to_sre(nn.Sequential(plain, conv))
    assert isinstance(converted[0], SREConv2d)
    report = converted.conversion_report
    assert list(report.breaking) == ["1"]
    assert "1: " in str(report)
    assert "stays, since its replacement would lose how its weight is computed" in str(report)
    x = torch.randn(1, 1, 8, 8)
    assert_close(converted.eval()[1](x), conv.eval()(x))


def test_a_subclass_with_code_of_its_own_stays_and_is_named():
    converted = convert_to_sre(nn.Sequential(Standardised(1, 1, 3), Named(1, 1, 3)))
    assert isinstance(converted[0], Standardised)
    assert isinstance(converted[1], SREConv2d)
    assert "0: Standardised stays, since its replacement would lose the code of Standardised" in str(
        converted.conversion_report
    )


def test_hooks_of_replaced_layers_run_for_their_replacements():
    network = nn.Sequential(nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.MaxPool2d(2))
    calls = []
    for index, layer in enumerate(network):
        layer.register_forward_hook(lambda *_, index=index: calls.append(index))
        layer.register_full_backward_hook(lambda *_, index=index: calls.append(-1 - index))
    converted = convert_to_sre(network)
    converted(torch.randn(1, 1, 8, 8, requires_grad=True)).sum().backward()
    assert calls == [0, 1, -2, -1]


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (lambda: torch.jit.script(nn.Conv2d(1, 1, 3)), "network: .* is compiled by TorchScript"),
        (lambda: nn.Sequential(nn.LazyConv2d(4, 3)), "network: Sequential has parameters without a shape"),
        (lambda: Uncopied(), "network: Uncopied cannot be copied .*cannot pickle"),
    ],
    ids=["scripted", "lazy", "locked"],
)
def test_a_network_that_cannot_be_copied_is_refused_in_one_sentence(network, sentence):
    with pytest.raises(ValueError, match=sentence):
        convert_to_sre(network())


def test_a_network_that_raises_any_error_is_reported():
    class Broken(nn.Module):
        def forward(self, x):
            raise KeyError("missing")

    report = convert_to_sre(nn.Sequential(Broken()), input_shapes=[(1, 1, 8, 8)]).conversion_report
    assert report.failures == {(1, 1, 8, 8): "0: 'missing'"}
