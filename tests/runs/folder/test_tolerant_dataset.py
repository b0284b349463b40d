from monai.transforms import Compose, LoadImaged

from sre_monai.io import RGBReader
from sre_monai.runs.folder import TolerantDataset
from sre_monai.runs.folder.tolerant_dataset import reason_of


def test_good_items_are_transformed_and_bad_ones_explained(tmp_path):
    (tmp_path / "bad.png").write_text("no image")

    def double(item):
        return {**item, "value": 2 * item["value"]}

    assert TolerantDataset([{"value": 4}], Compose([double]))[0]["value"] == 8
    transform = Compose([LoadImaged("image", reader=RGBReader())])
    item = {"image": str(tmp_path / "bad.png"), "file": "bad.png"}
    result = TolerantDataset([item], transform)[0]
    assert result["file"] == "bad.png"
    assert result["failure"].startswith("cannot be read as an image")
    assert "applying transform" not in result["failure"]


def test_reason_is_one_line_of_the_root_cause():
    wrapped = RuntimeError("wrapped")
    wrapped.__cause__ = ValueError("two\nlines")
    assert reason_of(wrapped) == "two lines"
    assert reason_of(KeyError()) == "KeyError"
    assert "smaller --window_size" in reason_of(MemoryError())
    assert "smaller --window_size" in reason_of(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"))
