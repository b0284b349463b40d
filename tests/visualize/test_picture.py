import numpy as np
import pytest
import torch

from sre_monai.visualize.picture import plane_to_picture, to_bytes, to_picture


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_axes_are_swapped(dtype, channels):
    image = torch.randint(0, 256, (channels, 5, 7)).to(dtype)
    picture = to_picture(to_bytes(image))
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, np.broadcast_to(image.numpy().transpose(2, 1, 0), (7, 5, 3)))
    assert picture.flags.writeable
    np.testing.assert_array_equal(to_picture(to_bytes(image.numpy()[:, ::-1])), picture[:, ::-1])


def test_fractions_are_rounded():
    assert to_bytes(torch.tensor([[[1.6, 100.4]]])).tolist() == [[[2, 100]]] * 3


def test_bytes_are_a_copy():
    image = np.zeros((3, 4, 5), np.uint8)
    to_bytes(image)[:] = 1
    assert not image.any()


@pytest.mark.parametrize("dtype", [bool, np.uint8])
def test_plane(dtype):
    plane = np.random.default_rng(0).integers(0, 2, (4, 6)).astype(dtype)
    picture = plane_to_picture(plane)
    assert picture.dtype == dtype
    np.testing.assert_array_equal(picture, plane.T)
    np.testing.assert_array_equal(plane_to_picture(plane[::2, ::-1]), plane[::2, ::-1].T)
