from sre_monai.inferers.padded import PaddedInferer
from sre_monai.inferers.symmetric_sliding_window import SymmetricSlidingWindowInferer, symmetric_window_starts

__all__ = ["PaddedInferer", "SymmetricSlidingWindowInferer", "symmetric_window_starts"]
