"""Resampling by one sparse matrix per axis: anti-aliasing by a Gaussian and linear interpolation in one product."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix

TRUNCATE = 4.0  # standard deviations, as scipy and scikit-image cut their Gaussians
TIE = 1e-6  # of a pixel's weight; ties fall to the mask, or the higher class, in every orientation despite rounding
STRIP = 1 << 21  # numbers in float64 at a time, so that a large image is never held as float64 whole


def resample(image: np.ndarray, size: Sequence[int], smooth: bool = True) -> np.ndarray:
    """Resample an image or a volume to another size, with smoothing where it shrinks.

    Linear interpolation with aligned edges after a Gaussian of σ = (n/m − 1)/2 pixels for n pixels that become m, as
    scikit-image's ``resize`` does it: each output pixel is a weighted mean. The weights mirror each other and sums are
    taken in float64, so that turning or mirroring the input turns or mirrors the output up to rounding.

    Args:
        image: shape (C, W, H) or (C, X, Y, Z), any number type.
        size: of the result in pixels, without channels.
        smooth: whether to smooth along an axis that becomes shorter; without it, values between pixels are looked up.

    Returns:
        The image at the new size, float32 of shape (C, *size).

    Examples:
        >>> resample(np.array([[[0, 1], [2, 3]]]), (4, 2))[0, :, 0].tolist()
        [0.0, 0.5, 1.5, 2.0]
    """
    weights = [_weights(n, m, smooth) for n, m in zip(image.shape[1:], size, strict=True)]
    return np.stack([_resample_channel(channel, weights, np.float32) for channel in image])


def resample_mask(mask: np.ndarray, size: Sequence[int], smooth: bool = True) -> np.ndarray:
    """Resample a mask: what `resample` gives, cut at one half, so that each pixel is of the class nearest by weight.

    Args:
        mask: shape (C, W, H) or (C, X, Y, Z), 0 and 1.
        size: of the result in pixels, without channels.
        smooth: as for `resample`.

    Returns:
        The mask at the new size, bool of shape (C, *size).

    Examples:
        >>> resample_mask(np.array([[[0, 1, 1, 0]]]), (1, 8)).astype(int).tolist()
        [[[0, 0, 1, 1, 1, 1, 0, 0]]]
    """
    weights = [_weights(n, m, smooth) for n, m in zip(mask.shape[1:], size, strict=True)]
    return np.stack([_resample_channel(channel, weights, bool) for channel in mask])


def resample_labels(labels: np.ndarray, size: Sequence[int], smooth: bool = True) -> np.ndarray:
    """Resample a label map: each pixel gets the class that has the greatest weight there.

    Args:
        labels: shape (C, W, H) or (C, X, Y, Z), a whole number for each class.
        size: of the result in pixels, without channels.
        smooth: as for `resample`.

    Returns:
        The label map at the new size, of the same type and shape (C, *size). For 0 and 1 it is that of `resample_mask`;
        ties fall to the higher class.

    Raises:
        ValueError: when a value is not a whole number.

    Examples:
        >>> resample_labels(np.array([[[0, 3, 3, 2]]]), (1, 8)).tolist()
        [[[0, 0, 3, 3, 3, 3, 2, 2]]]
    """
    is_mask = labels.dtype == bool or (labels.dtype == np.uint8 and labels.max() <= 1)  # without sorting all pixels
    classes = np.array([0, 1]) if is_mask else np.unique(labels)
    if not (classes == np.rint(classes)).all():
        raise ValueError(f"a label map holds whole numbers, one for each class; got values such as {classes[:3]}.")
    if np.isin(classes, (0, 1)).all():
        return resample_mask(labels, size, smooth).astype(labels.dtype)
    result, greatest = np.zeros((len(labels), *size), labels.dtype), np.zeros((len(labels), *size))
    for number in classes:
        weight = resample(labels == number, size, smooth)
        result[weight > greatest - 2 * TIE] = number
        np.maximum(greatest, weight, out=greatest)
    return result


def _resample_channel(channel: np.ndarray, weights: Sequence[csr_matrix], dtype: type) -> np.ndarray:
    """Apply the weights of each axis; what lies in memory row by row is read, or written, row by row."""
    shrinks = math.prod(matrix.shape[0] for matrix in weights) < channel.size
    axes = range(channel.ndim) if shrinks else range(channel.ndim - 1, -1, -1)
    for axis in axes:
        rows = np.moveaxis(channel, axis, 0)
        made = _weighted_rows(weights[axis], rows.reshape(len(rows), -1), dtype if axis == axes[-1] else np.float64)
        channel = np.moveaxis(made.reshape(-1, *rows.shape[1:]), 0, axis)
    return channel


def _weighted_rows(weights: csr_matrix, rows: np.ndarray, dtype: type) -> np.ndarray:
    """Make new rows of old ones, a strip of columns at a time; bool tells where they are above one half."""
    result = np.empty((weights.shape[0], rows.shape[1]), dtype)
    step = max(1, STRIP // max(weights.shape))
    for start in range(0, rows.shape[1], step):
        strip = slice(start, start + step)
        values = weights @ np.ascontiguousarray(rows[:, strip], np.float64)
        result[:, strip] = values > 0.5 - TIE if dtype is bool else values
    return result


def _weights(n: int, m: int, smooth: bool) -> csr_matrix:
    """Weights (m, n) that make m pixels of n along one axis."""
    at = np.clip((np.arange(m) + 0.5) * n / m - 0.5, 0, n - 1)
    left = np.minimum(at.astype(int), max(n - 2, 0))
    right = np.minimum(left + 1, n - 1)
    sigma = max(0.0, (n / m - 1) / 2) if smooth else 0.0
    offsets = np.arange(-int(TRUNCATE * sigma + 0.5), int(TRUNCATE * sigma + 0.5) + 1)
    kernel = np.exp(-0.5 * (offsets / max(sigma, 1e-9)) ** 2)
    kernel /= kernel.sum()
    rows, columns, values = [], [], []
    for pixel, share in ((left, 1 - (at - left)), (right, at - left)):
        rows.append(np.repeat(np.arange(m), len(offsets)))
        columns.append(np.clip(pixel[:, None] + offsets, 0, n - 1).ravel())  # beyond the edge its pixel is repeated
        values.append((share[:, None] * kernel).ravel())
    return csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(m, n))
