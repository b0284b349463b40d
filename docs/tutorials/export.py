"""Export a trained network for use without this package or MONAI.

    python docs/tutorials/export.py bundles/retina_fundus_vessel_segmentation output/export

Writes an ONNX and a `torch.export` file of the bundle's network and runs each. Needs the extra `export`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from monai.bundle import ConfigParser

from sre_monai import export_network, load_weights


def main(bundle: Path, output: Path, checkpoint: Path | None = None) -> dict[str, float]:
    """Export the bundle's network to all formats; return the largest output difference of each file."""
    # %% The network and its weights. `network_def` may also use `convert_to_sre`
    parser = ConfigParser()
    parser.read_config(str(bundle / "configs" / "inference.json"))
    network = parser.get_parsed_content("network_def")
    load_weights(network, checkpoint or bundle / "models" / "model.pt")

    # %% Fold, export, reload, compare: a file whose outputs differ is rejected
    channels = parser["network_def"]["in_channels"]
    differences = {}
    for extension in (".onnx", ".pt2"):
        path = output / f"model{extension}"
        differences[extension] = export_network(network, path, (2, channels, 128, 160))
        print(f"{path}: outputs differ by {differences[extension]:.1e} at most, relative to the largest")

    # %% Run the file with ONNX Runtime, at any even or odd size
    import onnxruntime

    photograph = np.random.default_rng(0).standard_normal((1, channels, 201, 190)).astype(np.float32)
    session = onnxruntime.InferenceSession(output / "model.onnx")
    logits = session.run(None, {"image": photograph})[0]
    print("onnxruntime:", logits.shape)

    program = torch.export.load(output / "model.pt2").module()
    with torch.no_grad():
        print("torch.export:", tuple(program(torch.from_numpy(photograph)).shape))
    return differences


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("output", type=Path)
    main(**vars(parser.parse_args()))
