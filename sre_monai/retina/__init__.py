"""Fundus photographs: preprocessing, vessels and their measures, data sets, evaluation.

Imported when first used: some need extras, and a command should not wait for what it does not use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
