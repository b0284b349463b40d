"""Vessel measures: against the observers', under rotation, and their cost; tables and a picture.

    python -m benchmarks.measures --data data --output_dir output/measures

``--data`` has the prepared DRIVE. Photographs are segmented as ``sre-monai segment`` does; an interrupted series
resumes. Writes agreement.csv, rotation.csv, cost.json, measures.md and rotation.png. Measure the cost (``--only cost``)
on an idle machine.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.measures_agreement import agreement_table, compare_with_observers
from benchmarks.measures_cost import cost_table, measure_cost
from benchmarks.measures_rotation import draw_changes, measure_rotated, rotation_table, summarize_changes
from benchmarks.retina_models import MODELS
from sre_monai.io.files import written_atomically
from sre_monai.io.tables import write_json, write_table

PARTS = ("agreement", "rotation", "cost")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="folder of the prepared data sets")
    parser.add_argument("--output_dir", type=Path, default=Path("output/measures"))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=["drive", "plain_unet"], metavar="MODEL")
    parser.add_argument("--angle_step", type=int, default=10, help="in degrees")
    parser.add_argument("--count", type=int, help="photographs; all by default")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS))
    options = parser.parse_args()
    models = [MODELS[name] for name in options.models]
    data, output = options.data / "DRIVE", options.output_dir.absolute()
    texts = []
    if "agreement" in options.only:
        rows = compare_with_observers(models, data, output, options.count)
        write_table(output / "agreement.csv", rows)
        texts.append(agreement_table(rows))
    if "rotation" in options.only:
        angles = range(0, 360, options.angle_step)
        changes = {model.label: measure_rotated(model, data, output, angles, options.count) for model in models}
        rows = [row for label, measured in changes.items() for row in summarize_changes(label, measured)]
        write_table(output / "rotation.csv", rows)
        draw_changes(changes, output / "rotation.png")
        texts.append(rotation_table(rows))
    if "cost" in options.only:
        cost = measure_cost()
        write_json(output / "cost.json", cost)
        texts.append(cost_table(cost))
    text = "\n\n".join(texts)
    with written_atomically(output / "measures.md") as unfinished:
        unfinished.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
