"""The hippocampus bundle, from file to file."""

from __future__ import annotations

import csv
import json
import os
from contextlib import suppress
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow, create_workflow, run, verify_net_in_out
from monai.transforms import NormalizeIntensity
from nibabel.orientations import apply_orientation, axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform
from torch import nn

import sre_monai
from sre_monai import VolumeSegmenter
from sre_monai.networks.weights import load_weights
from sre_monai.transforms import grid_symmetries
from sre_monai_cli import find_bundle
from tests.volumes.toy import AFFINE, smooth_noise, write, write_dataset, write_series

BUNDLE = find_bundle("brain_mri_hippocampus_segmentation")
CONFIG = str(BUNDLE / "configs" / "inference.json")
SMALL = {"network_def#features": [4, 4, 6, 4]}
MAX_PARAMETERS = 400_000
SYMMETRIES = grid_symmetries(3)


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> dict[str, object]:
    """Overrides for a small network with random weights, which finds a bit of everything."""
    torch.manual_seed(3)
    parser = ConfigParser(ConfigParser.load_config_file(CONFIG))
    parser.update(SMALL)
    network = parser.get_parsed_content("network_def")
    x = NormalizeIntensity()(torch.tensor(smooth_noise((24, 24, 24))))[None, None]
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm3d):
                layer.momentum = 1.0
        network.train()(x)
        logits = network.eval()(x)
        scale = 4 / logits.std((0, 2, 3, 4))
        network.final_conv.weight.mul_(scale[:, None, None, None, None])
        network.final_conv.bias.copy_(scale * (network.final_conv.bias - logits.mean((0, 2, 3, 4))))
    path = tmp_path_factory.mktemp("weights") / "small.pt"
    torch.save(network.state_dict(), path)
    return {**SMALL, "checkpoint": str(path)}


def segment(folder: Path, output: Path, **overrides) -> dict[str, dict[str, str]]:
    """Run the bundle on a folder; the rows of its report by file."""
    with suppress(SystemExit):  # some failed
        run(config_file=CONFIG, bundle_root=str(BUNDLE), dataset_dir=str(folder), output_dir=str(output), **overrides)
    with (output / "report.csv").open(encoding="utf-8", newline="") as stream:
        return {row["file"]: row for row in csv.DictReader(stream)}


def labels_of(path: Path) -> np.ndarray:
    return np.asarray(nibabel.load(path).dataobj)


def assert_turns_with_the_array(
    values: np.ndarray, folder: Path, affine=AFFINE, symmetries=SYMMETRIES, **overrides
) -> None:
    """The labels of a turned or mirrored array, under the same header, are the turned or mirrored labels."""
    for number, symmetry in enumerate(symmetries):
        write(folder / "in" / f"{number:02d}.nii.gz", symmetry.apply(torch.tensor(values)).numpy(), affine)
    rows = segment(folder / "in", folder / "out", write_overlay=False, **overrides)
    assert [row["status"] for row in rows.values()] == ["done"] * len(symmetries)
    upright = torch.tensor(labels_of(folder / "out" / "00_labels.nii.gz"))
    assert all((upright == label).float().mean() > 0.005 for label in (1, 2))
    for number, symmetry in enumerate(symmetries):
        turned = labels_of(folder / "out" / f"{number:02d}_labels.nii.gz")
        np.testing.assert_array_equal(turned, symmetry.apply(upright).numpy(), str(symmetry))


@pytest.mark.parametrize(
    "size",
    [
        pytest.param((16, 18, 14), id="even", marks=pytest.mark.slow),
        pytest.param((17, 19, 15), id="odd", marks=pytest.mark.slow),
        pytest.param((16, 17, 18), id="mixed"),
    ],
)
def test_labels_turn_with_the_array(tmp_path, weights, size):
    assert_turns_with_the_array(smooth_noise(size), tmp_path, **weights)


def test_labels_turn_with_the_array_through_windows(tmp_path, weights):
    values = smooth_noise((20, 23, 17))
    assert_turns_with_the_array(values, tmp_path, symmetries=SYMMETRIES[::3], window_size=24, **weights)


@pytest.mark.slow
def test_labels_turn_with_the_array_through_resampling(tmp_path, weights):
    assert_turns_with_the_array(smooth_noise((13, 10, 11)), tmp_path, np.diag([1.7, 1.7, 1.7, 1]), **weights)


