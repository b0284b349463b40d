import gzip
import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sre_monai.io import RemoteFile
from sre_monai.retina import prepare_dataset
from sre_monai.retina.data import prepare
from tests.io.test_archives import make_tar, make_zip
from tests.retina.data.toy import SIZE, TOYS, disc, write_source

DRIVE = TOYS["DRIVE"]


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.mode == "L"
        return np.asarray(image)


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def source(tmp_path) -> Path:
    write_source(DRIVE, tmp_path / "source")
    return tmp_path / "source"


@pytest.mark.parametrize("dataset", TOYS.values(), ids=TOYS)
def test_layout_and_content(dataset, tmp_path):
    arrays = write_source(dataset, tmp_path / "source")
    output = tmp_path / "new" / "out"
    assert prepare_dataset(dataset, tmp_path / "source", output) == output / "datalist.json"
    datalist = json.loads((output / "datalist.json").read_text())
    assert datalist["name"] == dataset.name
    assert datalist["source"] == dataset.url
    assert datalist["licence"] == dataset.licence
    assert datalist["fov"] == ("official" if dataset.fov else "estimated")
    entries = datalist["training"] + datalist["test"]
    assert [len(datalist["training"]), len(datalist["test"])] == [2, 1]
    for case, entry in zip(dataset.cases(), entries, strict=True):
        name = case.files["image"]
        assert entry["image"] == f"images/{Path(name).name}"
        assert (output / entry["image"]).read_bytes() == (tmp_path / "source" / name).read_bytes()
        assert np.array_equal(read(output / entry["label"]), arrays[case.files["label"]])
        assert entry["label"] == f"labels/{case.stem}.png"
        fov = read(output / entry["fov"])
        assert set(np.unique(fov)) == {0, 255}
        if dataset.fov:
            assert np.array_equal(fov, arrays[case.files["fov"]])
        else:
            assert 2 * ((fov > 0) & disc()).sum() / ((fov > 0).sum() + disc().sum()) > 0.97
        assert ("second_observer" in entry) == ("second_observer" in case.files)
        if "second_observer" in entry:
            assert np.array_equal(read(output / entry["second_observer"]), arrays[case.files["second_observer"]])
    listed = {path for entry in entries for path in entry.values()}
    assert set(tree(output)) == listed | {"datalist.json"}
    assert sorted(path.name for path in tmp_path.joinpath("new").iterdir()) == ["out"]
    assert not (output.stat().st_mode & 0o777) ^ ((output / "fov").stat().st_mode & 0o777)  # not mkdtemp's 0700


def drive_as_shipped(source: Path, folder: Path) -> Path:
    """DRIVE.zip with training.zip and test.zip, the official folders inside."""
    parts = {"training": {}, "test": {}}
    for case in DRIVE.cases():
        for role, name in case.files.items():
            part = {"image": "images", "label": "1st_manual", "fov": "mask", "second_observer": "2nd_manual"}[role]
            parts[case.section][f"{case.section}/{part}/{name}"] = (source / name).read_bytes()
    folder.mkdir()
    for section, content in parts.items():
        make_zip(folder / f"{section}.zip", content)
    return make_zip(folder.with_suffix(".zip"), {f"{s}.zip": (folder / f"{s}.zip").read_bytes() for s in parts})


def test_drive_archives_as_shipped(source, tmp_path):
    outer = drive_as_shipped(source, tmp_path / "datasets")
    prepare_dataset(DRIVE, source, tmp_path / "expected")
    for count, form in enumerate((outer, tmp_path / "datasets")):  # one zip, a folder with two zips
        prepare_dataset(DRIVE, form, tmp_path / f"out{count}")
        assert tree(tmp_path / f"out{count}") == tree(tmp_path / "expected")


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_stare_tars_of_gz_files(mode, tmp_path):
    stare = TOYS["STARE"]
    write_source(stare, tmp_path / "plain")
    prepare_dataset(stare, tmp_path / "plain", tmp_path / "expected")
    packed = {f"{path.name}.gz": gzip.compress(path.read_bytes()) for path in (tmp_path / "plain").iterdir()}
    (tmp_path / "downloads").mkdir()
    for folder, mark in (("stare-images", r"im\d+.ppm.gz"), ("labels-ah", ".ah."), ("labels-vk", ".vk.")):
        content = {
            name: data for name, data in packed.items() if (mark in name or (name.count(".") == 2 and "im" in mark))
        }
        assert len(content) == 3
        make_tar(tmp_path / "downloads" / f"{folder}.{'tar' if mode == 'w' else 'tgz'}", content, mode)
    prepare_dataset(stare, tmp_path / "downloads", tmp_path / "out")
    assert tree(tmp_path / "out") == tree(tmp_path / "expected")


