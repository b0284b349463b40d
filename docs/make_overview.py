"""Draw README's picture from the results of its first command and of the accuracy table.

    python -m benchmarks.retina_table --data data --output_dir output/retina_table --models sre_harmonics plain_unet
    python -m docs.make_overview output/sample output/retina_table docs/images/overview.png

Needs the extra `viz`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
from PIL import Image

from benchmarks.retina_rows import read_poses
from sre_monai.evaluation import mean_by_angle

SAMPLE = "eye_565x584"
NETWORKS = {"sre_harmonics": "SRE U-Net, 0.26 M parameters", "plain_unet": "U-Net, 2.0 M parameters"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sample", type=Path, help="results of inference on docs/sample")
    parser.add_argument("table", type=Path, help="results of benchmarks.retina_table")
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
    for network, label in NETWORKS.items():
        points = mean_by_angle(read_poses(options.table / network / "turned_back" / "per_image.csv"), "dice")
        curve.plot(list(points), list(points.values()), marker="o", label=label)
    curve.set_title("DRIVE test under rotation, after the same training")
    curve.set(xlabel="angle of the photograph in degrees", ylabel="Dice")
    curve.set_xticks(range(0, 361, 60))
    curve.spines[["top", "right"]].set_visible(False)
    curve.legend(frameon=False)
    options.picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.picture, dpi=110)


if __name__ == "__main__":
    main()
