"""Everything that dreams, made ready once a job: device, net, objective."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import torch

from dreamvid.device import Compute, set_up
from dreamvid.dream import JITTER, Dreamer
from dreamvid.nets import zoo
from dreamvid.nets.net import Net
from dreamvid.nets.several import prepare_all
from dreamvid.objectives import SOURCE
from dreamvid.settings import DreamSettings, Settings
from dreamvid.targets import RATE, START, Nets, Terms, over_time, uses_class, uses_place

CLASS_BLUR = 4  # steps from blur to blur where a class is dreamed and nothing else is said


@dataclass(frozen=True)
class Engine:
    """Nets ready to dream: `dreamer` climbs, in the precision chosen; `judge` tells scores, always in float32.

    `nets`: the render's own first, then those that objectives name; `terms`: what excites at other times than the
    start, where a guide runs along.
    """

    nets: Nets
    compute: Compute
    dreamer: Dreamer
    judge: Dreamer
    terms: Terms

    def at(self, time: Fraction) -> "Engine":
        """The same nets, excited as they are at a time of the source, in seconds; raises SourceError."""
        if not self.terms.move:
            return self
        parts = self.terms.at(time)
        sizes = [size for _, size in self.dreamer.cycle]
        cycle = tuple(zip(parts, sizes, strict=True)) if sizes else ()
        changes: dict[str, Any] = {"objective": sum(parts[1:], start=parts[0]), "cycle": cycle}
        return replace(self, dreamer=replace(self.dreamer, **changes), judge=replace(self.judge, **changes))

    @property
    def net(self) -> Net:
        """The render's own."""
        return next(iter(self.nets.values()))


def choose(settings: Settings, *, trust: bool = False, rate: Fraction = RATE) -> tuple[Nets, Terms]:
    """The nets that the settings name, the render's own first, and what excites them, term by term.

    `trust`: whether a net that is code may be executed; `rate`: frames a second of the film beside which guides run.
    Raises NetError or SettingsError where they cannot be had, SourceError for a guide.
    """
    nets = {how: zoo.from_settings(how, trust=trust) for how in settings.nets}
    return nets, over_time(settings.objective, nets[settings.net], nets, rate)


def with_defaults(how: DreamSettings, **defaults: Any) -> DreamSettings:
    """The same settings, with these where nothing was said."""
    unsaid = {key: value for key, value in defaults.items() if getattr(how, key) is None}
    return how.model_copy(update=unsaid)


def start(settings: Settings, *, trust: bool = False, rate: Fraction = RATE) -> Engine:
    """Sets up the process and prepares nets and objective; `trust`, `rate` and errors as for `choose`."""
    compute = set_up(settings.compute)
    nets, terms = choose(settings, trust=trust, rate=rate)
    parts = terms.at(START)
    objective = sum(parts[1:], start=parts[0])
    how = settings.dream
    if uses_class(settings.objective):  # what a class is told by is fine and sparse: these are its priors
        how = with_defaults(how, blur_every=CLASS_BLUR, gradient="fourier")
    if uses_place(settings.objective):  # one place is seen: a shift would move that about
        how = with_defaults(how, jitter=0)
    how = with_defaults(how, blur_every=0, gradient="plain", jitter=JITTER)
    sizes = [term.step_size or how.step_size for term in settings.objective]
    cycle = tuple(zip(parts, sizes, strict=True)) if how.cycle and settings.objective else ()
    layers = objective.layers - {SOURCE}
    prepared = prepare_all(nets.values(), layers, compute.device, compute.dtype)
    exact = prepared
    if compute.dtype != torch.float32:
        exact = prepare_all(nets.values(), layers, compute.device, torch.float32)
    dreamer = Dreamer(prepared, objective, how, settings.seed, cycle)
    if prepared.max_size is not None:  # a net for pictures of one size sees any picture in patches of that
        dreamer = dreamer.with_tile(min(how.tile, prepared.max_size))
    return Engine(nets, compute, dreamer, replace(dreamer, net=exact), terms)
