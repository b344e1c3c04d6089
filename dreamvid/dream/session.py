"""The session of a job, opened once: device, nets, objective, fp32 scorer."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import torch

from dreamvid.config.dream_settings import DreamSettings
from dreamvid.config.objective_settings import NetSettings
from dreamvid.config.serialize import PlainSettings
from dreamvid.config.settings import Settings
from dreamvid.dream.build_objectives import RATE, START, Nets, Terms, over_time, uses_class, uses_place, weighted
from dreamvid.dream.deepdream import Dreamer
from dreamvid.dream.objectives import Objective
from dreamvid.dream.tiles import TileBudget
from dreamvid.dream.transforms import JITTER
from dreamvid.media import opencv
from dreamvid.models import zoo
from dreamvid.models.device import Compute, set_up
from dreamvid.models.ensemble import PreparedNets, prepare_all
from dreamvid.models.net import Net
from dreamvid.models.prepare import PreparedNet

AnyPrepared = PreparedNet | PreparedNets
CUTOFF = 64  # pixels of an octave: what is broader keeps the light of the photograph
CLASS_BLUR = 4  # steps from blur to blur where a class is dreamed and nothing else is said


@dataclass(frozen=True)
class Session:
    """Nets ready to dream: `dreamer` takes steps, in the precision chosen; `scorer` computes scores, always in fp32.

    `nets`: the render's own first, then those that objectives name; `terms`: what excites over time, term by term,
    before any is weighted.
    """

    nets: Nets
    compute: Compute
    dreamer: Dreamer
    scorer: Dreamer
    terms: Terms

    def at(self, settings: PlainSettings, time: Fraction = START) -> "Session":
        """Return the session with the numbers and weights that the settings have at another moment.

        `time`: of the source, in seconds, for a guide that is a film. Raises SourceError where a guide cannot be read.
        """
        dreamer = _dreamer(self.dreamer.net, self.terms.at(time), settings, self.dreamer.budget)
        return replace(self, dreamer=dreamer, scorer=replace(dreamer, net=self.scorer.net))

    @property
    def net(self) -> Net:
        """The render's own."""
        return next(iter(self.nets.values()))


@dataclass(frozen=True)
class SharedNets:
    """Nets of several sessions: each is loaded once, and prepared once for the same layers.

    `trust`: whether a net that is code may be executed; `most`: prepared nets that are kept, None for all: those not
    used the longest go first.
    """

    trust: bool = False
    most: int | None = None
    loaded: dict[NetSettings, Net] = field(default_factory=dict)
    prepared: dict[tuple[object, ...], AnyPrepared] = field(default_factory=dict)

    def load(self, settings: Settings) -> Nets:
        """Return the nets that the settings name, the render's own first; raises NetError."""
        for how in settings.nets:
            if how not in self.loaded:
                self.loaded[how] = zoo.from_settings(how, trust=self.trust)
        return {how: self.loaded[how] for how in settings.nets}

    def prepare(self, nets: Nets, layers: frozenset[str], compute: Compute, dtype: torch.dtype) -> AnyPrepared:
        """Return nets, as `load` gives them, prepared for layers; raises NetError."""
        key = (tuple(nets), layers, compute.device, dtype)
        found = self.prepared.pop(key, None) or prepare_all(nets.values(), layers, compute.device, dtype)
        self.prepared[key] = found
        while self.most is not None and len(self.prepared) > self.most:
            self.prepared.pop(next(iter(self.prepared)))
        return found


def choose(
    settings: Settings, *, trust: bool = False, rate: Fraction = RATE, shared: SharedNets | None = None
) -> tuple[Nets, Terms]:
    """Load the nets that the settings name, the render's own first, and build the terms of the objective, unweighted.

    `trust`: whether a net that is code may be executed; `rate`: frames a second of the film that guides follow;
    `shared`: nets of several sessions, which decide themselves about `trust`. Raises NetError or SettingsError where
    they cannot be had, SourceError for a guide.
    """
    nets = (shared or SharedNets(trust)).load(settings)
    return nets, over_time(settings.objective, nets[settings.net], nets, rate)


def with_defaults(how: DreamSettings, **defaults: Any) -> DreamSettings:
    """Return the settings with these values where they are None."""
    unsaid = {key: value for key, value in defaults.items() if getattr(how, key) is None}
    return how.model_copy(update=unsaid)


def open_session(
    settings: Settings, *, trust: bool = False, rate: Fraction = RATE, shared: SharedNets | None = None
) -> Session:
    """Set up the process and prepare nets and objective; `trust`, `rate`, `shared` and errors as for `choose`."""
    compute = set_up(settings.compute)
    opencv.load().setNumThreads(compute.threads)  # it takes those of all cores by itself, whose results are the same
    shared = shared or SharedNets(trust)
    nets, terms = choose(settings, rate=rate, shared=shared)
    parts = terms.at(START)
    layers = frozenset().union(*(part.of_picture for part in parts))
    prepared = shared.prepare(nets, layers, compute, compute.dtype)
    exact = shared.prepare(nets, layers, compute, torch.float32)
    # A net for pictures of one size sees any picture in patches of that.
    dreamer = _dreamer(prepared, parts, settings, TileBudget(prepared.max_size))
    return Session(nets, compute, dreamer, replace(dreamer, net=exact), terms)


def _dreamer(prepared: AnyPrepared, terms: Sequence[Objective], settings: Settings, budget: TileBudget) -> Dreamer:
    parts = weighted(terms, settings.objective)
    objective = sum(parts[1:], start=parts[0])
    how = settings.dream
    if uses_class(settings.objective):  # what a class is told by is fine and sparse: these are its priors
        how = with_defaults(how, blur_every=CLASS_BLUR, gradient="fourier", cutoff=0)
    if uses_place(settings.objective):  # one place is seen: a shift would move that about
        how = with_defaults(how, jitter=0)
    how = with_defaults(how, blur_every=0, gradient="plain", cutoff=CUTOFF, jitter=JITTER)
    sizes = [term.step_size or how.step_size for term in settings.objective]
    cycle = tuple(zip(parts, sizes, strict=True)) if how.cycle and settings.objective else ()
    return Dreamer(prepared, objective, how, settings.seed, cycle, budget)
