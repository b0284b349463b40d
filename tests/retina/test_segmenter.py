"""One call from Python gives what the folder run writes, from files and from memory, in one thread and in several."""

from __future__ import annotations

import copy
import csv
import pickle
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import run
from monai.data import Dataset, get_track_meta, set_track_meta
from PIL import Image
from torch.utils.data import DataLoader

from sre_monai import VesselSegmenter
from sre_monai.retina import measure_vessels, synthetic_fundus
from sre_monai_cli import find_bundle

SAMPLE = Path(__file__).resolve().parents[2] / "docs" / "sample"
NAMES = sorted(path.relative_to(SAMPLE).as_posix() for path in SAMPLE.rglob("eye_*"))
SMALL = {"working_diameter": 120}
"""Options that make the photographs of a test small."""


@pytest.fixture(scope="module")
def folder_run(tmp_path_factory) -> Path:
    """Results of the folder run on the sample."""
    root, output = find_bundle(), tmp_path_factory.mktemp("folder_run")
    given = {"dataset_dir": str(SAMPLE), "output_dir": str(output), "write_probability": True, "write_overlay": False}
    run(config_file=str(root / "configs" / "inference.json"), bundle_root=str(root), **given)
    return output


@pytest.fixture(scope="module")
def segmenter() -> VesselSegmenter:
    return VesselSegmenter()


@pytest.fixture(scope="module")
def small_segmenter() -> VesselSegmenter:
    return VesselSegmenter(**SMALL)


def photograph(seed: int = 0, size: tuple[int, int] = (121, 130)) -> np.ndarray:
    """Of a width and height: an array of shape (height, width, 3)."""
    return synthetic_fundus(size, seed=seed).image


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def assert_same(result, other) -> None:
    np.testing.assert_array_equal(result.mask, other.mask)
    np.testing.assert_array_equal(result.probability, other.probability)
    np.testing.assert_array_equal(result.field_of_view, other.field_of_view)
    assert (result.quality, result.measures) == (other.quality, other.measures)


def test_segments_are_those_of_the_mask():
    result = VesselSegmenter(measures=True, **SMALL).segment(photograph())
    segments = measure_vessels(result.mask, result.field_of_view).segments
    assert len(segments) > 5
    assert result.segments.equals(segments)


@pytest.mark.parametrize("source", [str, Path, read, Image.open], ids=["str", "path", "array", "pillow"])
@pytest.mark.parametrize("name", NAMES)
def test_the_same_as_the_folder_run(segmenter, folder_run, name, source):
    result = segmenter.segment(source(SAMPLE / name))
    stem = name.rpartition(".")[0]
    np.testing.assert_array_equal(result.mask * np.uint8(255), read(folder_run / f"{stem}_mask.png"))
    written = read(folder_run / f"{stem}_probability.png")
    np.testing.assert_array_equal(np.rint(65535 * result.probability.astype(np.float64)), written)
    with (folder_run / "report.csv").open(encoding="utf-8", newline="") as stream:
        (row,) = (row for row in csv.DictReader(stream) if row["file"] == name)
    columns = {**result.quality, **result.measures}
    assert {key: str(value) for key, value in columns.items()} == {key: row[key] for key in columns}
    assert set(row) - set(columns) == {"file", "status", "reason", "seconds"}


def test_the_result_is_on_the_photographs_own_grid(small_segmenter):
    result = small_segmenter.segment(photograph())
    assert result.mask.shape == result.probability.shape == result.field_of_view.shape == (130, 121)
    assert (result.mask.dtype, result.probability.dtype, result.field_of_view.dtype) == (bool, np.float32, bool)
    assert 0.01 < result.mask.mean() < 0.4
    assert not (result.mask & ~result.field_of_view).any()
    assert not result.probability[~result.field_of_view].any()
    np.testing.assert_array_equal(result.mask, (result.probability >= 0.5) & result.field_of_view)
    assert result.measures["vessel_density"] == pytest.approx(result.mask.sum() / result.field_of_view.sum(), abs=1e-4)
    with pytest.raises(FrozenInstanceError):
        result.mask = None


