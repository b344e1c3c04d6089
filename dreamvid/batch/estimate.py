"""Estimate a batch before it is begun: a few frames of every kind of job are rendered, and thrown away."""

import logging
import statistics
import tempfile
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from dreamvid.batch.job import Job
from dreamvid.batch.lanes import Lanes
from dreamvid.batch.run import PAUSE
from dreamvid.batch.whole import kind_of
from dreamvid.camera import paint
from dreamvid.camera.canvas import empty
from dreamvid.config.draft import resized
from dreamvid.config.serialize import settings_at
from dreamvid.config.settings import Settings
from dreamvid.core.errors import DreamvidError
from dreamvid.dream.session import open_session
from dreamvid.jobs.events import Event
from dreamvid.jobs.run import RENDERERS, Options
from dreamvid.jobs.time_left import carried_and_work
from dreamvid.pipeline import newness
from dreamvid.pipeline.frame_params import growing_frames
from dreamvid.pipeline.plan import Plan
from dreamvid.pipeline.prepare import RenderPlan, open_source, prepare, schedule_of
from dreamvid.pipeline.render import ANEW
from dreamvid.pipeline.sources import probe_source
from dreamvid.pipeline.stretches import plan_stretches

CARRIED = 3  # frames of a sample beside the first of a shot, at least
PLAIN = 0.6  # share of the first frame's seconds, at most, of a carried frame that has no fresh dream beside it
LARGEST = 300_000  # pixels of a sample of a still


@dataclass(frozen=True)
class Pace:
    """The seconds that a kind of job takes, of several parts.

    `first`: the first frame of a shot; `carried`: one that is carried whole; `work`: a work of 1 beyond that, see
    `newness.works`; `beside`: all beside frames and plan.
    """

    first: float
    carried: float
    work: float
    beside: float


@dataclass(frozen=True)
class Estimate:
    """The time of a job: the seconds of each of its `shots` (or segments of long ones), and those `beside` them.

    `problem`: why that cannot be told, empty where it can.
    """

    job: Job
    shots: tuple[float, ...] = ()
    beside: float = 0.0
    problem: str = ""

    @property
    def seconds(self) -> float:
        """The seconds of the whole job."""
        return sum(self.shots) + self.beside


@dataclass
class Estimator:
    """Estimates jobs; of each kind a sample is rendered once, every source is planned once for each range and size.

    `options`: with which the jobs would be rendered; `warm_up`: seconds by which the very first sample took longer than
    the same again.
    """

    options: Options
    paces: dict[tuple[object, ...], Pace] = field(default_factory=dict)
    plans: dict[tuple[object, ...], tuple[list[RenderPlan], float]] = field(default_factory=dict)
    warm_up: float = 0.0

    def estimate(self, job: Job, done: int = 0) -> Estimate:
        """Return what a job takes; `done`: frames of it that an earlier run has finished, in the order of the film."""
        try:
            plans, seconds = self._planned(job)
            # Of a film in stretches, each is a film of its own here.
            paces = [
                self._pace(replace(job, settings=look, stretches=()), planned)
                for look, planned in zip(job.looks, plans, strict=True)
            ]
        except DreamvidError as error:
            return Estimate(job, problem=str(error))
        shots = []
        for plan, pace, look in zip([planned.plan for planned in plans], paces, job.looks, strict=True):
            for number, part in enumerate(plan.segments):
                positions = plan.positions(part)
                finished = min(done, len(positions))
                done -= finished
                left = newness.works(plan, positions[finished:], look.coherence)
                fresh = 0.0 if finished else 1.0
                if number == 0 and plan.carries_on:  # a frame in which a look grows takes that share of all steps
                    growing = growing_frames(plan, look.coherence.cadence) if plan.grows else 0
                    fresh = ANEW * max(0, growing - finished)
                later = len(left) - fresh
                beyond = pace.work * statistics.fmean(left) if left else 0.0
                shots.append(pace.first * fresh + later * (pace.carried + beyond))
        return Estimate(job, tuple(shots), seconds + max(pace.beside for pace in paces))

    def _planned(self, job: Job) -> tuple[list[RenderPlan], float]:
        """Return the plan of a job, or those of the stretches of its film, and how long they took to make."""
        settings = job.settings
        own = job.name if settings.keyframes or job.stretches or job.command == "zoom" else ""
        key = (job.command, job.source, repr(settings.input), settings.coherence.mode, own)
        if key not in self.plans:
            began = time.perf_counter()
            if job.stretches:
                found = plan_stretches(probe_source(job.source, settings), job.stretches).stretches
            else:
                found = (prepare(job.command, (job.source,), settings),)
            self.plans[key] = ([planned for planned, _ in found], time.perf_counter() - began)
        return self.plans[key]

    def _pace(self, job: Job, planned: RenderPlan) -> Pace:
        key = (kind_of(job), job.size, job.output.suffix, job.settings.output.codec)
        if key not in self.paces:
            moments = [time.perf_counter()]
            if not self.paces:  # a net that runs for the first time is slow
                self._sampled(job, planned)
                moments.append(time.perf_counter())
            self.paces[key] = self._sampled(job, planned)
            if len(moments) == 2:
                self.warm_up = max(0.0, (moments[1] - moments[0]) - (time.perf_counter() - moments[1]))
        return self.paces[key]

    def _sampled(self, job: Job, planned: RenderPlan) -> Pace:
        """Render a sample of a job, and return the pace."""
        settings, scale = _sample(job, planned.plan)
        with _quietly():
            began = time.perf_counter()
            sampled, _ = prepare(job.command, (job.source,), settings)
            prepared = time.perf_counter() - began
            rendered = self._rendered(replace(job, settings=settings))
            beside = max(0.0, statistics.fmean(beside for _, beside in rendered) - prepared)
            if job.paints:
                beside += _canvas_seconds(job, planned, self.options)
        first, *later = (scale * statistics.fmean(frame) for frame in zip(*(took for took, _ in rendered), strict=True))
        works = newness.works(sampled.plan, range(1, 1 + len(later)), settings.coherence, measured=False)
        frames = list(zip(later, works, strict=True))
        plain = [frame for frame in frames if frame[0] < PLAIN * first] or frames
        carried, work = carried_and_work([first], plain) if plain else (first, 0.0)
        return Pace(first, carried, work, beside)

    def _rendered(self, job: Job) -> list[tuple[list[float], float]]:
        """Render a sample, by every worker at once; return the seconds of its frames, and those beside these, of each.

        Workers take time from each other: from memory that all use, and from processors of which there are not enough.
        """
        workers, found = self.options.workers, list[tuple[list[float], float]]()
        count = 1 if workers is None or job.command == "image" else workers.count

        def render(output: Path) -> None:
            took: list[float] = []
            with lanes.opening() as opening:

                def on_event(event: Event) -> None:
                    if event.phase == "render":
                        opening.give_back()
                        took.extend([event.seconds] if event.seconds else [])

                began = time.perf_counter()
                options = replace(self.options, progress=on_event, stop=lanes.halt.is_set)
                RENDERERS[job.command](job.source, output, job.settings, options)
                found.append((took, time.perf_counter() - began - sum(took)))

        with tempfile.TemporaryDirectory() as name, Lanes(count) as lanes:
            for number in range(count):
                lanes.begin(str(number), partial(render, Path(name) / f"sample{number}{job.output.suffix}"))
            while lanes.names:
                lanes.wait(PAUSE)
        return found


