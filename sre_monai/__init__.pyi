# The public interface: ``sre_monai.__all__`` at run time, and what type checkers see.

from . import conversion as conversion
from . import engines as engines
from . import evaluation as evaluation
from . import handlers as handlers
from . import inferers as inferers
from . import io as io
from . import medmnist as medmnist
from . import metrics as metrics
from . import networks as networks
from . import retina as retina
from . import runs as runs
from . import transforms as transforms
from . import visualize as visualize
from . import volumes as volumes
from .conversion import ConversionReport as ConversionReport
from .conversion import EquivarianceReport as EquivarianceReport
from .conversion import check_equivariance as check_equivariance
from .conversion import convert_to_sre as convert_to_sre
from .conversion import export_network as export_network
from .conversion import load_sre_conv_state_dict as load_sre_conv_state_dict
from .conversion import to_sre_conv_state_dict as to_sre_conv_state_dict
from .inferers import SymmetricSlidingWindowInferer as SymmetricSlidingWindowInferer
from .networks import fold_sre as fold_sre
from .networks import fuse as fuse
from .networks import load_weights as load_weights
from .networks.blocks import SREBasicBlock as SREBasicBlock
from .networks.blocks import SREBottleneck as SREBottleneck
from .networks.blocks import SREConvolution as SREConvolution
from .networks.blocks import SRETwoConv as SRETwoConv
from .networks.layers import SREConv1d as SREConv1d
from .networks.layers import SREConv2d as SREConv2d
from .networks.layers import SREConv3d as SREConv3d
from .networks.layers import SREConvTranspose1d as SREConvTranspose1d
from .networks.layers import SREConvTranspose2d as SREConvTranspose2d
from .networks.layers import SREConvTranspose3d as SREConvTranspose3d
from .networks.layers import SREHarmonicConv2d as SREHarmonicConv2d
from .networks.layers import SREHarmonicConv3d as SREHarmonicConv3d
from .networks.layers import SymmetricAvgPool as SymmetricAvgPool
from .networks.layers import SymmetricMaxPool as SymmetricMaxPool
from .networks.layers import SymmetricUpsample as SymmetricUpsample
from .networks.layers import expand_kernel as expand_kernel
from .networks.layers import harmonic_conv as harmonic_conv
from .networks.layers import ring_basis as ring_basis
from .networks.layers import ring_conv as ring_conv
from .networks.layers import upsample_to as upsample_to
from .networks.nets import SREResNet as SREResNet
from .networks.nets import SREUNet as SREUNet
from .networks.nets import SREWNet as SREWNet
from .networks.nets import sre_r3d_18 as sre_r3d_18
from .networks.nets import sre_resnet18 as sre_resnet18
from .networks.nets import sre_resnet50 as sre_resnet50
from .retina import VesselSegmentation as VesselSegmentation
from .retina import VesselSegmenter as VesselSegmenter
from .volumes import VolumeSegmentation as VolumeSegmentation
from .volumes import VolumeSegmenter as VolumeSegmenter

__version__: str

def register_layers() -> None: ...
