"""Faster ways to compute the ring convolution. Only :mod:`~sre_monai.networks.layers.ring_conv` uses them."""
