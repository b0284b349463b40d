"""A data set that returns the reason of a failure instead of raising."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any

from monai.data import Dataset

from sre_monai.io.files import printable
from sre_monai.runs.errors import root_cause

FAILURE = "failure"
"""Key of the reason in an item that could not be prepared."""


OUT_OF_MEMORY = ("out of memory", "can't allocate memory")  # in what torch says


class TolerantDataset(Dataset):
    """Apply transforms to a datalist; an item that fails is returned with the reason.

    An item gets the entry ``seconds``, the time it took.

    Args:
        data: list of dictionaries.
        transform: what prepares an item.
        fingerprint: condenses the state of an item's file to a text, before it is read, as the entry ``fingerprint``.

    Examples:
        >>> def refuse(item):
        ...     raise ValueError("damaged")
        >>> TolerantDataset([{"file": "a.png"}], refuse)[0]["failure"]
        'damaged'
    """

    def __init__(
        self,
        data: Sequence[Any],
        transform: Callable[..., Any] | Sequence[Callable[..., Any]] | None = None,
        fingerprint: Callable[[Mapping[str, Any]], str] | None = None,
    ) -> None:
        super().__init__(data, transform)
        self.fingerprint = fingerprint

    def _transform(self, index: int) -> dict[str, Any]:
        start = perf_counter()
        known = {"fingerprint": self.fingerprint(self.data[index])} if self.fingerprint else {}
        try:
            item = super()._transform(index)
        except Exception as error:
            path = printable(str(self.data[index].get("image", "")))
            reason = reason_of(error).removeprefix(path).lstrip(": ")  # the item names the file already
            item = {**self.data[index], FAILURE: reason}
        return {**item, **known, "seconds": perf_counter() - start}


def reason_of(error: BaseException) -> str:
    """Return the message at the root of an error: transforms wrap it in messages about themselves.

    Args:
        error: what was caught.

    Returns:
        One line, never empty.
    """
    error = root_cause(error)
    message = printable(" ".join(str(error).split()))
    if isinstance(error, MemoryError) or any(words in message for words in OUT_OF_MEMORY):
        return "out of memory: give a smaller --window_size, or close other programs"
    return message or type(error).__name__
