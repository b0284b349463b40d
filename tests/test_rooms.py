"""Rooms that serve any subject know neither the eye nor MedMNIST."""

import re
from pathlib import Path

import pytest

import sre_monai

PACKAGE = Path(sre_monai.__file__).parent
SUBJECTS = r"vessel|retina|fundus|\bfov\b|_fov\b|medmnist"
WORDS = {
    **dict.fromkeys(
        ("transforms", "metrics", "evaluation", "visualize", "inferers", "handlers", "engines"),
        re.compile(rf"{SUBJECTS}|photograph", re.IGNORECASE),
    ),
    **dict.fromkeys(("io", "runs"), re.compile(SUBJECTS, re.IGNORECASE)),  # photographs are a kind of file
}
NAMED = {
    "io/datalist.py",  # the entries of a prepared data set
    *("io/dicom.py", "io/dicom_colours.py", "io/pixel_size.py"),  # what is peculiar to DICOM's ophthalmic photographs
}


@pytest.mark.parametrize("room", WORDS)
def test_a_room_for_any_subject_names_none(room):
    files = sorted((PACKAGE / room).rglob("*.py"))
    assert files
    found = {
        f"{path.relative_to(PACKAGE)}:{number}": line.strip()
        for path in files
        if path.relative_to(PACKAGE).as_posix() not in NAMED
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if WORDS[room].search(line)
    }
    assert not found
