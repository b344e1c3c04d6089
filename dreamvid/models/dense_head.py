"""Fully connected heads as convolutions: a map of class scores for any picture size (Long et al. 2015, sec. 3.1)."""

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
    """Return the net with a convolutional head: layers keep their names, the output has shape (1, classes, h, w).

    With a head of several linear layers (VGG, AlexNet), pictures must be at least as large as the net's input size; at
    that size the scores are unchanged. With a head behind global average pooling (ResNet, GoogLeNet, EfficientNet,
    dreamnet), any size works, and the mean over the map equals the original scores. Raises NetError for a net that is
    no plain sequence of modules: the result is compared with the original net on random noise.
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
    except Exception as error:  # a net of another structure may raise anything
        same, why = False, first_line(error)
    if not same:
        raise NetError(f"the head of {net.name} cannot be made dense ({why}): leave out net.dense, or give another net")
    return replace(net, module=module.eval(), dense=True)


def _in_a_row(parts: Parts, x: Tensor) -> tuple[nn.Module, Tensor]:
    """Return the parts as one sequence of convolutions, and its output for `x`, (1, C, H, W)."""
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
    """Return a linear layer as a convolution over its whole input map; replace pooling and flattening by Identity."""
    if isinstance(part, nn.AdaptiveAvgPool2d | nn.Flatten):
        return nn.Identity()
    if not isinstance(part, nn.Linear):
        return part
    side = isqrt(part.in_features // channels)
    with torch.device("meta"):  # the existing weights follow: allocate and initialise none
        convolution = nn.Conv2d(channels, part.out_features, side, bias=part.bias is not None)
    convolution.weight = nn.Parameter(part.weight.detach().view(part.out_features, channels, side, side))
    convolution.bias = part.bias
    return convolution
