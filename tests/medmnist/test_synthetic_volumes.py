import numpy as np
import pytest

from sre_monai.medmnist import (
    VOLUME_CLASSES,
    load_medmnist,
    medmnist_format,
    synthetic_volume,
    write_synthetic_volumes,
)


def moments(volume):
    """Variance of the bright voxels' positions along each axis."""
    body = volume > np.median(volume) + 60
    return np.argwhere(body).var(axis=0)


@pytest.mark.parametrize("label", range(4))
def test_classes_are_what_their_names_say(label):
    name = VOLUME_CLASSES[label]
    for seed in range(5):
        volume = synthetic_volume(label, 28, seed)
        assert (volume.shape, volume.dtype) == ((28, 28, 28), np.uint8)
        along, *across = moments(volume)
        assert along > 1.3 * max(across) if "long" in name else along < min(across) / 1.3
        background = np.median(volume[:3])
        centre = volume[12:16, 12:16, 12:16].mean()
        assert (centre > background + 50) == ("blob" in name)


def test_same_arguments_same_volume():
    assert np.array_equal(synthetic_volume(1, 16, 3), synthetic_volume(1, 16, 3))
    assert not np.array_equal(synthetic_volume(1, 16, 3), synthetic_volume(1, 16, 4))


def test_a_set_in_the_form_of_medmnist(tmp_path):
    path = write_synthetic_volumes(tmp_path / "new" / "shapes3d.npz", 8, 4, 5, size=10)
    assert medmnist_format(path.parent, "shapes3d")[1:] == ("multi-class", ("0", "1", "2", "3"), 3, 1)
    items = load_medmnist(path, "test")
    assert [item["label"] for item in items] == [0, 1, 2, 3, 0]
    assert np.array_equal(items[1]["image"][0], synthetic_volume(1, 10, seed=13))
    assert [file.name for file in path.parent.iterdir()] == ["shapes3d.npz"]


@pytest.mark.parametrize(("label", "size"), [(4, 28), (-1, 28), (0, 7)])
def test_wrong_arguments_are_named(label, size):
    with pytest.raises(ValueError, match="label must be 0 to 3 and size at least 8"):
        synthetic_volume(label, size)
