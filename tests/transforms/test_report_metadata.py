import torch
from monai.data import MetaTensor

from sre_monai.transforms import ReportMetadatad


def test_only_the_named_entries_are_copied():
    meta = {"laterality": "R", "um_per_pixel": 6.5, "patient": "Jane"}
    item = {"photograph": MetaTensor(torch.zeros(3, 4, 4), meta=meta), "report": {"quality": "dark"}}
    result = ReportMetadatad("photograph", ["laterality", "um_per_pixel"])(item)
    assert result["report"] == {"quality": "dark", "laterality": "R", "um_per_pixel": 6.5}
    assert item["report"] == {"quality": "dark"}


def test_what_is_unknown_is_empty():
    named = ReportMetadatad("image", ["laterality", "um_per_pixel"])
    expected = {"laterality": "", "um_per_pixel": ""}
    unknown = MetaTensor(torch.zeros(3, 4, 4), meta={"laterality": ""})
    assert named({"image": unknown})["report"] == expected
    assert named({"image": torch.zeros(3, 4, 4)})["report"] == expected
