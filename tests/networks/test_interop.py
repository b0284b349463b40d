import pytest
import torch

from sre_monai.networks import load_sre_conv_state_dict
from sre_monai.networks.nets import SREUNet
from tests.published import PublishedUNet
from tests.tolerances import assert_close


@pytest.fixture(scope="module")
def published():
    """The published U-Net, its batch statistics those of a few batches."""
    torch.manual_seed(1)
    network = PublishedUNet()
    with torch.no_grad():
        for _ in range(2):
            network(torch.randn(2, 3, 64, 64))
    return network.eval()


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("size", [(64, 64), (96, 72)])
def test_published_checkpoint_gives_the_published_logits(published, prefix, size):
    network = SREUNet(2, 3, 2)
    load_sre_conv_state_dict(network, {prefix + name: v for name, v in published.state_dict().items()})
    x = torch.randn(2, 3, *size)
    with torch.no_grad():
        assert (network.eval()(x) - published(x)).abs().max() < 1e-4
        assert published(x).abs().max() > 0.1


def test_training_goes_on_alike(published):
    published.train()
    network = SREUNet(2, 3, 2)
    load_sre_conv_state_dict(network, published.state_dict())
    x = torch.randn(2, 3, 32, 32)
    assert_close(network(x), published(x))
    published.eval()


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (SREUNet(2, 3, 2, features=(32, 32, 64, 32)), "does not know .*down_3"),
        (SREUNet(2, 3, 2, features=(32, 32, 64, 128, 128, 32)), "lacks .*down_4"),
        (SREUNet(2, 1, 2), "has another shape for .*conv_0.conv_0.conv.weight"),
    ],
)
def test_another_architecture_is_refused(published, network, sentence):
    before = {name: v.clone() for name, v in network.state_dict().items()}
    with pytest.raises(ValueError, match=sentence):
        load_sre_conv_state_dict(network, published.state_dict())
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
