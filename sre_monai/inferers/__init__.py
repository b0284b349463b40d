from sre_monai.inferers.symmetric_sliding_window import SymmetricSlidingWindowInferer, symmetric_window_starts

__all__ = ["SymmetricSlidingWindowInferer", "symmetric_window_starts"]
