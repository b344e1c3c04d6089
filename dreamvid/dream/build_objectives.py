"""Construction of objectives from settings: looks up layer, channel and class names, checks numbers, reads guides."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType

import torch
import torch.nn.functional as F

from dreamvid.config.objective_settings import NetSettings, ObjectiveSettings
from dreamvid.core.errors import NetError, SettingsError
from dreamvid.core.types import Pixels, to_float
from dreamvid.dream import objectives
from dreamvid.dream.objectives import Objective, of_net
from dreamvid.media.companion import Companion, digest, open_companion
from dreamvid.models.ensemble import prefix
from dreamvid.models.net import Net, activations, check_layer, first_line, layer_shapes

logger = logging.getLogger(__name__)

Nets = Mapping[NetSettings, Net]  # all nets of the render, in the order of `Settings.nets`
ONE: Nets = MappingProxyType({})  # for terms none of which names a net of its own
START, RATE = Fraction(0), Fraction(25)  # seconds; frames per second, where there is no film
GUIDE_SIDE = 512  # pixels of the long side: a larger guide is scaled down to this
OF_THE_PICTURE = {
    "tv": objectives.little_variation,
    "l2": objectives.little_contrast,
    "source": objectives.little_change,
}
OF_A_CLASS = {
    "logit": objectives.class_logit,
    "above_mean": objectives.class_above_mean,
    "square": objectives.class_square,
    "log_probability": objectives.class_log_probability,
}


Term = Callable[[Fraction], Objective]  # time in the source, in seconds -> objective


@dataclass(frozen=True)
class Terms:
    """The objectives of a film as functions of time, one per term; `guides`: the pictures or videos that guide it."""

    each: tuple[Term, ...]
    guides: tuple[Companion, ...] = ()

    def at(self, time: Fraction) -> list[Objective]:
        """Return the objective of each term, not weighted, at a time in the source, in seconds; raise SourceError."""
        return [term(time) for term in self.each]

    @property
    def varies(self) -> bool:
        """True if an objective changes over time, that is if a guide has more than one frame."""
        return any(guide.info.frames > 1 for guide in self.guides)

    def same_at(self, before: Fraction, now: Fraction) -> bool:
        """Return True if all objectives are the same at two times, in seconds."""
        return all(guide.index(before) == guide.index(now) for guide in self.guides)


def each_from_settings(terms: Sequence[ObjectiveSettings], net: Net, nets: Nets = ONE) -> list[Objective]:
    """Return the objective of each term at time 0, as `over_time` does, and raise the same errors."""
    return over_time(terms, net, nets).at(START)


def over_time(terms: Sequence[ObjectiveSettings], net: Net, nets: Nets = ONE, rate: Fraction = RATE) -> Terms:
    """Build the objective of each term of the settings; without terms, those of the net's default layers.

    A term that names a net uses that one of `nets`, its layers qualified by the net's `prefix`; the others use `net`.
    `rate`: frames per second of the film, in step with which guides are played.
    Raises NetError for a layer, channel, unit or class that the net does not have (with the most similar names, and
    the number of the objective, counted from 0, where there are several),
    SettingsError without terms for a net without default layers, SourceError for a guide that cannot be read.
    """
    chosen = list(terms) or [ObjectiveSettings(layer=layer) for layer in _own_layers(net)]
    if not terms:
        logger.info("no objective is given: %s dreams its default layers, %s", net.name, ", ".join(net.default_layers))
    starts: dict[NetSettings | None, str] = {how: prefix(place) for place, how in enumerate(nets)}
    starts[None] = ""
    looked_at = {how: net if how is None else nets[how] for how in (term.own_net for term in chosen)}
    shapes = {how: layer_shapes(its) for how, its in looked_at.items()}
    guides = {term.file: open_companion(term.file, rate) for term in chosen if term.file is not None}

    def over(place: int, term: ObjectiveSettings) -> Term:
        how = term.own_net
        try:
            made = _term(term, looked_at[how], shapes[how], guides)
        except NetError as error:
            if len(chosen) == 1:
                raise
            advice = "or other objectives, with --layer, --channel or --class"
            raise NetError(f"objective.{place} does not fit {looked_at[how].name}: {error}, {advice}") from None
        return lambda time: of_net(made(time), starts[how])

    return Terms(tuple(over(*numbered) for numbered in enumerate(chosen)), tuple(guides.values()))


def weighted(objectives: Sequence[Objective], terms: Sequence[ObjectiveSettings]) -> list[Objective]:
    """Return each objective times the weight of its term; times 1 for a net's default layers, which have no terms."""
    weights = [term.weight for term in terms] or [1.0] * len(objectives)
    return [weight * objective for weight, objective in zip(weights, objectives, strict=True)]


def _own_layers(net: Net) -> tuple[str, ...]:
    if not net.default_layers:
        raise SettingsError(
            f"{net.name} has no default layers: give --layer; `dreamvid models layers {net.argument}` lists its layers"
        )
    return net.default_layers


def from_settings(terms: Sequence[ObjectiveSettings], net: Net) -> Objective:
    """Return the weighted sum of the terms' objectives; raise the same errors as `each_from_settings`."""
    return _sum(weighted(each_from_settings(terms, net), terms))


