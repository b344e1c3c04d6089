"""Fully connected heads as convolutions: a map of classes for a picture of any size (Long et al. 2015, sec. 3.1)."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from math import isqrt

import torch
from torch import Tensor, nn

from dreamvid.core.errors import NetError
from dreamvid.models.net import Net, first_line, layer_shapes

Parts = Iterable[tuple[str, nn.Module]]


def dense(net: Net) -> Net:
    """The net with its head turned into convolutions: layers keep their names, the output is (1, classes, h, w).

    A head of several layers (VGG, AlexNet) needs a picture at least as large as those it was made for, and gives there
    what it gave. One behind a mean over all places (ResNet, GoogLeNet, EfficientNet, dreamnet) gives the map whose mean
    it gave, in a picture of any size. Raises NetError for a net whose parts do not simply run one after another: what
    is made is held against the net itself.
    """
    children = dict(net.module.named_children())
    parts = [(name, children[name]) for name in layer_shapes(net) if name in children]
    picture = torch.randn(1, 3, net.side, net.side, generator=torch.Generator().manual_seed(0))
    try:
        with torch.inference_mode():
            wanted = net.module(picture)
        module, found = _in_a_row(parts, picture)
        same = torch.allclose(found.mean(dim=(2, 3)), wanted, rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))
        why = "its parts do not simply run one after another"
    except Exception as error:  # where they do not, anything may happen
        same, why = False, first_line(error)
    if not same:
        raise NetError(f"the head of {net.name} cannot be made dense ({why}): leave out net.dense, or give another net")
    return replace(net, module=module.eval(), dense=True)


def _in_a_row(parts: Parts, x: Tensor) -> tuple[nn.Module, Tensor]:
    """The parts as one sequence of convolutions, and what it makes of `x`, (1, C, H, W)."""
    found: OrderedDict[str, nn.Module] = OrderedDict()
    for name, part in parts:
        if isinstance(part, nn.Sequential):
            found[name], x = _in_a_row(part.named_children(), x)
            continue
        found[name] = _as_convolution(part, x.shape[1])
        with torch.inference_mode():
            x = found[name].eval()(x)
    return nn.Sequential(found), x


def _as_convolution(part: nn.Module, channels: int) -> nn.Module:
    """A linear layer over all places of some channels as a convolution; what takes the places away as nothing."""
    if isinstance(part, nn.AdaptiveAvgPool2d | nn.Flatten):
        return nn.Identity()
    if not isinstance(part, nn.Linear):
        return part
    side = isqrt(part.in_features // channels)
    with torch.device("meta"):  # it gets the weights that are there, not others of its own
        convolution = nn.Conv2d(channels, part.out_features, side, bias=part.bias is not None)
    convolution.weight = nn.Parameter(part.weight.detach().view(part.out_features, channels, side, side))
    convolution.bias = part.bias
    return convolution
