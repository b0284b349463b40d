"""A setting of the whole process at the value that a call needs, whatever the user's program has chosen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class HeldSetting(Generic[Value]):
    """A context in which a process-wide setting has a value; the last thread that leaves it restores the former one.

    Args:
        get: gives the setting's value.
        set_to: sets it.
        value: what is needed.

    Examples:
        >>> single_precision = HeldSetting(torch.get_default_dtype, torch.set_default_dtype, torch.float32)
        >>> with single_precision:
        ...     torch.zeros(1).dtype
        torch.float32
    """

    def __init__(self, get: Callable[[], Value], set_to: Callable[[Value], None], value: Value) -> None:
        self.get = get
        self.set_to = set_to
        self.value = value
        self._lock = threading.Lock()
        self._users = 0

    def __enter__(self) -> None:
        """Set the value, unless another thread holds it."""
        with self._lock:
            if not self._users:
                self._former = self.get()
                self.set_to(self.value)
            self._users += 1

    def __exit__(self, *error: object) -> None:
        """Restore the former value, unless another thread needs this one."""
        with self._lock:
            self._users -= 1
            if not self._users:
                self.set_to(self._former)
