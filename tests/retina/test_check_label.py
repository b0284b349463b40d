"""Labels of another size, inverted, full and empty, as files and in a training run."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged
from PIL import Image

from sre_monai.io import BinaryMaskReader, RGBReader
from sre_monai.retina import CheckLabeld, FieldOfViewd, synthetic_fundus
from sre_monai.runs.errors import user_error
from tests.bundles.toy import SHORT, SMALL, parse

KEYS = ["label", "fov"]


@pytest.fixture
def eye():
    return synthetic_fundus((96, 89), seed=3)


def check(folder, eye, label, name="label.png", fov=None):
    """Load the label of a photograph as training does, and give what it has become."""
    Image.fromarray(eye.image).save(folder / "eye.png")
    Image.fromarray(label).save(folder / name)
    data = {"image": folder / "eye.png", "label": folder / name}
    if fov is not None:
        Image.fromarray(fov).save(folder / "fov.png")
        data["fov"] = folder / "fov.png"
    chain = Compose(
        [
            LoadImaged("image", reader=RGBReader()),
            LoadImaged(KEYS, reader=BinaryMaskReader(), allow_missing_keys=True),
            EnsureChannelFirstd(["image", *KEYS], allow_missing_keys=True),
            FieldOfViewd("image"),
            CheckLabeld("label"),
        ]
    )
    try:
        return chain(data)["label"][0].numpy().T
    except RuntimeError as error:
        raise ValueError(user_error(error)) from None


def white(mask):
    return mask.astype(np.uint8) * np.uint8(255)


def test_a_label_and_a_jpeg_of_it_have_the_same_vessels(eye, tmp_path):
    vessels = eye.vessels > 0
    assert (check(tmp_path, eye, white(vessels)) == vessels).all()
    jpeg = check(tmp_path, eye, white(vessels), "label.jpg")
    assert jpeg.sum() == pytest.approx(vessels.sum(), rel=0.1)


@pytest.mark.parametrize(("key", "with_fov"), [("label", False), ("label", True), ("fov", True)])
def test_another_size_names_both_files_and_sizes(eye, tmp_path, key, with_fov):
    masks = {"label": white(eye.vessels > 0), "fov": white(eye.image.max(-1) > 20)}
    masks[key] = masks[key][1:]
    with pytest.raises(ValueError) as caught:
        check(tmp_path, eye, masks["label"], fov=masks["fov"] if with_fov else None)
    files = {
        "label": f"{tmp_path}/label.png is 96×88 pixels, but {tmp_path}/eye.png 96×89",
        "fov": f"{tmp_path}/eye.png is 96×89 pixels, but {tmp_path}/fov.png 96×88",
    }
    assert str(caught.value).startswith(f"{files[key]}: give a mask that belongs to the image")


@pytest.mark.parametrize("kind", ["inverted", "inverted inside", "full", "field of view"])
def test_a_label_that_marks_most_of_the_photograph_is_refused(kind, eye, tmp_path):
    """Also in a picture that is much wider than the eye."""
    side = ((0, 0), (60, 60))
    eye = replace(eye, image=np.pad(eye.image, (*side, (0, 0))), vessels=np.pad(eye.vessels, side))
    vessels, inside = eye.vessels > 0, eye.image.max(-1) > 20
    labels = {
        "inverted": ~vessels,
        "inverted inside": inside & ~vessels,
        "full": np.ones_like(vessels),
        "field of view": inside,
    }
    with pytest.raises(ValueError, match=r"label.png marks \d+ percent of the field of view: expected are vessels"):
        check(tmp_path, eye, white(labels[kind]))


def test_an_empty_label_is_named(eye, tmp_path, caplog):
    check(tmp_path, eye, np.zeros(eye.image.shape[:2], np.uint8))
    assert f"{tmp_path}/label.png is empty" in caplog.text


def test_labels_without_a_file():
    with pytest.raises(ValueError, match=r"^The image is 4×4 pixels, but its field of view 5×4"):
        CheckLabeld("label")({"label": torch.zeros(1, 4, 4), "fov": torch.ones(1, 5, 4)})


@pytest.mark.parametrize("configurations", [["train.json"], ["train.json", "evaluate.json"]])
def test_training_and_evaluation_refuse_an_inverted_label(configurations, eye, tmp_path):
    Image.fromarray(eye.image).save(tmp_path / "eye.png")
    Image.fromarray(white(eye.vessels == 0)).save(tmp_path / "label.png")
    item = {"image": "eye.png", "label": "label.png"}
    (tmp_path / "datalist.json").write_text(json.dumps({"training": [item], "test": [item]}))
    parser = parse(*configurations, **SMALL, **SHORT, dataset_dir=str(tmp_path), output_dir=str(tmp_path / "out"))
    entry = "transforms#check_label"
    steps = parser["validate"]["preprocessing"]["transforms"]
    steps = [f"@transforms#{name}" for name in parser["transforms"]] if isinstance(steps, str) else steps
    assert steps.index(f"@{entry}") == steps.index("@transforms#field_of_view") + 1
    chain = Compose([parser.get_parsed_content(step[1:]) for step in steps[: steps.index(f"@{entry}") + 1]])
    with pytest.raises(RuntimeError) as caught:
        chain({"image": str(tmp_path / "eye.png"), "label": str(tmp_path / "label.png")})
    assert "label.png marks" in str(user_error(caught.value))
