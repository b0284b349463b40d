"""The specification of a retinal vessel data set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from sre_monai.io.download import RemoteFile


@dataclass(frozen=True)
class RetinaCase:
    """One photograph of a data set and the files that belong to it.

    Args:
        section: ``"training"`` or ``"test"``.
        files: official file name by role: ``image``, ``label``, and where the set has them ``fov`` and
            ``second_observer``.
    """

    section: str
    files: dict[str, str]

    @property
    def stem(self) -> str:
        """The image's name without extension, the name of all files of the case once prepared."""
        return PurePosixPath(self.files["image"]).stem


@dataclass(frozen=True)
class RetinaDataset:
    """Specification of a retinal vessel data set.

    File names are patterns with the fields ``{id}`` and ``{section}``. They begin with folders where these tell files
    of one name apart: ``labels/{id}.png``.

    Args:
        name: short name, as in the literature.
        url: the official page.
        licence: terms of use, in short.
        citation: the paper to cite.
        image_size: width and height of every image in pixels; None where the images differ in size.
        split: one sentence on where the split into training and test comes from.
        training: identifiers of the training images.
        test: identifiers of the test images.
        image: file name of a photograph.
        label: file name of the first observer's vessel mask.
        fov: file name of the field of view mask; None where the set has none.
        second_observer: file name of the second observer's vessel mask; None where the set has none.
        second_observer_sections: the sections that have a second observer.
        downloads: the official archives; empty where they need a registration.
    """

    name: str
    url: str
    licence: str
    citation: str
    image_size: tuple[int, int] | None
    split: str
    training: tuple[str, ...]
    test: tuple[str, ...]
    image: str
    label: str
    fov: str | None = None
    second_observer: str | None = None
    second_observer_sections: tuple[str, ...] = ("training", "test")
    downloads: tuple[RemoteFile, ...] = ()

    def cases(self) -> list[RetinaCase]:
        """All cases, training first, in the order of their identifiers.

        Returns:
            One case for each photograph.

        Examples:
            >>> from sre_monai.retina import DRIVE
            >>> DRIVE.cases()[0].files["label"]
            '21_manual1.gif'
        """
        return [
            RetinaCase(section, dict(self._files(identifier, section)))
            for section, identifiers in (("training", self.training), ("test", self.test))
            for identifier in identifiers
        ]

    def _files(self, identifier: str, section: str) -> Iterator[tuple[str, str]]:
        """Role and official file name of the files of one case."""
        second_observer = self.second_observer if section in self.second_observer_sections else None
        patterns = {"image": self.image, "label": self.label, "fov": self.fov, "second_observer": second_observer}
        for role, pattern in patterns.items():
            if pattern is not None:
                yield role, pattern.format(id=identifier, section=section)
