from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F
from monai.data import MetaTensor
from torch.utils._pytree import tree_flatten, tree_structure

from sre_monai.inferers import SymmetricSlidingWindowInferer, symmetric_window_starts
from tests.tolerances import assert_close

SYMMETRIES = [(turns, flip) for turns in range(4) for flip in (False, True)]


def apply(x: torch.Tensor, turns: int, flip: bool) -> torch.Tensor:
    x = x.flip(-1) if flip else x
    return torch.rot90(x, turns, dims=(-2, -1))


def blur(x: torch.Tensor) -> torch.Tensor:
    """An isotropic network whose output depends on the window's border, since it pads with zeros."""
    distance = torch.arange(-4.0, 5.0) ** 2
    kernel = torch.exp(-(distance[:, None] + distance) / 8)[None, None]
    return F.conv2d(x, kernel / kernel.sum(), padding=4)


@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5, 0.9])
def test_starts_are_symmetric_and_cover_the_axis(overlap):
    for size, roi in itertools.product(range(1, 90), range(1, 20)):
        roi = min(roi, size)
        starts = symmetric_window_starts(size, roi, overlap)
        assert starts == [size - roi - start for start in reversed(starts)]
        assert starts[0] == 0
        steps = [after - before for before, after in itertools.pairwise(starts)]
        assert all(1 <= step <= max(1, roi * (1 - overlap)) for step in steps)
        # no more windows than MONAI's grid needs, except one for a center at half a pixel
        fewest = -(-(size - roi) // max(1, int(roi * (1 - overlap)))) + 1
        assert len(starts) in (fewest, fewest + (fewest % 2 == 1 and (size - roi) % 2 == 1))


@pytest.mark.parametrize(("turns", "flip"), SYMMETRIES)
@pytest.mark.parametrize("roi_size", [32, 33])
@pytest.mark.parametrize("size", [(65, 97), (64, 64), (70, 33), (20, 45)])
@pytest.mark.parametrize("mode", ["gaussian", "constant"])
def test_equivariant_network_stays_equivariant(mode, size, roi_size, turns, flip):
    inferer = SymmetricSlidingWindowInferer(roi_size, sw_batch_size=4, mode=mode)
    x = torch.rand(1, 1, *size)
    upright = inferer(x, blur)
    # the window borders change the output, otherwise there would be nothing to test
    assert not torch.allclose(upright, blur(x), atol=1e-3)
    assert_close(inferer(apply(x, turns, flip), blur), apply(upright, turns, flip))


def test_equivariant_in_3d():
    inferer = SymmetricSlidingWindowInferer(6)
    x = torch.rand(1, 1, 9, 10, 11)

    def network(crop):
        return F.avg_pool3d(crop, 3, stride=1, padding=1)

    for order, flips in itertools.product(itertools.permutations((2, 3, 4)), [(2,), (3, 4), (2, 3, 4)]):
        turned = x.permute(0, 1, *order).flip(flips)
        assert_close(inferer(turned, network), inferer(x, network).permute(0, 1, *order).flip(flips))


@pytest.mark.parametrize("mode", ["gaussian", "constant"])
@pytest.mark.parametrize("size", [(50,), (41, 30), (12, 21, 7)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_pointwise_network_gives_its_own_output(mode, size, dtype):
    inferer = SymmetricSlidingWindowInferer(10, sw_batch_size=3, overlap=0.4, mode=mode)
    x = torch.rand(2, 3, *size, dtype=dtype)

    def network(crop):
        return torch.cat([crop.square(), crop[:, :1]], dim=1)

    output = inferer(x, network)
    assert output.dtype == dtype
    assert_close(output, network(x))


@pytest.mark.parametrize("sw_batch_size", [1, 5])
def test_against_a_slow_loop(sw_batch_size):
    x = torch.rand(2, 1, 23, 30, dtype=torch.float64)
    inferer = SymmetricSlidingWindowInferer((10, 12), sw_batch_size, overlap=(0.25, 0.5), sigma_scale=0.2)

    def network(crop):
        return crop.cumsum(-1) + crop.cumsum(-2)

    total, weights = torch.zeros_like(x), torch.zeros_like(x)
    for i in (0, 5, 8, 13):  # 23 - 10 is odd: four windows rather than three
        for j in (0, 6, 12, 18):
            window = (slice(None), slice(None), slice(i, i + 10), slice(j, j + 12))
            output = network(x[window])
            for u in range(10):
                for v in range(12):
                    exponent = torch.tensor((u - 4.5) ** 2 / (2 * 2.0**2) + (v - 5.5) ** 2 / (2 * 2.4**2))
                    weight = max(torch.exp(-exponent).item(), 1e-3)
                    total[:, :, i + u, j + v] += weight * output[:, :, u, v]
                    weights[:, :, i + u, j + v] += weight
    assert_close(inferer(x, network).float(), (total / weights).float())


def test_one_window_is_the_networks_own_call():
    calls = []

    def network(crop, factor, *, offset):
        calls.append(crop.shape)
        return crop * factor + offset

    x = torch.rand(2, 1, 20, 15)
    output = SymmetricSlidingWindowInferer((None, 32))(x, network, 2, offset=1)
    assert calls == [x.shape]
    assert torch.equal(output, 2 * x + 1)


def test_metadata_is_kept():
    x = MetaTensor(torch.rand(1, 1, 20, 15), meta={"filename_or_obj": "image.png"})
    for roi_size in (8, 32):
        output = SymmetricSlidingWindowInferer(roi_size)(x, lambda crop: crop.to(torch.float64))
        assert isinstance(output, MetaTensor)
        assert output.meta["filename_or_obj"] == "image.png"
        assert output.dtype == torch.float64


OUTPUTS = {
    "tuple": lambda x: (x.cumsum(-1), x[:, :1].double()),
    "list": lambda x: [x.cumsum(-1)],
    "dict": lambda x: {"pred": x.cumsum(-1), "more": (x.exp(), x.half())},
}


@pytest.mark.parametrize("roi_size", [8, 32])
@pytest.mark.parametrize("kind", OUTPUTS)
def test_each_of_several_outputs_is_blended(kind, roi_size):
    inferer = SymmetricSlidingWindowInferer(roi_size, sw_batch_size=3)
    x = torch.rand(2, 2, 16, 21)
    outputs, structure = tree_flatten(inferer(x, OUTPUTS[kind]))
    assert structure == tree_structure(OUTPUTS[kind](x))
    for index, output in enumerate(outputs):
        expected = inferer(x, lambda crop, index=index: tree_flatten(OUTPUTS[kind](crop))[0][index])
        assert output.dtype == expected.dtype
        assert torch.equal(output, expected)


@pytest.mark.parametrize("roi_size", [8, 32])
def test_an_output_that_is_no_tensor_is_an_error(roi_size):
    with pytest.raises(TypeError, match=r"needs a network that returns tensors, got 'text'"):
        SymmetricSlidingWindowInferer(roi_size)(torch.rand(1, 1, 16, 16), lambda crop: (crop, "text"))


@pytest.mark.parametrize("roi_size", [8, 32])
@pytest.mark.parametrize("shape", [(0, 1, 16, 16), (1, 1, 0, 16)])
def test_an_empty_batch_is_an_error(roi_size, shape):
    with pytest.raises(ValueError, match=r"inputs of shape .* hold no pixels"):
        SymmetricSlidingWindowInferer(roi_size)(torch.rand(shape), lambda crop: crop)


@pytest.mark.parametrize("roi_size", [8, 32])
def test_changed_size_is_an_error(roi_size):
    with pytest.raises(ValueError, match="keeps the size"):
        SymmetricSlidingWindowInferer(roi_size)(torch.rand(1, 1, 16, 16), lambda crop: crop[..., ::2])


def test_arguments_out_of_range():
    with pytest.raises(ValueError, match="overlap must be"):
        SymmetricSlidingWindowInferer(8, overlap=1.0)
    with pytest.raises(ValueError, match="sw_batch_size must be"):
        SymmetricSlidingWindowInferer(8, sw_batch_size=0)
    with pytest.raises(ValueError, match="roi_size has 3 values, but the inputs have 2"):
        SymmetricSlidingWindowInferer((8, 8, 8))(torch.rand(1, 1, 16, 16), lambda crop: crop)