def test_a_list_gives_a_list_in_its_order(small_segmenter):
    photographs = [photograph(0), photograph(1, (110, 140)), photograph(2)]
    results = small_segmenter.segment(photographs)
    for result, one in zip(results, photographs, strict=True):
        assert_same(result, small_segmenter.segment(one))
    assert small_segmenter.segment([]) == []


def test_photographs_of_one_size_go_through_the_network_together(small_segmenter):
    photographs = [photograph(seed) for seed in range(3)]
    sizes = []
    together = VesselSegmenter(batch_size=2, **SMALL)
    together._network.register_forward_pre_hook(lambda _, args: sizes.append(len(args[0])))
    for result, one in zip(together.segment(photographs), photographs, strict=True):
        alone = small_segmenter.segment(one)
        np.testing.assert_allclose(result.probability, alone.probability, atol=1e-4)
    assert sizes == [2, 1]


def test_several_threads_get_the_results_of_one(small_segmenter):
    photographs = [photograph(seed, (121, 130 + 7 * (seed % 3))) for seed in range(12)]
    expected = [small_segmenter.segment(one) for one in photographs]
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(small_segmenter.segment, photographs))
    for result, other in zip(results, expected, strict=True):
        assert_same(result, other)


def test_arrays_are_read_as_files_are(small_segmenter, tmp_path):
    colour = photograph()
    grey = np.asarray(Image.fromarray(colour).convert("L"))
    opaque = np.dstack([colour, np.full(colour.shape[:2], 255, np.uint8)])
    assert_same(small_segmenter.segment(opaque), small_segmenter.segment(colour))
    assert_same(small_segmenter.segment(grey[..., None]), small_segmenter.segment(grey))
    deep = grey.astype(np.uint16) * 200
    Image.fromarray(deep).save(tmp_path / "deep.tif")
    assert_same(small_segmenter.segment(deep), small_segmenter.segment(tmp_path / "deep.tif"))
    assert_same(small_segmenter.segment(deep / 65535), small_segmenter.segment(deep))


def test_an_image_of_pillow_is_read_as_its_file_is(small_segmenter, tmp_path):
    image = Image.fromarray(photograph())
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "sideways.png", exif=exif)
    with Image.open(tmp_path / "sideways.png") as sideways:
        result = small_segmenter.segment(sideways)
    assert result.mask.shape == (130, 121)
    assert_same(result, small_segmenter.segment(tmp_path / "sideways.png"))
    image.convert("P").save(tmp_path / "palette.png")
    with Image.open(tmp_path / "palette.png") as palette:
        assert_same(small_segmenter.segment(palette), small_segmenter.segment(tmp_path / "palette.png"))


def test_the_open_frame_is_used(small_segmenter, tmp_path):
    frames = [Image.fromarray(photograph(seed)) for seed in range(2)]
    frames[0].save(tmp_path / "frames.tif", save_all=True, append_images=frames[1:])
    of_file = small_segmenter.segment(tmp_path / "frames.tif")
    assert of_file.note == "the first of several pages was read"
    assert_same(of_file, small_segmenter.segment(frames[0]))
    with Image.open(tmp_path / "frames.tif") as image:
        image.seek(1)
        assert_same(small_segmenter.segment(image), small_segmenter.segment(frames[1]))