@pytest.mark.slow
@pytest.mark.parametrize("window", [96, 32])
def test_labels_turn_with_a_real_volume(shared_data, tmp_path, window):
    image = nibabel.load(shared_data / "Hippocampus" / "images" / "hippocampus_001.nii.gz")
    values = image.get_fdata(dtype=np.float32)
    assert_turns_with_the_array(values, tmp_path, image.affine, SYMMETRIES[::6], window_size=window)


def test_orders_and_directions_of_axes_change_nothing_in_space(tmp_path, weights):
    """The same volume, stored in other orders and directions of its axes with the header that belongs to them."""
    values = smooth_noise((16, 19, 14))
    affine = AFFINE @ np.diag([1, 2, 1.5, 1])
    codes = ("RAS", "LPS", "LAS", "SAR", "PIR", "ILA")
    for code in codes:
        target = ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(code))
        write(
            tmp_path / "in" / f"{code}.nii.gz",
            apply_orientation(values, target),
            affine @ inv_ornt_aff(target, values.shape),
        )
    rows = segment(tmp_path / "in", tmp_path / "out", **weights)
    assert {row["orientation"] for row in rows.values()} == set(codes)
    upright = labels_of(tmp_path / "out" / "RAS_labels.nii.gz")
    for code in codes:
        found = nibabel.load(tmp_path / "out" / f"{code}_labels.nii.gz")
        back = apply_orientation(np.asarray(found.dataobj), io_orientation(found.affine))
        np.testing.assert_array_equal(back, upright, code)
    assert len({row["anterior_hippocampus_mm3"] for row in rows.values()}) == 1


def test_a_header_that_says_something_else_changes_nothing_in_the_array(tmp_path, weights):
    values = smooth_noise((16, 19, 14))
    turn = np.eye(4)
    turn[:2, :2] = [[0.8, -0.6], [0.6, 0.8]]
    affines = {"RAS": np.eye(4), "LPS": np.diag([-1, -1, 1, 1]), "AIR": np.eye(4)[[1, 2, 0, 3]], "oblique": turn}
    for name, affine in affines.items():
        write(tmp_path / "in" / f"{name}.nii.gz", values, affine)
    segment(tmp_path / "in", tmp_path / "out", **weights)
    upright = labels_of(tmp_path / "out" / "RAS_labels.nii.gz")
    for name, affine in affines.items():
        found = nibabel.load(tmp_path / "out" / f"{name}_labels.nii.gz")
        np.testing.assert_array_equal(np.asarray(found.dataobj), upright)
        np.testing.assert_allclose(found.affine, affine, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-4, 3e5])
def test_the_scale_of_intensities_does_not_matter(tmp_path, weights, scale):
    values = smooth_noise((16, 19, 14))
    write(tmp_path / "in" / "a.nii.gz", values)
    write(tmp_path / "in" / "b.nii.gz", values * np.float32(scale))
    segment(tmp_path / "in", tmp_path / "out", **weights)
    first, second = (labels_of(tmp_path / "out" / f"{name}_labels.nii.gz") for name in "ab")
    assert (first != second).mean() < 1e-3


@pytest.fixture(scope="module")
def mixed(tmp_path_factory) -> Path:
    """A folder of volumes of several kinds, and of other things."""
    folder, values = tmp_path_factory.mktemp("mixed"), smooth_noise((16, 14, 13))
    write(folder / "a.nii.gz", values)
    write(folder / "a.mgz", values)
    write(folder / "one frame.nii", values[..., None])
    write_series(folder / "series", np.rint(smooth_noise((8, 16, 14))))
    write(folder / "frames.nii", np.stack([values] * 3, axis=-1))
    write(folder / "flat.nii", values[:, :, :1])
    write(folder / "black.nii", np.zeros((9, 9, 9), np.float32))
    broken = values.copy()
    broken[3, 3, 3] = np.nan
    write(folder / "holes.nii", broken)
    (folder / "cut.nii.gz").write_bytes((folder / "a.nii.gz").read_bytes()[:3000])
    (folder / "photograph.png").write_bytes(b"no volume")
    (folder / "notes.txt").write_text("no volume")
    return folder


