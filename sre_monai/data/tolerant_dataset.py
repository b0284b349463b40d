"""A data set in which an unreadable item is an answer, not the end of the run."""

from __future__ import annotations

from typing import Any

from monai.data import Dataset

__all__ = ["FAILURE", "TolerantDataset", "reason_of"]

FAILURE = "failure"
"""Key of the reason in an item that could not be prepared."""


class TolerantDataset(Dataset):
    """Apply transforms to a datalist; give an item that fails back with the reason.

    Args:
        data: list of dictionaries.
        transform: what prepares an item.

    Examples:
        >>> def refuse(item):
        ...     raise ValueError("damaged")
        >>> TolerantDataset([{"file": "a.png"}], refuse)[0]
        {'file': 'a.png', 'failure': 'damaged'}
    """

    def _transform(self, index: int) -> dict[str, Any]:
        try:
            return super()._transform(index)
        except Exception as error:
            return {**self.data[index], FAILURE: reason_of(error)}


def reason_of(error: BaseException) -> str:
    """Give the sentence at the root of an error: transforms wrap what went wrong in words about themselves.

    Args:
        error: what was caught.

    Returns:
        One line, never empty.
    """
    while error.__cause__ is not None:
        error = error.__cause__
    message = " ".join(str(error).split())
    return message or type(error).__name__
