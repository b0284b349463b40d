import numpy as np
from PIL import Image

from sre_monai.medmnist import SaliencyPictures
from sre_monai.networks.nets import sre_r3d_18, sre_resnet18
from tests.medmnist.classification_toy import evaluator, items

TINY = {"features": (4, 4, 4, 4), "norm": "instance"}


def test_pictures_of_the_first_images(tmp_path):
    evaluator(sre_resnet18(1, 3, **TINY), items(size=32), SaliencyPictures(tmp_path, count=4)).run()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0000.png", "0001.png", "0002.png", "0003.png"]
    with Image.open(tmp_path / "0003.png") as picture:
        assert picture.size == (3 * 128 + 2 * 4, 4 * 128 + 3 * 4)
        pixels = np.asarray(picture)
    for left in (0, 132, 264):  # image, features and saliency, upright and turned by 90°
        upright, turned = (pixels[top : top + 128, left : left + 128].astype(int) for top in (0, 264))
        # pictures are (H, W) and MONAI's axes (W, H): the rotation is the other way round
        assert np.abs(np.rot90(upright, -1) - turned).max() <= 1
        assert upright.std() > 1


def test_pictures_of_volumes_and_of_none(tmp_path):
    network = sre_r3d_18(1, 3, **TINY)
    evaluator(network, items(3, 16, 3), SaliencyPictures(tmp_path / "some", count=1)).run()
    assert [path.name for path in (tmp_path / "some").iterdir()] == ["0000.png"]
    evaluator(network, items(3, 16, 3), SaliencyPictures(tmp_path / "none", count=0)).run()
    assert not (tmp_path / "none").exists()
