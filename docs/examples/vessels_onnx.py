"""Vessels of a photograph with ONNX Runtime, NumPy and Pillow alone.

sre-monai export retina_fundus_vessel_segmentation vessels.onnx
python vessels_onnx.py vessels.onnx photograph.png mask.png [field_of_view.png]
"""

import sys

import numpy as np
import onnxruntime
from PIL import Image


def field_of_view(photograph: np.ndarray) -> np.ndarray:
    """What is brighter than the dark border; for tabs, notches and dark lesions on the rim give a mask of your own."""
    bright = np.percentile(photograph, 95, axis=(0, 1))
    return photograph[..., bright.argmax()] > 0.15 * bright.max()


def main(model: str, source: str, target: str, mask: str = "") -> None:
    """Segment one photograph."""
    session = onnxruntime.InferenceSession(model)
    photograph = np.asarray(Image.open(source).convert("RGB"))
    fov = np.asarray(Image.open(mask).convert("L")) > 0 if mask else field_of_view(photograph)
    inputs = {"photograph": photograph, "field_of_view": fov.astype(np.uint8)}
    (probability,) = session.run(["probability"], inputs)
    threshold = float(session.get_modelmeta().custom_metadata_map["threshold"])
    Image.fromarray(((probability >= threshold) * 255).astype(np.uint8)).save(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
