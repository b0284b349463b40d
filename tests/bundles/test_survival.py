"""Killed runs and several processes leave exactly the files that an uninterrupted run leaves."""

from __future__ import annotations

import csv
import hashlib
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from sre_monai.retina import synthetic_fundus
from tests.bundles.toy import BUNDLE, config_files

COUNT = 24
TIMEOUT = 300


def command(folder: Path, output: Path, processes: int = 1) -> list[str]:
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"] if processes > 1 else []
    inference = ["-m", "monai.bundle", "run", "--config_file", *config_files("inference.json")]
    inference += ["--bundle_root", str(BUNDLE), "--dataset_dir", str(folder), "--output_dir", str(output)]
    inference += ["--working_diameter", "100", "--device", "cpu"]
    return [sys.executable, *launcher, *inference]


def quiet(arguments: list[str]) -> subprocess.Popen:
    """Start a command in a process group of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        arguments,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
        preexec_fn=_restore_sigint,
    )


def _restore_sigint() -> None:
    """Restore the default SIGINT handler, which shells disable for background commands."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finish(arguments: list[str]) -> int:
    return quiet(arguments).wait(TIMEOUT)


def results(output: Path) -> dict[str, str]:
    """Checksums of all files except the report, the log and the journal, which contain times."""
    files = (path for path in output.rglob("*") if path.is_file() and ".journal" not in path.parts)
    known = {"report.csv", "report.html", "log.txt"}
    return {
        path.relative_to(output).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.name not in known
    }


def report(output: Path) -> list[dict[str, str]]:
    """Rows of the report without their times."""
    with (output / "report.csv").open(encoding="utf-8", newline="") as stream:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(stream)]


def wait_until(condition, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + TIMEOUT
    while process.poll() is None and not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photographs")
    for n in range(COUNT):
        path = folder / f"visit {n % 3}" / f"{n}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(synthetic_fundus((110 + n, 104), seed=n).image).save(path)
    return folder


@pytest.fixture(scope="module")
def uninterrupted(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("uninterrupted")
    assert finish(command(folder, output)) == 0
    assert len(results(output)) == 2 * COUNT
    return output


@pytest.mark.slow
def test_killed_and_interrupted_runs_are_continued(folder, uninterrupted, tmp_path):
    expected, journal = results(uninterrupted), tmp_path / ".journal" / "process_0.jsonl"
    done = 0
    for kill, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130), (signal.SIGTERM, 143)):
        process = quiet(command(folder, tmp_path))
        wait_until(partial(_is_newer, journal, time.time()), process)
        process.send_signal(kill)
        assert process.wait(TIMEOUT) == code
        whole = {name: digest for name, digest in results(tmp_path).items() if ".unfinished" not in name}
        assert whole.items() <= expected.items()
        assert done < len(whole) < len(expected)
        done = len(whole) - 2
    assert {row["status"] for row in report(tmp_path)} == {"done", "pending"}
    assert finish(command(folder, tmp_path)) == 0
    assert results(tmp_path) == expected
    assert report(tmp_path) == report(uninterrupted)


@pytest.mark.slow
def test_processes_share_the_folder(folder, uninterrupted, tmp_path):
    assert finish(command(folder, tmp_path, processes=3)) == 0
    assert results(tmp_path) == results(uninterrupted)
    assert report(tmp_path) == report(uninterrupted)
    journals = [path.read_text().count("\n") for path in sorted((tmp_path / ".journal").glob("process_*"))]
    assert journals == [COUNT // 3] * 3


@pytest.mark.slow
def test_photographs_of_a_lost_process_are_done_by_the_next_run(folder, uninterrupted, tmp_path):
    process = quiet(command(folder, tmp_path, processes=2))
    journal = tmp_path / ".journal" / "process_1.jsonl"
    wait_until(lambda: journal.is_file() and journal.stat().st_size > 0, process)
    os.kill(_process_of_rank(process.pid, 1), signal.SIGKILL)
    assert process.wait(TIMEOUT) == 1
    assert 0 < len(results(tmp_path)) < 2 * COUNT
    assert finish(command(folder, tmp_path, processes=2)) == 0
    assert results(tmp_path) == results(uninterrupted)
    assert report(tmp_path) == report(uninterrupted)


def _is_newer(path: Path, moment: float) -> bool:
    return path.is_file() and path.stat().st_mtime > moment


def _process_of_rank(launcher: int, rank: int) -> int:
    """PID of a process started by torchrun, found by its environment."""
    for number in map(int, filter(str.isdigit, os.listdir("/proc"))):
        try:
            parent = int(Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[1])
            environment = Path(f"/proc/{number}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if parent == launcher and b"RANK=%d" % rank in environment:
            return number
    raise AssertionError(f"no process of rank {rank}")
