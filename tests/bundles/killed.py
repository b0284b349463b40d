"""A training run that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def kill_training(bundle: Path, config_files: list[str], output: Path, settings: dict[str, Any]) -> None:
    """Start a training run in a separate process and kill it as soon as it has written a checkpoint.

    Args:
        bundle: folder of the bundle.
        config_files: configurations of the training.
        output: folder of its results; the settings come beside it.
        settings: overrides of the configurations' entries.
    """
    arguments = output.with_suffix(".json")
    arguments.write_text(json.dumps(settings | {"bundle_root": str(bundle), "output_dir": str(output)}))
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", *config_files]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*command, "--args_file", str(arguments)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 300
    while process.poll() is None and not (output / "checkpoint.pt").is_file():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    assert process.wait(60) == -signal.SIGKILL