def test_good_volumes_are_done_and_bad_ones_explained(mixed, tmp_path, weights, capfd):
    rows = segment(mixed, tmp_path, write_probability=True, **weights)
    done = {file for file, row in rows.items() if row["status"] == "done"}
    assert done == {"a.nii.gz", "a.mgz", "one frame.nii", "series"}
    reasons = {file: row["reason"] for file, row in rows.items() if file not in done}
    assert "holds 3 volumes" in reasons["frames.nii"]
    assert "2D image" in reasons["flat.nii"]
    assert "same value" in reasons["black.nii"]
    assert "not finite" in reasons["holes.nii"]
    assert "cannot be read as a volume" in reasons["cut.nii.gz"]
    assert "cannot be read as a volume" in reasons["photograph.png"]
    assert rows["notes.txt"]["status"] == "left out"
    assert not any(reason.startswith("/") for reason in reasons.values())
    assert "Traceback" not in capfd.readouterr().err
    row = rows["a.nii.gz"]
    assert (row["size"], row["spacing_mm"], row["orientation"]) == ("16×14×13", "1×1×1", "RAS")
    assert rows["series"]["spacing_mm"] == "2×1×1.5"
    labels = labels_of(tmp_path / "a.nii.gz_labels.nii.gz")
    assert float(row["anterior_hippocampus_mm3"]) == (labels == 1).sum()
    assert float(row["posterior_hippocampus_mm3"]) == (labels == 2).sum()
    probability = labels_of(tmp_path / "a.nii.gz_probability.nii.gz")
    assert probability.shape == (16, 14, 13, 2)
    own = np.take_along_axis(probability, labels[..., None].clip(1) - 1, axis=-1)[..., 0]
    assert float(row["mean_probability"]) == pytest.approx(own[labels > 0].mean(), abs=1e-3)
    assert (tmp_path / "series_labels.dcm").is_file()
    np.testing.assert_array_equal(labels, labels_of(tmp_path / "a.mgz_labels.nii.gz"))
    assert (tmp_path / "a.mgz_overlay.png").is_file()


def test_a_run_resumes_and_notices_changed_slices(mixed, tmp_path, weights):
    folder = tmp_path / "in"
    write_series(folder / "series", np.rint(smooth_noise((8, 16, 14))))
    write(folder / "a.nii.gz", smooth_noise((16, 14, 13)))
    segment(folder, tmp_path / "out", **weights)
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*_labels.*")}
    segment(folder, tmp_path / "out", **weights)
    assert written == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*_labels.*")}
    os.utime(folder / "series" / "slice_3.dcm", ns=(1, 2**62))
    segment(folder, tmp_path / "out", **weights)
    again = {path.name for path, time in written.items() if path.stat().st_mtime_ns != time}
    assert again == {"series_labels.dcm"}


def test_one_call_gives_what_the_folder_run_writes(mixed, tmp_path, weights):
    segment(mixed, tmp_path, write_probability=True, **weights)
    segmenter = VolumeSegmenter(**weights)
    image = nibabel.load(mixed / "a.nii.gz")
    sources = [mixed / "a.nii.gz", image, image.get_fdata(), str(mixed / "a.mgz")]
    results = segmenter.segment(sources)
    for result in results:
        np.testing.assert_array_equal(result.labels, labels_of(tmp_path / "a.nii.gz_labels.nii.gz"))
        written = np.moveaxis(labels_of(tmp_path / "a.nii.gz_probability.nii.gz"), -1, 0)
        np.testing.assert_allclose(result.probability, written, atol=1e-6)
    np.testing.assert_allclose(results[0].affine, AFFINE)
    assert results[0].structures == {1: "anterior hippocampus", 2: "posterior hippocampus"}
    assert set(results[0].measures) >= {"anterior_hippocampus_mm3", "mean_probability"}
    assert segmenter.segment(mixed / "series").labels.shape == (8, 16, 14)
    with pytest.raises(ValueError, match=r"frames.nii.*holds 3 volumes"):
        segmenter.segment(mixed / "frames.nii")
    with pytest.raises(ValueError, match="a path, an array or an image of nibabel is expected, got int"):
        segmenter.segment(7)
    with pytest.raises(FileNotFoundError, match="no such file"):
        segmenter.segment("missing.nii")


@pytest.mark.parametrize("name", ["train.json", "inference.json"])
def test_configurations_have_all_properties(name, tmp_path, dataset):
    overrides = {"dataset_dir": str(dataset), "output_dir": str(tmp_path / "output")}
    if name == "train.json":
        overrides["validation_count"] = 2
    workflow = create_workflow(
        config_file=str(BUNDLE / "configs" / name),
        workflow_type=name.removesuffix(".json"),
        bundle_root=str(BUNDLE),
        logging_file=False,
        **overrides,
    )
    assert isinstance(workflow, ConfigWorkflow)
    assert workflow.check_properties() == []
    assert workflow.version == sre_monai.__version__


