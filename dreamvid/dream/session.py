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
    """Nets of several sessions: each is loaded once, and prepared once for the same layers, until its files change.

    `trust`: whether a net that is code may be executed; `most`: nets that are kept, and twice as many prepared ones,
    None for all: those not used the longest go first.
    """

    trust: bool = False
    most: int | None = None
    loaded: dict[object, Net] = field(default_factory=dict)
    prepared: dict[object, AnyPrepared] = field(default_factory=dict)

    def load(self, settings: Settings) -> Nets:
        """Return the nets that the settings name, the render's own first; raises NetError."""
        found = dict[NetSettings, Net]()
        for how in settings.nets:
            key = _as_is(how)
            found[how] = self.loaded.pop(key) if key in self.loaded else zoo.from_settings(how, trust=self.trust)
            self.loaded[key] = found[how]
        if self.most is not None:
            _keep_last(self.loaded, self.most)
        return found

    def prepare(self, nets: Nets, layers: frozenset[str], compute: Compute, dtype: torch.dtype) -> AnyPrepared:
        """Return nets, as `load` gives them, prepared for layers; raises NetError."""
        key = (tuple(map(_as_is, nets)), layers, compute.device, dtype, compute.threads)
        found = self.prepared.pop(key, None) or prepare_all(nets.values(), layers, compute.device, dtype)
        self.prepared[key] = found
        if self.most is not None:
            _keep_last(self.prepared, 2 * self.most)
        return found


def _as_is(how: NetSettings) -> object:
    """Return what tells a net from others, and from itself with other files: its settings, and when these changed."""
    found = [path.stat() for path in how.files if path.exists()]
    return how, tuple((file.st_mtime_ns, file.st_size) for file in found)


def _keep_last(kept: dict[object, Any], most: int) -> None:
    while len(kept) > most:
        kept.pop(next(iter(kept)))


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
