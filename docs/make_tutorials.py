"""Run the tutorials, and keep what they print and draw for their pages.

    python docs/make_tutorials.py path/to/spleen_ct_segmentation output/tutorials

The first path is a bundle of the Model Zoo, as `python -m monai.bundle download` makes it, for the tutorial that
converts one. Takes about 20 minutes on one CPU core. Needs the extra `export`.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

TUTORIALS = Path(__file__).resolve().parent / "tutorials"
RETINA = Path("bundles/retina_fundus_vessel_segmentation")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("zoo_bundle", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="run only these")
    options = parser.parse_args()
    arguments = {
        "add_to_pipeline": [options.output / "add_to_pipeline"],
        "convert_zoo_network": [options.zoo_bundle, options.output / "convert.json"],
        "export": [RETINA, options.output / "export"],
        "segment_volumes": [options.output / "segment_volumes"],
    }
    pages = TUTORIALS / "output"
    pages.mkdir(exist_ok=True)
    for name in options.only or arguments:
        command = [sys.executable, TUTORIALS / f"{name}.py", *arguments[name]]
        printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        (pages / f"{name}.txt").write_text(printed, encoding="utf-8")
        picture = options.output / name / "picture.png"
        if picture.exists():
            shutil.copy(picture, pages / f"{name}.png")


if __name__ == "__main__":
    main()
