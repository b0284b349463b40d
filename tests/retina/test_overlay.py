from __future__ import annotations

import numpy as np
import pytest
import torch

from sre_monai.retina.overlay import (
    BLUISH_GREEN,
    CYAN,
    ORANGE,
    SKY_BLUE,
    error_overlay,
    vessel_overlay,
)

WIDTH, HEIGHT = 30, 20


@pytest.fixture
def image():
    return torch.randint(0, 256, (3, WIDTH, HEIGHT))


def mask(*columns: int) -> torch.Tensor:
    """Vertical vessels, one pixel wide, at these columns of the picture."""
    vessels = torch.zeros(1, WIDTH, HEIGHT)
    vessels[:, list(columns)] = 255
    return vessels


def test_vessels_are_tinted(image):
    picture = vessel_overlay(image, mask(4))
    photograph = image.numpy().transpose(2, 1, 0)
    assert picture.dtype == np.uint8
    assert picture.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(np.delete(picture, 4, axis=1), np.delete(photograph, 4, axis=1))
    # a mixture of photograph and tint: the vessel remains visible
    np.testing.assert_allclose(picture[:, 4], 0.45 * photograph[:, 4] + 0.55 * np.array(CYAN), atol=0.5)


def test_field_of_view_is_outlined(image):
    fov = torch.zeros(1, WIDTH, HEIGHT)
    fov[:, 5:25, 4:16] = 1
    changed = (vessel_overlay(image // 2, mask(), fov) != vessel_overlay(image // 2, mask())).any(axis=-1)
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[4:16, 5:25] = True
    expected[5:15, 6:24] = False
    np.testing.assert_array_equal(changed, expected)


def test_outline_grows_with_the_image():
    fov = np.ones((1, 1250, 1200))
    column = vessel_overlay(np.zeros((1, 1250, 1200), np.uint8), np.zeros_like(fov), fov)[:, 600, 0]
    assert np.flatnonzero(column).tolist() == [0, 1, 2, 1197, 1198, 1199]


def test_errors_have_their_colours(image):
    fov = torch.zeros(1, WIDTH, HEIGHT)
    fov[:, 2:25, 3:17] = 1
    picture = error_overlay(image, mask(5, 8, 27), mask(8, 11, 28), fov)
    for column, color in ((8, BLUISH_GREEN), (5, ORANGE), (11, SKY_BLUE)):
        assert (picture[4:16, column] == color).all()
    grey = image.numpy().transpose(2, 1, 0).mean(axis=-1) * 0.6
    outside = np.r_[0:2, 25:WIDTH]
    for channel in range(3):
        np.testing.assert_allclose(picture[:, outside, channel], grey[:, outside], atol=0.51)
    assert (error_overlay(image, mask(27), mask(27))[:, 27] == BLUISH_GREEN).all()


def test_grey_images_and_arrays(image):
    grey = image[:1]
    expected = vessel_overlay(grey.expand(3, -1, -1), mask(3))
    np.testing.assert_array_equal(vessel_overlay(grey.numpy(), mask(3).numpy() > 0), expected)


@pytest.mark.parametrize("symmetry", [(turns, flip) for turns in range(4) for flip in (False, True)])
def test_picture_rotates_with_its_image(image, symmetry):
    turns, flip = symmetry

    def turn(array, axes):
        return np.rot90(np.flip(array, axes[1]) if flip else array, turns, axes)

    fov = np.zeros((1, WIDTH, HEIGHT))
    fov[:, 3:20, 2:14] = 1
    maps = [image.numpy(), mask(4, 9).numpy(), fov]
    # the (W, H) axes of the maps are the picture's axes 1 and 0
    np.testing.assert_array_equal(vessel_overlay(*(turn(m, (1, 2)) for m in maps)), turn(vessel_overlay(*maps), (1, 0)))


def test_wrong_input(image):
    with pytest.raises(ValueError, match="image must be"):
        vessel_overlay(image.permute(1, 2, 0), mask())
    with pytest.raises(ValueError, match="mask must be"):
        vessel_overlay(image, mask().transpose(1, 2))
    with pytest.raises(ValueError, match="intensities 0–255"):
        vessel_overlay(image / 255, mask())
    with pytest.raises(ValueError, match="intensities 0–255"):
        vessel_overlay(image * 257, mask())
    with pytest.raises(ValueError, match="label must be"):
        error_overlay(image, mask(), mask()[0])
