"""Measure the gradient steps of nets on this machine: convolutions alone, a step of a dream, one by plain autograd."""

import copy
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dreamvid.config import presets
from dreamvid.config.settings import ComputeSettings, Settings
from dreamvid.dream.deepdream import gradient_step
from dreamvid.dream.session import Session, open_session
from dreamvid.models import zoo
from dreamvid.models.device import Compute, wait_for
from dreamvid.models.net import INPUT, Net, activations
from dreamvid.models.same_conv import paddings

UNTRAINED = "random:0"  # weights of a net whose own are not on this machine: they take the same time


@dataclass(frozen=True)
class Extent:
    """Limits of the measurement of a net: at most `rounds`, within about `seconds`, on a picture of `side` pixels."""

    rounds: int
    seconds: float
    side: int = 512


@dataclass(frozen=True)
class NetSpeed:
    """A net's gradient step; times in milliseconds, medians over `rounds`.

    `convolutions`: of all its convolutions alone; `rate`: of these, in GFLOP a second; `share`: their time over the
    step's; `plain`: of a step by autograd over the cut net, in fp32 and NCHW; `ratio`: that over the step's. Share and
    ratio are medians of ratios.
    """

    net: str
    layer: str
    weights: str
    side: int
    rounds: int
    step: float
    convolutions: float
    rate: float
    share: float
    plain: float
    ratio: float


@dataclass(frozen=True)
class Convolution:
    """A convolution of an input, (1, inputs, H, W); `weight`: the shape of its weights."""

    input: tuple[int, ...]
    weight: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

    def apply(self, x: Tensor, weight: Tensor) -> Tensor:
        """Convolve."""
        return F.conv2d(x, weight, None, self.stride, self.padding, self.dilation, self.groups)

    def forward_and_back(self, compute: Compute) -> Callable[[], object]:
        """Return a function that convolves random numbers and takes the gradient at the input."""
        how: dict[str, Any] = {"device": compute.device, "dtype": compute.dtype}
        x, weight = (
            torch.randn(shape, **how).to(memory_format=torch.channels_last) for shape in (self.input, self.weight)
        )
        slope = torch.randn_like(self.apply(x, weight))
        x.requires_grad_(True)
        return lambda: torch.autograd.grad(self.apply(x, weight), x, slope)

    @property
    def operations(self) -> float:
        """Multiplications and additions, of the output and of the gradient at the input."""
        with torch.device("meta"):
            output = self.apply(torch.empty(self.input), torch.empty(self.weight))
        return 2 * 2.0 * output.numel() * torch.Size(self.weight[1:]).numel()


def net_speed(name: str, layer: str | None, how: ComputeSettings, extent: Extent) -> NetSpeed:
    """Measure a net at a layer: step, plain step and convolutions in turn, round by round."""
    settings, weights = _settings(name, layer, how)
    session = open_session(settings)
    compute, layers = session.compute, session.dreamer.objective.of_picture - {INPUT}
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand(1, 3, extent.side, extent.side, generator=generator).to(compute.device)
    found = convolutions(session.net, layers, extent.side)
    alone = [(each.forward_and_back(compute), times) for each, times in found.items()]
    step, plain = _step(session, picture), plain_step(session.net, layers, picture)

    def of_convolutions() -> float:
        return sum(times * _seconds(run, compute.device) for run, times in alone)

    def a_round() -> tuple[float, float, float]:
        return _seconds(step, compute.device), _seconds(plain, compute.device), of_convolutions()

    rounds = list(_within(a_round, extent))
    stepped, plainly, convolved = (statistics.median(column) for column in zip(*rounds, strict=True))
    operations = sum(times * each.operations for each, times in found.items())
    return NetSpeed(
        name,
        layer or "of the default preset",
        weights,
        extent.side,
        len(rounds),
        step=1000 * stepped,
        convolutions=1000 * convolved,
        rate=operations / convolved / 1e9,
        share=statistics.median(alone / one for one, _, alone in rounds),
        plain=1000 * plainly,
        ratio=statistics.median(plain / one for one, plain, _ in rounds),
    )


def _within(a_round: Callable[[], tuple[float, ...]], extent: Extent) -> Iterator[tuple[float, ...]]:
    """Yield rounds, at least one, after one that warms up, as long as the next would end in time."""
    began = time.perf_counter()
    a_round()
    for number in range(1, extent.rounds + 1):
        yield a_round()
        gone = time.perf_counter() - began
        if gone * (number + 2) / (number + 1) > extent.seconds:
            return


def convolutions(net: Net, layers: frozenset[str], side: int) -> Counter[Convolution]:
    """Return the convolutions of a net as far as `layers`, on a picture of `side` pixels: how often there is each."""
    found: Counter[Convolution] = Counter()

    def seen(conv: nn.Conv2d, inputs: Sequence[Tensor]) -> None:
        x = inputs[0]
        _, padding = paddings(conv, x.shape[-2], x.shape[-1])
        found[
            Convolution(tuple(x.shape), tuple(conv.weight.shape), conv.stride, padding, conv.dilation, conv.groups)
        ] += 1

    parts = [part for part in net.module.modules() if isinstance(part, nn.Conv2d)]
    handles = [part.register_forward_pre_hook(seen) for part in parts]
    try:
        with torch.inference_mode():
            activations(net.module, torch.zeros(1, 3, side, side), layers)
    finally:
        for handle in handles:
            handle.remove()
    return found


def plain_step(net: Net, layers: frozenset[str], picture: Tensor) -> Callable[[], Tensor]:
    """Return a step by plain autograd: the net cut behind its layers, in fp32 and NCHW, its gradient at the picture."""
    module = copy.deepcopy(net.module).eval().to(picture.device)
    mean, std = (torch.tensor(value, device=picture.device).view(1, 3, 1, 1) for value in (net.mean, net.std))

    def step() -> Tensor:
        image = picture.detach().clone().requires_grad_(True)
        found = activations(module, (image - mean) / std, layers)
        (slope,) = torch.autograd.grad(sum((each.square().mean() for each in found.values()), start=mean.sum()), image)
        return slope

    return step


def _step(session: Session, picture: Tensor) -> Callable[[], Tensor]:
    return lambda: gradient_step(session.dreamer, picture, (0, 0, 0))


def _settings(name: str, layer: str | None, how: ComputeSettings) -> tuple[Settings, str]:
    """Return the settings by which a net steps, and which weights it has."""
    there = zoo.in_cache(name)
    weights = [] if there else [("net.weights", UNTRAINED)]
    at = [] if layer is None else [("objective", [{"layer": layer}])]
    settings = presets.resolve(presets.DEFAULT, [("net.name", name), *weights, *at])
    return settings.model_copy(update={"compute": how}), "its own" if there else UNTRAINED


def _seconds(run: Callable[[], object], device: torch.device) -> float:
    wait_for(device)
    began = time.perf_counter()
    run()
    wait_for(device)
    return time.perf_counter() - began