def test_upper_case_extensions_are_kept_and_stems_official(tmp_path):
    hrf = TOYS["HRF"]
    write_source(hrf, tmp_path / "source")
    for path in (tmp_path / "source").glob("*.jpg"):
        path.rename(path.with_name(path.name.upper()))
    prepare_dataset(hrf, tmp_path / "source", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out" / "images").iterdir()) == [
        "01_dr.JPG",
        "01_h.JPG",
        "06_h.JPG",
    ]


@pytest.mark.parametrize("palette", [(3, 253), (0, 1), (255, 0)])
def test_palette_labels_are_read_by_colour(palette, source, tmp_path):
    """The palette of DRIVE's second observer has 3 for black and 253 for white."""
    mask = np.random.default_rng(1).random((SIZE[1], SIZE[0])) < 0.2
    image = Image.fromarray((mask if palette[0] < palette[1] else ~mask).astype(np.uint8)).convert("P")
    image.putpalette([level for level in palette for _ in range(3)])
    image.save(source / "01_manual2.gif")
    prepare_dataset(DRIVE, source, tmp_path / "out")
    assert np.array_equal(read(tmp_path / "out" / "second_observer" / "01_test.png") > 0, mask)


def test_three_channel_masks(tmp_path):
    write_source(TOYS["HRF"], tmp_path / "source")
    Image.fromarray(np.repeat(disc()[..., None] * np.uint8(255), 3, axis=2)).save(
        tmp_path / "source" / "01_dr_mask.tif"
    )
    prepare_dataset(TOYS["HRF"], tmp_path / "source", tmp_path / "out")
    assert np.array_equal(read(tmp_path / "out" / "fov" / "01_dr.png") > 0, disc())


