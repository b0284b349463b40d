"""Draw README's picture from the files that its commands wrote.

    python docs/make_overview.py output/sample output/rotation docs/images/overview.png

Needs the extra `viz`.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from pathlib import Path
from statistics import mean

import matplotlib.pyplot as plt
from PIL import Image

SAMPLE = "eye_565x584"
LINES = {"turned_back": ("dice", "turned back"), "published": ("dice", "published protocol")}


def read_curve(table: Path, protocol: str, column: str) -> dict[float, float]:
    """Mean over the images at each angle."""
    values: dict[float, list[float]] = defaultdict(list)
    with table.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["protocol"] == protocol and row["flip"] == "False":
                values[float(row["angle"])].append(float(row[column]))
    return {angle: mean(values[angle]) for angle in sorted(values)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sample", type=Path, help="results of inference on docs/sample")
    parser.add_argument("rotation", type=Path, help="results of rotation.json")
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()

    figure, (photograph, overlay, curve) = plt.subplots(
        1, 3, figsize=(13, 4.3), width_ratios=(1, 1, 1.4), layout="constrained"
    )
    photograph.imshow(Image.open(Path(__file__).parent / "sample" / f"{SAMPLE}.png"))
    photograph.set_title("photograph (synthetic)")
    overlay.imshow(Image.open(options.sample / f"{SAMPLE}_overlay.png"))
    overlay.set_title("vessels as found")
    for axes in (photograph, overlay):
        axes.set_axis_off()
    table = options.rotation / "per_image.csv"
    for protocol, (column, name) in LINES.items():
        points = read_curve(table, protocol, column)
        curve.plot(list(points), list(points.values()), marker="o", label=name)
    ceiling = read_curve(table, "published", "ceiling_dice")
    curve.plot(list(ceiling), list(ceiling.values()), linestyle=":", color="grey", label="its ceiling")
    curve.set(xlabel="angle of the photograph in degrees", ylabel="Dice", title="DRIVE test under rotation")
    curve.set_xticks(range(0, 361, 60))
    curve.spines[["top", "right"]].set_visible(False)
    curve.legend(frameon=False)
    options.picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.picture, dpi=110)


if __name__ == "__main__":
    main()
