"""Objectives: a score of the activations of layers, to be maximised; objectives can be added and multiplied."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from dreamvid.models.net import INPUT, OUTPUT

Activations = Mapping[str, Tensor]
BEFORE = "source:"  # prefix of a layer's name for its activations of the source, the picture before dreaming


def before(layer: str) -> str:
    """Return the key of a layer's activations of the source in `Activations`; for INPUT, of the source itself."""
    return BEFORE + layer


SOURCE = before(INPUT)


@dataclass(frozen=True)
class Objective:
    """A score to maximise: `layers`, those it uses; `fields`, from their activations, (1, C, H, W) each, to fields.

    A field, (1, 1, h, w), is the score at each place; the score is the sum of the fields' means, and so comparable
    between pictures and tiles of any size. A score without places, such as that of a class, has a 1 x 1 field.
    """

    layers: frozenset[str]
    fields: Callable[[Activations], tuple[Tensor, ...]]

    @property
    def of_picture(self) -> frozenset[str]:
        """The layers whose activations of the picture the objective uses."""
        return frozenset(layer for layer in self.layers if not layer.startswith(BEFORE))

    @property
    def of_source(self) -> frozenset[str]:
        """The layers whose activations of the source the objective uses, without prefix; a subset of `of_picture`."""
        return frozenset(layer.removeprefix(BEFORE) for layer in self.layers - self.of_picture)

    def __call__(self, activations: Activations) -> Tensor:
        """Return the score: the sum of the means of all fields."""
        return torch.stack([field.mean() for field in self.fields(activations)]).sum()

    def __add__(self, other: "Objective") -> "Objective":
        return Objective(self.layers | other.layers, lambda seen: self.fields(seen) + other.fields(seen))

    def __mul__(self, weight: float) -> "Objective":
        return Objective(self.layers, lambda seen: tuple(weight * field for field in self.fields(seen)))

    __rmul__ = __mul__


def of_net(objective: Objective, prefix: str) -> Objective:
    """Return an objective of one net of an ensemble, whose layers have `prefix` before their own names."""

    def qualified(layer: str) -> str:
        if layer.startswith(BEFORE):
            return before(qualified(layer.removeprefix(BEFORE)))
        return layer if layer == INPUT else prefix + layer

    names = {layer: qualified(layer) for layer in objective.layers}

    def fields(seen: Activations) -> tuple[Tensor, ...]:
        return objective.fields({layer: seen[name] for layer, name in names.items()})

    return Objective(frozenset(names.values()), fields)


def layer_energy(layer: str, mean_squares: Tensor | None = None, power: float = 2.0) -> Objective:
    """Return the mean of a power of a layer's activations, optionally with each channel normalised.

    `mean_squares`: (C,), each channel's mean square over photographs. Channel c is divided by the root of
    mean_squares[c] + 2 % of their mean, so that no strong channel dominates the picture. `power`: exponent of the
    absolute value, at least 1; above 2 strong activations get more of the gradient, and shapes are completed before
    others begin.
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
    """Return the sum of squares of a layer's activations; its gradient there is twice these (Hasson 2017, 2.1).

    With several tiles it is the sum of each tile alone.
    """

    def fields(seen: Activations) -> tuple[Tensor, ...]:
        values = seen[layer]
        places = values.shape[-2] * values.shape[-1] if values.dim() == 4 else 1
        return (_field(values.square()) * (values.shape[1] * places),)

    return Objective(frozenset({layer}), fields)


def channel(layer: str, channels: Sequence[int]) -> Objective:
    """Return the mean activation of some channels of a layer, by number."""
    chosen = list(channels)
    return Objective(frozenset({layer}), lambda seen: (_field(seen[layer][:, chosen]),))


def ranked_channels(layer: str, count: int, strongest: bool) -> Objective:
    """Return the mean activation of the `count` strongest, or weakest, channels of a layer on the present picture."""

    def fields(seen: Activations) -> tuple[Tensor, ...]:
        values = seen[layer]
        strength = (
            values.detach().mean(dim=tuple(range(2, values.dim())))[0] if values.dim() > 2 else values.detach()[0]
        )
        return (_field(values[:, strength.topk(min(count, len(strength)), largest=strongest).indices]),)

    return Objective(frozenset({layer}), fields)


def neuron(layer: str, number: int, row: int, column: int) -> Objective:
    """Return the activation of one neuron: channel `number` at a row and column; in a smaller map, at the last one."""

    def fields(seen: Activations) -> tuple[Tensor, ...]:
        values = seen[layer]
        place = min(row, values.shape[-2] - 1), min(column, values.shape[-1] - 1)
        return (values[:, number, place[0], place[1]].view(1, 1, 1, 1),)

    return Objective(frozenset({layer}), fields)


def direction(layer: str, amounts: Tensor, cosine: bool = False) -> Objective:
    """Return the dot product of a layer's activations with a direction, at each place.

    `amounts`: (C,), the direction in the space of channels; it is normalised. With `cosine` the product is multiplied
    by the cosine between the two, at least 0.1, which favours activations that point in the direction over large ones
    (Olah et al. 2018, "The Building Blocks of Interpretability", direction with cosine similarity).
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
    """Return the logit of a class, before any softmax (Simonyan et al. 2014, eq. 1); of several, their log-sum-exp."""
    return Objective(frozenset({OUTPUT}), lambda seen: (_field(_any(seen[OUTPUT], classes)),))