@pytest.mark.parametrize(("strays", "accepted"), [(5, True), (200, False)])
def test_soft_strokes_are_accepted_grey_images_are_not(strays, accepted, source, tmp_path):
    array = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    array[10] = 255
    array.reshape(-1)[:strays] = np.linspace(20, 100, strays)
    Image.fromarray(array).save(source / "21_manual1.gif")
    if accepted:
        prepare_dataset(DRIVE, source, tmp_path / "out")
        assert np.array_equal(read(tmp_path / "out" / "labels" / "21_training.png"), array // 255 * 255)
    else:
        with pytest.raises(ValueError, match=r"21_manual1\.gif of DRIVE is not a mask"):
            prepare_dataset(DRIVE, source, tmp_path / "out")


@pytest.mark.parametrize("value", [0, 255])
def test_constant_mask(value, source, tmp_path):
    Image.new("L", SIZE, value).save(source / "21_training_mask.gif")
    with pytest.raises(ValueError, match=r"21_training_mask\.gif of DRIVE is not a mask"):
        prepare_dataset(DRIVE, source, tmp_path / "out")


@pytest.mark.parametrize("name", ["22_training.tif", "01_manual1.gif"])
def test_wrong_size(name, source, tmp_path):
    Image.new("L", (SIZE[1], SIZE[0])).save(source / name)
    with pytest.raises(ValueError, match=rf"{name} of DRIVE is 37×44 pixels; expected 44×37"):
        prepare_dataset(DRIVE, source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_images_of_different_sizes(tmp_path):
    """Each mask must have the size of its own photograph."""
    varied = replace(DRIVE, image_size=None)
    source, output = tmp_path / "source", tmp_path / "out"
    write_source(DRIVE, source)
    files = varied.cases()[0].files
    sizes = {"21": (61, 53), "22": SIZE, "01": SIZE}
    for name in files.values():
        with Image.open(source / name) as image:
            image.resize(sizes["21"], Image.Resampling.NEAREST).save(source / name)
    prepare_dataset(varied, source, output)
    for path in output.rglob("*_*.*"):
        with Image.open(path) as image:
            assert image.size == sizes[path.name[:2]]
    assert len(list(output.rglob("*_*.*"))) == 10
    Image.new("L", SIZE).save(source / files["label"])
    with pytest.raises(ValueError, match=r"21_manual1\.gif of DRIVE is 44×37 pixels; expected 61×53"):
        prepare_dataset(varied, source, output, overwrite=True)


def test_files_of_one_name_in_different_folders(tmp_path):
    dataset = replace(TOYS["STARE"], image="images/{id}.png", label="labels/{id}.png", second_observer=None)
    arrays = write_source(dataset, tmp_path / "source")
    prepare_dataset(dataset, tmp_path / "source", tmp_path / "out")
    for case in dataset.cases():
        label = read(tmp_path / "out" / "labels" / f"{case.stem}.png")
        assert np.array_equal(label, arrays[case.files["label"]])


@pytest.mark.parametrize("keep", [0.0, 0.6])
@pytest.mark.parametrize(("name", "file"), [("DRIVE", "22_training.tif"), ("CHASE_DB1", "Image_01R_1stHO.png")])
def test_damaged_files(name, file, keep, tmp_path):
    write_source(TOYS[name], tmp_path / "source")
    data = (tmp_path / "source" / file).read_bytes()
    (tmp_path / "source" / file).write_bytes(data[: int(keep * len(data))])
    with pytest.raises(ValueError, match=f"{file} of {name} can't be read"):
        prepare_dataset(TOYS[name], tmp_path / "source", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]


def test_blank_photograph_has_no_field_of_view(tmp_path):
    write_source(TOYS["STARE"], tmp_path / "source")
    Image.new("RGB", SIZE).save(tmp_path / "source" / "im0002.ppm")
    with pytest.raises(ValueError, match=r"im0002\.ppm has no field of view"):
        prepare_dataset(TOYS["STARE"], tmp_path / "source", tmp_path / "out")


def test_incomplete_source(source, tmp_path):
    (source / "21_manual1.gif").unlink()
    (source / "01_test.tif").unlink()
    with pytest.raises(ValueError, match=r"lacks 2 of the 10 files of DRIVE: 21_manual1\.gif, 01_test\.tif; complete"):
        prepare_dataset(DRIVE, source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_long_lists_of_missing_files_are_cut(source, tmp_path):
    for path in sorted(source.iterdir())[1:]:
        path.unlink()
    with pytest.raises(ValueError, match=r"lacks 9 of the 10 .*: (\S+, ){5}…; complete"):
        prepare_dataset(DRIVE, source, tmp_path / "out")


def test_wrong_data_set(source, tmp_path):
    with pytest.raises(ValueError, match=r"holds no file of STARE: expected names such as im0001\.ppm"):
        prepare_dataset(TOYS["STARE"], source, tmp_path / "out", allow_partial=True)


def test_allow_partial(source, tmp_path, capsys):
    (source / "21_manual1.gif").unlink()
    (source / "01_manual2.gif").unlink()
    prepare_dataset(DRIVE, source, tmp_path / "out", allow_partial=True)
    datalist = json.loads((tmp_path / "out" / "datalist.json").read_text())
    assert [entry["image"] for entry in datalist["training"]] == ["images/22_training.tif"]
    assert [sorted(entry) for entry in datalist["test"]] == [["fov", "image", "label"]]
    warning = capsys.readouterr().err
    assert "2 of 3 images prepared; missing are 21_manual1.gif, 01_manual2.gif" in warning


def test_partial_without_a_complete_case(source, tmp_path):
    for path in source.glob("*_manual1.gif"):
        path.unlink()
    with pytest.raises(ValueError, match="no complete case of DRIVE"):
        prepare_dataset(DRIVE, source, tmp_path / "out", allow_partial=True)


def test_existing_output(source, tmp_path):
    output = tmp_path / "out"
    prepare_dataset(DRIVE, source, output)
    (output / "stale.txt").write_text("old")
    with pytest.raises(FileExistsError, match="exists already"):
        prepare_dataset(DRIVE, source, output)
    assert (output / "stale.txt").exists()
    prepare_dataset(DRIVE, source, output, overwrite=True)
    assert not (output / "stale.txt").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "source"]


def test_overwriting_keeps_other_folders(source, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.txt").write_text("precious")
    with pytest.raises(FileExistsError, match="not a prepared data set"):
        prepare_dataset(DRIVE, source, home, overwrite=True)
    assert (home / "thesis.txt").exists()


def test_overwriting_spares_the_source(source, tmp_path):
    prepare_dataset(DRIVE, source, tmp_path / "out")
    shutil.move(source, tmp_path / "out" / "source")
    with pytest.raises(FileExistsError, match="holds the source"):
        prepare_dataset(DRIVE, tmp_path / "out" / "source", tmp_path / "out", overwrite=True)
    assert (tmp_path / "out" / "source").is_dir()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, OSError])
def test_interruption_leaves_the_old_output_and_nothing_else(error, source, tmp_path, monkeypatch):
    output = tmp_path / "out"
    prepare_dataset(DRIVE, source, output)
    before = tree(output)
    real = prepare._prepare_case

    def interrupted(dataset, case, *rest):
        if case.section == "test":
            raise error
        return real(dataset, case, *rest)

    monkeypatch.setattr(prepare, "_prepare_case", interrupted)
    with pytest.raises(error):
        prepare_dataset(DRIVE, source, output, overwrite=True)
    assert tree(output) == before
    assert sorted(os.listdir(tmp_path)) == ["out", "source"]


def swapped(source, output, monkeypatch, stop, at):
    """Replace a data set by another, with the process stopped at one of the renames."""
    prepare_dataset(DRIVE, source, output)
    (output / "mine.txt").write_text("the former one")
    renames, replace_file = [], os.replace

    def replace_or_stop(old, new):
        renames.append(new)
        if len(renames) == at:
            stop()
        replace_file(old, new)

    monkeypatch.setattr(prepare.os, "replace", replace_or_stop)
    try:
        prepare_dataset(DRIVE, source, output, overwrite=True)
    finally:
        monkeypatch.setattr(prepare.os, "replace", replace_file)


@pytest.mark.parametrize("name", ["out", "out/"])
def test_a_rename_that_fails_leaves_the_former_data_set(name, source, tmp_path, monkeypatch):
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        swapped(source, Path(f"{tmp_path}/{name}"), monkeypatch, stop, at=2)
    assert (tmp_path / "out" / "mine.txt").read_text() == "the former one"
    assert (tmp_path / "out" / "datalist.json").is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"source", "out"}


