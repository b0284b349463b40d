import pytest
import torch

from sre_monai.networks.layers import PROFILES, ring_basis, ring_conv
from sre_monai.networks.layers.kernels import library, ring_job
from tests.tolerances import assert_close

# numbers of channels below, at and above a block; sizes below and above a tile
CASES = [
    ((1, 1), (40,), 5),
    ((3, 32), (21, 83), 9),
    ((32, 3), (9, 130), 9),
    ((17, 40), (16, 16), 5),
    ((64, 70), (12, 31), 3),
    ((33, 5), (11, 10, 19), 9),
    ((5, 33), (8, 9, 7), 3),
]


def dense(x, weight, rings, bias, padding):
    y = ring_conv(x, weight, rings, bias, padding=padding, algorithm="dense")
    g = torch.randn_like(y)
    return y, g, *torch.autograd.grad(y, (x, weight), g)


@pytest.mark.parametrize("variant", library.VARIANTS)
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("channels", "size", "kernel_size"), CASES)
def test_every_instruction_set_gives_the_same(channels, size, kernel_size, profile, variant):
    rings = ring_basis(kernel_size, len(size), profile).float()
    x = torch.randn(2, channels[0], *size, requires_grad=True)
    weight = torch.randn(channels[1], channels[0], len(rings), requires_grad=True)
    bias, padding, dilation = torch.randn(channels[1]), (kernel_size // 2,) * len(size), (1,) * len(size)
    y, g, *gradients = dense(x, weight, rings, bias, padding)
    ours = ring_job.forward(x, weight, rings, bias, padding, dilation, variant)
    for value, expected in zip(
        (ours, *ring_job.backward(g, x, weight, rings, padding, dilation, variant)), (y, *gradients)
    ):
        assert_close(value / expected.abs().max(), expected / expected.abs().max())


@pytest.mark.parametrize("variant", library.VARIANTS)
def test_bfloat16_maps(variant):
    rings = ring_basis(9, 2, "gaussian").float()
    x, weight, g = torch.randn(1, 39, 20, 33).bfloat16(), torch.randn(35, 39, 5), torch.randn(1, 35, 20, 33).bfloat16()
    y = ring_job.forward(x, weight, rings, None, (4, 4), (1, 1), variant)
    expected = ring_job.forward(x.float(), weight, rings, None, (4, 4), (1, 1), variant)
    assert y.dtype == torch.bfloat16
    if variant != "avx512_bf16":  # all others multiply in float32
        assert torch.equal(y, expected.bfloat16())
    gradients = ring_job.backward(g, x, weight, rings, (4, 4), (1, 1), variant)
    precise = ring_job.backward(g.float(), x.float(), weight, rings, (4, 4), (1, 1), variant)
    for rounded, exact in zip((y, *gradients), (expected, *precise)):
        assert (rounded.float() - exact).abs().max() <= 2**-6 * exact.abs().max()


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_change_nothing_but_rounding(threads):
    rings = ring_basis(9, 2).float()
    x, weight, g = torch.randn(1, 8, 30, 40), torch.randn(16, 8, 5), torch.randn(1, 16, 30, 40)
    before, results = torch.get_num_threads(), []
    try:
        for number in (2, threads, threads):
            torch.set_num_threads(number)
            results.append(ring_gradient(g, x, weight, rings))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(results[1], results[2])
    assert_close(results[0] / results[0].abs().max(), results[1] / results[0].abs().max())


def ring_gradient(g, x, weight, rings):
    y = ring_conv(x, weight.requires_grad_(), rings, padding=(4, 4))
    return torch.autograd.grad(y, weight, g)[0]


def test_values_that_are_not_numbers_stay_so():
    rings = ring_basis(3, 2).float()
    for dtype in ring_job.DTYPES if library.VARIANTS else ():
        x = torch.zeros(1, 1, 9, 9, dtype=dtype)
        x[0, 0, 4, 4] = float("nan")
        y = ring_conv(x, torch.ones(1, 1, 2, dtype=dtype), rings, padding=(1, 1), algorithm="compiled")
        assert y.isnan().sum() == 9


def test_unknown_instruction_set():
    with pytest.raises(ValueError, match="variant must be one of"):
        ring_job.forward(torch.zeros(1, 1, 9, 9), torch.zeros(1, 1, 2), ring_basis(3, 2), None, (1, 1), (1, 1), "mmx")
