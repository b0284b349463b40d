"""nnU-Net with our network on a few volumes for a few steps: plan, preprocess, train, validate, predict.

    python -m tests.networks.nets.nnunet_run FOLDER

Prints the class of the network that predicted, and the size of its labels. nnU-Net reads its folders from the
environment when it is imported.
"""

import json
import os
import sys
from pathlib import Path

import nibabel
import numpy as np

from tests.volumes.toy import smooth_noise, write

FOLDERS = ("raw", "preprocessed", "results")
NAME, SIZE, COUNT = "Dataset001_Toy", (24, 26, 25), 5
TRAINER = "nnUNetTrainerNoDeepSupervision"
PLAN = {
    "network_class_name": "sre_monai.networks.nets.SREUNetForNNUNet",
    "arch_kwargs": {"spatial_dims": 3, "features": [4, 8, 4], "kernel_size": 3, "harmonics": [1, 2]},
    "_kw_requires_import": [],
}


def main(root: Path) -> None:
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True)
        os.environ[f"nnUNet_{folder}"] = str(root / folder)
    os.environ |= {"nnUNet_n_proc_DA": "1", "nnUNet_def_n_proc": "1", "nnUNet_compile": "f"}
    write_dataset(root / "raw" / NAME)
    plan(root / "preprocessed" / NAME)
    train()
    print(predict(root))


def write_dataset(folder: Path) -> None:
    for number in range(COUNT):
        values = smooth_noise(SIZE, number)
        write(folder / "imagesTr" / f"case_{number}_0000.nii.gz", values)
        write(folder / "labelsTr" / f"case_{number}.nii.gz", np.digitize(values, [55, 65]).astype(np.uint8))
    write(folder / "imagesTs" / "new_0000.nii.gz", smooth_noise(SIZE, COUNT))
    labels = {"background": 0, "low": 1, "high": 2}
    description = {"channel_names": {"0": "MRI"}, "labels": labels, "numTraining": COUNT, "file_ending": ".nii.gz"}
    (folder / "dataset.json").write_text(json.dumps(description))


def plan(folder: Path) -> None:
    from nnunetv2.experiment_planning.plan_and_preprocess_api import extract_fingerprints, plan_experiments, preprocess

    extract_fingerprints([1], num_processes=1)
    plan_experiments([1])
    plans = json.loads((folder / "nnUNetPlans.json").read_text())
    plans["plans_name"] = "srePlans"
    plans["configurations"]["3d_fullres"] |= {"architecture": PLAN, "patch_size": [16, 16, 16]}
    (folder / "srePlans.json").write_text(json.dumps(plans))
    preprocess([1], "srePlans", configurations=("3d_fullres",), num_processes=(1,))


def train() -> None:
    import torch
    from nnunetv2.run.run_training import run_training
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    start = nnUNetTrainer.on_train_start

    def short(trainer: nnUNetTrainer) -> None:
        trainer.num_epochs, trainer.num_iterations_per_epoch, trainer.num_val_iterations_per_epoch = 1, 2, 1
        start(trainer)

    nnUNetTrainer.on_train_start = short
    run_training("1", "3d_fullres", "0", TRAINER, "srePlans", device=torch.device("cpu"))


def predict(root: Path) -> str:
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    predictor = nnUNetPredictor(device=torch.device("cpu"), perform_everything_on_device=False, use_mirroring=False)
    model = root / "results" / NAME / f"{TRAINER}__srePlans__3d_fullres"
    predictor.initialize_from_trained_model_folder(str(model), use_folds=(0,), checkpoint_name="checkpoint_final.pth")
    (root / "labels").mkdir()
    predictor.predict_from_files_sequential(str(root / "raw" / NAME / "imagesTs"), str(root / "labels"))
    labels = nibabel.load(root / "labels" / "new.nii.gz")
    return f"{type(predictor.network).__name__} {labels.shape}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
