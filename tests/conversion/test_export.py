import pytest
import torch
from monai.networks.nets import SegResNet, UNet
from torch import nn
from torch.optim.swa_utils import AveragedModel

from sre_monai.conversion import convert_to_sre, export_network
from sre_monai.conversion.export import EXPORT_FORMATS
from sre_monai.networks.layers import SREConv2d
from sre_monai.networks.nets import SREUNet
from tests.without_the_package import assert_same

TINY = {"features": (4, 6, 4), "kernel_size": 5, "profile": "gaussian"}


@pytest.fixture(scope="module", params=[(), (1, 2)], ids=["rings", "harmonics"])
def network(request):
    torch.manual_seed(0)
    return SREUNet(2, 3, 2, **TINY, harmonics=request.param).eval()


@pytest.fixture(scope="module")
def onnx_file(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    assert export_network(network, path, (1, 3, 16, 20)) < 1e-4
    return path


@pytest.mark.slow
@pytest.mark.parametrize("extension", EXPORT_FORMATS)
def test_files_take_any_size_and_import_no_package_of_ours(network, onnx_file, tmp_path, extension):
    path = onnx_file if extension == ".onnx" else tmp_path / f"model{extension}"
    if extension != ".onnx":
        assert export_network(network.train(), path, (1, 3, 16, 20)) < 1e-4
        assert network.training
    assert_same(network.eval(), path, torch.randn(3, 3, 57, 46))


@pytest.mark.slow
@pytest.mark.parametrize("extension", [".onnx", ".pt2"])
def test_converted_networks_export_at_any_size(tmp_path, extension):
    """The sizes noted by the poolings are symbolic."""
    network = convert_to_sre(UNet(2, 1, 2, channels=(4, 8), strides=(2,)))
    assert export_network(network, tmp_path / f"model{extension}", (2, 1, 16, 20)) < 1e-4


def test_volumes(tmp_path):
    network = convert_to_sre(SegResNet(3, 8, 1, 2, blocks_down=(1, 1), blocks_up=(1,)))
    # PyTorch's group normalisation is less accurate on channels-last maps, which SRE layers return
    assert export_network(network, tmp_path / "model.pt2", (2, 1, 16, 18, 20)) < 1e-3


def test_unfolded_networks_export_too(network):
    network.eval()
    dynamic = ({0: torch.export.Dim.DYNAMIC, 2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC},)
    example = torch.randn(2, 3, 32, 40)
    exported = torch.export.export(network, (example,), dynamic_shapes=dynamic).module()
    traced = torch.jit.trace(network, example, check_trace=False)
    x = torch.randn(1, 3, 45, 51)
    with torch.no_grad():
        torch.testing.assert_close(exported(x), network(x), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(traced(x), network(x), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_onnx_files_can_be_quantised(network, onnx_file, tmp_path):
    """8-bit weights give nearly the same output."""
    from onnxruntime import InferenceSession
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(onnx_file, tmp_path / "small.onnx", weight_type=QuantType.QUInt8)
    assert b"ConvInteger" in (tmp_path / "small.onnx").read_bytes()
    session = InferenceSession(tmp_path / "small.onnx")
    x = torch.rand(1, 3, 41, 32)
    output = torch.from_numpy(session.run(None, {"image": x.numpy()})[0])
    with torch.no_grad():
        expected = network.eval()(x)
    assert 0 < (output - expected).norm() < 0.1 * expected.norm()


WRAPPERS = {"average": AveragedModel, "DataParallel": nn.DataParallel, "compiled": torch.compile}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrapped_networks_export_as_what_they_wrap(tmp_path, wrapper):
    network = nn.Sequential(SREConv2d(3, 2, 3, padding=1))
    wrapped = WRAPPERS[wrapper](nn.DataParallel(network))
    assert export_network(wrapped, tmp_path / "model.pt2", (2, 3, 8, 8)) < 1e-5
    x = torch.randn(1, 3, 9, 12)
    torch.testing.assert_close(torch.export.load(tmp_path / "model.pt2").module()(x), network(x))


def test_fixed_size(tmp_path):
    network = SREUNet(2, 3, 2, **TINY).eval()
    export_network(network, tmp_path / "model.pt2", (1, 3, 33, 32), dynamic=False)
    program = torch.export.load(tmp_path / "model.pt2").module()
    assert program(torch.randn(1, 3, 33, 32)).shape == (1, 2, 33, 32)
    with pytest.raises(Exception, match="33"):
        program(torch.randn(1, 3, 40, 32))


def test_a_file_that_differs_is_refused_and_the_old_one_kept(tmp_path):
    class Random(nn.Module):
        def forward(self, x):
            return x + torch.rand_like(x)

    path = tmp_path / "model.pt2"
    path.write_text("old")
    with pytest.raises(ValueError, match=r"model.pt2: the exported outputs differ"):
        export_network(Random(), path, (2, 1, 8, 8))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_mistakes_are_one_sentence(tmp_path):
    network = SREUNet(2, 3, 2, **TINY)
    with pytest.raises(ValueError, match=r"model.h5: the extension must be one of"):
        export_network(network, "model.h5", (1, 3, 32, 32))