def _sum(parts: Sequence[Objective]) -> Objective:
    return sum(parts[1:], start=parts[0])


def _term(
    term: ObjectiveSettings, net: Net, shapes: dict[str, tuple[int, ...]], guides: Mapping[str, Companion]
) -> Term:
    if term.layer:
        term = term.model_copy(update={"layer": net.layer_name(term.layer)})
    if term.kind == "guide":
        return _guided(term, net, shapes, guides[term.file or ""])
    objective = _fixed(term, net, shapes)
    return lambda time: objective


def _fixed(term: ObjectiveSettings, net: Net, shapes: dict[str, tuple[int, ...]]) -> Objective:
    if term.kind in OF_THE_PICTURE and term.layer is None:
        return OF_THE_PICTURE[term.kind]()
    if term.kind == "class":
        return OF_A_CLASS[term.form or "logit"](*net.class_indices(term.class_name or ""))
    layer, channels = term.layer or "", term.channels
    if term.name is not None:
        layer, number = net.named_channel(term.name)
        channels = (number,)
    shape = check_layer(net, layer, shapes)
    if term.kind == "source":
        return objectives.little_change_in(layer)
    if term.kind == "layer":
        return _energy(layer, term, net, shape)
    beyond = [number for number in channels if not 0 <= number < shape[0]]
    if beyond:
        raise NetError(f"layer {layer} of {net.name} has no channel {beyond[0]}: give 0 to {shape[0] - 1}")
    if term.kind == "direction":
        amounts = torch.zeros(shape[0])
        amounts[list(channels)] = torch.tensor(term.amounts)
        return objectives.direction(layer, amounts, term.form == "cosine")
    if term.kind == "neuron":
        if len(shape) != 3:
            raise NetError(
                f"layer {layer} of {net.name} has no rows and columns, so no neurons: give one of its channels instead"
            )
        return objectives.neuron(layer, channels[0], term.row or 0, term.column or 0)
    if term.form in ("strongest", "weakest"):
        return objectives.ranked_channels(layer, term.count, term.form == "strongest")
    if term.form == "others":
        channels = tuple(number for number in range(shape[0]) if number not in channels)
        if not channels:
            raise NetError(
                f"form others: channels lists all {shape[0]} channels of layer {layer} of {net.name}: leave some out"
            )
    return objectives.channel(layer, channels)


def _energy(layer: str, term: ObjectiveSettings, net: Net, shape: tuple[int, ...]) -> Objective:
    if term.form == "sum":
        return objectives.layer_sum(layer)
    statistics = net.statistics.get(layer) if term.form != "plain" else None
    if statistics is not None and (len(shape) != 3 or len(statistics) != shape[0]):
        raise NetError(
            f"the channel statistics of {net.name} do not fit layer {layer}: its weights file is damaged, get it again"
        )
    return objectives.layer_energy(layer, statistics, term.power)


def _guided(term: ObjectiveSettings, net: Net, shapes: dict[str, tuple[int, ...]], guide: Companion) -> Term:
    """Return a guide's term; its activations are cached while it shows the same picture."""
    layers = (term.layer,) if term.layer is not None else _own_layers(net)
    for layer in layers:
        check_layer(net, layer, shapes)

    @lru_cache(maxsize=1)
    def by(index: int) -> Objective:
        picture = guide.picture(index)
        return _sum([_guided_by(picture, term, layer, net) for layer in layers])

    by(guide.index(START))  # so that errors are raised before anything is dreamed
    return lambda time: by(guide.index(time))


def _guided_by(pixels: Pixels, term: ObjectiveSettings, layer: str, net: Net) -> Objective:
    """Return the objective of a guide in one layer, for one picture of it; raise SettingsError if that is too small."""
    picture = torch.from_numpy(to_float(pixels).transpose(2, 0, 1)[None].copy())
    scale = GUIDE_SIDE / max(pixels.shape[:2])
    if scale < 1:
        size = [max(1, round(side * scale)) for side in picture.shape[-2:]]
        picture = F.interpolate(picture, size, mode="area")
    mean, std = (torch.tensor(value).view(1, 3, 1, 1) for value in (net.mean, net.std))
    reason = "its map there is empty"
    try:
        with torch.no_grad():
            found = activations(net.module, (picture - mean) / std, frozenset({layer}))[layer]
    except Exception as error:
        found, reason = torch.empty(0), first_line(error)
    if not found.numel():
        rows, columns = pixels.shape[:2]
        raise SettingsError(
            f"the guide {term.file} of {columns}x{rows} is too small for layer {layer} of {net.name} ({reason}): "
            "give a larger picture, or an earlier layer"
        )
    return objectives.guided(layer, found.float(), term.form or "dot")


def guide_digests(terms: Sequence[ObjectiveSettings]) -> list[str]:
    """Return the sha256 of each guide, in order; raise SourceError if one cannot be read."""
    return [digest(term.file) for term in terms if term.file is not None]


def uses_class(terms: Sequence[ObjectiveSettings]) -> bool:
    """Return True if a term is of kind class: pictures of a class need a blur as their prior."""
    return any(term.kind == "class" for term in terms)


def uses_place(terms: Sequence[ObjectiveSettings]) -> bool:
    """Return True if a term is of kind neuron: it sees one place, which jitter would move about."""
    return any(term.kind == "neuron" for term in terms)
