from __future__ import annotations

import builtins

import numpy as np
import pytest
import torch
from PIL import Image

from sre_monai.metrics import Reliability
from sre_monai.visualize import plot_reliability
from sre_monai.visualize.rotation_curve import COLORS
from tests.visualize.test_rotation_curve import drawn

pytest.importorskip("matplotlib")  # the optional extra `viz`


def test_lines_follow_the_frequency_and_leave_out_rare_bins(tmp_path):
    probability = torch.rand(20_000)
    label = (torch.rand(20_000) < probability**2).float()
    bins = Reliability.of(probability, label, 20)
    rare = bins._replace(pixels=np.array([1] * 16 + [2000] * 4))
    plot_reliability({"all": bins, "rare": rare}, tmp_path / "a.png")
    whole, part = (drawn(tmp_path / "a.png", color) for color in COLORS[:2])
    size = Image.open(tmp_path / "a.png").size[0]
    legend = (whole[:, 0] < 0.2 * size) & (whole[:, 1] < 0.4 * size)
    assert np.corrcoef(whole[~legend].T)[0, 1] < -0.9  # up to the right
    part = part[~((part[:, 0] < 0.2 * size) & (part[:, 1] < 0.4 * size))]
    assert part[:, 1].min() > 0.75 * size


def test_without_matplotlib_the_error_names_the_extra(tmp_path, monkeypatch):
    original = builtins.__import__

    def missing(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ImportError, match=r"pip install 'sre-monai\[viz\]'"):
        plot_reliability({}, tmp_path / "a.png")
