import pytest
import torch

from sre_monai.networks.layers import ring_basis
from sre_monai.networks.layers.harmonic_conv import compose
from sre_monai.networks.layers.kernels import harmonic_job, library
from sre_monai.transforms import grid_symmetries
from tests.tolerances import assert_close

ORDERS = [(1,), (2,), (1, 2), (2, 1)]
SIZES = [(1, 1), (1, 7), (3, 2), (33, 48), (70, 129), (2, 2, 3), (20, 9, 17)]

needs_kernel = pytest.mark.skipif(not library.VARIANTS, reason="the package was built without a compiler")


def make(size, channels, orders, kernel_size=3, batch=2):
    """Weights on the scale of a layer's initial ones, for the given channels of input, output and each order."""
    source, target, each = channels
    rings = ring_basis(kernel_size, len(size), "gaussian").float()
    profiles = each * len(orders)
    weight = torch.randn(target + profiles, source, len(rings)) / source
    x, bias, mix = torch.randn(batch, source, *size), torch.randn(target + profiles), torch.randn(target, profiles)
    return x, weight, rings, bias, mix / profiles


def by_pytorch(x, weight, rings, bias, mix, orders, g):
    """The PyTorch implementation in float64."""
    x, weight, bias, mix, g = (t.double().requires_grad_() for t in (x, weight, bias, mix, g))
    y = compose(x, weight, rings.double(), bias, mix, orders, (1,) * (x.ndim - 2))
    return y.detach(), torch.autograd.grad(y, (x, weight, bias, mix), g)


def both(tensors, orders, g, variant=None):
    dilation = (1,) * (tensors[0].ndim - 2)
    y = harmonic_job.forward(*tensors, orders, dilation, 1.0, variant)
    return y, harmonic_job.backward(g, *tensors, orders, dilation, variant)


def assert_gradients_close(ours, expected):
    """Relative to the largest of all gradients: the few numbers of one gradient may be sums that cancel."""
    scale = max(reference.norm() for reference in expected)
    for gradient, reference in zip(ours, expected):
        assert (gradient.double() - reference).norm() <= 1e-5 * scale


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("variant", library.VARIANTS)
@pytest.mark.parametrize("channels", [(1, 1, 1), (3, 5, 3), (16, 16, 8), (37, 8, 9)], ids=str)
@pytest.mark.parametrize("orders", ORDERS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_instruction_set_gives_what_pytorch_gives(size, orders, channels, variant, threads):
    tensors = make(size, channels, orders)
    g = torch.randn(2, channels[1], *size)
    expected, gradients = by_pytorch(*tensors, orders, g)
    for number in (1, 3):
        threads(number)
        y, ours = both(tensors, orders, g, variant)
        assert_close(y, expected.float())
        assert_gradients_close(ours, gradients)


@needs_kernel
@pytest.mark.parametrize("size", [(2, 3000), (300, 7), (3, 40, 150), (40, 70, 3)], ids=str)
def test_tiles_of_any_shape_fit_together(size, threads):
    threads(3)
    tensors, g = make(size, (4, 16, 8), (1, 2), batch=1), torch.randn(1, 16, *size)
    expected, gradients = by_pytorch(*tensors, (1, 2), g)
    y, ours = both(tensors, (1, 2), g)
    assert_close(y, expected.float())
    assert_gradients_close(ours, gradients)


@needs_kernel
@pytest.mark.parametrize("kernel_size", [5, 9])
def test_large_kernels(kernel_size):
    tensors, g = make((23, 40), (4, 6, 3), (2,), kernel_size), torch.randn(2, 6, 23, 40)
    expected, gradients = by_pytorch(*tensors, (2,), g)
    y, ours = both(tensors, (2,), g)
    assert_close(y, expected.float())
    assert_gradients_close(ours, gradients)


@needs_kernel
@pytest.mark.parametrize("arrange", [torch.clone, lambda x: x[:, :, 3:-2, ::2], lambda x: x.mT])
def test_any_layout_of_input_and_gradient(arrange):
    _, *weights = make((20, 20), (4, 4, 2), (1, 2))
    x, g = arrange(torch.randn(2, 4, 20, 20)), arrange(torch.randn(2, 4, 20, 20))
    expected, gradients = by_pytorch(x, *weights, (1, 2), g)
    y, ours = both((x, *weights), (1, 2), g)
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert_close(y, expected.float())
    assert_gradients_close(ours, gradients)


@needs_kernel
@pytest.mark.parametrize("number", [1, 2, 3])
def test_results_repeat_to_the_last_digit(number, threads):
    threads(number)
    tensors, g = make((50, 60), (16, 16, 8), (1, 2)), torch.randn(2, 16, 50, 60)
    runs = [both(tensors, (1, 2), g) for _ in range(2)]
    for first, second in zip((runs[0][0], *runs[0][1]), (runs[1][0], *runs[1][1])):
        assert torch.equal(first, second)


@pytest.mark.parametrize("variant", library.VARIANTS)
@pytest.mark.parametrize("orders", ORDERS)
@pytest.mark.parametrize("size", [(32, 32), (33, 48), (131, 70)], ids=str)
def test_rotations_and_flips_change_nothing_but_rounding(size, orders, variant):
    tensors, g = make(size, (3, 4, 2), orders, batch=1), torch.randn(1, 4, *size)
    y, gradients = both(tensors, orders, g, variant)
    for move in (symmetry.apply for symmetry in grid_symmetries(2)):
        moved, moved_gradients = both((move(tensors[0]), *tensors[1:]), orders, move(g), variant)
        assert (moved - move(y)).abs().max() <= 2e-6 * y.abs().max()
        difference = (moved_gradients[0] - move(gradients[0])).abs().max()
        assert difference <= 5e-6 * gradients[0].abs().max()
        assert_gradients_close(moved_gradients[1:], gradients[1:])


@pytest.mark.parametrize("variant", library.VARIANTS)
@pytest.mark.parametrize("size", [(20, 37), (6, 9, 17)], ids=str)
def test_bfloat16_maps(size, variant):
    x, *weights = make(size, (8, 16, 8), (1, 2))
    x, g = x.bfloat16(), torch.randn(2, 16, *size).bfloat16()
    expected, gradients = by_pytorch(x, *weights, (1, 2), g)
    y, (grad_x, *ours) = both((x, *weights), (1, 2), g, variant)
    assert y.dtype == grad_x.dtype == torch.bfloat16
    multiplied = variant == "avx512_bf16"  # all others multiply in float32
    for rounded, exact in ((y, expected), (grad_x, gradients[0])):
        assert (rounded.double() - exact).abs().max() <= (2**-6 if multiplied else 2**-8) * exact.abs().max()
    for rounded, exact in zip(ours, gradients[1:]):
        assert (rounded - exact).abs().max() <= (2**-6 if multiplied else 1e-5) * exact.abs().max()


@needs_kernel
def test_unknown_instruction_set():
    tensors = make((9, 9), (1, 1, 1), (1,))
    with pytest.raises(ValueError, match="variant must be one of"):
        harmonic_job.forward(*tensors, (1,), (1, 1), 1.0, "mmx")
