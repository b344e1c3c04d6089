"""Objectives are values: layer names and a score of their activations, added and multiplied, always maximised."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from dreamvid.models.net import INPUT, OUTPUT

Activations = Mapping[str, Tensor]
BEFORE = "source:"  # begins the name of a layer of the source: the picture before anything was dreamed into it


def before(layer: str) -> str:
    """The name of a layer's activations of the source, beside those of the picture; of INPUT, the source itself."""
    return BEFORE + layer


SOURCE = before(INPUT)


@dataclass(frozen=True)
class Objective:
    """A score to climb: `layers` is what it looks at, `fields` maps their activations, (1, C, H, W) each, to fields.

    A field, (1, 1, h, w), says how high the score is at each place; the score is the sum of the fields' means, so that
    pictures and patches of any size compare. What has no places, such as a class, has a field of one place.
    """

    layers: frozenset[str]
    fields: Callable[[Activations], tuple[Tensor, ...]]

    @property
    def of_picture(self) -> frozenset[str]:
        """The layers whose activations of the picture it looks at."""
        return frozenset(layer for layer in self.layers if not layer.startswith(BEFORE))

    @property
    def of_source(self) -> frozenset[str]:
        """The layers whose activations of the source it looks at, by their own names: always some `of_picture`."""
        return frozenset(layer.removeprefix(BEFORE) for layer in self.layers - self.of_picture)

    def __call__(self, activations: Activations) -> Tensor:
        return torch.stack([field.mean() for field in self.fields(activations)]).sum()

    def __add__(self, other: "Objective") -> "Objective":
        return Objective(self.layers | other.layers, lambda seen: self.fields(seen) + other.fields(seen))

    def __mul__(self, weight: float) -> "Objective":
        return Objective(self.layers, lambda seen: tuple(weight * field for field in self.fields(seen)))

    __rmul__ = __mul__


def of_net(objective: Objective, prefix: str) -> Objective:
    """The objective over one net among several, whose layers are named with `prefix` before their own names."""

    def qualified(layer: str) -> str:
        if layer.startswith(BEFORE):
            return before(qualified(layer.removeprefix(BEFORE)))
        return layer if layer == INPUT else prefix + layer

    names = {layer: qualified(layer) for layer in objective.layers}

    def fields(seen: Activations) -> tuple[Tensor, ...]:
        return objective.fields({layer: seen[name] for layer, name in names.items()})

    return Objective(frozenset(names.values()), fields)


def layer_energy(layer: str, mean_squares: Tensor | None = None, power: float = 2.0) -> Objective:
    """The mean of a power of a layer's activations; with `mean_squares`, of each channel as a share of its usual.

    `mean_squares`: (C,), each channel's mean square over photographs. Channel c is divided by the root of
    mean_squares[c] + 2 % of their mean, so that no loud channel takes over the picture. `power`: of the absolute value,
    at least 1; above 2 what is strong already gets more of the slope, and shapes are completed before others begin.
    """
    weights = None
    if mean_squares is not None:
        weights = (mean_squares + 0.02 * mean_squares.mean()).view(1, -1, 1, 1) ** (-power / 2)

    def fields(seen: Activations) -> tuple[Tensor, ...]:
        values = seen[layer]
        energy = values.square() if power == 2 else values.abs() ** power
        return (_field(energy if weights is None else energy * weights.to(values.device)),)

    return Objective(frozenset({layer}), fields)


def layer_sum(layer: str) -> Objective:
    """The sum of the squares of a layer's activations, whose gradient on the layer is twice these (Hasson 2017, 2.1).

    The sum is that of one patch: a picture of many patches has that of each.
    """

    def fields(seen: Activations) -> tuple[Tensor, ...]:
        values = seen[layer]
        places = values.shape[-2] * values.shape[-1] if values.dim() == 4 else 1
        return (_field(values.square()) * (values.shape[1] * places),)

    return Objective(frozenset({layer}), fields)


