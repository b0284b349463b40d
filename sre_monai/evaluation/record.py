"""Provenance of evaluation results: data, weights and version."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import sre_monai
from sre_monai.io.datalist import DATALIST_NAME
from sre_monai.metrics.threshold import check_threshold


def evaluation_record(
    dataset_dir: str | os.PathLike[str], section: str, checkpoint: str | os.PathLike[str], threshold: float
) -> dict[str, Any]:
    """Record the data, the weights, the version and the threshold of an evaluation.

    Args:
        dataset_dir: folder of the prepared data set.
        section: the datalist's section that is evaluated.
        checkpoint: file of the network's weights.
        threshold: pixels at or above this probability are in the mask.

    Returns:
        What :func:`dataset_record` returns, and ``threshold``.

    Raises:
        OSError: when the datalist or the checkpoint can't be read.
        ValueError: when the threshold is not a number in 0–1.

    Examples:
        >>> evaluation_record("data/DRIVE", "test", "models/model.pt", 0.5)["dataset"]  # doctest: +SKIP
        'DRIVE'
    """
    return {**dataset_record(dataset_dir, section, checkpoint), "threshold": check_threshold(threshold)}


def dataset_record(
    dataset_dir: str | os.PathLike[str], section: str, checkpoint: str | os.PathLike[str]
) -> dict[str, Any]:
    """Record the data, the weights and the version of an evaluation.

    Args:
        dataset_dir: folder of the prepared data set.
        section: the datalist's section that is evaluated.
        checkpoint: file of the network's weights.

    Returns:
        ``dataset`` (its name in the datalist, else the folder's), ``section``, ``checkpoint_sha256`` (of the file) and
        ``sre_monai_version``; no local path.

    Raises:
        OSError: when the datalist or the checkpoint can't be read.

    Examples:
        >>> dataset_record("data/Hippocampus", "test", "models/model.pt")["dataset"]  # doctest: +SKIP
        'Hippocampus'
    """
    folder = Path(dataset_dir).expanduser().absolute()
    datalist = json.loads((folder / DATALIST_NAME).read_text(encoding="utf-8"))
    return {"dataset": datalist.get("name", folder.name), "section": section, **weights_record(checkpoint)}


def weights_record(checkpoint: str | os.PathLike[str]) -> dict[str, str]:
    """Record the weights and the version.

    Args:
        checkpoint: file of the network's weights.

    Returns:
        ``checkpoint_sha256`` (of the file) and ``sre_monai_version``.

    Raises:
        OSError: when the checkpoint can't be read.

    Examples:
        >>> weights_record("models/model.pt")["sre_monai_version"]  # doctest: +SKIP
        '0.2.0'
    """
    return {
        "checkpoint_sha256": hashlib.sha256(Path(checkpoint).read_bytes()).hexdigest(),
        "sre_monai_version": sre_monai.__version__,
    }