@pytest.mark.parametrize("name", ["train.json", "inference.json"])
@pytest.mark.parametrize("n", [1, 2], ids=["even size", "odd size"])
def test_the_network_matches_the_metadata(name, n):
    configs = BUNDLE / "configs"
    verify_net_in_out("network_def", str(configs / "metadata.json"), str(configs / name), device="cpu", n=n)


def test_the_weights_fit_and_are_few():
    networks = [
        ConfigParser(json.loads((BUNDLE / "configs" / name).read_text())) for name in ("train.json", "inference.json")
    ]
    first, second = (parser.get_parsed_content("network_def") for parser in networks)
    assert str(first) == str(second)
    assert sum(parameter.numel() for parameter in first.parameters()) <= MAX_PARAMETERS
    load_weights(first, BUNDLE / "models" / "model.pt")


def test_training_and_inference_prepare_a_volume_alike(dataset):
    parsers = {}
    for name in ("train.json", "inference.json"):
        parsers[name] = ConfigParser(json.loads((BUNDLE / "configs" / name).read_text()))
    item = json.loads((dataset / "datalist.json").read_text())["training"][0]
    item = {key: str(dataset / file) for key, file in item.items()}
    training = parsers["train.json"].get_parsed_content("validate#preprocessing")(item)["image"]
    inference = parsers["inference.json"].get_parsed_content("preprocessing")({**item, "name": "a"})["image"]
    assert torch.equal(training, inference.as_tensor())


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("dataset"))


@pytest.mark.slow
def test_training_evaluation_and_rotation(tmp_path, dataset):
    def start(*names, **overrides):
        files = [str(BUNDLE / "configs" / name) for name in names]
        run(config_file=files, bundle_root=str(BUNDLE), dataset_dir=str(dataset), **SMALL, **overrides)

    short = {"crop_size": 18, "max_trim": 3, "validation_count": 2, "val_interval": 1, "warmup_steps": 2}
    start("train.json", output_dir=str(tmp_path / "train"), max_epochs=2, **short)
    start("train.json", output_dir=str(tmp_path / "train"), max_epochs=2, **short)  # resumes and has nothing to do
    with (tmp_path / "train" / "training_log.csv").open() as stream:
        log = list(csv.DictReader(stream))
    assert [row["epoch"] for row in log] == ["1", "2"]
    assert all(0 <= float(row["val_dice"]) <= 1 for row in log)
    checkpoint = str(tmp_path / "train" / "model.pt")
    start("train.json", "evaluate.json", output_dir=str(tmp_path / "evaluate"), checkpoint=checkpoint)
    summary = json.loads((tmp_path / "evaluate" / "summary.json").read_text())
    assert (summary["dataset"], summary["section"], summary["num_images"]) == ("toy", "test", 2)
    assert set(summary["scores"]) == {
        f"{structure}_hippocampus_{score}" for structure in ("anterior", "posterior") for score in ("dice", "hd95")
    }
    options = {"angle_step": 90, "random_axes": 1, "limit": 1}
    names = ("train.json", "evaluate.json", "rotation.json")
    start(*names, output_dir=str(tmp_path / "rotate"), checkpoint=checkpoint, **options)
    summary = json.loads((tmp_path / "rotate" / "summary.json").read_text())
    assert summary["changed_by_symmetries"] == 0
    assert list(summary["rotation"]) == ["x", "y", "z", "random"]
    assert {path.name for path in (tmp_path / "rotate").glob("*.png")} == {
        "rotation_anterior_hippocampus.png",
        "rotation_posterior_hippocampus.png",
    }


def test_standard_components_give_the_same_labels(tmp_path, weights):
    values = smooth_noise((16, 19, 14))
    write(tmp_path / "in" / "a.nii.gz", values)
    segment(tmp_path / "in", tmp_path / "out", **weights)
    files = [CONFIG, str(BUNDLE / "configs" / "standard_io.yaml")]
    run(
        config_file=files,
        bundle_root=str(BUNDLE),
        dataset_dir=str(tmp_path / "in"),
        output_dir=str(tmp_path / "standard"),
        **weights,
    )
    ours, theirs = (nibabel.load(tmp_path / folder / "a_labels.nii.gz") for folder in ("out", "standard"))
    np.testing.assert_array_equal(np.asarray(ours.dataobj), np.asarray(theirs.dataobj))
    np.testing.assert_allclose(ours.affine, theirs.affine)
