"""The training recipes, end to end on synthetic photographs, and what each overlay changes."""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from monai.bundle import run
from monai.losses import SoftclDiceLoss
from monai.networks.nets import BasicUNet
from monai.transforms import Compose

from sre_monai.networks.nets import SREUNet
from tests.bundles.killed import kill_training
from tests.bundles.mistakes import mistake
from tests.bundles.toy import BUNDLE, SHORT, SMALL, config_files, copy_bundle, parse, photographs
from tests.tolerances import assert_close

CONSTANT_RATE = {"_target_": "torch.optim.lr_scheduler.ConstantLR", "optimizer": "@optimizer"}
NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photographs(tmp_path_factory.mktemp("synthetic") / "data")


@pytest.fixture(autouse=True)
def _single_thread() -> Iterator[None]:
    """Use one thread: small images gain nothing from more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def train(*names: str, **overrides: Any) -> None:
    """Run configurations of the repository's bundle in this process."""
    run(config_file=config_files(*names), logging_file=False, **SHORT | overrides)


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "model.pt", weights_only=True)


def log_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "training_log.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def small_network(**kwargs: Any) -> SREUNet:
    return SREUNet(2, 3, 2, features=SMALL["network_def#features"], kernel_size=3, **kwargs)


@pytest.mark.slow
def test_from_inside_the_bundle_everything_lands_in_its_output_folder(tmp_path, data):
    bundle = copy_bundle(tmp_path)
    (tmp_path / "short.json").write_text(json.dumps(SHORT | SMALL))
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", "configs/train.json"]
    command += ["--dataset_dir", str(data), "--args_file", str(tmp_path / "short.json")]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, cwd=bundle, env=environment, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr[-3000:]
    output = bundle / "output" / "train"
    small_network(profile="gaussian", harmonics=(1, 2)).load_state_dict(weights_of(output))
    assert torch.load(output / "checkpoint.pt", weights_only=True)["trainer"]["iteration"] == 2
    assert [row["epoch"] for row in log_of(output)] == ["1", "2"]
    assert len(list(output.glob("events*"))) == 2  # the trainer's and the evaluator's
    assert "val_dice" in result.stdout


def test_from_outside_the_seed_decides(tmp_path, data, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        train("train.json", **SMALL, dataset_dir=str(data), output_dir=str(tmp_path / name), seed=seed, max_epochs=1)
    first, again, other = (weights_of(tmp_path / name) for name in ("first", "again", "other"))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["final_conv.weight"], other["final_conv.weight"])


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=NEEDS_GPU)])
def test_mixed_precision_trains(tmp_path, data, device):
    # MONAI's engines cast on GPUs only; on a CPU the option must change nothing
    settings = SMALL | {"max_epochs": 1, "amp": True, "device": f"$torch.device('{device}')"}
    train("train.json", **settings, dataset_dir=str(data), output_dir=str(tmp_path))
    assert all(value.isfinite().all() for value in weights_of(tmp_path).values())


def test_wrong_dataset_dir_is_one_sentence(tmp_path, capfd):
    paths = {"dataset_dir": str(tmp_path / "nowhere"), "output_dir": str(tmp_path / "output")}
    assert paths["dataset_dir"] in mistake(capfd, lambda: train("train.json", **paths))
    assert not (tmp_path / "output").exists()


@pytest.mark.slow
def test_killed_training_ends_with_the_weights_and_the_log_of_an_uninterrupted_one(tmp_path, data):
    settings = SHORT | SMALL | {"max_epochs": 30, "val_interval": 4, "save_interval": 3, "dataset_dir": str(data)}
    train("train.json", **settings, output_dir=str(tmp_path / "uninterrupted"))
    killed = tmp_path / "killed"
    kill_training(BUNDLE, config_files("train.json"), killed, settings)
    assert not (killed / "model.pt").exists()
    train("train.json", **settings, output_dir=str(killed))
    expected, weights = weights_of(tmp_path / "uninterrupted"), weights_of(killed)
    assert expected.keys() == weights.keys()
    for name in expected:
        assert torch.equal(expected[name], weights[name]), name
    assert len(log_of(killed)) == 30
    assert log_of(killed) == log_of(tmp_path / "uninterrupted")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, data) -> Path:
    """The folder of a short training run."""
    output = tmp_path_factory.mktemp("trained")
    train("train.json", **SMALL, dataset_dir=str(data), max_epochs=1, output_dir=str(output))
    return output


