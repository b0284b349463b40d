"""Make a 3D classification set of made-up volumes in MedMNIST's form: long and flat, solid and hollow ellipsoids."""

from __future__ import annotations

import argparse

from sre_monai.data import write_synthetic_volumes
from sre_monai.errors import exit_on_user_error

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", default="data/medmnist/shapes3d.npz", help="file to write (%(default)s)")
    for name, count in (("train", 320), ("val", 80), ("test", 160)):
        parser.add_argument(f"--{name}", type=int, default=count, help=f"volumes to {name} with (%(default)s)")
    parser.add_argument("--size", type=int, default=28, help="edge length in voxels (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the random generator (%(default)s)")
    options = vars(parser.parse_args())
    print(exit_on_user_error(write_synthetic_volumes, options.pop("output"), **options))
