"""The registry of public retinal vessel data sets: file names, splits, sizes, sources."""

from __future__ import annotations

from sre_monai.io.download import RemoteFile
from sre_monai.retina.data.dataset import RetinaDataset

DRIVE = RetinaDataset(
    name="DRIVE",
    url="https://drive.grand-challenge.org/",
    licence="free for research after registration; terms at the source",
    citation="Staal et al., IEEE Transactions on Medical Imaging 23(4), 2004, doi:10.1109/TMI.2004.825627",
    image_size=(565, 584),
    split="official: images 21-40 for training, 01-20 for test",
    training=tuple(f"{number:02d}" for number in range(21, 41)),
    test=tuple(f"{number:02d}" for number in range(1, 21)),
    image="{id}_{section}.tif",
    label="{id}_manual1.gif",
    fov="{id}_{section}_mask.gif",
    second_observer="{id}_manual2.gif",
    second_observer_sections=("test",),
)
"""DRIVE, of Staal et al., 2004."""

_STARE_NUMBERS = (1, 2, 3, 4, 5, 44, 77, 81, 82, 139, 162, 163, 235, 236, 239, 240, 255, 291, 319, 324)
_STARE_ADDRESS = "https://cecas.clemson.edu/~ahoover/stare/probing/"

STARE = RetinaDataset(
    name="STARE",
    url=f"{_STARE_ADDRESS}index.html",
    licence="published for research without a stated licence; cite the paper",
    citation="Hoover et al., IEEE Transactions on Medical Imaging 19(3), 2000, doi:10.1109/42.845178",
    image_size=(700, 605),
    split="none is official: the first 10 images (sorted) for training, the last 10 for test",
    training=tuple(f"{number:04d}" for number in _STARE_NUMBERS[:10]),
    test=tuple(f"{number:04d}" for number in _STARE_NUMBERS[10:]),
    image="im{id}.ppm",
    label="im{id}.ah.ppm",
    second_observer="im{id}.vk.ppm",
    downloads=(  # the source publishes no checksums; two public projects record the same ones
        RemoteFile(
            f"{_STARE_ADDRESS}stare-images.tar", "5f7b509b6067cad4f1be84933145d783de9ec087b3eaaf4db0103dd0144dd433"
        ),
        RemoteFile(
            f"{_STARE_ADDRESS}labels-ah.tar", "ebf2f1e17ca955f24579d9edd990e2dae79a5c82def69f0985d8e24f826ddd2f"
        ),
        RemoteFile(
            f"{_STARE_ADDRESS}labels-vk.tar", "47474a701536b0cfdb369fdce012be36141e9f44d80387f0179446b5cb0f5576"
        ),
    ),
)
"""STARE, of Hoover et al., 2000."""

_CHASE_IDENTIFIERS = tuple(f"{patient:02d}{eye}" for patient in range(1, 15) for eye in "LR")

CHASE_DB1 = RetinaDataset(
    name="CHASE_DB1",
    url="https://researchinnovation.kingston.ac.uk/en/datasets/chasedb1-retinal-vessel-reference-dataset-4/",
    licence="CC BY 4.0",
    citation="Fraz et al., IEEE Transactions on Biomedical Engineering 59(9), 2012, doi:10.1109/TBME.2012.2205687",
    image_size=(999, 960),
    split="customary: the first 20 images (patients 01-10) for training, the last 8 for test",
    training=_CHASE_IDENTIFIERS[:20],
    test=_CHASE_IDENTIFIERS[20:],
    image="Image_{id}.jpg",
    label="Image_{id}_1stHO.png",
    second_observer="Image_{id}_2ndHO.png",
    downloads=(RemoteFile("https://researchdata.kingston.ac.uk/96/1/CHASEDB1.zip"),),
)
"""CHASE_DB1, of Fraz et al., 2012."""

_HRF_KINDS = ("h", "dr", "g")  # healthy, diabetic retinopathy, glaucoma

HRF = RetinaDataset(
    name="HRF",
    url="https://www5.cs.fau.de/research/data/fundus-images/",
    licence="CC BY 4.0",
    citation="Budai et al., International Journal of Biomedical Imaging, 2013, doi:10.1155/2013/154860",
    image_size=(3504, 2336),
    split="Orlando et al. 2017 (doi:10.1109/TBME.2016.2535311): the first 5 of each kind for training, 30 for test",
    training=tuple(f"{number:02d}_{kind}" for number in range(1, 6) for kind in _HRF_KINDS),
    test=tuple(f"{number:02d}_{kind}" for number in range(6, 16) for kind in _HRF_KINDS),
    image="{id}.jpg",
    label="{id}.tif",
    fov="{id}_mask.tif",
    downloads=(  # the source publishes no checksum; three public projects record the same one
        RemoteFile(
            "https://www5.cs.fau.de/fileadmin/research/datasets/fundus-images/all.zip",
            "a914d02cda161b7f33f25d0397c276d50e9a6cbc705e9b364a54f0adafed57e4",
        ),
    ),
)
"""HRF, of Budai et al., 2013."""

# What `sre-monai prepare` and the table in docs/data.md know
RETINA_DATASETS = {dataset.name: dataset for dataset in (DRIVE, STARE, CHASE_DB1, HRF)}
"""All data sets by name."""
