"""The retina network behind MONAI's own transforms gives the masks of the folder run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import create_workflow, run
from monai.transforms import LoadImage
from PIL import Image

from sre_monai.io import RGBReader
from sre_monai.retina.data.synthetic_fundus import synthetic_fundus
from tests.bundles.toy import BUNDLE, config_files

FILES = config_files("inference.json", "standard_io.yaml")
SETTINGS = {"bundle_root": str(BUNDLE), "device": "$torch.device('cpu')", "working_diameter": 400}


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    """Two photographs, of an even and an odd size."""
    folder = tmp_path_factory.mktemp("images")
    for name, size in (("even", (320, 300)), ("odd", (321, 299))):
        Image.fromarray(synthetic_fundus(size).image).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def masks(images, tmp_path_factory) -> dict[str, np.ndarray]:
    """The masks of the folder run."""
    output = tmp_path_factory.mktemp("folder_run")
    run(config_file=FILES[:1], dataset_dir=str(images), output_dir=str(output), **SETTINGS)
    found = {file.stem: np.asarray(Image.open(output / f"{file.stem}_mask.png")) for file in images.iterdir()}
    assert all(0.01 < (mask > 0).mean() < 0.5 for mask in found.values())
    return found


def workflow(tmp_path, **overrides):
    return create_workflow(
        config_file=FILES, workflow_type="inference", logging_file=False,
        **SETTINGS, output_dir=str(tmp_path), **overrides,
    )  # fmt: skip


def test_data_in_memory(images, masks, tmp_path):
    """As the front ends do: data go in by the workflow's `dataflow` and come out of it."""
    for file in sorted(images.iterdir()):
        flow = workflow(tmp_path)
        flow.add_property(name="dataflow", required=True, config_id="dataflow")
        flow.dataflow.update(image=LoadImage(reader=RGBReader(), dtype=np.uint8)(file))
        assert flow.check_properties() == []
        flow.run()
        mask = flow.dataflow["pred"]
        assert isinstance(mask, torch.Tensor)
        np.testing.assert_array_equal(mask[0].numpy().T > 0, masks[file.stem] > 0)
        flow.finalize()
    assert list(tmp_path.iterdir()) == []


def test_a_file_by_its_name(images, masks, tmp_path):
    flow = workflow(tmp_path)
    flow.add_property(name="dataflow", required=True, config_id="dataflow")
    flow.dataflow.update(image=str(images / "odd.png"))
    flow.run()
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "odd_mask.png")), masks["odd"])


def test_a_folder(images, masks, tmp_path):
    run(config_file=FILES, dataset_dir=str(images), output_dir=str(tmp_path), **SETTINGS)
    for name, mask in masks.items():
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / f"{name}_mask.png")), mask)


def test_the_transforms_that_front_ends_exchange_are_monais(images, tmp_path):
    flow = workflow(tmp_path, dataset_dir=str(images))
    kinds = [type(step).__module__.split(".")[0] for step in flow.preprocessing.transforms[:1]]
    kinds += [type(step).__name__ for step in (flow.preprocessing.transforms[0], flow.postprocessing.transforms[-1])]
    assert kinds == ["monai", "LoadImaged", "SaveImaged"]
