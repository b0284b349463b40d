"""The layers as modules, in place of those of ``torch.nn``."""