@pytest.mark.parametrize(
    ("override", "change"),
    [
        ({"loss#lambda_dice": 0}, "loss#lambda_dice was absent and is now 0"),
        ({"learning_rate": 0.1}, "learning_rate was 0.008 and is now 0.1"),
        ({"lr_scheduler": CONSTANT_RATE}, "lr_scheduler#_target_ was"),
        ({"train#trainer#prepare_batch#max_trim": 3}, "train#trainer#prepare_batch#max_trim was 15 and is now 3"),
        ({"network_def#kernel_size": 5}, "network_def#kernel_size was 3 and is now 5"),
    ],
    ids=str,
)
def test_another_run_does_not_resume_from_the_checkpoint(trained, data, capfd, override, change):
    checkpoint = (trained / "checkpoint.pt").read_bytes()
    settings = SMALL | {"dataset_dir": str(data), "max_epochs": 1, "output_dir": str(trained)}
    assert change in refusal(capfd, **settings | override)
    assert (trained / "checkpoint.pt").read_bytes() == checkpoint


def test_data_count_by_their_content(trained, data, tmp_path, capfd):
    moved = tmp_path / "moved"
    shutil.copytree(data, moved)
    settings = SMALL | {"max_epochs": 1, "output_dir": str(trained)}
    train("train.json", **settings, dataset_dir=str(moved))
    (label, *_) = sorted((moved / "labels").iterdir())
    label.write_bytes(label.read_bytes() + b" ")
    assert "dataset_dir was" in refusal(capfd, **settings, dataset_dir=str(moved))


def refusal(capfd, **settings: Any) -> str:
    """The error message for the checkpoint of another training run."""
    sentence = mistake(capfd, lambda: train("train.json", **settings))
    assert "another training run" in sentence
    return sentence


def test_a_run_starts_over_on_demand(tmp_path, data):
    settings = SMALL | {"dataset_dir": str(data), "max_epochs": 1}
    train("train.json", **settings, output_dir=str(tmp_path / "twice"), learning_rate=0.1)
    train("train.json", **settings, output_dir=str(tmp_path / "twice"), resume=False)
    train("train.json", **settings, output_dir=str(tmp_path / "once"))
    again, expected = weights_of(tmp_path / "twice"), weights_of(tmp_path / "once")
    assert all(torch.equal(value, again[name]) for name, value in expected.items())


def test_all_images_may_be_trained_on(tmp_path, data):
    train("train.json", **SMALL | {"validation_count": 0}, dataset_dir=str(data), output_dir=str(tmp_path))
    small_network(profile="gaussian", harmonics=(1, 2)).load_state_dict(weights_of(tmp_path))
    assert [list(row) for row in log_of(tmp_path)] == [["epoch", "loss", "learning_rate"]] * 2
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["trainer"]["epoch_length"] == 2


def test_averaged_weights_are_validated(tmp_path, data):
    parser = parse("train.json", **SHORT, **SMALL, dataset_dir=str(data), output_dir=str(tmp_path))
    trainer, evaluator = (parser.get_parsed_content(name) for name in ("train#trainer", "validate#evaluator"))
    assert evaluator.network is parser.get_parsed_content("averaged_network")
    assert evaluator.network is not trainer.network


def test_tracking_settings_add_their_handlers(tmp_path, data):
    settings = {
        "handlers_id": {"trainer": {"id": "train#trainer", "handlers": "train#handlers"}},
        "configs": {
            "tracking_dir": "$@output_dir + '/tracking'",
            "trainer": {"_target_": "TensorBoardStatsHandler", "log_dir": "@tracking_dir", "iteration_log": False},
        },
    }
    (tmp_path / "tracking.json").write_text(json.dumps(settings))
    output = tmp_path / "output"
    train(
        "train.json",
        **SMALL,
        dataset_dir=str(data),
        output_dir=str(output),
        max_epochs=1,
        tracking=str(tmp_path / "tracking.json"),
    )
    assert list((output / "tracking").glob("events*"))
    (executed,) = output.glob("config_*.json")  # MONAI saves the configuration of the run
    assert json.loads(executed.read_text())["max_epochs"] == 1


