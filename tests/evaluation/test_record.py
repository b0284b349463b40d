from __future__ import annotations

import hashlib
import json

import sre_monai
from sre_monai.evaluation import evaluation_record


def test_names_data_and_weights(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "datalist.json").write_text(json.dumps({"name": "STARE", "test": []}))
    (tmp_path / "model.pt").write_bytes(b"weights")
    record = evaluation_record(folder, "test", tmp_path / "model.pt", 0.4)
    assert record == {
        "dataset": "STARE",
        "section": "test",
        "threshold": 0.4,
        "checkpoint_sha256": hashlib.sha256(b"weights").hexdigest(),
        "sre_monai_version": sre_monai.__version__,
    }


def test_a_datalist_without_a_name_has_the_folders(tmp_path):
    (tmp_path / "datalist.json").write_text("{}")
    (tmp_path / "model.pt").touch()
    assert evaluation_record(str(tmp_path), "all", str(tmp_path / "model.pt"), 0.5)["dataset"] == tmp_path.name
