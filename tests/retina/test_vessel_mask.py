import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from sre_monai.retina import VesselMaskd


@pytest.fixture
def item():
    """A ramp of probabilities on 7×5 pixels, and a field of view that leaves out a column."""
    fov = torch.ones(1, 7, 5)
    fov[:, 0] = 0
    ramp = torch.linspace(0, 1, 35).reshape(1, 7, 5)
    return {"pred": MetaTensor(ramp, meta={"filename_or_obj": "eye.png"}), "photograph_fov": fov}


@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.8])
def test_mask_and_probability_inside_the_field_of_view(item, threshold):
    result = VesselMaskd("pred", threshold=threshold)(item)
    ramp = np.linspace(0, 1, 35, dtype=np.float32).reshape(7, 5)
    ramp[0] = 0
    assert result["mask"].dtype == torch.bool
    np.testing.assert_array_equal(result["mask"][0].numpy(), ramp >= threshold)
    np.testing.assert_array_equal(result["pred"][0].numpy(), ramp)
    assert result["mask"].meta["filename_or_obj"] == result["pred"].meta["filename_or_obj"] == "eye.png"
    assert result["report"]["vessel_density"] == pytest.approx((ramp >= threshold).sum() / 30, abs=1e-4)
    assert result["report"]["mean_probability"] == pytest.approx(ramp.sum() / 30, abs=1e-4)
    assert float(item["pred"][0, 0, 4]) > 0  # the item itself is left as it was


def test_at_threshold_zero_nothing_outside_is_a_vessel(item):
    mask = VesselMaskd("pred", threshold=0)(item)["mask"]
    assert torch.equal(mask.as_tensor(), item["photograph_fov"] > 0)


@pytest.mark.parametrize(("value", "flags"), [(0.0, "dark; few vessels"), (1.0, "dark")])
def test_few_vessels_are_flagged(item, value, flags):
    item |= {"pred": torch.full((1, 7, 5), value), "report": {"quality": "dark", "width": 7}}
    report = VesselMaskd("pred")(item)["report"]
    assert report["quality"] == flags
    assert report["width"] == 7


def test_errors_say_what_is_wrong(item):
    with pytest.raises(ValueError, match="threshold must be a number in 0–1"):
        VesselMaskd("pred", threshold=2)
    with pytest.raises(ValueError, match="no field of view 'photograph_fov'"):
        VesselMaskd("pred")({"pred": item["pred"]})
