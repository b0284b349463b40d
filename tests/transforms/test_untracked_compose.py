import pytest
import torch
from monai.data import CacheDataset, MetaTensor
from monai.data.meta_obj import get_track_meta
from monai.transforms import (
    BorderPadd,
    Compose,
    EnsureTyped,
    Lambdad,
    RandFlipd,
    RandRotated,
    RandSpatialCropd,
    RandZoomd,
    ResizeWithPadOrCropd,
)

from sre_monai.transforms import UntrackedCompose


def transforms():
    return [
        EnsureTyped("image"),
        BorderPadd("image", 3),
        RandSpatialCropd("image", 24, random_size=False),
        RandRotated("image", range_x=1.0, prob=1.0),
        RandZoomd("image", prob=1.0, min_zoom=0.7, max_zoom=1.4, keep_size=False),
        ResizeWithPadOrCropd("image", (20, 20)),
        RandFlipd("image", 0.5),
    ]


def samples(compose):
    items = [{"image": torch.arange(3 * 30 * 31.0).reshape(3, 30, 31) + i} for i in range(3)]
    data = CacheDataset(items, compose.set_random_state(seed=0), progress=False)
    return [data[i]["image"] for i in (0, 1, 2, 1)]


def test_values_are_those_of_compose():
    for plain, tracked in zip(samples(UntrackedCompose(transforms())), samples(Compose(transforms())), strict=True):
        assert type(plain) is torch.Tensor
        assert isinstance(tracked, MetaTensor)
        assert torch.equal(plain, tracked.as_tensor())
    assert get_track_meta()


def test_deterministic_transforms_are_tracked():
    compose = UntrackedCompose(transforms())
    item = {"image": torch.zeros(3, 30, 31)}
    assert isinstance(compose(item, end=2)["image"], MetaTensor)
    assert isinstance(UntrackedCompose(transforms()[:2])(item)["image"], MetaTensor)
    assert type(compose(compose(item, end=2), start=2)["image"]) is torch.Tensor
    assert type(compose(item)["image"]) is torch.Tensor


def test_tracking_continues_after_an_error():
    compose = UntrackedCompose([RandFlipd("image", 0.5), Lambdad("image", lambda _: 1 / 0)])
    with pytest.raises(RuntimeError):
        compose({"image": torch.zeros(1, 4, 4)})
    assert get_track_meta()
