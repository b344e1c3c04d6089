"""Other gradients for the ReLUs of a net, whether they are modules or functions; what they compute stays the same."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

Rule = Literal["guided", "deconvnet", "redirected"]
# Of a ReLU's input and the gradient on its output: the gradient on its input.
RULES: dict[Rule, Callable[[Tensor, Tensor], Tensor]] = {
    # Springenberg et al. 2015, "Striving for simplicity", section 3.4: what was positive, as far as it excites.
    "guided": lambda x, slope: slope * (x > 0) * (slope > 0),
    # Zeiler and Fergus 2014, section 2.1: the way back has ReLUs of its own, and does not ask what was positive.
    "deconvnet": lambda x, slope: slope.clamp(min=0),
    # A silent ReLU lets through what would wake it: else a unit that is silent on noise has no slope to climb.
    "redirected": lambda x, slope: slope * ((x > 0) | (slope > 0)),
}
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
    """Every ReLU is called through torch's functions, that of `nn.ReLU` too: here they are caught."""

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
    """While open, every ReLU that runs has the gradient of `rule`; yields what tells how many have run."""
    with _Replacing(rule) as mode:
        yield lambda: mode.count
