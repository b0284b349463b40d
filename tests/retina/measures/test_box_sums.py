import numpy as np
import pytest

from sre_monai.retina.measures.box_sums import box_grid, gliding_boxes, sum_table

MASK = np.random.default_rng(0).random((13, 10)) < 0.4


def test_sum_table():
    table = sum_table(MASK)
    for x in range(14):
        for y in range(11):
            assert table[x, y] == MASK[:x, :y].sum()


@pytest.mark.parametrize("side", [1, 2, 3, 5, 20])
def test_grids_begin_at_any_corner(side):
    boxes = [[int(MASK[x : x + side, y : y + side].sum()) for y in range(0, 10, side)] for x in range(0, 13, side)]
    np.testing.assert_array_equal(box_grid(sum_table(MASK), side, (False, False)), boxes)
    mirrored = sum_table(MASK[::-1])
    np.testing.assert_array_equal(box_grid(mirrored, side, (True, False)), boxes[::-1])
    mirrored = sum_table(MASK[:, ::-1])
    np.testing.assert_array_equal(box_grid(mirrored, side, (False, True)), np.array(boxes)[:, ::-1])


@pytest.mark.parametrize("side", [1, 2, 5, 10])
def test_gliding_boxes(side):
    expected = [[MASK[x : x + side, y : y + side].sum() for y in range(11 - side)] for x in range(14 - side)]
    np.testing.assert_array_equal(gliding_boxes(sum_table(MASK), side), expected)
