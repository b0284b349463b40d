from sre_monai.networks.interop import load_sre_conv_state_dict

__all__ = ["load_sre_conv_state_dict"]
