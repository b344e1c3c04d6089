"""Replacement gradients for the ReLUs of a net, modules and functions alike; the forward pass is unchanged."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

Rule = Literal["guided", "deconvnet", "redirected"]
# (input of the ReLU, gradient at its output) -> gradient at its input
RULES: dict[Rule, Callable[[Tensor, Tensor], Tensor]] = {
    # Springenberg et al. 2015, "Striving for simplicity", section 3.4: only where input and gradient are positive.
    "guided": lambda x, slope: slope * (x > 0) * (slope > 0),
    # Zeiler and Fergus 2014, section 2.1: a ReLU on the gradient, whatever the sign of the input.
    "deconvnet": lambda x, slope: slope.clamp(min=0),
    # An inactive ReLU passes positive gradients: else a unit that is inactive on noise gets no gradient at all.
    "redirected": lambda x, slope: slope * ((x > 0) | (slope > 0)),
}
_active = ContextVar[bool]("active", default=False)  # of this thread: another may dream without a rule
RELUS = {F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_}


class _Ruled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, rule: Rule) -> Tensor:
        ctx.save_for_backward(x)
        ctx.rule = rule
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return RULES[ctx.rule](x, slopes[0]), None


class _Replacing(TorchFunctionMode):
    """Intercepts all ReLU calls: `nn.ReLU` too calls a torch function, which this mode sees."""

    def __init__(self, rule: Rule) -> None:
        super().__init__()
        self.rule = rule
        self.count = 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func not in RELUS:
            return func(*args, **(kwargs or {}))
        self.count += 1
        return _Ruled.apply(args[0] if args else (kwargs or {})["input"], self.rule)


@contextmanager
def ruled(rule: Rule) -> Iterator[Callable[[], int]]:
    """Give every ReLU that runs inside the context the gradient of `rule`; yield a function that counts these ReLUs."""
    with _Replacing(rule) as mode:
        before = _active.set(True)
        try:
            yield lambda: mode.count
        finally:
            _active.reset(before)


def active() -> bool:
    """Return whether a rule replaces the gradients of ReLUs in this thread."""
    return _active.get()
