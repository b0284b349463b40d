"""Commands that need PyTorch: `sre_monai_cli` hands over to them."""
