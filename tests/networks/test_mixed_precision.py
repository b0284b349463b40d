import pytest
import torch
from torch import nn

from sre_monai.networks.mixed_precision import mixed_precision
from sre_monai.networks.nets import SREUNet

SMALL = {"features": (4, 8, 8), "kernel_size": 3, "harmonics": (1, 2)}


def test_computes_in_bfloat16_and_returns_float32():
    inner = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 3))
    dtypes = []
    inner[1].register_forward_hook(lambda module, args, output: dtypes.append(output.dtype))
    assert mixed_precision(inner, True)(torch.rand(1, 3, 9, 9)).dtype == torch.float32
    assert dtypes == [torch.bfloat16]


def test_gradients_reach_the_float32_weights():
    torch.manual_seed(0)
    network = SREUNet(2, 3, 2, **SMALL)
    x, label = torch.rand(2, 3, 32, 32), torch.randint(2, (2, 32, 32))
    gradients = []
    for amp in (False, True):
        network.zero_grad()
        nn.functional.cross_entropy(mixed_precision(network, amp)(x), label).backward()
        gradients.append(torch.cat([parameter.grad.flatten() for parameter in network.parameters()]))
        assert gradients[-1].dtype == torch.float32
    cosine = nn.functional.cosine_similarity(*gradients, dim=0)
    assert cosine > 0.99


@pytest.mark.parametrize(("device", "amp"), [("cpu", False), ("meta", True)])
def test_is_the_network_itself_otherwise(device, amp):
    network = nn.Conv2d(1, 1, 3, device=device)
    assert mixed_precision(network, amp) is network
