import pytest
import torch
from monai.inferers import SimpleInferer
from torch.nn import functional as F

from sre_monai.inferers import PaddedInferer


@pytest.mark.parametrize("margin", [0, 3])
def test_the_network_sees_the_margin_and_the_result_does_not_have_it(margin):
    image, seen = torch.rand(2, 1, 5, 6, 7), []

    def network(x):
        seen.append(x)
        return 2 * x

    assert torch.equal(PaddedInferer(SimpleInferer(), margin)(image, network), 2 * image)
    assert torch.equal(seen[0], F.pad(image, [margin] * 6))


def test_it_pads_images_as_well():
    image = torch.rand(1, 3, 5, 6)
    assert torch.equal(PaddedInferer(SimpleInferer(), 2)(image, torch.nn.Identity()), image)


def test_a_negative_margin_is_refused():
    with pytest.raises(ValueError, match="margin must not be negative, got -1"):
        PaddedInferer(SimpleInferer(), -1)
