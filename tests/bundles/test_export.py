"""Export from the bundle, from another folder, and the exported network's masks of real photographs."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from monai.bundle import ckpt_export, onnx_export, run

from tests.bundles.mistakes import mistake
from tests.bundles.toy import BUNDLE, config_files, parse

FILES = ("inference.json", "export.json")


@pytest.mark.slow
def test_command_exports_from_another_folder(tmp_path):
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(config_files(*FILES))]
    command += ["--bundle_root", str(BUNDLE), "--filepath", "vessels.pt2", "--from_photograph", "False"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=os.environ, timeout=300)
    assert result.returncode == 0, result.stderr
    network = parse("inference.json").get_parsed_content("network_def").eval()
    network.load_state_dict(torch.load(BUNDLE / "models" / "model.pt", weights_only=True))
    x = torch.rand(1, 3, 75, 90)
    with torch.no_grad():
        torch.testing.assert_close(
            torch.export.load(tmp_path / "vessels.pt2").module()(x), network(x), rtol=1e-4, atol=1e-4
        )


@pytest.mark.slow
def test_onnx_gives_the_same_mask_on_drive(shared_data, tmp_path):
    from onnxruntime import InferenceSession

    run(
        config_file=config_files(*FILES),
        bundle_root=str(BUNDLE),
        filepath=str(tmp_path / "vessels.onnx"),
        from_photograph=False,
    )
    session = InferenceSession(tmp_path / "vessels.onnx")
    parser = parse(
        "inference.json", bundle_root=str(BUNDLE), dataset_dir=str(shared_data / "DRIVE" / "test" / "images")
    )
    network = parser.get_parsed_content("network_def").eval()
    network.load_state_dict(torch.load(BUNDLE / "models" / "model.pt", weights_only=True))
    image = parser.get_parsed_content("dataset")[0]["image"].as_tensor()[None]
    assert image.shape == (1, 3, 936, 968)  # the field of view is 912 pixels wide
    with torch.no_grad():
        expected = network(image).numpy()
    actual = session.run(None, {session.get_inputs()[0].name: image.numpy()})[0]
    assert np.abs(actual - expected).max() < 1e-4 * np.abs(expected).max()
    vessels = expected.argmax(1)
    assert 0.05 < vessels.mean() < 0.2
    decided = np.abs(expected[:, 1] - expected[:, 0]) > 1e-4
    np.testing.assert_array_equal(actual.argmax(1)[decided], vessels[decided])
    assert (actual.argmax(1) != vessels).sum() <= (~decided).sum()


@pytest.mark.slow
def test_monais_own_commands_work_as_well(tmp_path):
    common = {
        "net_id": "network_def",
        "ckpt_file": str(BUNDLE / "models" / "model.pt"),
        "config_file": config_files(FILES[0]),
    }
    common |= {"meta_file": str(BUNDLE / "configs" / "metadata.json"), "input_shape": [1, 3, 64, 64]}
    onnx_export(filepath=str(tmp_path / "model.onnx"), **common)
    network = parse("inference.json").get_parsed_content("network_def").eval()
    network.load_state_dict(torch.load(common["ckpt_file"], weights_only=True))
    for use_trace in (False, True):
        ckpt_export(filepath=str(tmp_path / "model.ts"), use_trace=use_trace, **common)
        for size in ((64, 64), (75, 90)):
            x = torch.rand(1, 3, *size)
            with torch.no_grad():
                torch.testing.assert_close(torch.jit.load(tmp_path / "model.ts")(x), network(x), rtol=1e-4, atol=1e-4)
    parameters = parse(FILES[0]).get_parsed_content("network_def").parameters()
    assert (tmp_path / "model.onnx").stat().st_size > 4 * sum(p.numel() for p in parameters)  # contains the weights


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"filepath": "model.h5"}, "model.h5: the extension must be"),
        ({"checkpoint": "typo.pt"}, "file not found: typo.pt"),
    ],
    ids=str,
)
def test_a_mistake_is_one_sentence(tmp_path, monkeypatch, capfd, overrides, sentence):
    monkeypatch.chdir(tmp_path)
    told = mistake(capfd, run, config_file=config_files(*FILES), bundle_root=str(BUNDLE), **overrides)
    assert told.removeprefix("checkpoint: ").startswith(sentence)
