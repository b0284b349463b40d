"""``sre-monai measure``: masks from a folder to a table, a report and pictures."""

import csv

import numpy as np
import pytest
from PIL import Image

from benchmarks.drawn_shapes import disc, fan
from sre_monai.retina import measure_vessels
from sre_monai_cli.command_line import main


@pytest.fixture
def folder(tmp_path):
    """Two eyes, one of which lies on its side, and a mask of another size."""
    masks = {"artery": fan(10, (8, 10, 12)), "vein": fan(40, (11, 14, 16)), "disc": disc(), "fov": disc(458)}
    for name, turns in (("upright", 0), ("turned", 1)):
        for kind, mask in masks.items():
            Image.fromarray(np.rot90(mask, turns)).save(tmp_path / f"{name}_{kind}.png")
    Image.fromarray(np.ones((5, 6), bool)).save(tmp_path / "wrong_artery.png")
    Image.fromarray(np.ones((6, 6), bool)).save(tmp_path / "wrong_vein.png")
    return tmp_path


@pytest.mark.slow
def test_masks_are_measured_resumed_and_reported(folder, capfd):
    command = ["measure", str(folder), str(folder / "out"), "--disc_diameter_um", "1800", "--write_segments"]
    with pytest.raises(SystemExit, match="3"):
        main(command)
    with (folder / "out" / "report.csv").open(newline="") as stream:
        rows = {row["file"]: row for row in csv.DictReader(stream)}
    assert [row["status"] for row in rows.values()] == ["done", "done", "failed"]
    assert "of one size" in rows["wrong_artery.png"]["reason"]
    turned, upright = rows["turned_artery.png"], rows["upright_artery.png"]
    measured = {name for name in upright if name not in ("file", "seconds")}
    assert {name: turned[name] for name in measured} == {name: upright[name] for name in measured}
    masks = {"arteries": fan(10, (8, 10, 12)), "veins": fan(40, (11, 14, 16)), "disc": disc()}
    values = measure_vessels(None, disc(458), **masks, disc_diameter_um=1800).values
    assert float(upright["zone_b_crae_um"]) == pytest.approx(values["zone_b_crae_um"], rel=1e-5)
    assert (folder / "out" / "upright_measures.png").is_file()
    before = (folder / "out" / "vessels.csv").read_bytes()
    Image.fromarray(fan(10, (8, 10, 13))).save(folder / "upright_artery.png")  # corrected by hand
    with pytest.raises(SystemExit, match="3"):
        main(command)
    assert "3 files, 1 of them done before" in capfd.readouterr().out
    assert (folder / "out" / "vessels.csv").read_bytes() != before
