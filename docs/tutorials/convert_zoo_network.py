"""Convert and train the network of a MONAI Model Zoo bundle without changing the bundle.

    python docs/tutorials/convert_zoo_network.py path/to/spleen_ct_segmentation output/convert.json

Writes an overlay that wraps the bundle's `network_def` in `convert_to_sre`, and reports the converted layers and the
remaining equivariance error. Pass the overlay to the bundle's commands as a second configuration file:

    python -m monai.bundle run --bundle_root BUNDLE --config_file "['BUNDLE/configs/train.json','output/convert.json']"
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from sre_monai import ConversionReport
from sre_monai.io.tables import write_json

# %% The sizes to try: even, and odd; in three dimensions as many voxels of each as a small network needs
SIZES = {2: [(64, 64), (67, 77)], 3: [(32, 32, 32), (25, 27, 30)]}


# %% The overlay: "%FILE::ID" refers to a definition in another file
def write_overlay(train_config: Path, overlay: Path, kernel_size: int, profile: str) -> dict[str, Any]:
    """Write the overlay and return it."""
    parser = ConfigParser()
    parser.read_config(str(train_config))
    network = parser["network_def"]
    dims, channels = network["spatial_dims"], network.get("in_channels", 1)
    content = {
        "network_def": {
            "_target_": "sre_monai.convert_to_sre",
            "network": f"%{train_config.resolve()}::network_def",
            "kernel_size": kernel_size,
            "profile": profile,
            "input_shapes": [[1, channels, *size] for size in SIZES[dims]],
        }
    }
    write_json(overlay, content)
    return content


# %% Report
def main(bundle: Path, overlay: Path, kernel_size: int = 5, profile: str = "gaussian") -> ConversionReport:
    """Write the overlay, build the network as the bundle will, and report."""
    train_config = bundle / "configs" / "train.json"
    write_overlay(train_config, overlay, kernel_size, profile)
    parser = ConfigParser()
    parser.read_config([str(train_config), str(overlay)])
    report = parser.get_parsed_content("network_def").conversion_report
    print(report.details())
    print(report)
    configs = f"\"['{train_config}','{overlay}']\""
    print(f"\nTrain it:\n  python -m monai.bundle run --bundle_root {bundle} --config_file {configs}")
    return report


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, help="folder of a bundle, as `python -m monai.bundle download` makes it")
    parser.add_argument("overlay", type=Path, help="the overlay to write, .json")
    parser.add_argument("--kernel_size", type=int, default=5)
    parser.add_argument("--profile", default="gaussian")
    main(**vars(parser.parse_args()))
