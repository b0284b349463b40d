"""One file from a photograph to its vessels, which needs no package of ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from sre_monai import VesselSegmenter
from sre_monai.networks.nets import SREUNet
from sre_monai.retina import export_photograph_network
from sre_monai_cli import find_bundle

METADATA = find_bundle() / "configs" / "metadata.json"
OPTIONS = {"working_diameter": 150, "window_size": 96}


@pytest.fixture(scope="module")
def segmenter():
    """The bundle's steps around a small network."""
    segmenter = VesselSegmenter(**OPTIONS)
    torch.manual_seed(0)
    segmenter._network = SREUNet(2, 3, 2, features=(4, 6, 4), kernel_size=5, profile="gaussian").eval()
    return segmenter


def export(segmenter, path, **changes):
    transforms = segmenter._configuration.get_parsed_content("transforms") | changes
    return export_photograph_network(segmenter._network, path, transforms, segmenter._inferer, METADATA, 0.5)


@pytest.mark.slow
@pytest.mark.parametrize("extension", [".onnx", ".pt2"])
def test_files_give_the_probabilities_of_the_bundle(segmenter, tmp_path, extension):
    path = tmp_path / f"vessels{extension}"
    assert export(segmenter, path) < 1e-4
    image = np.asarray(Image.open("docs/sample/eye_565x584.png").convert("RGB")).copy()
    expected = segmenter.segment(image)
    for turns in (0, 1):
        turned, fov = (np.rot90(x, turns).copy() for x in (image, expected.field_of_view.astype(np.uint8)))
        if extension == ".pt2":
            extra = {"metadata.json": ""}
            program = torch.export.load(path, extra_files=extra).module()
            metadata = json.loads(extra["metadata.json"])
            actual = program(torch.from_numpy(turned), torch.from_numpy(fov)).detach().numpy()
        else:
            from onnxruntime import InferenceSession

            session = InferenceSession(path)
            metadata = session.get_modelmeta().custom_metadata_map
            (actual,) = session.run(["probability"], {"photograph": turned, "field_of_view": fov})
        np.testing.assert_allclose(actual, np.rot90(expected.probability, turns), atol=1e-4)
    assert metadata["threshold"] == "0.5"
    assert metadata["working_diameter"] == "150.0"
    assert metadata["version"] == json.loads(METADATA.read_text())["version"]
    assert json.loads(metadata["classes"]) == {"probability": "vessel"}
    if extension == ".onnx":
        _run_example(path, tmp_path, image, expected)


def _run_example(path, folder, image, expected):
    """The example of the documentation imports neither this package nor PyTorch."""
    Image.fromarray(image).save(folder / "eye.png")
    Image.fromarray(expected.field_of_view).save(folder / "fov.png")
    program = "import sys; sys.modules.update(torch=None, monai=None, sre_monai=None, scipy=None); sys.argv.pop(0); "
    program += "import runpy; runpy.run_path(sys.argv[0], run_name='__main__')"
    example = os.path.abspath("docs/examples/vessels_onnx.py")
    command = [sys.executable, "-c", program, example, str(path), "eye.png", "mask.png", "fov.png"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    mask = np.asarray(Image.open(folder / "mask.png")) > 0
    decided = np.abs(expected.probability - 0.5) > 1e-3
    np.testing.assert_array_equal(mask[decided], expected.mask[decided])


def test_steps_that_the_file_can_not_have_are_refused(segmenter, tmp_path):
    with pytest.raises(ValueError, match=r"further steps: \['my_step'\]"):
        export(segmenter, tmp_path / "vessels.onnx", my_step=None)
    assert not list(tmp_path.iterdir())


def test_the_extension_is_checked(segmenter, tmp_path):
    with pytest.raises(ValueError, match="extension must be one of"):
        export(segmenter, tmp_path / "vessels.h5")
