"""Units by name: one channel of one layer, checked against the net."""

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
    """Channel `number` of `layer`; in a layer without a map, such as a fully connected one, a single neuron."""

    layer: str
    number: int

    def __str__(self) -> str:
        return f"{self.layer}:{self.number}"


def parse(text: str, net: Net) -> Unit:
    """Return the unit for LAYER:N, or for a channel's name, in `net`; raise SettingsError or NetError."""
    if text.strip() and ":" not in text:
        return Unit(*net.named_channel(text))
    layer, _, number = text.rpartition(":")
    if not layer or not number.isdecimal() or len(number) > 9:
        raise SettingsError(f"{text!r} is not a unit: give LAYER:N, such as mixed4a:12, or the name of a channel")
    return of_layer(layer, (int(number),), net)[0]


def of_layer(layer: str, numbers: Sequence[int] | None, net: Net) -> list[Unit]:
    """Return the units of a layer with these numbers, all where None; raise NetError where one does not exist."""
    layer = net.layer_name(layer)
    count = check_layer(net, layer, layer_shapes(net))[0]
    beyond = [number for number in numbers or () if not 0 <= number < count]
    if beyond:
        raise NetError(f"layer {layer} of {net.name} has no channel {beyond[0]}: give 0 to {count - 1}")
    return [Unit(layer, number) for number in (range(count) if numbers is None else numbers)]


def known_layers(layers: Sequence[str], net: Net) -> list[str]:
    """Return the module names of layers given by module name or alias; raise NetError where one does not exist."""
    names, shapes = [net.layer_name(layer) for layer in layers], layer_shapes(net)
    for name in names:
        check_layer(net, name, shapes)
    return names


def evenly(layer: str, count: int, net: Net) -> list[Unit]:
    """Return `count` units spread evenly over the channels of a layer, or all where it has fewer; raise NetError."""
    every = of_layer(layer, None, net)
    return every if len(every) <= count else [every[at * len(every) // count] for at in range(count)]


def ends(net: Net) -> list[str]:
    """Return the last layer of each map size that is no pooling, in order: the most developed features of that scale.

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
    """Return DEPTHS -> an early, a middle and a late layer: at a quarter and half of the `ends`, and the last."""
    found = ends(net)
    return dict(zip(DEPTHS, (found[len(found) // 4], found[len(found) // 2], found[-1]), strict=True))


def usual_layer(net: Net) -> str:
    """Return the default layer of a net: its own choice, or else the middle one; raise NetError."""
    return net.default_layers[0] if net.default_layers else by_depth(net)["middle"]


def map_of(activation: Tensor, number: int) -> Tensor:
    """Return a unit's map, (h, w), from an activation (1, C, h, w); from (1, C) the single neuron as (1, 1).

    Raises NetError for any other shape.
    """
    if activation.dim() == 4:
        return activation[0, number]
    if activation.dim() == 2:
        return activation[0, number].view(1, 1)
    raise NetError(f"a layer of shape {tuple(activation.shape[1:])} has no channels to show: give another layer")


def strongest(values: Tensor) -> tuple[int, int]:
    """Return row and column of the highest value of (h, w)."""
    row, column = divmod(int(torch.argmax(values)), values.shape[1])
    return row, column
