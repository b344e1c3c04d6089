"""Units by name: one channel of one layer, checked against the net that has it."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dreamvid.core.errors import NetError, SettingsError
from dreamvid.models.net import OUTPUT, Net, check_layer, layer_shapes

DEPTHS = ("early", "middle", "late")
Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Unit:
    """Channel `number` of `layer`; in a layer without places, such as a fully connected one, a single neuron."""

    layer: str
    number: int

    def __str__(self) -> str:
        return f"{self.layer}:{self.number}"


def parse(text: str, net: Net) -> Unit:
    """The unit that LAYER:N, or the name of a channel, means in `net`; raises SettingsError or NetError."""
    if text.strip() and ":" not in text:
        return Unit(*net.named_channel(text))
    layer, _, number = text.rpartition(":")
    if not layer or not number.isdecimal() or len(number) > 9:
        raise SettingsError(f"{text!r} is not a unit: give LAYER:N, such as mixed4a:12, or the name of a channel")
    return of_layer(layer, (int(number),), net)[0]


def of_layer(layer: str, numbers: Sequence[int] | None, net: Net) -> list[Unit]:
    """The units of a layer with these numbers, all where None; raises NetError where one does not exist."""
    layer = net.layer_name(layer)
    count = check_layer(net, layer, layer_shapes(net))[0]
    beyond = [number for number in numbers or () if not 0 <= number < count]
    if beyond:
        raise NetError(f"layer {layer} of {net.name} has no channel {beyond[0]}: give 0 to {count - 1}")
    return [Unit(layer, number) for number in (range(count) if numbers is None else numbers)]


def known_layers(layers: Sequence[str], net: Net) -> list[str]:
    """The module names of layers given by these or by aliases; raises NetError where one does not exist."""
    names, shapes = [net.layer_name(layer) for layer in layers], layer_shapes(net)
    for name in names:
        check_layer(net, name, shapes)
    return names


def evenly(layer: str, count: int, net: Net) -> list[Unit]:
    """`count` units spread evenly over the channels of a layer, or all where it has fewer; raises NetError."""
    every = of_layer(layer, None, net)
    return every if len(every) <= count else [every[at * len(every) // count] for at in range(count)]


def ends(net: Net) -> list[str]:
    """Of each size of map the last layer that is no pooling, in order: there a net says most of that scale.

    Raises NetError where no layer has a map.
    """
    modules = dict(net.module.named_modules())
    last: dict[tuple[int, ...], str] = {}
    for layer, shape in layer_shapes(net).items():
        pools = layer in modules and type(modules[layer]).__module__.endswith("pooling")
        if layer != OUTPUT and len(shape) == 3 and min(shape[1:]) > 1 and not pools:
            last[shape[1:]] = layer
    if not last:
        raise NetError(f"{net.name} has no layer with rows and columns: give a convolutional net")
    return list(last.values())


def by_depth(net: Net) -> dict[str, str]:
    """An early, a middle and a late layer, DEPTHS -> layer: a quarter and half down the `ends`, and the last."""
    found = ends(net)
    return dict(zip(DEPTHS, (found[len(found) // 4], found[len(found) // 2], found[-1]), strict=True))


def usual_layer(net: Net) -> str:
    """The layer that a net dreams by where none is named: its own choice, or the middle one; raises NetError."""
    return net.default_layers[0] if net.default_layers else by_depth(net)["middle"]


def map_of(activation: Tensor, number: int) -> Tensor:
    """A unit's map, (h, w), of its layer's activation (1, C, h, w); of (1, C) the one neuron, (1, 1)."""
    if activation.dim() == 4:
        return activation[0, number]
    if activation.dim() == 2:
        return activation[0, number].view(1, 1)
    raise NetError(f"a layer of shape {tuple(activation.shape[1:])} has no channels to show: give another layer")


def strongest(values: Tensor) -> tuple[int, int]:
    """Row and column of the highest value of (h, w)."""
    row, column = divmod(int(torch.argmax(values)), values.shape[1])
    return row, column
