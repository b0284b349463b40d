"""Synthetic photographs: drawing, labels and files."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.draw import polygon
from skimage.measure import label

from docs.make_sample import SAMPLE, make_sample
from sre_monai.io import load_datalist
from sre_monai.retina import estimate_field_of_view
from sre_monai.retina.data.synthetic_fundus import _render, synthetic_fundus, write_synthetic_dataset
from sre_monai.retina.data.vessel_tree import Vessel, grow_vessels


@pytest.fixture(scope="module")
def eye():
    return synthetic_fundus(seed=4)


def test_size_and_types():
    eye = synthetic_fundus((120, 150))
    assert (eye.image.shape, eye.image.dtype) == ((150, 120, 3), np.uint8)
    assert (eye.vessels.shape, eye.vessels.dtype) == ((150, 120), bool)
    assert (eye.fov.shape, eye.fov.dtype) == ((150, 120), bool)


def test_a_seed_is_a_picture():
    first, again, other = (synthetic_fundus((128, 128), seed) for seed in (7, 7, 8))
    for name in ("image", "vessels", "fov"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
    assert not np.array_equal(first.vessels, other.vessels)


def test_vessels_are_as_dense_as_in_real_photographs(eye):
    assert not eye.vessels[~eye.fov].any()
    assert 0.08 < eye.vessels[eye.fov].mean() < 0.15


def test_vessels_are_darker_than_what_surrounds_them(eye):
    green = eye.image[..., 1].astype(float)
    y, x = np.nonzero(eye.vessels)
    beside = ~eye.vessels & eye.fov
    darker = []
    for step in (-9, 9):
        ok = (y + step >= 0) & (y + step < len(green))
        ok[ok] &= beside[y[ok] + step, x[ok]]
        darker.append((green[y[ok] + step, x[ok]] - green[y[ok], x[ok]]).mean())
    assert min(darker) > 4


def test_vessels_hang_together(eye):
    """A few trees that cross each other: nearly all pixels are in few connected components."""
    sizes = np.sort(np.bincount(label(eye.vessels, connectivity=2).ravel())[1:])[::-1]
    assert sizes[:12].sum() > 0.9 * sizes.sum()


def test_field_of_view_is_where_the_picture_is_bright(eye):
    estimated = estimate_field_of_view(eye.image.transpose(2, 1, 0))[0].numpy().T
    assert (estimated & eye.fov).sum() / (estimated | eye.fov).sum() > 0.98
    assert eye.image[~eye.fov].mean() < 15


def test_field_of_view_can_be_cropped():
    fov = synthetic_fundus((140, 100), fov_diameter=130).fov
    assert fov[0].any()
    assert fov[-1].any()
    assert not fov[:, 0].any()
    assert abs(fov[50].sum() - 130) <= 1


@pytest.mark.parametrize(("size", "diameter"), [((63, 200), None), ((100, 100), 0.0)])
def test_bad_sizes(size, diameter):
    with pytest.raises(ValueError, match="at least 64 pixels"):
        synthetic_fundus(size, fov_diameter=diameter)


@pytest.mark.parametrize("width", [1.0, 2.5, 7.0])
@pytest.mark.parametrize("angle", [0.0, 20.0, 45.0, 77.0])
def test_truth_is_half_covered_pixels(angle, width):
    """A straight vessel compared with a polygon drawn on a 20 times finer grid."""
    direction = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    normal = np.array([-direction[1], direction[0]])
    points = np.array([30.2, 29.7]) + np.linspace(-20, 20, 11)[:, None] * direction
    _, _, coverage = _render([Vessel(points, np.full(11, width / 2), False)], (60, 60))
    outline = np.concatenate([points[[0, -1]] + width / 2 * normal, points[[-1, 0]] - width / 2 * normal])
    fine = np.zeros((1200, 1200))
    fine[polygon((outline[:, 1] + 0.5) * 20 - 0.5, (outline[:, 0] + 0.5) * 20 - 0.5)] = 1
    expected = fine.reshape(60, 20, 60, 20).mean(axis=(1, 3))
    ends = np.abs((np.indices((60, 60))[::-1].T - [30.2, 29.7]) @ direction).T > 17
    expected[ends], coverage[ends] = 0, 0
    assert np.abs(coverage - expected).max() < 0.3  # on a diagonal, a pixel is not a band
    assert ((coverage >= 0.5) != (expected >= 0.5)).sum() <= 0.04 * (expected >= 0.5).sum()
    assert coverage.sum() == pytest.approx(expected.sum(), rel=0.12)  # a band drawn on pixels aliases


def grow(seed: int) -> list[Vessel]:
    return grow_vessels(np.random.default_rng(seed), (100, 110), (165, 108), (95, 112), 100, 0.5)


@pytest.mark.parametrize("seed", range(3))
def test_trees(seed):
    vessels = grow(seed)
    disc, fovea = np.array([165, 108]), np.array([95, 112])
    assert all(len(vessel.points) == len(vessel.radii) for vessel in vessels)
    assert all((np.diff(vessel.radii) <= 0).all() for vessel in vessels)
    assert min(vessel.radii.min() for vessel in vessels) >= 0.49
    assert min(np.hypot(*(vessel.points - fovea).T).min() for vessel in vessels) > 6
    widest = sorted(vessels, key=lambda vessel: -vessel.radii[0])[:4]
    assert all(np.hypot(*(vessel.points[0] - disc)) < 10 for vessel in widest)
    # four arcades: both kinds above and below the disc
    assert {(vessel.is_artery, bool(vessel.points[len(vessel.points) // 2, 1] > 108)) for vessel in vessels[:8]} == {
        (kind, below) for kind in (False, True) for below in (False, True)
    }


@pytest.mark.parametrize("seed", range(3))
def test_branches_obey_murray(seed):
    """At a branching, r0³ = r1³ + r2³ holds for the radii just before and after."""
    vessels = grow(seed)
    found = 0
    for twig in vessels:
        for parent in vessels:
            at = np.nonzero((parent.points == twig.points[0]).all(axis=1))[0]
            faded = len(at) and (at[0] + 2 >= len(parent.radii) or np.diff(parent.radii)[at[0] + 1] < -0.015)
            if parent is twig or not len(at) or faded or twig.radii[0] <= 0.6:
                continue
            before, after = parent.radii[at[0]], parent.radii[at[0] + 1]
            assert after**3 + twig.radii[0] ** 3 == pytest.approx(before**3, rel=0.02)
            found += 1
    assert found >= 5


def test_data_set_has_the_prepared_layout(tmp_path):
    folder = write_synthetic_dataset(tmp_path / "eyes", count=3, size=(80, 90), seed=5)
    content = json.loads((folder / "datalist.json").read_text())
    assert {"name", "source", "licence", "fov", "training", "test"} == set(content)
    training, test = load_datalist(folder, "training"), load_datalist(folder, "test")
    assert (len(training), len(test)) == (2, 1)
    expected = synthetic_fundus((80, 90), seed=5)
    assert np.array_equal(np.asarray(Image.open(training[0]["image"])), expected.image)
    assert np.array_equal(np.asarray(Image.open(training[0]["label"])), expected.vessels * np.uint8(255))
    assert np.array_equal(np.asarray(Image.open(training[0]["fov"])), expected.fov * np.uint8(255))
    assert [path.name for path in tmp_path.iterdir()] == ["eyes"]


def test_data_set_is_whole_or_not_there(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        write_synthetic_dataset(tmp_path / "eyes", 2, (64, 64))
    assert not list(tmp_path.iterdir())


def test_data_set_refuses_a_full_folder_and_too_few(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(ValueError, match="not an empty folder"):
        write_synthetic_dataset(tmp_path, 2, (64, 64))
    with pytest.raises(ValueError, match="at least 2"):
        write_synthetic_dataset(tmp_path / "new", 1, (64, 64))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_sample_in_the_repository_is_what_its_script_makes(repository, tmp_path, monkeypatch):
    folder = repository / "docs" / "sample"
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    assert [path.relative_to(folder).as_posix() for path in found] == sorted(name for name, *_ in SAMPLE)
    assert sum(path.stat().st_size for path in found) < 1.5e6
    assert {Image.open(path).size for path in found} == {size for _, size, *_ in SAMPLE}
    monkeypatch.setattr("docs.make_sample.SAMPLE", SAMPLE[:1])
    (path,) = make_sample(tmp_path)
    written, kept = (np.asarray(Image.open(p)).astype(int) for p in (path, folder / path.name))
    assert np.abs(written - kept).mean() < 1  # arithmetic on another machine may round differently


def test_tensors_of_both_axis_orders_agree(eye):
    """(W, H) arrays of MONAI's readers are the transpose of what is documented here."""
    upright = estimate_field_of_view(torch.from_numpy(eye.image.transpose(2, 1, 0).copy()))
    assert torch.equal(upright, estimate_field_of_view(torch.from_numpy(eye.image.transpose(2, 0, 1).copy())).mT)
