"""What version 0.1.0 offered stays importable, two levels deep: scripts and configurations name it."""

import importlib
import pydoc
import subprocess
import sys

import pytest
from monai.bundle import ConfigParser

NAMES = {
    "sre_monai": """
        ConversionReport EquivarianceReport SREBasicBlock SREBottleneck SREConv1d SREConv2d SREConv3d
        SREConvTranspose1d SREConvTranspose2d SREConvTranspose3d SREConvolution SREHarmonicConv2d
        SREHarmonicConv3d SREResNet SRETwoConv SREUNet SREWNet SymmetricAvgPool SymmetricMaxPool
        SymmetricSlidingWindowInferer SymmetricUpsample VesselSegmentation VesselSegmenter check_equivariance
        convert_to_sre data engines evaluation expand_kernel export_network fold_sre folder handlers
        harmonic_conv inferers load_sre_conv_state_dict load_weights measures metrics networks ring_basis
        ring_conv sre_r3d_18 sre_resnet18 sre_resnet50 to_sre_conv_state_dict transforms upsample_to visualize
        __version__ register_layers
    """,
    "sre_monai.cli": "find_bundle long_command main",
    "sre_monai.data": """
        BinaryMaskReader CHASE_DB1 DRIVE HRF IMAGE_EXTENSIONS MedMNISTFormat RETINA_DATASETS RGBReader
        RemoteFile RetinaCase RetinaDataset STARE SyntheticFundus VOLUME_CLASSES download_file extract_archive
        find_medmnist first_items hold_out load_datalist load_medmnist medmnist_format prepare_dataset
        synthetic_fundus synthetic_volume write_dicom_segmentation write_synthetic_dataset
        write_synthetic_volumes
    """,
    "sre_monai.distributed": """
        join_processes local_device on_first_process process_rank wait_for_all
    """,
    "sre_monai.engines": "RandomTrim",
    "sre_monai.erosion": "erode_disc erode_square",
    "sre_monai.errors": """
        USER_ERROR_STATUS exit_on_user_error report_user_errors root_cause tell_user user_error
    """,
    "sre_monai.evaluation": """
        Calibration ClassificationRotation ClassificationTable ErrorOverlays EvaluationHandler
        EvaluationProtocol Pose SEGMENTATION_PROTOCOLS SaliencyPictures ScoreTable SegmentationRotation
        evaluation_record mean_by_angle predict_in_pose predict_item_in_pose rotations segmentation_protocols
        summarize_curve summarize_rotation weights_record
    """,
    "sre_monai.files": "printable remove_unfinished require_file save_state written_atomically",
    "sre_monai.folder": """
        FolderEvaluator FolderReport FolderRun FolderTable GatheredTable Journal PixelBudgetLoader RecordTable
        TolerantDataset list_images
    """,
    "sre_monai.handlers": "EpochSeed TrainingCheckpoint TrainingLog WeightAverage",
    "sre_monai.identity": "differences digest identity_of run_identity",
    "sre_monai.inferers": "SymmetricSlidingWindowInferer symmetric_window_starts",
    "sre_monai.layer_factory": "register_layers",
    "sre_monai.log_file": "LOG_NAME log_to_file",
    "sre_monai.measures": """
        CentreLines FractalDimensions Orientation VesselGraph VesselMeasures calibre canonical_orientation
        fractal_dimensions lacunarity measure_vessels smooth_centre_lines thin vessel_graph
    """,
    "sre_monai.memory": "keep_freed_memory",
    "sre_monai.metrics": """
        BINARY CLASSIFICATION_SCORES ClDiceMetric ClassificationMetric EquivarianceErrorMetric MULTI_LABEL
        PixelROCAUCMetric Reliability TASKS VESSEL_SCORES class_probabilities classification_scores
        compute_cldice compute_pixel_roc_auc equivariance_error relative_error summarize_scores vessel_scores
    """,
    "sre_monai.monai_warnings": "ignore_monai_warnings",
    "sre_monai.networks": """
        ConversionReport EquivarianceReport check_equivariance convert_to_sre export_network fold_sre
        load_sre_conv_state_dict load_weights mixed_precision to_device to_sre_conv_state_dict
    """,
    "sre_monai.options": "check_options",
    "sre_monai.pixel_size": "check_um_per_pixel",
    "sre_monai.png": "save_png",
    "sre_monai.segmenter": "VesselSegmentation VesselSegmenter",
    "sre_monai.tables": "align_columns write_json write_table",
    "sre_monai.transforms": """
        CropToFieldOfViewd FieldOfViewd GridSymmetry IgnoreOutsideFieldOfViewd LocalContrastNormalizationd
        MeasureVesselsd NormalizeInsideFieldOfViewd PhotographQualityd RandJPEGd ReportClassesd ReportMetadatad
        SaveVesselsd SkeletonLengthd UntrackedCompose VesselMaskd WorkingResolutiond compress_jpeg
        estimate_field_of_view field_of_view_diameter grid_symmetries rotate rotate_back
    """,
    "sre_monai.visualize": """
        ReportRow SaliencyMaps error_overlay plot_reliability plot_rotation_curve saliency_picture thumbnail
        vessel_overlay write_report_page
    """,
}
"""Public names of version 0.1.0 by module."""


@pytest.mark.parametrize("module", NAMES)
def test_each_name_is_importable(module):
    offered = importlib.import_module(module)
    assert [name for name in NAMES[module].split() if not hasattr(offered, name)] == []


@pytest.mark.parametrize("module", NAMES)
def test_configurations_find_them(module):
    names = NAMES[module].split()
    assert [name for name in names if pydoc.locate(f"{module}.{name}") is None] == []


def test_a_configuration_uses_one():
    parser = ConfigParser({"reader": {"_target_": "sre_monai.data.RGBReader"}})
    assert type(parser.get_parsed_content("reader")).__module__ == "sre_monai.io.image_readers"


def test_they_are_attributes_of_the_package_and_warn_of_nothing():
    code = """
import warnings
import monai.data, monai.engines, monai.handlers, monai.inferers, monai.visualize  # which warn
warnings.simplefilter("error")
import sre_monai
print(sre_monai.data.DRIVE.name, sre_monai.measures.thin.__name__, sre_monai.files.printable("a"))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert (result.stdout.split(), result.stderr) == (["DRIVE", "thin", "a"], "")


@pytest.mark.parametrize("module", ["data", "networks", "identity"])
def test_what_never_was_is_not_found(module):
    offered = importlib.import_module(f"sre_monai.{module}")
    with pytest.raises(AttributeError, match=f"module 'sre_monai.{module}' has no attribute 'SRENet'"):
        _ = offered.SRENet
