"""Pictures of the accuracy table: F1 against the angle for all networks, and the errors of two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from sre_monai.io.png import save_png

__all__ = ["draw_overlays"]

TILE = 4.0  # inches
DPI = 140


def draw_overlays(folders: Mapping[str, Path], angles: Sequence[float], path: Path) -> None:
    """Put pictures of errors side by side, a row for each network and a column for each angle.

    Args:
        folders: by the network's name, the folder of what :class:`~sre_monai.retina.ErrorOverlays` wrote of one
            photograph.
        angles: in degrees.
        path: the PNG file to write.

    Raises:
        ImportError: if matplotlib isn't installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(TILE * len(angles), TILE * len(folders)), dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels = figure.subplots(len(folders), len(angles), squeeze=False)
    for line, (name, folder) in zip(panels, folders.items(), strict=True):
        for panel, angle in zip(line, angles, strict=True):
            panel.imshow(_picture(folder, angle))
            panel.set(xticks=[], yticks=[])
            panel.spines[:].set_visible(False)
            if panel in panels[0]:
                panel.set_title(f"{angle:g}°")
        line[0].set_ylabel(name)
    canvas.draw()
    save_png(path, np.asarray(canvas.buffer_rgba())[..., :3])


def _picture(folder: Path, angle: float) -> np.ndarray:
    """The picture of an angle; the upright one has the shortest name."""
    paths = sorted(folder.glob(f"*_{angle:g}.png" if angle else "*.png"), key=lambda path: len(path.name))
    with Image.open(paths[0]) as picture:
        return np.asarray(picture)
