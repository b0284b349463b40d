import re
from pathlib import Path

import pytest

from sre_monai.retina import CHASE_DB1, DRIVE, HRF, RETINA_DATASETS, STARE

ALL = RETINA_DATASETS.values()
COUNTS = {  # photographs for training and test, files
    "DRIVE": (20, 20, 140),
    "STARE": (10, 10, 60),
    "CHASE_DB1": (20, 8, 84),
    "HRF": (15, 30, 135),
}


def test_registry():
    assert list(RETINA_DATASETS) == list(COUNTS)
    assert all(dataset.name == name for name, dataset in RETINA_DATASETS.items())


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name):
    training, test, files = COUNTS[name]
    cases = RETINA_DATASETS[name].cases()
    assert [case.section for case in cases] == ["training"] * training + ["test"] * test
    names = [name.casefold() for case in cases for name in case.files.values()]
    assert len(names) == len(set(names)) == files
    assert len({case.stem for case in cases}) == len(cases)


def test_names_of_one_case():
    assert DRIVE.cases()[20].files == {
        "image": "01_test.tif",
        "label": "01_manual1.gif",
        "fov": "01_test_mask.gif",
        "second_observer": "01_manual2.gif",
    }
    assert STARE.cases()[9].files == {
        "image": "im0139.ppm",
        "label": "im0139.ah.ppm",
        "second_observer": "im0139.vk.ppm",
    }
    assert [CHASE_DB1.cases()[index].stem for index in (0, 1, 20, 27)] == [
        "Image_01L",
        "Image_01R",
        "Image_11L",
        "Image_14R",
    ]
    assert HRF.cases()[1].files == {"image": "01_dr.jpg", "label": "01_dr.tif", "fov": "01_dr_mask.tif"}


def test_drive_has_no_second_observer_for_training():
    assert [("second_observer" in case.files) for case in DRIVE.cases()] == [False] * 20 + [True] * 20


def test_hrf_split_has_the_first_five_of_each_kind():
    assert sorted(HRF.training) == sorted(f"0{n}_{kind}" for n in range(1, 6) for kind in ("dr", "g", "h"))


@pytest.mark.parametrize("dataset", ALL, ids=lambda dataset: dataset.name)
def test_sources_are_stated(dataset):
    assert dataset.url.startswith("https://")
    assert "doi:10." in dataset.citation
    assert dataset.licence
    for remote in dataset.downloads:
        assert remote.sha256 is None or re.fullmatch("[0-9a-f]{64}", remote.sha256)


@pytest.mark.parametrize(
    ("dataset", "folder"), [(DRIVE, "DRIVE"), (STARE, "STARE"), (CHASE_DB1, "CHASEDB1"), (HRF, "HRF")]
)
def test_every_real_file_is_specified(dataset, folder, shared_data):
    expected = {name.casefold() for case in dataset.cases() for name in case.files.values()}
    files = (path for path in Path(shared_data, folder).rglob("*.*") if path.parent.name != "av")  # published apart
    real = {path.name.casefold().removesuffix(".gz") for path in files}
    assert real
    assert real <= expected
