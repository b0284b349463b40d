"""How well probabilities match the frequencies of what they predict, and how a change of the logits corrects them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from monai.metrics import calibration_binning
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

MAX_TEMPERATURE = 10.0
CHUNK = 1 << 20  # pixels; MONAI counts in single precision
SMALLEST = 1e-7  # probability; the logit of 0 is infinite


class Reliability(NamedTuple):
    """Pixels by their predicted probability, in bins of equal width.

    Attributes:
        pixels: their number in each bin.
        probability: their mean predicted probability; NaN in an empty bin.
        frequency: the fraction of them that is in the class; NaN in an empty bin.

    Examples:
        >>> reliability = Reliability.of(torch.tensor([0.1, 0.1, 0.9, 0.9]), torch.tensor([0, 0, 1, 0]), num_bins=2)
        >>> reliability.frequency.tolist(), round(reliability.expected_error(2), 3)
        ([0.0, 0.5], 0.25)

    References:
        Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, https://arxiv.org/abs/1706.04599.
    """

    pixels: np.ndarray
    probability: np.ndarray
    frequency: np.ndarray

    @classmethod
    def of(cls, probability: torch.Tensor, label: torch.Tensor, num_bins: int = 1000) -> Reliability:
        """Bin pixels by MONAI's ``calibration_binning``.

        Args:
            probability: of the class, in 0–1, any shape.
            label: 1 for pixels of the class, 0 for others, same shape.
            num_bins: of equal width.

        Returns:
            The reliability.
        """
        chunks = zip(probability.flatten().split(CHUNK), label.flatten().split(CHUNK), strict=True)
        return cls.pooled(
            cls(*(values.flatten().cpu().double().numpy() for values in (count, mean, frequency)))
            for mean, frequency, count in (
                calibration_binning(p[None, None], y[None, None], num_bins) for p, y in chunks
            )
        )

    @classmethod
    def pooled(cls, parts: Iterable[Reliability]) -> Reliability:
        """Pool the pixels of several images.

        Args:
            parts: with the same bins.

        Returns:
            The reliability of all pixels together.
        """
        counts, probabilities, frequencies = (np.stack(values) for values in zip(*parts, strict=True))
        count = counts.sum(axis=0)
        with np.errstate(invalid="ignore"):
            means = [np.nansum(counts * values, axis=0) / count for values in (probabilities, frequencies)]
        return cls(count, *means)

    def coarser(self, num_bins: int) -> Reliability:
        """Merge neighbouring bins.

        Args:
            num_bins: that remain, a divisor of the present number.

        Returns:
            The reliability.
        """
        parts = zip(*(values.reshape(num_bins, -1).T for values in self), strict=True)
        return Reliability.pooled(Reliability(*part) for part in parts)

    def expected_error(self, num_bins: int = 20) -> float:
        """Expected calibration error: the mean over pixels of their bin's distance between probability and frequency.

        Args:
            num_bins: to merge the bins into first, a divisor of their number. Few pixels in many bins give a large
                error by chance.

        Returns:
            The error, 0–1.
        """
        bins = self.coarser(num_bins)
        used = bins.pixels > 0
        error = np.abs(bins.probability - bins.frequency)[used]
        return float(np.average(error, weights=bins.pixels[used]))

    def recalibrated(self, temperature: float = 1.0, shift: float = 0.0) -> Reliability:
        """Add a constant to the logits, then divide them by a temperature.

        Args:
            temperature: above 1 for less certain probabilities.
            shift: above 0 for higher probabilities.

        Returns:
            The reliability then, in as many bins. The pixels of a bin move together.
        """
        num_bins, used = len(self.pixels), self.pixels > 0
        changed = expit((self._logits() + shift) / temperature)
        target = (changed[used] * num_bins).astype(int).clip(max=num_bins - 1)

        def sums(values: np.ndarray) -> np.ndarray:
            return np.bincount(target, (self.pixels * values)[used], num_bins)

        pixels = sums(np.ones(num_bins))
        with np.errstate(invalid="ignore"):
            return Reliability(pixels, sums(changed) / pixels, sums(self.frequency) / pixels)

    def fit_temperature(self) -> float:
        """Find the temperature with the least cross-entropy.

        Returns:
            The temperature; logits are to be divided by it. It is above 1 for a network that is too sure.
        """

        def cross_entropy(exponent: float) -> float:
            used = self.pixels > 0
            scaled = expit(self._logits()[used] / np.exp(exponent)).clip(SMALLEST, 1 - SMALLEST)
            entropy = self.frequency[used] * np.log(scaled) + (1 - self.frequency[used]) * np.log1p(-scaled)
            return -float(np.average(entropy, weights=self.pixels[used]))

        limit = np.log(MAX_TEMPERATURE)
        return float(np.exp(minimize_scalar(cross_entropy, bounds=(-limit, limit), method="bounded").x))

    def dice_by_threshold(self) -> np.ndarray:
        """Dice of the pixels at or above each bin's lower edge.

        Returns:
            One Dice for each bin, NaN where it is undefined.
        """
        positive = np.nan_to_num(self.pixels * self.frequency)
        predicted, hits = (np.cumsum(values[::-1])[::-1] for values in (self.pixels, positive))
        with np.errstate(invalid="ignore"):
            return 2 * hits / (predicted + positive.sum())

    def _logits(self) -> np.ndarray:
        """The bins' logits."""
        return logit(self.probability.clip(SMALLEST, 1 - SMALLEST))
