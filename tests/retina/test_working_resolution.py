"""Working resolution: size, content, inverse, and the symmetries."""

import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd
from skimage.transform import resize as skimage_resize

from sre_monai.retina import FieldOfViewd, NormalizeInsideFieldOfViewd, WorkingResolutiond, field_of_view_diameter
from sre_monai.transforms import grid_symmetries
from tests.tolerances import assert_close


def eye(width: int, height: int, radius: float) -> dict[str, torch.Tensor]:
    """A disc with a smooth pattern."""
    x, y = torch.arange(width) - (width - 1) / 2, torch.arange(height) - (height - 1) / 2
    fov = (x[:, None] ** 2 + y**2 < radius**2)[None].float()
    pattern = 150 + 50 * torch.sin(x[:, None] / 9) * torch.cos(y / 7 + 1)
    return {"image": MetaTensor(torch.stack([pattern, pattern / 2, pattern / 4]) * fov), "fov": MetaTensor(fov)}


def preprocessing(diameter: float) -> Compose:
    return Compose(
        [
            FieldOfViewd(keys="image"),
            NormalizeInsideFieldOfViewd(keys="image"),
            WorkingResolutiond(keys=["image", "fov"], diameter=diameter, mode=["bilinear", "nearest"]),
        ]
    )


@pytest.mark.parametrize("diameter", [60.0, 150.0, 333.0])
def test_field_of_view_gets_the_diameter(diameter):
    out = WorkingResolutiond(["image", "fov"], diameter=diameter, mode=["bilinear", "nearest"])(eye(251, 230, 120))
    assert field_of_view_diameter(out["fov"]) == pytest.approx(diameter, abs=2.5)
    assert set(out["fov"].unique().tolist()) == {0.0, 1.0}
    assert out["image"].shape[1:] == out["fov"].shape[1:]


@pytest.mark.parametrize(
    ("diameter", "same"), [(200.0, True), (215.0, True), (185.0, True), (250.0, False), (170.0, False)]
)
def test_tolerance(diameter, same):
    data = eye(231, 230, 100)
    out = WorkingResolutiond(["image", "fov"], diameter=diameter, tolerance=0.1)(data)
    assert (
        torch.equal(out["image"].as_tensor(), data["image"].as_tensor())
        if same
        else out["image"].shape != data["image"].shape
    )


@pytest.mark.parametrize("diameter", [45.0, 90.0, 300.0])
def test_against_scikit_image(diameter):
    """The same anti-aliasing and linear interpolation, apart from the outermost pixels."""
    data = eye(221, 200, 90)
    out = WorkingResolutiond("image", diameter=diameter)(data)["image"].as_tensor()
    image = data["image"].numpy().astype(float)
    expected = skimage_resize(image, out.shape, order=1, mode="edge", anti_aliasing=diameter < 180)
    assert_close(out, torch.from_numpy(expected))


@pytest.mark.parametrize("diameter", [45.0, 400.0])
def test_a_bright_edge_stays_bright(diameter):
    data = {"image": torch.full((1, 121, 90), 200.0), "fov": torch.ones(1, 121, 90)}
    out = WorkingResolutiond("image", diameter=diameter)(data)["image"]
    assert_close(out.as_tensor(), torch.full(out.shape, 200.0))


@pytest.mark.parametrize("size", [(251, 230), (201, 201), (200, 233)])
@pytest.mark.parametrize("diameter", [97.0, 190.0, 260.0])
def test_round_trip_through_compose_and_invertd(size, diameter):
    transform = preprocessing(diameter)
    data = eye(*size, 95)
    original = data["image"].clone()
    out = transform(data)
    out["pred"] = out["image"][:1].clone()
    back = Invertd(keys="pred", transform=transform, orig_keys="image", nearest_interp=False)(out)["pred"]
    assert back.shape == (1, *size)
    upright = NormalizeInsideFieldOfViewd("image")({"image": original, "fov": data["fov"]})["image"][:1]
    x, y = torch.arange(size[0]) - (size[0] - 1) / 2, torch.arange(size[1]) - (size[1] - 1) / 2
    inner = x[:, None] ** 2 + y**2 < 85**2  # the step at the rim is smoothed
    assert (back - upright)[0][inner].abs().mean() < 0.06


