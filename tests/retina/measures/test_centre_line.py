import numpy as np
import pytest
from skimage.draw import line

from sre_monai.retina import smooth_centre_lines


def chain_length(path):
    return np.hypot(*np.diff(path, axis=0).T).sum()


@pytest.mark.parametrize("angle", [0, 7, 22.5, 35, 45, 80])
@pytest.mark.parametrize("length", [10, 150])
def test_a_straight_line_is_as_long_as_its_chord(angle, length):
    end = np.rint(length * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])).astype(int)
    path = np.stack(line(0, 0, *end), axis=1)
    lines = smooth_centre_lines([path, path[::-1]])
    np.testing.assert_allclose(lines.length, np.hypot(*end), rtol=0.002)
    if angle == 22.5 and length > 100:
        assert chain_length(path) > 1.08 * np.hypot(*end)


@pytest.mark.parametrize("radius", [20, 40, 80])
def test_an_arc(radius):
    angles = np.linspace(0, np.pi, 20 * radius)
    path = np.rint(radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)).astype(int)
    path = path[np.append(True, np.diff(path, axis=0).any(axis=1))]
    lines = smooth_centre_lines([path])
    assert lines.length[0] == pytest.approx(np.pi * radius, rel=0.02)
    assert lines.length[0] / (2 * radius) == pytest.approx(np.pi / 2, rel=0.02)


def test_lines_do_not_influence_each_other():
    rng = np.random.default_rng(0)
    paths = [np.cumsum(rng.integers(0, 2, (n, 2)), axis=0) for n in (2, 3, 5, 8, 40, 2, 90)]
    together = smooth_centre_lines(paths)
    alone = [smooth_centre_lines([path]) for path in paths]
    np.testing.assert_allclose(together.length, np.concatenate([each.length for each in alone]), rtol=1e-12)


def test_smoothing_against_a_loop():
    path = np.array([[0, 0], [1, 0], [2, 1], [3, 1], [4, 1], [5, 2], [6, 2], [7, 3], [7, 4], [7, 5]], float)
    sigma, reach = 3.0, 12
    reflected = {k: 2 * path[0] - path[-k] for k in range(-len(path) + 1, 0)}
    reflected |= dict(enumerate(path))
    last = len(path) - 1
    reflected |= {last + k: 2 * path[last] - path[last - k] for k in range(1, len(path))}
    chord = {k: path[0] + (path[-1] - path[0]) * k / last for k in range(-reach, last + reach + 1)}
    weights = {k: np.exp(-((k / sigma) ** 2) / 2) for k in range(-reach, reach + 1)}
    smooth = []
    for i in range(len(path)):
        residual = sum(w * (reflected[i + k] - chord[i + k]) for k, w in weights.items() if i + k in reflected)
        smooth.append(chord[i] + residual / sum(weights.values()))
    assert smooth_centre_lines([path]).length[0] == pytest.approx(chain_length(np.array(smooth)), rel=1e-9)


def test_no_lines():
    assert smooth_centre_lines([]).length.shape == (0,)
