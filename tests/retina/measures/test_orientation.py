import numpy as np
import pytest

from sre_monai.retina.measures.orientation import canonical_orientation


@pytest.mark.parametrize("shape", [(5, 5), (6, 6), (4, 7), (7, 4), (1, 6)])
def test_turned_and_mirrored_copies_become_identical(shape):
    image = np.random.default_rng(0).integers(0, 2, shape).astype(bool)
    copies = [np.rot90(source, k) for source in (image, image.T) for k in range(4)]
    canonical = [canonical_orientation(copy).apply(copy) for copy in copies]
    for copy in canonical[1:]:
        np.testing.assert_array_equal(copy, canonical[0])


def test_images_with_equal_sums_along_the_axes():
    image = np.array([[1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 1, 0], [1, 0, 0, 1]], bool)
    image[[0, 1]] = image[[1, 0]]  # every row and column still has two pixels
    canonical = {canonical_orientation(copy).apply(copy).tobytes() for copy in (image, image[::-1], image.T)}
    assert len(canonical) == 1