def channel(layer: str, channels: Sequence[int]) -> Objective:
    """The mean activation of some channels of a layer."""
    chosen = list(channels)
    return Objective(frozenset({layer}), lambda seen: (_field(seen[layer][:, chosen]),))


def ranked_channels(layer: str, count: int, strongest: bool) -> Objective:
    """The mean activation of the `count` channels of a layer that are strongest, or weakest, on this very picture."""

    def fields(seen: Activations) -> tuple[Tensor, ...]:
        values = seen[layer]
        strength = (
            values.detach().mean(dim=tuple(range(2, values.dim())))[0] if values.dim() > 2 else values.detach()[0]
        )
        return (_field(values[:, strength.topk(min(count, len(strength)), largest=strongest).indices]),)

    return Objective(frozenset({layer}), fields)


def neuron(layer: str, number: int, row: int, column: int) -> Objective:
    """One unit: a channel at one place of its map; where the map is smaller, at its last row or column."""

    def fields(seen: Activations) -> tuple[Tensor, ...]:
        values = seen[layer]
        place = min(row, values.shape[-2] - 1), min(column, values.shape[-1] - 1)
        return (values[:, number, place[0], place[1]].view(1, 1, 1, 1),)

    return Objective(frozenset({layer}), fields)


def direction(layer: str, amounts: Tensor, cosine: bool = False) -> Objective:
    """The dot product of a layer's activations with a vector over its channels, (C,), at each place.

    With `cosine`, times the cosine between the two where that is above 0.1: a vector that is small but points right
    counts as well (Olah et al. 2018, "The Building Blocks of Interpretability", direction with cosine similarity).
    """
    unit = amounts / amounts.norm()

    def fields(seen: Activations) -> tuple[Tensor, ...]:
        values = seen[layer]
        along = (values * unit.to(values.device).view(1, -1, *[1] * (values.dim() - 2))).sum(dim=1, keepdim=True)
        if cosine:
            along = along * (along / (values.norm(dim=1, keepdim=True) + 1e-6)).clamp(min=0.1)
        return (_field(along),)

    return Objective(frozenset({layer}), fields)


def class_logit(*classes: int) -> Objective:
    """The logit of a class, as the net gives it before any softmax (Simonyan et al. 2014, eq. 1).

    Of several classes, that of any of them: the logarithm of the sum of their exponentials.
    """
    return Objective(frozenset({OUTPUT}), lambda seen: (_field(_any(seen[OUTPUT], classes)),))


def class_above_mean(*classes: int) -> Objective:
    """The logit of a class, or of any of several, less the mean of all: what speaks for every class counts for none."""

    def fields(seen: Activations) -> tuple[Tensor, ...]:
        logits = seen[OUTPUT]
        return (_field(_any(logits, classes) - logits.mean(dim=1, keepdim=True)),)

    return Objective(frozenset({OUTPUT}), fields)


def class_square(*classes: int) -> Objective:
    """The square of a class's logit (Hasson 2017, 4.1), which grows both ways: below zero it pushes the class off."""
    return Objective(frozenset({OUTPUT}), lambda seen: (_field(_any(seen[OUTPUT], classes).square()),))


def class_log_probability(*classes: int) -> Objective:
    """The logarithm of the probability of a class, or of any of several: also lowers what speaks for others."""
    return Objective(frozenset({OUTPUT}), lambda seen: (_field(_any(seen[OUTPUT].log_softmax(dim=1), classes)),))


def _any(values: Tensor, classes: Sequence[int]) -> Tensor:
    """Returns the log-sum-exp of some classes, (N, 1, ...); of one class, its own value."""
    return values[:, list(classes)].logsumexp(dim=1, keepdim=True)


