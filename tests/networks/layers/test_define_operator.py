"""An operator of a Python function: its results, derivatives and shapes, by PyTorch's own check; what it imports."""

import subprocess
import sys

import pytest
import torch

from sre_monai.networks.layers.define_operator import define_operator

NAME = "sre_monai_test::scale"


def check(x: torch.Tensor, factor: float) -> None:
    """Check the argument."""
    if factor < 0:
        raise ValueError("factor must not be negative.")


@define_operator(NAME, fake=lambda x, factor: torch.empty_like(x), check=check)
def scale(x: torch.Tensor, factor: float) -> torch.Tensor:
    """Multiply."""
    return x * factor


torch.library.register_autograd(
    NAME,
    lambda ctx, g: (g * ctx.factor, None),
    setup_context=lambda ctx, inputs, output: setattr(ctx, "factor", inputs[1]),
)


def test_pytorch_accepts_it():
    torch.library.opcheck(torch.ops.sre_monai_test.scale.default, (torch.rand(3, requires_grad=True), 2.0))


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_arguments_are_checked_first(device):
    with pytest.raises(ValueError, match="factor must not be negative"):
        torch.ops.sre_monai_test.scale(torch.rand(3, device=device), -1.0)


def test_in_a_compiled_function():
    compiled = torch.compile(lambda x: scale(x + 1, 3.0).sum(), backend="aot_eager", fullgraph=True)
    x = torch.rand(4, requires_grad=True)
    compiled(x).backward()
    torch.testing.assert_close(x.grad, torch.full((4,), 3.0))


def test_a_network_runs_without_pytorchs_compiler():
    program = (
        "import sys, torch; from sre_monai.networks.nets import SREUNet; "
        "SREUNet(2, 3, 2, features=(8, 8, 8, 8, 8), harmonics=(1, 2)).eval()(torch.rand(1, 3, 16, 16)); "
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