@pytest.mark.parametrize("symmetry", grid_symmetries(2))
@pytest.mark.parametrize(("size", "diameter"), [((251, 230), 97.0), ((201, 201), 250.0), ((160, 160), 100.0)])
def test_there_and_back_rotate_with_the_image(symmetry, size, diameter):
    transform = preprocessing(diameter)

    def there_and_back(data):
        out = transform(data)
        out["pred"] = out["image"] ** 2
        invert = Invertd(keys="pred", transform=transform, orig_keys="image", nearest_interp=False)
        return out["image"], out["fov"], invert(out)["pred"]

    data = eye(*size, 77)
    data["image"] = data["image"] + 9 * torch.rand(3, *size)
    turned = there_and_back({key: MetaTensor(symmetry.apply(value.as_tensor())) for key, value in data.items()})
    for result, upright in zip(turned, there_and_back(data), strict=True):
        difference = result.as_tensor() - symmetry.apply(upright.as_tensor())
        assert difference.abs().max() < 1e-5


def test_mask_comes_back_binary():
    transform = WorkingResolutiond(["image", "fov"], diameter=80, mode=["bilinear", "nearest"])
    data = eye(201, 180, 85)
    back = transform.inverse(transform(data))["fov"]
    assert back.shape == data["fov"].shape
    assert set(back.unique().tolist()) == {0.0, 1.0}
    assert (back != data["fov"]).float().mean() < 0.02


@pytest.mark.parametrize("symmetry", grid_symmetries(2))
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.int64])
def test_classes_of_a_label_map_stay_apart(symmetry, dtype):
    data = eye(201, 180, 85)
    x, y = torch.arange(201)[:, None] > 100, torch.arange(180) > 90
    classes = (x * 1 + y * 2)[None] * data["fov"].as_tensor()  # four quadrants: 0 to 3
    transform = WorkingResolutiond("label", diameter=80, mode="nearest")

    def resample(labels):
        return transform({"label": symmetry.apply(labels).to(dtype), "fov": symmetry.apply(data["fov"].as_tensor())})

    result = resample(classes)["label"]
    assert set(result.unique().tolist()) == {0, 1, 2, 3}
    shares = [(labels == 3).float().mean().item() for labels in (result, classes)]
    assert shares[0] == pytest.approx(shares[1], rel=0.05)
    one = resample(classes == 3)["label"].as_tensor() > 0
    assert ((result.as_tensor() == 3) != one).float().mean() < 0.002  # only where three classes meet
    upright = transform({"label": classes.to(dtype), "fov": data["fov"]})["label"]
    assert torch.equal(result.as_tensor(), symmetry.apply(upright.as_tensor()))


def test_a_label_map_that_has_no_classes_is_refused():
    data = eye(201, 180, 85)
    with pytest.raises(ValueError, match="whole numbers"):
        WorkingResolutiond("image", diameter=80, mode="nearest")(data)


def test_labels_may_be_missing():
    transform = WorkingResolutiond(["image", "label"], diameter=80, allow_missing_keys=True)
    assert "label" not in transform(eye(201, 180, 85))


def test_plain_tensors_are_welcome():
    data = {key: value.as_tensor() for key, value in eye(101, 90, 40).items()}
    assert_close(WorkingResolutiond("image", diameter=81)(data)["image"].as_tensor(), data["image"])


@pytest.mark.parametrize("arguments", [{"diameter": 0}, {"tolerance": -0.1}, {"mode": "bicubic"}])
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))}"):
        WorkingResolutiond("image", **arguments)


def test_missing_field_of_view_is_named():
    with pytest.raises(ValueError, match="no field of view 'fov'"):
        WorkingResolutiond("image")({"image": torch.rand(3, 8, 8)})
