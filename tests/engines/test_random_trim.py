import pytest
import torch

from sre_monai.engines import RandomTrim


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_image_and_label_are_trimmed_equally(spatial_dims):
    image = torch.randn(2, 1, *[12] * spatial_dims)
    sizes = set()
    for _ in range(60):
        trimmed, label = RandomTrim(3)({"image": image, "label": image})
        assert torch.equal(trimmed, label)
        assert torch.equal(trimmed, image[(..., *(slice(n) for n in trimmed.shape[2:]))])
        sizes.add(trimmed.shape[2])
    assert sizes == {9, 10, 11, 12}


def test_nothing_to_trim():
    image = torch.randn(1, 1, 8, 8)
    assert RandomTrim(0)({"image": image, "label": image})[0].shape == image.shape
