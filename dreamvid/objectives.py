"""Objectives are values: layer names and a score of their activations, added and multiplied, always maximised."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dreamvid.errors import NetError, SettingsError
from dreamvid.nets.net import OUTPUT, Net, check_layer, layer_shapes
from dreamvid.settings import ObjectiveSettings

Activations = Mapping[str, Tensor]


@dataclass(frozen=True)
class Objective:
    """A score to climb: `layers` is what it looks at, `fields` maps their activations, (1, C, H, W) each, to fields.

    A field, (1, 1, h, w), says how high the score is at each place; the score is the sum of the fields' means, so that
    pictures and patches of any size compare. What has no places, such as a class, has a field of one place.
    """

    layers: frozenset[str]
    fields: Callable[[Activations], tuple[Tensor, ...]]

    def __call__(self, activations: Activations) -> Tensor:
        return torch.stack([field.mean() for field in self.fields(activations)]).sum()

    def __add__(self, other: "Objective") -> "Objective":
        return Objective(self.layers | other.layers, lambda seen: self.fields(seen) + other.fields(seen))

    def __mul__(self, weight: float) -> "Objective":
        return Objective(self.layers, lambda seen: tuple(weight * field for field in self.fields(seen)))

    __rmul__ = __mul__


def layer_energy(layer: str, mean_squares: Tensor | None = None) -> Objective:
    """The mean square of a layer's activations; with `mean_squares`, of each channel as a share of its usual.

    `mean_squares`: (C,), each channel's mean square over photographs. Channel c is weighted by
    1 / (mean_squares[c] + 2 % of their mean), so that no loud channel takes over the picture.
    """
    if mean_squares is None:
        return Objective(frozenset({layer}), lambda seen: (_field(seen[layer].square()),))
    weights = 1.0 / (mean_squares + 0.02 * mean_squares.mean())
    weights = weights.view(1, -1, 1, 1)
    return Objective(frozenset({layer}), lambda seen: (_field(seen[layer].square() * weights.to(seen[layer].device)),))


def channel(layer: str, channels: Sequence[int]) -> Objective:
    """The mean activation of some channels of a layer."""
    chosen = list(channels)
    return Objective(frozenset({layer}), lambda seen: (_field(seen[layer][:, chosen]),))


def class_logit(index: int) -> Objective:
    """The logit of a class, as the net gives it before any softmax (Simonyan et al. 2014, eq. 1)."""
    return Objective(frozenset({OUTPUT}), lambda seen: (_field(seen[OUTPUT][:, [index]]),))


def _field(values: Tensor) -> Tensor:
    """The mean over channels of (1, C, h, w) at each place; of anything else one mean, as a field of one place."""
    return values.mean(dim=1, keepdim=True) if values.dim() == 4 else values.mean().view(1, 1, 1, 1)


def from_settings(terms: Sequence[ObjectiveSettings], net: Net) -> Objective:
    """The weighted sum that the settings describe, over `net`; the net's own default layers where they are silent.

    Raises NetError for a layer, channel or class that the net does not have (with the nearest names), SettingsError
    where nothing is named and the net has no default.
    """
    if not terms and not net.default_layers:
        raise SettingsError(f"name a layer of {net.name} with --layer; `dreamvid models layers {net.name}` lists them")
    chosen = list(terms) or [ObjectiveSettings(layer=layer) for layer in net.default_layers]
    shapes = layer_shapes(net)
    chosen = [term.model_copy(update={"layer": net.layer_name(term.layer)}) if term.layer else term for term in chosen]
    parts = [term.weight * _term(term, net, shapes) for term in chosen]
    return sum(parts[1:], start=parts[0])


def _term(term: ObjectiveSettings, net: Net, shapes: dict[str, tuple[int, ...]]) -> Objective:
    if term.kind == "class":
        return class_logit(net.class_index(term.class_name or ""))
    layer, channels = term.layer or "", term.channels
    if term.name is not None:
        layer, number = net.named_channel(term.name)
        channels = (number,)
    shape = check_layer(net, layer, shapes)
    if term.kind == "layer":
        statistics = net.statistics.get(layer)
        if statistics is not None and (len(shape) != 3 or len(statistics) != shape[0]):
            raise NetError(
                f"the channel statistics of {net.name} do not fit layer {layer}: the weights file is damaged"
            )
        return layer_energy(layer, statistics)
    beyond = [number for number in channels if not 0 <= number < shape[0]]
    if beyond:
        raise NetError(f"layer {layer} of {net.name} has channels 0 to {shape[0] - 1}, not {beyond[0]}")
    return channel(layer, channels)


def uses_class(terms: Sequence[ObjectiveSettings]) -> bool:
    """Whether a class is among the terms: its pictures need a blur as their prior."""
    return any(term.kind == "class" for term in terms)


__all__ = ["Activations", "Objective", "channel", "class_logit", "from_settings", "layer_energy", "uses_class"]
