"""DICOM Segmentations, read back by pydicom and highdicom and checked by dciodvfy."""

import shutil
import subprocess

import highdicom
import numpy as np
import pytest
from pydicom import dcmread, uid

from sre_monai import __version__
from sre_monai.io import write_dicom_segmentation
from sre_monai.retina import synthetic_fundus
from sre_monai.retina.save_vessels import BLOOD_VESSEL, RETINA
from tests.io.dicom_toy import IDENTIFYING, OPHTHALMIC_8, PERSON, write_photograph


@pytest.fixture
def eye():
    return synthetic_fundus((96, 71), seed=2)


def write_mask(folder, eye, mask=None, frames=1, keep_identifiers=False, **elements):
    """Write a photograph and its segmentation; both as data sets."""
    pixels = eye.image if frames == 1 else np.stack([eye.image] * frames)
    source = write_photograph(folder / "eye.dcm", pixels, **elements)
    mask = eye.vessels if mask is None else mask
    write_dicom_segmentation(
        folder / "eye_mask.dcm",
        folder / "eye.dcm",
        mask,
        label="Retinal vessels",
        keep_identifiers=keep_identifiers,
        algorithm="retina",
        parameters={"threshold": 0.5},
        structure=BLOOD_VESSEL,
        region=RETINA,
    )
    return source, dcmread(folder / "eye_mask.dcm")


def test_mask_pixel_for_pixel(eye, tmp_path):
    vessels = eye.vessels > 0
    _, read = write_mask(tmp_path, eye, vessels)
    np.testing.assert_array_equal(read.pixel_array, vessels)
    by_highdicom = highdicom.seg.segread(tmp_path / "eye_mask.dcm")
    assert by_highdicom.segmentation_type == highdicom.seg.SegmentationTypeValues.BINARY
    np.testing.assert_array_equal(by_highdicom.pixel_array, vessels)


def test_pixels_by_their_source(eye, tmp_path):
    vessels = eye.vessels > 0
    source, _ = write_mask(tmp_path, eye, vessels)
    segmentation = highdicom.seg.segread(tmp_path / "eye_mask.dcm")
    by_source = segmentation.get_pixels_by_source_instance([source.SOPInstanceUID])
    np.testing.assert_array_equal(by_source[0, ..., 0], vessels)


def test_an_empty_mask(eye, tmp_path):
    _, read = write_mask(tmp_path, eye, np.zeros((71, 96), bool))
    assert read.NumberOfFrames == 1
    assert not read.pixel_array.any()


def test_probability(eye, tmp_path):
    probability = np.linspace(0, 1, 71 * 96, dtype=np.float32).reshape(71, 96)
    _, read = write_mask(tmp_path, eye, probability)
    assert (read.SegmentationType, read.SegmentationFractionalType) == ("FRACTIONAL", "PROBABILITY")
    assert read.MaximumFractionalValue == 255
    np.testing.assert_allclose(read.pixel_array / 255, probability, atol=0.5 / 255 + 1e-6)


def test_it_refers_to_its_photograph(eye, tmp_path):
    source, read = write_mask(tmp_path, eye, eye.vessels > 0)
    assert read.SOPClassUID == uid.SegmentationStorage
    assert read.StudyInstanceUID == source.StudyInstanceUID
    assert read.SeriesInstanceUID != source.SeriesInstanceUID
    series = read.ReferencedSeriesSequence[0]
    assert series.SeriesInstanceUID == source.SeriesInstanceUID
    image = read.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence[0]
    for reference in (series.ReferencedInstanceSequence[0], image):
        assert reference.ReferencedSOPInstanceUID == source.SOPInstanceUID
        assert reference.ReferencedSOPClassUID == OPHTHALMIC_8
    assert "ReferencedFrameNumber" not in image


def test_it_refers_to_the_first_of_several_frames(eye, tmp_path):
    _, read = write_mask(tmp_path, eye, eye.vessels > 0, frames=3)
    image = read.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence[0]
    assert image.ReferencedFrameNumber == 1
    assert read.NumberOfFrames == 1


@pytest.mark.parametrize(("laterality", "code"), [("R", "24028007"), ("L", "7771000"), ("B", None)])
def test_codes(laterality, code, eye, tmp_path):
    _, read = write_mask(tmp_path, eye, eye.vessels > 0, ImageLaterality=laterality)
    segment = read.SegmentSequence[0]
    assert segment.SegmentLabel == "Retinal vessels"
    kind, place = segment.SegmentedPropertyTypeCodeSequence[0], segment.AnatomicRegionSequence[0]
    assert (kind.CodeValue, kind.CodingSchemeDesignator) == ("59820001", "SCT")
    assert (place.CodeValue, place.CodingSchemeDesignator) == ("5665001", "SCT")
    side = place.get("AnatomicRegionModifierSequence", [])
    assert [item.CodeValue for item in side] == ([code] if code else [])
    algorithm = segment.SegmentationAlgorithmIdentificationSequence[0]
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("retina", __version__)
    assert algorithm.AlgorithmParameters == "threshold=0.5"