def guided(layer: str, guide: Tensor, form: str = "dot") -> Objective:
    """What a guide picture excites in a layer; `guide`: its activations there, (1, C, h, w) or (1, C).

    `dot`: the dot product of both, place by place, the guide's map brought to the size of this one (Hasson 2017, 4.2).
    `best`: with that place of the guide which suits each place best (as guided dreams in Caffe, Mordvintsev et al.
    2015). `statistics`: nearness of the products of all pairs of channels, averaged over places (Gatys et al. 2015,
    eq. 3), as a share of the guide's own. `sorted`: nearness of each channel's values in order of size, wherever they
    are (sort matching, Görgün et al. 2025, "VITAL"), the guide's brought to the number of places here. All but
    `statistics` are measured in mean squares of the guide.
    """
    strength = guide.square().mean().clamp(min=1e-12)

    def dot(values: Tensor, wanted: Tensor) -> Tensor:
        if values.dim() == 4:
            wanted = F.interpolate(wanted, values.shape[-2:], mode="bilinear", align_corners=False)
        return _field(values * wanted) / strength

    def best(values: Tensor, wanted: Tensor) -> Tensor:
        if values.dim() != 4:
            return dot(values, wanted)
        places = wanted.flatten(2)[0]
        suits = (values.detach().flatten(2)[0].T @ places).argmax(dim=1)
        return _field(values * places[:, suits].view_as(values)) / strength

    def statistics(values: Tensor, wanted: Tensor) -> Tensor:
        mine, its = _by_channel(values), _by_channel(wanted)
        gram, goal = mine @ mine.T / mine.shape[1], its @ its.T / its.shape[1]
        return -((gram - goal).square().sum() / goal.square().sum().clamp(min=1e-12)).view(1, 1, 1, 1)

    def in_order(values: Tensor, wanted: Tensor) -> Tensor:
        mine, its = (_by_channel(part).sort(dim=1).values for part in (values, wanted))
        goal = F.interpolate(its[None], mine.shape[1], mode="linear", align_corners=False)[0]
        return -((mine - goal).square().mean() / strength).view(1, 1, 1, 1)

    chosen = {"dot": dot, "best": best, "statistics": statistics, "sorted": in_order}[form]
    return Objective(frozenset({layer}), lambda seen: (chosen(seen[layer], guide.to(seen[layer].device)),))


def little_variation() -> Objective:
    """Minus the mean square difference of neighbouring pixels: total variation, as far as it is avoided."""

    def fields(seen: Activations) -> tuple[Tensor, ...]:
        image = seen[INPUT]
        down, right = image.diff(dim=-2).square(), image.diff(dim=-1).square()
        return (-_field(F.pad(down, (0, 0, 0, 1)) + F.pad(right, (0, 1))),)

    return Objective(frozenset({INPUT}), fields)


def little_contrast() -> Objective:
    """Minus the mean square distance of the picture from grey."""
    return Objective(frozenset({INPUT}), lambda seen: (-_field((seen[INPUT] - 0.5).square()),))


def little_change() -> Objective:
    """Minus the mean square distance of the picture from its source."""
    return Objective(frozenset({INPUT, SOURCE}), lambda seen: (-_field((seen[INPUT] - seen[SOURCE]).square()),))


def little_change_in(layer: str) -> Objective:
    """Minus the mean square distance of a layer's activations from those of the source, as a share of its mean square.

    What the layer sees of the source is held, and shapes that it takes for the same may change: the content of
    Gatys et al. 2015, eq. 1, as a share.
    """

    def fields(seen: Activations) -> tuple[Tensor, ...]:
        held = seen[before(layer)]
        return (-_field((seen[layer] - held).square()) / held.square().mean().clamp(min=1e-12),)

    return Objective(frozenset({layer, before(layer)}), fields)


def _by_channel(values: Tensor) -> Tensor:
    """Activations, (1, C, h, w) or (1, C), as a row for each channel, (C, places)."""
    return values.flatten(2)[0] if values.dim() == 4 else values.T


def _field(values: Tensor) -> Tensor:
    """The mean over channels of (1, C, h, w) at each place; of anything else one mean, as a field of one place."""
    return values.mean(dim=1, keepdim=True) if values.dim() == 4 else values.mean().view(1, 1, 1, 1)
