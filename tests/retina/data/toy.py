"""Small data sets with the file names of the real ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from sre_monai.retina import RETINA_DATASETS, RetinaDataset

SIZE = (44, 37)  # width, height
TOYS = {
    name: replace(dataset, image_size=SIZE, training=dataset.training[:2], test=dataset.test[:1])
    for name, dataset in RETINA_DATASETS.items()
}


def disc() -> np.ndarray:
    """The field of view of every toy photograph (height, width)."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    return (x - 21.5) ** 2 + (y - 18) ** 2 < 16**2


def write_source(dataset: RetinaDataset, folder: Path) -> dict[str, np.ndarray]:
    """Write all files of a data set into one folder and return the arrays (height, width, …) by file name."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(0)
    arrays = {}
    for case in dataset.cases():
        for role, name in case.files.items():
            if role == "image":
                array = np.where(disc()[..., None], generator.integers(90, 250, (SIZE[1], SIZE[0], 3)), 0)
            elif role == "fov":
                array = disc() * 255
            else:
                array = (generator.random((SIZE[1], SIZE[0])) < 0.1) * 255
            arrays[name] = array.astype(np.uint8)
            (folder / name).parent.mkdir(exist_ok=True)
            Image.fromarray(arrays[name]).save(folder / name)
    return arrays