def test_the_former_data_set_survives_a_kill_between_the_renames(source, tmp_path, monkeypatch):
    output = tmp_path / "out"
    if not (child := os.fork()):
        try:
            swapped(source, output, monkeypatch, lambda: os.kill(os.getpid(), signal.SIGKILL), at=2)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    assert not output.exists()
    with pytest.raises(FileExistsError, match="exists already"):
        prepare_dataset(DRIVE, source, output)
    assert (output / "mine.txt").read_text() == "the former one"
    prepare_dataset(DRIVE, source, output, overwrite=True)
    assert not (output / "mine.txt").exists()
    assert not (tmp_path / ".out.previous").exists()


def test_what_a_killed_removal_left_is_removed(source, tmp_path):
    prepare_dataset(DRIVE, source, tmp_path / "out")
    (tmp_path / ".out.previous").mkdir()
    prepare_dataset(DRIVE, source, tmp_path / "out", overwrite=True)
    assert not (tmp_path / ".out.previous").exists()


def test_download_is_saved_in_the_source_folder(tmp_path, monkeypatch):
    stare = TOYS["STARE"]
    fetched = []

    def fetch(remote: RemoteFile, folder: Path) -> None:
        fetched.append(remote)
        write_source(stare, folder)

    monkeypatch.setattr(prepare, "download_file", fetch)
    prepare_dataset(stare, tmp_path / "downloads", tmp_path / "out", download=True)
    assert tuple(fetched) == stare.downloads
    assert (tmp_path / "out" / "datalist.json").is_file()
    with pytest.raises(FileExistsError):  # checked before any download
        prepare_dataset(stare, tmp_path / "downloads", tmp_path / "out", download=True)
    assert len(fetched) == 3


def test_download_errors(source, tmp_path):
    with pytest.raises(ValueError, match=r"registration, get it at https://drive\.grand-challenge"):
        prepare_dataset(DRIVE, tmp_path / "downloads", tmp_path / "out", download=True)
    unreachable = replace(TOYS["STARE"], downloads=(RemoteFile("http://127.0.0.1:9/stare.tar"),))
    with pytest.raises(OSError, match=r"can't be fetched.*official page: https://cecas"):
        prepare_dataset(unreachable, tmp_path / "downloads", tmp_path / "out", download=True)
    with pytest.raises(ValueError, match="is a file"):
        prepare_dataset(TOYS["STARE"], source / "21_training.tif", tmp_path / "out", download=True)