def _canvas_seconds(job: Job, planned: RenderPlan, options: Options) -> float:
    """Return how long a canvas takes: of its finest octave a step is taken at its beginning and at its end."""
    source = open_source(planned, schedule_of(planned, job.settings))
    session = open_session(job.settings, trust=options.trust, shared=options.nets)
    assert source.view is not None
    backdrop, (height, width) = source.view.backdrop, planned.plan.framing.size
    steps = paint.paint_steps(backdrop.flight, height, width, session.dreamer.settings)
    finest = sum(step[0] == steps[-1][0] for step in steps)
    evened = round(paint.EVENING * finest)

    def seconds(number: int) -> float:
        number = min(max(1, number), len(steps) - 1)
        begun = number, empty(backdrop.flight, *steps[number - 1][2:]).layer
        walk = paint.paint_canvas(backdrop, height, width, session.dreamer, begun)
        began = time.perf_counter()
        next(walk, None)
        return time.perf_counter() - began

    if not steps:
        return 0.0
    seconds(len(steps) - finest)  # warms up
    plain, even = seconds(len(steps) - finest + 1), seconds(len(steps) - 1)
    coarse = sum(high * wide for _, _, high, wide in steps[:-finest]) / (height * width)
    return plain * (coarse + finest - evened) + even * evened


def _sample(job: Job, plan: Plan) -> tuple[Settings, float]:
    """Return settings by which a few frames of a job are rendered, and the factor from their seconds to its own."""
    settings = Settings(**dict(settings_at(job.settings, {})))
    if job.command == "image":
        share = min(1.0, (LARGEST / (job.frames * job.pixels_each)) ** 0.5)
        return _with_input(settings, size=resized(settings.input.size, share) if share < 1 else settings.input.size), (
            1 / share**2
        )
    shot = max((plan.positions(shot) for shot in plan.shots), key=len)
    last = shot[: 1 + max(CARRIED, settings.coherence.cadence)][-1]
    before = 0 if plan.clip is None else round(plan.clip[0] * plan.rate)
    start, stop = before + bisect_left(plan.playback, shot.start), before + bisect_right(plan.playback, last)
    if plan.cycle_length is not None:
        start, stop = 0, 1 + last - shot.start
    settings = _with_input(settings, frames=f"{start}:{stop}", start=None, stop=None, loop=False, laps=1)
    if job.paints:  # its canvas is measured by itself
        settings = settings.model_copy(update={"dream": settings.dream.model_copy(update={"steps": 0})})
    return settings, 1.0


def _with_input(settings: Settings, **changes: object) -> Settings:
    return settings.model_copy(update={"input": settings.input.model_copy(update=changes)})


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the log to itself: what a sample says is not of the batch."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
