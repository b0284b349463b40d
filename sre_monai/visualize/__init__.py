"""Overlays, rotation curves, saliency maps and the report's page.

Imported when first used: transforms draw overlays, and saliency maps need networks.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
