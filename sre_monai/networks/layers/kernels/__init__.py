"""The operations in C. Only :mod:`~sre_monai.networks.layers.ring_conv` and ``harmonic_conv`` use them."""
