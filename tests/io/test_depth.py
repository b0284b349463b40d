"""Which value is white, against values written with a known depth."""

import numpy as np
import pytest

from sre_monai.io.depth import check_array, to_bytes, white_level, white_note


@pytest.fixture
def photograph():
    return np.random.default_rng(0).integers(0, 256, (80, 90, 3), dtype=np.uint8)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("hot_pixels", [0, 1, 3])
def test_any_depth_gives_the_bytes_it_was_made_of(bits, hot_pixels, photograph):
    deep = (photograph.astype(np.uint32) * (2**bits - 1) // 255).astype(np.uint16)
    deep[40, :hot_pixels] = 65535
    white = white_level(deep)
    assert white == 2**bits - 1
    difference = np.abs(to_bytes(deep, white).astype(int) - photograph)[41:]
    assert difference.max() <= 1


@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.float64, np.uint16])
def test_0_to_255_is_the_same_in_every_type(dtype, photograph):
    values = photograph.astype(dtype)
    assert (to_bytes(values, white_level(values)) == photograph).all()


def test_floating_point_up_to_1(photograph):
    values = photograph / 255
    assert white_level(values) == 1
    assert (to_bytes(values, 1) == photograph).all()


def test_what_is_declared_counts_unless_the_picture_goes_beyond():
    dark, bright = np.full((9, 9), 600, np.uint16), np.full((9, 9), 20000, np.uint16)
    assert white_level(dark, declared=4095) == 4095
    assert white_level(bright, declared=4095) == 65535
    assert white_level(dark) == 1023


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([-1.0, 1.0], "begin at -1"),
        ([-300, 300], "begin at -300"),
        ([0.5, 1.5], "reach 1.5: white is expected at 1, or at 255"),
        ([0.0, 1e12], "reach 1e\\+12"),
        ([1j, 2j], "complex128 are not a picture"),
    ],
)
def test_a_scale_that_cannot_be_told_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        white_level(np.array(values))


def test_not_a_number_and_below_zero_are_black_and_infinity_is_white():
    values = np.array([[np.nan, -1.0, 255.0, np.inf]])
    assert to_bytes(values, 255).tolist() == [[0, 0, 255, 255]]


def test_the_note_tells_an_unusual_white():
    assert white_note(np.dtype(np.uint16), 4095) == "4095 of 65535 was read as white (12 bits)"
    assert white_note(np.dtype(np.uint16), 65535) == ""
    assert white_note(np.dtype(np.float32), 1) == ""


@pytest.mark.parametrize("values", [[-1, 255], [0, 256], [0.0, 300.0], [0.0, np.nan], [0.0, np.inf], [True], [1j]])
def test_arrays_of_other_values_are_refused(values):
    with pytest.raises(ValueError, match="an array of"):
        check_array(np.array(values))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float16, np.float64])
def test_arrays_that_are_accepted(dtype):
    check_array(np.array([[0, 255]], dtype))
