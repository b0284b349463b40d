"""Reading ahead: in order, within the budget, without deadlocks."""

import threading
import time

import numpy as np
import pytest
import tifffile
from monai.data import Dataset
from PIL import Image

from sre_monai.runs.folder import PixelBudgetLoader


@pytest.fixture
def photographs(tmp_path):
    """Eight images; every third has 900 pixels, the others 100."""
    items = []
    for n in range(8):
        side = 30 if n % 3 == 0 else 10
        Image.fromarray(np.zeros((side, side), np.uint8)).save(tmp_path / f"{n}.png")
        items.append({"image": str(tmp_path / f"{n}.png"), "n": n})
    return items


class Recorder:
    """A transform that records the largest amount in progress."""

    def __init__(self):
        self.started = []

    def __call__(self, item):
        self.started.append(item["n"])
        time.sleep(0.001 * (item["n"] % 2))  # the later one is ready earlier
        return item


@pytest.mark.parametrize("batch_size", [1, 2, 3])
@pytest.mark.parametrize("num_threads", [1, 4])
@pytest.mark.parametrize("max_pixels", [1, 1000, 100_000])
def test_order_is_kept_and_nothing_locks_up(photographs, batch_size, num_threads, max_pixels):
    loader = PixelBudgetLoader(Dataset(photographs, Recorder()), None, batch_size, num_threads, max_pixels)
    seen = []
    for batch in loader:
        assert 1 <= len(batch) <= batch_size
        assert sum(item["pixels"] for item in batch) <= max_pixels or len(batch) == 1
        seen += [item["n"] for item in batch]
        for item in batch:  # released late, by another thread
            threading.Timer(0.005, loader.release, [item]).start()
    assert seen == list(range(8))


def test_nothing_is_read_beyond_the_budget(photographs):
    recorder = Recorder()
    loader = PixelBudgetLoader(Dataset(photographs, recorder), num_threads=2, max_pixels=1100)
    batches = iter(loader)
    (first,) = next(batches)
    time.sleep(0.05)
    assert recorder.started == [0, 1, 2]  # 900 + 100 + 100
    loader.release(first)
    next(batches)
    time.sleep(0.05)
    assert recorder.started == [0, 1, 2, 3]
    batches.close()


def test_a_sampler_chooses(photographs):
    loader = PixelBudgetLoader(Dataset(photographs, Recorder()), sampler=[5, 2], max_pixels=10_000)
    assert [item["n"] for batch in loader for item in batch] == [5, 2]


def test_the_page_that_is_read_counts(tmp_path):
    with tifffile.TiffWriter(tmp_path / "eye.tif") as file:
        for side in (10, 40, 20):
            file.write(np.zeros((side, side, 3), np.uint8), photometric="rgb")
    loader = PixelBudgetLoader(Dataset([{"image": str(tmp_path / "eye.tif"), "n": 0}], Recorder()), max_pixels=5000)
    assert next(iter(loader))[0]["pixels"] == 1600


def test_files_that_are_not_images_count_too(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    items = [{"image": str(tmp_path / name), "n": 0} for name in ("notes.txt", "missing.png", ".")]
    loader = PixelBudgetLoader(Dataset(items, Recorder()))
    assert sum(len(batch) for batch in loader) == 3


@pytest.mark.parametrize("arguments", [{"batch_size": 0}, {"num_threads": 0}, {"max_pixels": 0}, {"batch_size": 99}])
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        PixelBudgetLoader(Dataset([]), **arguments)