def test_paper_is_the_published_network_and_optimiser():
    parser = parse("train.json", "recipes/paper.yaml")
    network = parser.get_parsed_content("network_def")
    assert isinstance(network, SREUNet)
    assert sum(p.numel() for p in network.parameters()) == 274_306
    assert network.encoder[0].conv_0.conv.profile == "bands"
    optimizer = parser.get_parsed_content("optimizer")
    scheduler = parser.get_parsed_content("lr_scheduler")
    assert type(optimizer) is torch.optim.Adam
    assert optimizer.defaults["lr"] == 5e-4
    assert optimizer.defaults["weight_decay"] == 0
    assert (type(scheduler).__name__, scheduler.step_size, scheduler.gamma) == ("StepLR", 100, 0.98)
    assert parser.get_parsed_content("max_epochs") == 75  # of 6000, of the weights that come with the bundle
    assert parser.get_parsed_content("images_per_batch") * parser.get_parsed_content("crops_per_image") == 32


def test_paper_loss_is_cross_entropy():
    logits, label = torch.randn(2, 2, 8, 9), torch.randint(2, (2, 1, 8, 9))
    loss = parse("train.json", "recipes/paper.yaml").get_parsed_content("loss")
    assert_close(loss(logits, label), F.cross_entropy(logits, label[:, 0]))


def test_paper_crops_are_cut_out_unchanged():
    crop = Compose(parse("train.json", "recipes/paper.yaml").get_parsed_content("train#random_transforms"))
    number = torch.arange(300 * 320).reshape(1, 300, 320).float()
    crops = crop({"image": number.expand(3, -1, -1), "label": (number % 7 == 0).float(), "fov": number})
    assert len(crops) == 8
    for item in crops:
        assert item.keys() == {"image", "label"}
        row, column = divmod(int(item["image"][0, 0, 0]), 320)
        assert torch.equal(item["image"][:1], number[:, row : row + 256, column : column + 256])
        assert torch.equal(item["label"], (item["image"][:1] % 7 == 0).float())


def test_paper_batches_are_not_trimmed():
    prepare_batch = parse("train.json", "recipes/paper.yaml").get_parsed_content("train#trainer#prepare_batch")
    batch = {"image": torch.rand(2, 3, 16, 16), "label": torch.ones(2, 1, 16, 16)}
    image, label = prepare_batch(batch, "cpu")
    assert torch.equal(image, batch["image"])
    assert torch.equal(label, batch["label"])


def test_paper_trains(tmp_path, data):
    train("train.json", "recipes/paper.yaml", **SMALL, dataset_dir=str(data), output_dir=str(tmp_path))
    small_network().load_state_dict(weights_of(tmp_path))


@pytest.mark.parametrize("names", [["train.json"], ["train.json", "recipes/paper.yaml"]])
def test_plain_unet_is_the_published_baseline(names):
    network = parse(*names, "recipes/plain_unet.yaml").get_parsed_content("train#trainer#network")
    assert isinstance(network, BasicUNet)
    assert sum(p.numel() for p in network.parameters()) == 1_979_042
    assert isinstance(network.conv_0.conv_0.adn.N, torch.nn.BatchNorm2d)


def test_plain_baselines_are_one_network_in_two_sizes():
    plain, rotated, small = (
        parse("train.json", f"recipes/plain_unet{name}.yaml") for name in ("", "_rotated", "_small")
    )
    assert rotated["net"] == plain["net"]
    assert rotated["rotation_range"] == small["rotation_range"] == pytest.approx(math.pi, abs=1e-4)
    ours = parse("train.json")
    equal, own = (
        sum(p.numel() for p in config.get_parsed_content("network_def").parameters()) for config in (small, ours)
    )
    assert (equal, own) == (256_156, 258_250)


def test_plain_unet_trains(tmp_path, data):
    features = [4, 4, 4, 4, 4, 4]
    small = {"network_def#features": features, "crops_per_image": 2, "max_epochs": 1}
    train("train.json", "recipes/paper.yaml", net="unet", **small, dataset_dir=str(data), output_dir=str(tmp_path))
    BasicUNet(2, 3, 2, features=features, norm="batch").load_state_dict(weights_of(tmp_path))


def test_cycles_double_and_end_at_a_rate_of_zero():
    parser = parse("train.json", "recipes/model.yaml", cycle_epochs=10)
    optimizer, scheduler = (parser.get_parsed_content(name) for name in ("optimizer", "lr_scheduler"))
    rates = []
    for _ in range(parser.get_parsed_content("max_epochs")):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    highest = [epoch for epoch, rate in enumerate(rates) if rate == 0.008]
    assert highest == [0, 10, 30, 70, 150]
    assert len(rates) == 310
    assert all(rates[epoch - 1] < 0.03 * 0.008 for epoch in [*highest[1:], 310])


