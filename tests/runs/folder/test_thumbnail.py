from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from sre_monai.retina import synthetic_fundus
from sre_monai.runs.folder import thumbnail


@pytest.mark.parametrize(("size", "expected"), [((300, 150), (128, 64)), ((90, 700), (16, 128)), ((80, 70), (80, 70))])
def test_size_and_colour(size, expected):
    picture = np.full((size[1], size[0], 3), (200, 90, 30), np.uint8)
    with Image.open(BytesIO(b64decode(thumbnail(picture, exif_orientation=6)))) as small:
        assert small.size == expected
        assert small.getexif()[0x0112] == 6
        assert np.abs(np.asarray(small).astype(int) - (200, 90, 30)).max() < 6


def test_it_is_a_few_kilobytes():
    assert len(thumbnail(synthetic_fundus((600, 560), seed=2).image)) < 6000
