import numpy as np
import pytest

from sre_monai.medmnist import TASKS, find_medmnist, load_medmnist, medmnist_format
from sre_monai.medmnist import dataset as medmnist
from tests.medmnist.medmnist_toy import write_set

MULTI_LABEL, BINARY, MULTI_CLASS, ORDINAL = TASKS


@pytest.fixture(autouse=True)
def _no_index(monkeypatch):
    """With and without the package medmnist."""
    monkeypatch.setattr(medmnist, "medmnist_entry", lambda name: None)


@pytest.mark.parametrize("flat_labels", [False, True], ids=["(N, 1)", "(N,)"])
def test_grey_images(tmp_path, flat_labels):
    arrays = write_set(tmp_path / "toy.npz", (9, 10), 2, flat_labels=flat_labels)
    items = load_medmnist(tmp_path / "toy.npz", "val")
    assert len(items) == 6
    for index, item in enumerate(items):
        assert item["image"].shape == (1, 10, 9)  # (C, W, H), as MONAI's readers give it
        assert np.array_equal(item["image"][0].T, arrays["val_images"][index])
        assert (item["label"], item["index"]) == (index % 2, index)
        assert type(item["label"]) is int
    assert medmnist_format(tmp_path, "toy") == ("toy", BINARY, ("0", "1"), 2, 1)


def test_colour_images_of_several_classes(tmp_path):
    arrays = write_set(tmp_path / "toy.npz", (9, 10, 3), 4)
    item = load_medmnist(tmp_path / "toy.npz", "test")[5]
    assert item["image"].shape == (3, 10, 9)
    assert np.array_equal(item["image"].transpose(2, 1, 0), arrays["test_images"][5])
    assert medmnist_format(tmp_path, "toy") == ("toy", MULTI_CLASS, ("0", "1", "2", "3"), 2, 3)


def test_volumes(tmp_path):
    arrays = write_set(tmp_path / "toy3d.npz", (5, 6, 7), 3)
    items = load_medmnist(tmp_path / "toy3d.npz")
    assert items[3]["image"].shape == (1, 5, 6, 7)
    assert np.array_equal(items[3]["image"][0], arrays["train_images"][3])
    assert medmnist_format(tmp_path, "toy3d")[3:] == (3, 1)


def test_several_labels(tmp_path):
    arrays = write_set(tmp_path / "toy.npz", columns=5)
    item = load_medmnist(tmp_path / "toy.npz")[1]
    assert item["label"].dtype == np.float32
    assert np.array_equal(item["label"], arrays["train_labels"][1])
    assert medmnist_format(tmp_path, "toy")[1:3] == (MULTI_LABEL, ("0", "1", "2", "3", "4"))


def test_classes_are_counted_over_all_sections(tmp_path):
    write_set(tmp_path / "toy.npz", classes=3, train_labels=np.zeros((12, 1), np.uint8))
    assert len(medmnist_format(tmp_path, "toy").classes) == 3


def test_the_index_names_task_and_classes(tmp_path, monkeypatch):
    entry = {"task": ORDINAL, "label": {"0": "none", "1": "mild", "2": "severe"}}
    monkeypatch.setattr(medmnist, "medmnist_entry", {"retinamnist": entry}.get)
    write_set(tmp_path / "retinamnist_64.npz", classes=3)
    found = medmnist_format(tmp_path, "retinamnist", 64)
    assert found == ("retinamnist", ORDINAL, ("none", "mild", "severe"), 2, 1)
    assert medmnist_format(tmp_path, "retinamnist", 64, task=MULTI_CLASS).task == MULTI_CLASS


def test_without_data_the_format_is_that_of_breastmnist(tmp_path):
    assert medmnist_format(tmp_path)[1:] == (BINARY, ("malignant", "normal, benign"), 2, 1)


def test_file_is_found_by_name_and_size(tmp_path):
    write_set(tmp_path / "toy.npz")
    write_set(tmp_path / "toy_64.npz")
    assert find_medmnist(tmp_path, "toy") == tmp_path / "toy.npz"
    assert find_medmnist(tmp_path, "toy", 64, download=True) == tmp_path / "toy_64.npz"
    with pytest.raises(FileNotFoundError, match=r"has no toy_128\.npz; .*--download True"):
        find_medmnist(tmp_path, "toy", 128)


def test_download_asks_the_index(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(medmnist, "medmnist_remote_file", lambda *key: key)
    monkeypatch.setattr(medmnist, "download_file", lambda *given: asked.append(given) or tmp_path / "got.npz")
    assert find_medmnist(tmp_path, "pathmnist", 64, download=True) == tmp_path / "got.npz"
    assert asked == [(("pathmnist", 64), tmp_path)]


def test_the_real_breastmnist(shared_data):
    folder = shared_data / "medmnist"
    assert medmnist_format(folder)[1:] == (BINARY, ("0", "1"), 2, 1)
    labels = [item["label"] for item in load_medmnist(folder / "breastmnist.npz", "test")]
    assert (len(labels), sum(labels)) == (156, 114)


@pytest.mark.parametrize(
    ("replaced", "sentence"),
    [
        ({"val_images": np.zeros((0, 9, 10), np.uint8), "val_labels": np.zeros((0, 1), int)}, "has 0 images and 0"),
        ({"val_labels": np.zeros((4, 1), int)}, "has 6 images and 4 labels"),
        ({"val_images": np.zeros((6, 9), np.uint8)}, r"must be \(N, H, W\), \(N, H, W, 3\) or \(N, D, H, W\)"),
        ({"val_images": np.zeros((6, 9, 10))}, "val_images of .* must hold integers, found float64"),
        ({"val_labels": np.array([object()] * 6)}, "val_labels of .* can't be read"),
    ],
)
def test_what_is_wrong_with_a_file_is_reported(tmp_path, replaced, sentence):
    write_set(tmp_path / "toy.npz", **replaced)
    with pytest.raises(ValueError, match=sentence):
        load_medmnist(tmp_path / "toy.npz", "val")


def test_damaged_files_are_named(tmp_path):
    write_set(tmp_path / "toy.npz", (30, 30))
    content = (tmp_path / "toy.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(content[:2000])
    with pytest.raises(ValueError, match=r"cut\.npz is not a complete \.npz file"):
        load_medmnist(tmp_path / "cut.npz")
    (tmp_path / "flipped.npz").write_bytes(content[:1500] + bytes(200) + content[1700:])
    with pytest.raises(ValueError, match=r"train_images of .*flipped\.npz can't be read"):
        load_medmnist(tmp_path / "flipped.npz")
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(ValueError, match=r"no array train_images \(its arrays: x\)"):
        load_medmnist(tmp_path / "other.npz")
    np.save(tmp_path / "array.npz.npy", np.zeros(3))
    (tmp_path / "array.npz.npy").rename(tmp_path / "array.npz")
    with pytest.raises(ValueError, match="its arrays: none"):
        load_medmnist(tmp_path / "array.npz")
    with pytest.raises(FileNotFoundError, match="file not found"):
        load_medmnist(tmp_path / "nowhere.npz")


def test_wrong_arguments_are_named(tmp_path):
    write_set(tmp_path / "toy.npz", classes=3)
    with pytest.raises(ValueError, match="section must be one of train, val, test, got 'training'"):
        load_medmnist(tmp_path / "toy.npz", "training")
    for task in ("classification", MULTI_LABEL, BINARY):
        with pytest.raises(ValueError, match=r"task must be one of .* 1 columns and 3 classes"):
            medmnist_format(tmp_path, "toy", task=task)
