import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from sre_monai.networks.layers import harmonic_magnitude
from sre_monai.networks.layers.accelerated import compiled, harmonics
from sre_monai.networks.layers.angular_harmonics import ORDERS
from sre_monai.transforms import grid_symmetries
from tests.tolerances import assert_close

SIZES = [(1, 1), (1, 7), (3, 2), (33, 48), (130, 129)]

needs_kernel = pytest.mark.skipif(not harmonics.VARIANTS, reason="the package was built without a compiler")


def channel_slice(channels, size, batch=2):
    """Some channels of a wider channels-last map, which are not adjacent from pixel to pixel."""
    wide = torch.randn(batch, *size, channels + 5).movedim(-1, 1)
    return wide[:, 3 : 3 + channels]


def by_pytorch(x, order, g):
    """In float64, for which there is no kernel."""
    x = x.detach().double().requires_grad_()
    y = harmonic_magnitude(x, order)
    return y.detach(), torch.autograd.grad(y, x, g.double())[0]


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_has_a_kernel_for_every_instruction_set_of_the_ring_convolution():
    assert harmonics.VARIANTS == compiled.VARIANTS


@pytest.mark.parametrize("variant", harmonics.VARIANTS)
@pytest.mark.parametrize("channels", [1, 3, 8, 17])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("order", ORDERS)
def test_every_instruction_set_gives_what_pytorch_gives(order, size, channels, variant, threads):
    x, g = channel_slice(channels, size), channel_slice(channels, size)
    expected, gradient = by_pytorch(x, order, g)
    for number in (1, 4):
        threads(number)
        torch.testing.assert_close(harmonics.forward(x, order, variant).double(), expected, rtol=2e-6, atol=1e-6)
        scale = gradient.abs().max().clamp(min=1)
        ours = harmonics.backward(g, x, order, variant).double()
        torch.testing.assert_close(ours / scale, gradient / scale, rtol=0, atol=2e-6)


@needs_kernel
@pytest.mark.parametrize("size", [(2, 5000), (40, 7)], ids=str)
def test_tiles_of_any_shape_fit_together(size, threads):
    threads(3)
    x, g = torch.randn(1, 3, *size), torch.randn(1, 3, *size)
    expected, gradient = by_pytorch(x, 2, g)
    assert_close(harmonics.forward(x, 2), expected)
    assert_close(harmonics.backward(g, x, 2), gradient)


@needs_kernel
@pytest.mark.parametrize("arrange", [torch.clone, lambda x: x[:, :, 3:-2, ::2], lambda x: x.mT, lambda x: x[..., :0]])
def test_any_layout_of_input_and_gradient(arrange):
    x, g = arrange(torch.randn(2, 4, 20, 20)), arrange(torch.randn(2, 4, 20, 20))
    y = harmonics.forward(x, 1)
    expected, gradient = by_pytorch(x, 1, g)
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert_close(y, expected)
    assert_close(harmonics.backward(g, x, 1), gradient)


@needs_kernel
def test_a_slice_of_channels_is_not_copied(monkeypatch):
    monkeypatch.setattr(harmonics, "channels_last", None)
    harmonics.backward(channel_slice(4, (9, 8)), channel_slice(4, (9, 8)), 1)


@pytest.mark.parametrize("variant", harmonics.VARIANTS)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [(32, 32), (33, 48), (131, 70)], ids=str)
def test_turns_and_flips_change_nothing_but_rounding(size, order, variant):
    x, g = torch.randn(2, 1, 3, *size)
    y, gradient = harmonics.forward(x, order, variant), harmonics.backward(g, x, order, variant)
    for move in (symmetry.apply for symmetry in grid_symmetries(2)):
        torch.testing.assert_close(harmonics.forward(move(x), order, variant), move(y), rtol=1e-6, atol=0)
        moved = harmonics.backward(move(g), move(x), order, variant)
        assert (moved - move(gradient)).abs().max() <= 1e-6 * gradient.abs().max()


@needs_kernel
@pytest.mark.parametrize("order", ORDERS)
def test_autograd_takes_it_where_it_can(order, monkeypatch):
    calls = []
    monkeypatch.setattr(harmonics, "backward", lambda g, x, order: calls.append(order) or torch.zeros_like(x))
    x = torch.randn(1, 2, 9, 8, requires_grad=True)
    harmonic_magnitude(x, order).sum().backward()
    assert calls == [order]
    harmonic_magnitude(x[:, :, None], order).sum().backward()
    harmonic_magnitude(x.double(), order).sum().backward()
    harmonic_magnitude(x.bfloat16(), order).sum().backward()
    assert calls == [order]


@pytest.mark.parametrize("order", ORDERS)
def test_without_the_kernel_the_numbers_are_the_same(order, monkeypatch):
    x, g = torch.randn(1, 3, 12, 11, requires_grad=True), torch.randn(1, 3, 12, 11)
    y = harmonic_magnitude(x, order)
    gradient = torch.autograd.grad(y, x, g)[0]
    monkeypatch.setattr(harmonics, "VARIANTS", ())
    expected = harmonic_magnitude(x, order)
    assert_close(y, expected)
    assert_close(gradient, torch.autograd.grad(expected, x, g)[0])


@pytest.mark.parametrize("order", ORDERS)
def test_second_derivatives(order):
    """Of the gradient in terms of the input and of the gradient that came in."""

    def differentiate_twice(x, g, v):
        x, g = x.requires_grad_(), g.requires_grad_()
        gradient = torch.autograd.grad(harmonic_magnitude(x, order), x, g, create_graph=True)[0]
        return gradient, *torch.autograd.grad(gradient, (x, g), v)

    x, g, v = torch.randn(3, 1, 2, 9, 8)
    expected = differentiate_twice(x.double(), g.double(), v.double())
    for ours, wanted in zip(differentiate_twice(x, g, v), expected):
        scale = wanted.abs().max()
        assert_close((ours / scale).detach(), (wanted / scale).detach())


@pytest.mark.parametrize("order", ORDERS)
def test_torch_compile_and_torch_func_give_the_same(order):
    x = torch.randn(1, 2, 12, 13, requires_grad=True)

    def loss(x):
        return harmonic_magnitude(x, order).square().sum()

    expected = torch.autograd.grad(loss(x), x)[0]
    assert_close(torch.autograd.grad(torch.compile(loss, backend="aot_eager", fullgraph=True)(x), x)[0], expected)
    assert_close(torch.func.grad(loss)(x), expected)


@needs_kernel
def test_shapes_are_known_without_values():
    with FakeTensorMode() as mode:
        x = mode.from_tensor(torch.randn(2, 3, 9, 8)).requires_grad_()
        y = harmonic_magnitude(x, 1)
        y.sum().backward()
    assert y.shape == x.grad.shape == x.shape
    assert y.stride() == harmonics.forward(torch.randn(2, 3, 9, 8), 1).stride()


@needs_kernel
def test_values_that_are_not_numbers_stay_so():
    x = torch.zeros(1, 1, 9, 9)
    x[0, 0, 4, 4] = float("nan")
    assert harmonics.forward(x, 1).isnan().sum() == 8
    assert harmonics.forward(x, 2).isnan().sum() == 12


def test_unknown_instruction_set():
    with pytest.raises(ValueError, match="variant must be one of"):
        harmonics.forward(torch.zeros(1, 1, 9, 9), 1, "mmx")
