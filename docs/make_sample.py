"""Draw the sample photographs in `docs/sample`: four synthetic eyes of different cameras, always the same."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from PIL import Image

from sre_monai.retina import synthetic_fundus

# name, (W, H), seed, diameter of the field of view in pixels (longer than a side: cropped; None: 0.95 of the shorter)
SAMPLE = (
    ("eye_565x584.png", (565, 584), 3, None),
    ("eye_700x605_cropped.jpg", (700, 605), 14, 672),
    ("eye_999x960.jpg", (999, 960), 8, None),
    ("second_visit/eye_860x860.jpg", (860, 860), 21, None),
)


def make_sample(folder: str | os.PathLike[str]) -> list[Path]:
    """Write the sample photographs into a folder and return their paths."""
    paths = [Path(folder) / name for name, *_ in SAMPLE]
    for path, (_, size, seed, diameter) in zip(paths, SAMPLE, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}")
        Image.fromarray(synthetic_fundus(size, seed, diameter).image).save(beside, quality=92)
        os.replace(beside, path)
    return paths


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", default=Path(__file__).parent / "sample", help="folder to write")
    for written in make_sample(parser.parse_args().output):
        print(written)
