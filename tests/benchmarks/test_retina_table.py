from __future__ import annotations

import json
import sys

from benchmarks import retina_models, retina_table


def test_networks_without_weights_are_named_and_skipped(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(retina_models, "BUNDLE", tmp_path)
    command = ["retina_table", "--data", str(tmp_path), "--output_dir", str(tmp_path / "out"), "--models", "paper"]
    monkeypatch.setattr(sys, "argv", command)
    retina_table.main()
    assert "Not measured, there are no weights: paper." in capsys.readouterr().out
    assert (tmp_path / "out" / "table.md").read_text() == "Not measured, there are no weights: paper.\n"
    assert json.loads((tmp_path / "out" / "table.json").read_text())["missing"] == ["paper"]