def test_cycles_loss_is_cross_entropy_correlation_and_centerline_dice():
    logits, label = torch.randn(2, 2, 24, 25), torch.zeros(2, 1, 24, 25)
    label[:, :, 8:12] = 1
    loss = parse("train.json", "recipes/model.yaml").get_parsed_content("loss")(logits, label)
    probability = logits.softmax(1)[:, 1:]
    correlation = torch.corrcoef(torch.stack([probability.flatten(), label.flatten()]))[0, 1]
    spread = (probability.var(correction=0) / (probability.mean() * (1 - probability.mean()))).sqrt()
    expected = F.cross_entropy(logits, label[:, 0].long()) + 1 - correlation * spread
    assert_close(loss, expected + 0.2 * SoftclDiceLoss(iter_=3)(probability, label))


def test_drive_supervises_both_networks_of_the_w_net():
    second, first, label = torch.randn(2, 2, 24, 25), torch.randn(2, 2, 24, 25), torch.zeros(2, 1, 24, 25)
    label[:, :, 8:12] = 1
    parser = parse("train.json", "recipes/drive.yaml")
    assert parser.get_parsed_content("network_def").train()(torch.randn(2, 3, 24, 25)).shape == (2, 2, 2, 24, 25)
    loss = parser.get_parsed_content("loss")(torch.stack([second, first], dim=1), label)
    alone = parse("train.json", "recipes/model.yaml").get_parsed_content("loss")(second, label)
    assert_close(loss, alone + F.cross_entropy(first, label[:, 0].long()))


def test_cycles_keep_the_averaged_weights_of_each(tmp_path, data):
    overrides = SMALL | {
        "cycle_epochs": 1,
        "max_epochs": 3,
        "datasets": ["."],
        "amp": False,
        "dataset_dir": str(data),
        "output_dir": str(tmp_path),
    }
    train("train.json", "recipes/model.yaml", **overrides)
    kept = sorted(path.name for path in (tmp_path / "cycles").iterdir())
    assert kept == [f"averaged_epoch={epoch}.pt" for epoch in (1, 2, 3)]
    first, last = (torch.load(tmp_path / "cycles" / kept[place], weights_only=True) for place in (0, -1))
    assert all(torch.equal(value, last[name]) for name, value in weights_of(tmp_path).items())
    assert not torch.equal(first["final_conv.weight"], last["final_conv.weight"])


@pytest.mark.parametrize(
    ("overlay", "images", "pixels"), [("recipes/drive.yaml", 20, 2.68e9), ("recipes/model.yaml", 65, 4000 * 4 * 512**2)]
)
def test_pixels_of_long_training_runs(overlay, images, pixels):
    parser = parse("train.json", overlay)
    size, epochs = (parser.get_parsed_content(name) for name in ("crop_size", "max_epochs"))
    mean_size = size - parser.get_parsed_content("train#trainer#prepare_batch").max_trim / 2
    assert epochs * images * mean_size**2 == pytest.approx(pixels, rel=0.03)


def test_general_weights_are_trained_on_all_cameras(tmp_path):
    for name in ("DRIVE", "STARE", "CHASE_DB1", "HRF"):
        photographs(tmp_path / name)
    settings = {"dataset_dir": str(tmp_path), "output_dir": str(tmp_path / "output")}
    datalist = parse("train.json", "recipes/model.yaml", **settings).get_parsed_content("datalist")
    cameras = [Path(item["image"]).relative_to(tmp_path).parts[0] for item in datalist]
    assert cameras == [name for name in ("DRIVE", "STARE", "CHASE_DB1", "HRF") for _ in range(4)]


def test_uneven_light_and_jpeg_leave_the_frame_dark():
    settings = {"uneven_light_prob": 1.0, "jpeg_prob": 1.0, "zoom_range": [1.0, 1.0], "crop_size": 48}
    crop = Compose(parse("train.json", **settings).get_parsed_content("train#random_transforms"))
    fov = torch.zeros(1, 48, 48)
    fov[:, 8:40, 8:40] = 1
    image = torch.randn(3, 48, 48)
    (item,) = crop({"image": image * fov, "label": torch.zeros(1, 48, 48), "fov": fov})
    assert (item["image"][:, fov[0] == 0] == 0).all()
    assert not torch.equal(item["image"], image * fov)
