"""PyTorch operators made of Python functions, without a second of imports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def define_operator(
    name: str, fake: Callable[..., Any], check: Callable[..., None]
) -> Callable[[Callable[..., Any]], Any]:
    """Make an operator of a function that changes none of its inputs.

    These are the parts of ``torch.library.custom_op``. As a whole it takes most of a second of a program's start: it
    imports PyTorch's compiler when the operator is first called, to keep it out of the function, and finds out which of
    all loaded modules it was called by.

    Args:
        name: ``"namespace::name"``.
        fake: takes the same arguments and returns tensors like the outputs in shape, type and strides, whatever they
            hold.
        check: takes the same arguments and raises an error if they are wrong; called before the function and `fake`.

    Returns:
        A decorator of the function, whose annotations give the schema. It returns the operator; derivatives are
        registered by ``torch.library.register_autograd(name, …)``.

    Examples:
        >>> @define_operator("sre_monai_example::double", fake=torch.empty_like, check=lambda x: None)
        ... def double(x: torch.Tensor) -> torch.Tensor:
        ...     return 2 * x
        >>> double(torch.tensor([1.0, 2.0]))
        tensor([2., 4.])
    """

    def define(function: Callable[..., Any]) -> Any:
        schema = torch.library.infer_schema(function, mutates_args=())
        torch.library.define(name, schema, tags=(torch.Tag.pt2_compliant_tag,))
        torch.library.impl(name, "default", _checked(function, check))
        torch.library.impl(name, "meta", _checked(fake, check))
        namespace, _, operator = name.partition("::")
        return getattr(getattr(torch.ops, namespace), operator)

    return define


def _checked(function: Callable[..., Any], check: Callable[..., None]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        check(*args, **kwargs)
        return function(*args, **kwargs)

    return call