def class_above_mean(*classes: int) -> Objective:
    """Return the logit of a class, or the log-sum-exp of several, minus the mean logit of all classes.

    Evidence that raises all classes alike does not count.
    """

    def fields(seen: Activations) -> tuple[Tensor, ...]:
        logits = seen[OUTPUT]
        return (_field(_any(logits, classes) - logits.mean(dim=1, keepdim=True)),)

    return Objective(frozenset({OUTPUT}), fields)


def class_square(*classes: int) -> Objective:
    """Return the square of a class's logit (Hasson 2017, 4.1); if the logit is below zero, ascent lowers it further."""
    return Objective(frozenset({OUTPUT}), lambda seen: (_field(_any(seen[OUTPUT], classes).square()),))


def class_log_probability(*classes: int) -> Objective:
    """Return the log probability of a class, or of any of several; maximising it also lowers the other logits."""
    return Objective(frozenset({OUTPUT}), lambda seen: (_field(_any(seen[OUTPUT].log_softmax(dim=1), classes)),))


def _any(values: Tensor, classes: Sequence[int]) -> Tensor:
    """Return the log-sum-exp of some classes, (N, 1, ...); of one class, its own value."""
    return values[:, list(classes)].logsumexp(dim=1, keepdim=True)


def guided(layer: str, guide: Tensor, form: str = "dot") -> Objective:
    """Return the similarity of a layer's activations to those of a guide picture.

    `guide`: its activations in the layer, (1, C, h, w) or (1, C). `form`:
    `dot`: dot product place by place, the guide's map resized to the picture's (Hasson 2017, 4.2).
    `best`: dot product with the place of the guide for which it is largest (guided dreams in Caffe, Mordvintsev et al.
    2015). `statistics`: minus the squared distance of the Gram matrices, averaged over places (Gatys et al. 2015,
    eq. 3), relative to the guide's. `sorted`: minus the mean squared distance of each channel's sorted values (sort
    matching, Görgün et al. 2025, "VITAL"), the guide's resampled to the picture's number of places. All but
    `statistics` are divided by the mean square of the guide.
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
    """Return minus the mean square difference of neighbouring pixels, a penalty on total variation."""

    def fields(seen: Activations) -> tuple[Tensor, ...]:
        image = seen[INPUT]
        down, right = image.diff(dim=-2).square(), image.diff(dim=-1).square()
        return (-_field(F.pad(down, (0, 0, 0, 1)) + F.pad(right, (0, 1))),)

    return Objective(frozenset({INPUT}), fields)


def little_contrast() -> Objective:
    """Return minus the mean square distance of the picture from mid-grey (0.5), a penalty on contrast."""
    return Objective(frozenset({INPUT}), lambda seen: (-_field((seen[INPUT] - 0.5).square()),))


def little_change() -> Objective:
    """Return minus the mean square distance of the picture from its source, a penalty on change."""
    return Objective(frozenset({INPUT, SOURCE}), lambda seen: (-_field((seen[INPUT] - seen[SOURCE]).square()),))


def little_change_in(layer: str) -> Objective:
    """Return minus the mean square distance of a layer's activations from the source's, over the latter's mean square.

    It is the content loss of Gatys et al. 2015, eq. 1, normalised: pixels may change as long as the layer's
    activations stay.
    """

    def fields(seen: Activations) -> tuple[Tensor, ...]:
        held = seen[before(layer)]
        return (-_field((seen[layer] - held).square()) / held.square().mean().clamp(min=1e-12),)

    return Objective(frozenset({layer, before(layer)}), fields)


def _by_channel(values: Tensor) -> Tensor:
    """Reshape activations, (1, C, h, w) or (1, C), to one row per channel, (C, places)."""
    return values.flatten(2)[0] if values.dim() == 4 else values.T


def _field(values: Tensor) -> Tensor:
    """Return the mean over channels of (1, C, h, w) at each place; of another shape one mean, as a 1 x 1 field.

    The sum is divided, and not the values: the gradient keeps the memory layout of the values, and takes no pass.
    """
    return values.sum(dim=1, keepdim=True) / values.shape[1] if values.dim() == 4 else values.mean().view(1, 1, 1, 1)