def test_without_codes_it_is_a_structure_somewhere(eye, tmp_path):
    write_photograph(tmp_path / "eye.dcm", eye.image, ImageLaterality="R")
    write_dicom_segmentation(tmp_path / "mask.dcm", tmp_path / "eye.dcm", eye.vessels > 0, "Something")
    [segment] = dcmread(tmp_path / "mask.dcm").SegmentSequence
    [kind] = segment.SegmentedPropertyTypeCodeSequence
    assert (kind.CodeValue, kind.CodingSchemeDesignator, kind.CodeMeaning) == (
        "91723000",
        "SCT",
        "Anatomical Structure",
    )
    assert "AnatomicRegionSequence" not in segment


def test_it_names_nobody(eye, tmp_path):
    _, read = write_mask(tmp_path, eye, eye.vessels > 0)
    content = (tmp_path / "eye_mask.dcm").read_bytes()
    assert not [value for value in IDENTIFYING if value.encode() in content]
    for name in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "AccessionNumber"):
        assert read[name].is_empty
    assert read.PatientIdentityRemoved == "YES"
    assert read.DeidentificationMethod


def test_identifiers_are_kept_on_request(eye, tmp_path):
    _, read = write_mask(tmp_path, eye, eye.vessels > 0, keep_identifiers=True, SpecificCharacterSet="ISO_IR 192")
    for name in (
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "StudyDate",
        "StudyID",
        "AccessionNumber",
    ):
        assert read[name].value == PERSON[name]
    assert "PatientIdentityRemoved" not in read
    assert "Comment about Jane" not in str(read)  # not a part of what identifies the study


@pytest.mark.parametrize(
    "written", ["ISO_IR 100", "ISO IR 100", "ISO-IR 100", "ISO 8859-1", "latin1", "\\ISO 2022 IR 100", "UNKNOWN", ""]
)
def test_names_are_kept_however_their_character_set_is_written(written, eye, tmp_path):
    path = tmp_path / "eye.dcm"
    write_photograph(path, eye.image, PatientName="Müller^Jürgen", SpecificCharacterSet="ISO_IR 100")
    value = written.encode().ljust(len(written) + len(written) % 2)
    path.write_bytes(path.read_bytes().replace(b"CS\x0a\0ISO_IR 100", b"CS" + bytes([len(value), 0]) + value))
    mask = tmp_path / "eye_mask.dcm"
    write_dicom_segmentation(mask, path, eye.vessels > 0, "Retinal vessels", keep_identifiers=True)
    assert dcmread(mask).PatientName == "Müller^Jürgen"


def test_names_in_utf_8_are_kept(eye, tmp_path):
    path = tmp_path / "eye.dcm"
    write_photograph(path, eye.image, PatientName="山田^太郎", SpecificCharacterSet="ISO_IR 192")
    path.write_bytes(path.read_bytes().replace(b"ISO_IR 192", b"ISO IR 192"))
    mask = tmp_path / "eye_mask.dcm"
    write_dicom_segmentation(mask, path, eye.vessels > 0, "Retinal vessels", keep_identifiers=True)
    assert dcmread(mask).PatientName == "山田^太郎"


def test_a_source_without_identifiers_gets_a_sentence(eye, tmp_path):
    with pytest.raises(ValueError, match="header has no StudyInstanceUID, which a DICOM Segmentation has to refer to"):
        write_mask(tmp_path, eye, eye.vessels > 0, StudyInstanceUID=None)
    assert not (tmp_path / "eye_mask.dcm").exists()


@pytest.mark.parametrize(
    ("sop_class", "frames"),
    [
        (OPHTHALMIC_8, 1),
        (OPHTHALMIC_8, 2),
        (uid.VLPhotographicImageStorage, 1),
        (uid.SecondaryCaptureImageStorage, 1),
        (uid.MultiFrameTrueColorSecondaryCaptureImageStorage, 2),
    ],
)
@pytest.mark.parametrize("keep_identifiers", [False, True])
def test_it_conforms_to_the_standard(sop_class, frames, keep_identifiers, eye, tmp_path):
    write_mask(tmp_path, eye, eye.vessels > 0, frames=frames, keep_identifiers=keep_identifiers, SOPClassUID=sop_class)
    assert dcmread(tmp_path / "eye_mask.dcm").SOPClassUID == uid.SegmentationStorage
    if shutil.which("dciodvfy") is None:
        return  # of dicom3tools, a Debian package
    checked = subprocess.run(
        ["dciodvfy", "-new", tmp_path / "eye_mask.dcm"], capture_output=True, text=True, check=False
    )
    said = checked.stdout + checked.stderr
    assert "Segmentation" in said
    assert [line for line in said.splitlines() if line.startswith("Error")] == []