def test_options(small_segmenter, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    usual = small_segmenter.segment(photograph())
    options = {"postprocessing_transforms#skeleton_length#_disabled_": True, "window_size": 256}
    strict = VesselSegmenter(threshold=0.9, device="cpu", checkpoint=find_bundle() / "models" / "model.pt", **SMALL)
    result = strict.segment(photograph())
    np.testing.assert_array_equal(result.probability, usual.probability)
    np.testing.assert_array_equal(result.mask, (usual.probability >= 0.9) & usual.field_of_view)
    fewer = VesselSegmenter(**options, **SMALL).segment(photograph()).measures
    assert fewer == {name: value for name, value in usual.measures.items() if name != "skeleton_length_px"}
    assert not list(tmp_path.iterdir())


def test_flags(small_segmenter):
    result = small_segmenter.segment(photograph() // 8)
    assert "dark" in result.flags
    assert result.quality["quality"] == "; ".join(result.flags)
    assert VesselSegmenter(threshold=1, **SMALL).segment(photograph()).flags == ("few vessels",)


@pytest.mark.parametrize(
    ("photograph", "kind", "sentence"),
    [
        ("typo.png", FileNotFoundError, "typo.png: there is no such file"),
        (Path("typo.png"), FileNotFoundError, "typo.png: there is no such file"),
        (["black.png"], ValueError, "black.png: The image is blank"),
        ("notes.txt", ValueError, "notes.txt cannot be read as an image"),
        (".", ValueError, r"\. cannot be read as an image \(it is not a regular file"),
        (np.zeros((50, 50)), ValueError, "photograph: The image is blank"),
        (np.zeros((3, 50, 50)), ValueError, r"photograph: an array of shape \(H, W\), .* got \(3, 50, 50\)"),
        (np.zeros((0, 50)), ValueError, "photograph: an array of shape"),
        (np.full((5, 5), "x"), ValueError, "photograph: an array of finite numbers is expected"),
        (Image.new("RGB", (50, 50)), ValueError, "photograph: The image is blank"),
        (None, ValueError, "photograph: a path, an array or an image of Pillow is expected, got NoneType"),
    ],
)
def test_what_is_no_photograph_is_one_sentence(small_segmenter, tmp_path, monkeypatch, photograph, kind, sentence):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (50, 50)).save("black.png")
    Path("notes.txt").write_text("no photograph")
    with pytest.raises(kind, match=f"^{sentence}") as caught:
        small_segmenter.segment(photograph)
    assert "\n" not in str(caught.value)


def test_a_truncated_image_of_pillow_is_one_sentence(small_segmenter, tmp_path):
    Image.fromarray(photograph()).save(tmp_path / "whole.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "whole.png").read_bytes()[:9000])
    with Image.open(tmp_path / "half.png") as half, pytest.raises(ValueError, match=r"^photograph cannot be read"):
        small_segmenter.segment(half)


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"treshold": 0.4}, ValueError, "treshold: the configuration has no such option"),
        ({"threshold": 1.4}, ValueError, "threshold must be"),
        ({"threshold": "abc"}, ValueError, "threshold must be"),
        ({"working_diameter": -4}, ValueError, "(working_)?diameter must be"),
        ({"device": "gpu"}, ValueError, "device: gpu is not available"),
        ({"checkpoint": "typo.pt"}, FileNotFoundError, "checkpoint: "),
        ({"bundle_root": "typo"}, FileNotFoundError, "bundle_root: "),
        ({"net": "typo"}, ValueError, "net must be one of"),
        ({"output_dir": "out"}, ValueError, "output_dir is an option of `sre-monai segment`"),
        ({"write_overlay": True}, ValueError, "write_overlay is an option of `sre-monai segment`"),
    ],
    ids=str,
)
def test_a_wrong_option_is_one_sentence(options, kind, sentence):
    with pytest.raises(kind, match=f"^{sentence}") as caught:
        VesselSegmenter(**options)
    assert "\n" not in str(caught.value)


