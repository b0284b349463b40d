from __future__ import annotations

import builtins
import itertools

import numpy as np
import pytest
from PIL import Image

from sre_monai.visualize.rotation_curve import COLORS, plot_rotation_curve

pytest.importorskip("matplotlib")  # the optional extra `viz`

FLAT = dict.fromkeys(range(0, 360, 10), 0.8)
DROPPING = {angle: 0.8 - angle / 1000 for angle in reversed(range(0, 360, 10))}


def drawn(path, color: str) -> np.ndarray:
    """The pixels of a given colour, as (row, column)."""
    picture = np.asarray(Image.open(path)).astype(int)
    rgb = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return np.argwhere(np.abs(picture - rgb).max(axis=-1) < 8)


def test_lines_follow_their_scores(tmp_path):
    path = tmp_path / "dice.png"
    plot_rotation_curve({"flat": FLAT, "dropping": DROPPING}, path, title="Two models")
    flat, dropping = drawn(path, COLORS[0]), drawn(path, COLORS[1])
    width = Image.open(path).size[0]
    flat, dropping = (points[points[:, 1] < 0.75 * width] for points in (flat, dropping))  # without the names
    assert np.ptp(flat[:, 0]) < 15
    assert np.corrcoef(dropping.T)[0, 1] > 0.99  # down the rows to the right
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_names_do_not_overlap(tmp_path):
    path = tmp_path / "dice.png"
    plot_rotation_curve({f"model {i}": {a: s + i * 1e-4 for a, s in DROPPING.items()} for i in range(5)}, path)
    width = Image.open(path).size[0]
    rows = []
    for color in COLORS[:5]:
        points = drawn(path, color)
        rows.append(points[points[:, 1] > 0.9 * width, 0])
    for lower, upper in itertools.pairwise(rows):
        assert upper.max() < lower.min()


def test_nan_is_left_out(tmp_path):
    plot_rotation_curve({"flat": FLAT}, tmp_path / "whole.png")
    plot_rotation_curve({"flat": FLAT | {400: float("nan")}}, tmp_path / "nan.png")
    assert (tmp_path / "whole.png").read_bytes() == (tmp_path / "nan.png").read_bytes()


def test_no_global_state(tmp_path):
    import matplotlib.pyplot as plt

    settings, figures = dict(plt.rcParams), plt.get_fignums()
    plot_rotation_curve({"flat": FLAT}, tmp_path / "dice.png")
    assert (dict(plt.rcParams), plt.get_fignums()) == (settings, figures)


def test_nothing_to_plot(tmp_path):
    with pytest.raises(ValueError, match="curves is empty"):
        plot_rotation_curve({}, tmp_path / "dice.png")
    with pytest.raises(ValueError, match="'flat' has no score"):
        plot_rotation_curve({"flat": {0: float("nan")}}, tmp_path / "dice.png")


def test_missing_matplotlib_says_how_to_install_it(tmp_path, monkeypatch):
    imports = builtins.__import__

    def without_matplotlib(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return imports(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_matplotlib)
    with pytest.raises(ImportError, match=r"pip install 'sre-monai\[viz\]'"):
        plot_rotation_curve({"flat": FLAT}, tmp_path / "dice.png")
