import numpy as np
import pytest

from sre_monai.metrics import check_threshold


@pytest.mark.parametrize("threshold", [0, 1, 0.5, np.float32(0.5), np.int64(1)])
def test_numbers(threshold):
    assert check_threshold(threshold) == threshold


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan"), np.float32("nan"), "0.5", None])
def test_what_is_none(threshold):
    with pytest.raises(ValueError, match="threshold must be a number in 0–1, got "):
        check_threshold(threshold)
