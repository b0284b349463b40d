"""A run over a folder that may be killed at any moment; the next run resumes it."""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import sys
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, current_thread, main_thread
from types import FrameType
from typing import Any

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from sre_monai.io.files import lies_within, printable, remove_unfinished, written_atomically
from sre_monai.io.tables import write_json
from sre_monai.runs.distributed import join_processes, on_first_process, wait_for_all
from sre_monai.runs.errors import root_cause
from sre_monai.runs.folder.journal import Journal, results_of
from sre_monai.runs.folder.report import FolderReport
from sre_monai.runs.identity import differences, digest

JOURNAL_NAME, IDENTITY_NAME, THUMBNAILS_NAME = ".journal", "identity.json", "thumbnails"
NOTHING_DONE_STATUS = 1
SOME_FAILED_STATUS = 3
INTERRUPTED_STATUS = 130

logger = logging.getLogger(__name__)


class FolderRun:
    """The progress of a run over a folder, and its report.

    A file counts as done when its record says so, was made by a run of the same identity from the same file (size and
    time of its last change), and the results are there in the size they were written. All others are processed again,
    failures included; stale results are removed first. Under ``torchrun`` the processes share the files: of the sorted
    list, process r of n takes every n-th from the r-th on.

    Args:
        items: what `sre_monai.runs.folder.list_images` returns.
        output_dir: folder of the results, with the journal in ``.journal``.
        identity: what the results depend on besides the files, by `sre_monai.runs.identity.run_identity`.
        resume: whether to keep what earlier runs have done.
        report: the report to write, by default one of the columns that every report has.

    Examples:
        >>> run = FolderRun(items, "output", {"threshold": "0.5"})  # doctest: +SKIP
    """

    def __init__(
        self,
        items: Sequence[Mapping[str, str]],
        output_dir: str | os.PathLike[str],
        identity: Mapping[str, str],
        resume: bool = True,
        report: FolderReport | None = None,
    ) -> None:
        self.items = items
        self.output_dir = Path(output_dir)
        self.identity = dict(identity)
        self._digest = digest(identity)
        self.resume = resume
        self.report = FolderReport(self.output_dir) if report is None else report
        self.rank, self.processes = 0, 1
        self.journal = Journal(self.output_dir / JOURNAL_NAME)
        self.unwritten: dict[str, dict[str, Any]] = {}
        self.disk_is_full = False
        self._bar: tqdm | None = None
        self._lock = Lock()

    def start(self) -> list[int]:
        """Find the files that are still to be processed, and remove stale results.

        Returns:
            The indices of the items that this process has to do.

        Raises:
            OSError: when the output folder can't be written to.
        """
        self.rank, self.processes = join_processes()
        self.journal = Journal(self.output_dir / JOURNAL_NAME, self.rank)
        self.unwritten.clear()
        self.disk_is_full = False
        todo = on_first_process(self._sort_out)
        mine = todo[self.rank :: self.processes]
        total = len(mine) if self.processes > 1 else len(self.items)
        done = total - len(mine)
        logger.info("%d files, %d of them done before", len(self.items), len(self.items) - len(todo))
        self._bar = tqdm(
            total=total,
            initial=done,
            desc="files",
            unit=" files",
            disable=self.rank > 0,
            dynamic_ncols=True,
            mininterval=0.1 if sys.stderr.isatty() else 30,  # seconds; a log file gets a line each time
        )
        return mine

    def fingerprint(self, item: Mapping[str, str]) -> str:
        """Condense what a file's results depend on: the run, the file's size and time, its pixel size in a list.

        For a folder, a DICOM series, the files in it count; so do the files in the item's list ``parts``.
        """
        try:
            stat = _state(item["image"])
            parts = {path: digest(_state(path)) for path in item.get("parts", ())}
        except OSError:
            return ""
        file = {"name": item["name"], "image": item["image"], **stat}
        listed = {"um_per_pixel": str(item["um_per_pixel"])} if "um_per_pixel" in item else {}
        return digest({**file, **listed, **parts, "run": self._digest})

    def add(self, item: Mapping[str, str], status: str, fingerprint: str = "", **values: Any) -> None:
        """Record the outcome of a file; from any thread.

        Args:
            item: the file.
            status: ``"done"`` or ``"failed"``.
            fingerprint: taken before the file was read.
            values: ``outputs``, a mapping of written files, relative to the output folder, to their sizes in bytes;
                ``thumbnails``, base64 of JPEG pictures; ``preview``, of one that stands for the file in the report's
                large view; further columns of the report.

        Raises:
            OSError: when a picture can't be written.
        """
        record = {"file": item["file"], "status": status, "fingerprint": fingerprint, **values}
        if "thumbnails" in values:
            record["thumbnails"] = [
                self._save_picture(f"{item['name']}_{number}", picture)
                for number, picture in enumerate(values["thumbnails"])
            ]
        if "preview" in values:
            record["preview"] = self._save_picture(f"{item['name']}_preview", values["preview"])
        with self._lock:
            if status == "failed":
                logger.error("%s failed: %s", printable(item["file"]), values.get("reason", ""))
            try:
                self.journal.append(record)
            except OSError as error:
                if not self.stops_for(error):
                    logger.error("%s: no record of it could be written (%s)", printable(item["file"]), error)
                self.unwritten[item["file"]] = record
            if self._bar is not None:
                self._bar.update()

    def stops_for(self, error: BaseException) -> bool:
        """Tell whether an error means that the disk is full; then the run ends, and the next one continues."""
        cause = root_cause(error)
        full = isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)
        self.disk_is_full = self.disk_is_full or full
        return full

    def _save_picture(self, name: str, picture: str) -> str:
        """Write a picture for the report as a file, not into the journal, which is read as a whole; give its path."""
        path = f"{JOURNAL_NAME}/{THUMBNAILS_NAME}/{name}.jpg"
        with written_atomically(self.output_dir / path) as unfinished:
            unfinished.write_bytes(b64decode(picture))
        return path

    @contextmanager
    def running(self) -> Iterator[None]:
        """Write the report at the end, also when the run is stopped by Ctrl-C or a termination signal.

        Raises:
            SystemExit: with status 1 when nothing is done, 3 when some files failed, 130 when stopped by Ctrl-C,
                143 by a termination signal; none when all is done.
        """
        catches = current_thread() is main_thread()
        handler = signal.signal(signal.SIGTERM, _stop) if catches else None
        stopped = 0
        try:
            with logging_redirect_tqdm():
                yield
            self._wait()
        except KeyboardInterrupt:
            stopped = INTERRUPTED_STATUS
        except SystemExit as stop:
            stopped = int(stop.code or 0)
        finally:
            if catches:
                signal.signal(signal.SIGTERM, handler)
            if self._bar is not None:
                self._bar.close()
            status = self._finish()
        if stopped or status:
            raise SystemExit(stopped or status)

    def _finish(self) -> int:
        """Write the report, on the first process, and give the exit status."""
        if self.rank > 0:
            return 0
        try:
            count = self.report.write(self.items, self.journal, self.unwritten)
        except OSError as error:
            if not self.stops_for(error):
                logger.error("the report could not be written: %s", error)
            count = None
        if self.disk_is_full:
            logger.error("no room is left in %s: make room and run the same command again", self.output_dir)
        if count is None:
            return NOTHING_DONE_STATUS
        logger.info(
            "%s; the report is %s", ", ".join(f"{n} {status}" for status, n in count.items()), self.report.table
        )
        if count["done"] == len(self.items):
            return 0
        return SOME_FAILED_STATUS if count["done"] else NOTHING_DONE_STATUS

    def _wait(self) -> None:
        """Wait for the other processes; one that was killed leaves its files to the next run."""
        try:
            wait_for_all()
        except RuntimeError as error:
            logger.error("another process was lost (%s): run the same command again to process its files", error)

    def _sort_out(self) -> list[int]:
        """Compare records with files, and give the indices of the items that are still to be processed."""
        try:
            self.output_dir.mkdir(parents=True, exist_ok=True)
            remove_unfinished(self.output_dir)
            self._compare_runs()
            index = {item["file"]: i for i, item in enumerate(self.items)}
            done: set[str] = set()
            fresh: set[str] = set()
            stale: set[str] = set()
            kept: list[bool] = []
            for record in self.journal:
                if record["file"] not in index:  # of another folder or a removed file: its results are kept
                    kept.append(record.get("status") == "done")
                    continue
                kept.append(self._is_done(record, self.items[index[record["file"]]]))
                if kept[-1]:
                    done.add(record["file"])
                    fresh.update(results_of(record))
                else:
                    stale.update(results_of(record))
            for output in stale - fresh:
                if lies_within(self.output_dir, output):
                    (self.output_dir / output).unlink(missing_ok=True)
            verdicts = iter(kept)
            self.journal.gather(keep=lambda record: next(verdicts))
            write_json(self.journal.folder / IDENTITY_NAME, self.identity)
        except OSError as error:
            raise OSError(f"output_dir: can't write to {self.output_dir} ({error}); give another folder.") from None
        return [i for file, i in index.items() if file not in done]

    def _compare_runs(self) -> None:
        """Log what differs from the run before: nothing of it counts as done then."""
        try:
            former = json.loads((self.journal.folder / IDENTITY_NAME).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return
        if self.resume and (changes := differences(former, self.identity)):
            logger.warning("another run has left results in %s: %s; they are made again", self.output_dir, changes)

    def _is_done(self, record: Mapping[str, Any], item: Mapping[str, str]) -> bool:
        """Whether the results of a file are valid and complete."""
        if not self.resume or record.get("status") != "done" or record.get("fingerprint") != self.fingerprint(item):
            return False
        folder = str(self.output_dir)  # a list of a hundred thousand has no time for Path
        return all(_size(f"{folder}/{output}") == size for output, size in record.get("outputs", {}).items())


def _state(path: str) -> dict[str, str]:
    """Size and time of the last change, of a folder its files' sum and latest; with their number."""
    files = [entry.path for entry in os.scandir(path) if entry.is_file()] if os.path.isdir(path) else [path]
    stats = [os.stat(file) for file in files]
    size, time = sum(stat.st_size for stat in stats), max((stat.st_mtime_ns for stat in stats), default=0)
    return {"size": str(size), "time": str(time), **({"files": str(len(files))} if files != [path] else {})}


def _size(path: str) -> int | None:
    """Size of a file in bytes, None where there is none."""
    try:
        return os.stat(path).st_size
    except OSError:
        return None


def _stop(signal_number: int, frame: FrameType | None) -> None:
    """Turn a termination signal into an orderly end."""
    sys.exit(128 + signal_number)