def test_options_are_data(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("C#", "$x", "@device", "%m"):
        with pytest.raises(FileNotFoundError, match=f"^checkpoint: file not found: {re.escape(name)}\\.$"):
            VesselSegmenter(checkpoint=name)
    with pytest.raises(FileNotFoundError, match=f"^checkpoint: file not found: {tmp_path}/m.pt"):
        VesselSegmenter(checkpoint="~/m.pt")
    with pytest.raises(ValueError, match=r"^threshold must be a number from 0 to 1, got '\$0\.5'"):
        VesselSegmenter(threshold="$0.5")
    with pytest.raises(ValueError, match=r"^_target_: a value must be data"):
        VesselSegmenter(net={"_target_": "os.getcwd"})


def test_a_bundle_in_a_folder_with_a_special_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(find_bundle(), "$r#1", ignore=shutil.ignore_patterns("baselines", "docs"))
    with pytest.warns(UserWarning, match=r"^\$r#1/configs/inference\.json is code that runs"):
        VesselSegmenter(bundle_root="$r#1", **SMALL)


def test_numbers_of_numpy(small_segmenter):
    segmenter = VesselSegmenter(threshold=np.float32(0.75), window_size=np.int64(256), **SMALL)
    result, usual = segmenter.segment(photograph()), small_segmenter.segment(photograph())
    np.testing.assert_array_equal(result.mask, (usual.probability >= 0.75) & usual.field_of_view)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_has_the_same_settings(duplicate, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(find_bundle() / "models" / "model.pt", "own.pt")
    segmenter = VesselSegmenter(threshold=np.float32(0.3), checkpoint="own.pt", measures=True, **SMALL)
    monkeypatch.chdir("/")
    assert_same(duplicate(segmenter).segment(photograph()), segmenter.segment(photograph()))


@pytest.mark.slow
def test_workers_of_a_data_loader_take_a_segmenter(small_segmenter):
    files = [str(SAMPLE / name) for name in NAMES]
    dataset = Dataset(files, small_segmenter.segment)
    loader = DataLoader(dataset, batch_size=None, num_workers=2, multiprocessing_context="spawn")
    for result, file in zip(loader, files, strict=True):
        assert_same(result, small_segmenter.segment(file))


@pytest.mark.parametrize("threads", [1, 4])
def test_settings_of_the_program_do_not_matter_and_stay(small_segmenter, threads):
    """MONAI's tracking of metadata, and PyTorch's default type, at construction and at a call."""
    photographs = [photograph(seed) for seed in range(threads)]
    usual = [small_segmenter.segment(image) for image in photographs]
    set_track_meta(False)
    torch.set_default_dtype(torch.float64)
    try:
        segmenter = VesselSegmenter(**SMALL)
        with ThreadPoolExecutor(threads) as pool:
            results = list(pool.map(segmenter.segment, photographs))
        assert (get_track_meta(), torch.get_default_dtype()) == (False, torch.float64)
    finally:
        set_track_meta(True)
        torch.set_default_dtype(torch.float32)
    for result, expected in zip(results, usual, strict=True):
        assert_same(result, expected)


@pytest.mark.slow
def test_the_process_stays_as_it_was():
    code = """
import logging, sys, warnings

def state():
    logged = {name: (logger.level, logger.filters[:], logger.handlers[:], logger.disabled)
              for name, logger in logging.Logger.manager.loggerDict.items() if isinstance(logger, logging.Logger)}
    return warnings.filters[:], sys.excepthook, sys.path[:], sys.stderr, logging.root.handlers[:], logged

def others(before, after):
    return before[:5] == after[:5] and all(after[5][name] == value for name, value in before[5].items())

import monai.bundle, monai.data, monai.engines, monai.handlers, monai.inferers, monai.transforms
before = state()
import sre_monai
imported = state()
sre_monai.VesselSegmenter, sre_monai.retina.synthetic_fundus
import skimage.measure, scipy.ndimage, torch._dynamo
loaded = state()
segmenter = sre_monai.VesselSegmenter(working_diameter=84)
constructed = state()
segmenter.segment(sre_monai.retina.synthetic_fundus((96, 89), seed=0).image)
print(others(before, imported), others(loaded, constructed), others(constructed, state()))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["True"] * 3
    assert "nvImageCodec" not in result.stderr
    assert "Warning" not in result.stderr
