import re

import pytest
import torch

from sre_monai.commands import doctor
from sre_monai.commands.doctor import run_doctor
from sre_monai.networks.layers.kernels.library import VARIANTS


def test_it_tells_what_is_installed(capsys):
    assert run_doctor() == 0
    told = capsys.readouterr().out
    assert f"  torch: {torch.__version__}\n" in told
    assert (", ".join(VARIANTS) if VARIANTS else "not compiled") in told
    assert f"{torch.get_num_threads()} threads" in told
    assert re.search(r"retina_fundus_vessel_segmentation: .*model\.pt, [\d,]+ values", told)
    assert "MISSING" not in told


@pytest.mark.parametrize("content", [None, b"no weights"], ids=["missing", "damaged"])
def test_weights_that_cannot_be_used(content, tmp_path, monkeypatch, capsys):
    (tmp_path / "models").mkdir()
    if content is not None:
        (tmp_path / "models" / "model.pt").write_bytes(content)
    monkeypatch.setattr(doctor, "find_bundle", lambda name: tmp_path)
    assert run_doctor() == 1
    assert "MISSING retina_fundus_vessel_segmentation: " in capsys.readouterr().out


def test_packages_that_are_missing(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "requires", lambda name: ["fire>=0.6", "nosuch>=1", 'other>=2; extra == "spare"'])
    assert run_doctor() == 1
    told = capsys.readouterr().out
    assert "  MISSING nosuch: " in told
    assert "  extra spare: not installed (other): pip install 'sre-monai[spare]'" in told
