"""Files of a folder that are not images: those of the operating system, notes, and the results of earlier runs."""

from __future__ import annotations

import os
from pathlib import Path

from PIL import Image

from sre_monai.io.dicom import is_dicom
from sre_monai.runs.folder.journal import Journal, results_of
from sre_monai.runs.folder.run import JOURNAL_NAME

DICOM_DIRECTORY = "dicomdir"  # DICOM, but a table of contents
NAMES = ("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "readme", "license", "licence", "checksums", "md5sums")
EXTENSIONS = (
    *(".txt", ".md", ".rst", ".rtf", ".pdf", ".doc", ".docx", ".odt", ".htm", ".html", ".log", ".lnk", ".url", ".bib"),
    *(".csv", ".tsv", ".xls", ".xlsx", ".ods", ".json", ".xml", ".yaml", ".yml", ".ini", ".cfg", ".db", ".sqlite"),
    *(".zip", ".tar", ".tgz", ".7z", ".rar", ".md5", ".sha256", ".py", ".ipynb", ".m", ".r", ".sh", ".bat", ".exe"),
)
OF_A_RUN = ("*.csv", "report.html", "log.txt")  # beside the results of each image


def is_no_image(path: str | os.PathLike[str]) -> bool:
    """Whether a file is no image by its name, nor by its content.

    Args:
        path: the file. Of a name that says nothing, or that of an image, the content doesn't matter: a damaged image is
            to be reported.

    Returns:
        True for ``Thumbs.db``, ``readme.txt`` and the like, but not for an image that is called so.

    Examples:
        >>> Path("readme.txt").touch()
        >>> is_no_image("readme.txt")
        True
    """
    name = os.path.basename(path).lower()
    if name == DICOM_DIRECTORY:
        return True
    if name not in NAMES and not name.endswith(EXTENSIONS):
        return False
    if not os.path.isfile(path):
        return False  # a link that leads nowhere, a pipe
    try:
        if is_dicom(path):
            return False
        with Image.open(path):
            return False
    except Exception:  # of many kinds, for what is not an image
        return True


def results_of_earlier_runs(folder: str | os.PathLike[str]) -> set[str]:
    """List what runs have written to a folder, by their journal in it.

    Args:
        folder: a folder that may be that of results.

    Returns:
        Paths, beginning with that of the folder.

    Examples:
        >>> results_of_earlier_runs("photographs")
        set()
    """
    journal = Path(folder) / JOURNAL_NAME
    if not journal.is_dir():
        return set()
    of_images = {os.path.join(folder, output) for record in Journal(journal) for output in results_of(record)}
    return of_images | {str(path) for pattern in OF_A_RUN for path in Path(folder).glob(pattern)}
