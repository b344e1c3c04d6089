"""A render within a time: a few of its frames are measured, and by them size, steps and cadence are chosen."""

import logging
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from dreamvid.coherence.carry import Carry, Past
from dreamvid.config.budget import Choice, Limits, Pace, Workload, choose, least, with_choice, with_choice_of
from dreamvid.config.settings import Settings
from dreamvid.core.errors import SettingsError
from dreamvid.core.timing import duration
from dreamvid.core.types import Pixels
from dreamvid.dream.session import Session, open_session
from dreamvid.jobs.folder import JobFolder, Resume, read_settings
from dreamvid.jobs.job import Job
from dreamvid.jobs.pace import paced
from dreamvid.jobs.worker import SCORED
from dreamvid.media import encode
from dreamvid.media.frame_store import FrameStore
from dreamvid.pipeline.plan import Plan, make_plan, with_cuts
from dreamvid.pipeline.prepare import RenderPlan, open_source, prepare
from dreamvid.pipeline.render import FINISHING, RenderContext, Rendered
from dreamvid.pipeline.schedule import Schedule

logger = logging.getLogger(__name__)
SAMPLE = 0.1  # share of the time that measuring is to take
DEAR = 3  # times that, at most, for a second size: of one size, what a frame costs whatever its size cannot be told
MARGIN = 0.9  # share of the time left that is planned with: what is measured on few frames varies
CARRIED = 3  # frames of the sample beside the first
APART = 2  # factor between the sizes that are measured, at least
WRITTEN = 12  # frames of the sample film


def within(
    source: str, settings: Settings, seconds: float, output: Path, folder: JobFolder, *, resume: Resume, trust: bool
) -> Settings:
    """Return settings by which a video is dreamed within a time; of a job that was begun, those that it began with.

    Raises SettingsError where even the smallest choice takes longer, JobError where the settings of a job are damaged.
    """
    if resume != "never" and folder.begun and folder.settings_file.exists():
        return _resumed(settings, folder)
    began = time.perf_counter()
    planned, schedule = prepare("video", (source,), settings)
    session = open_session(settings, trust=trust, rate=planned.info.rate)
    again = time.perf_counter() - began  # the render itself prepares once more
    limits, film = Limits.of(settings, planned.plan.framing.size), workload(planned.plan, settings)
    paces = list(_paces(planned, schedule, session, limits, SAMPLE * seconds, output))
    before = time.perf_counter() - began + again
    choice = choose(paces, film, limits, MARGIN * (seconds - before))
    if choice is None:
        smallest = least(limits)
        needed = (before + film.seconds(paces, smallest) / MARGIN) * 1.05
        raise SettingsError(
            f"--budget {duration(seconds)} is too short: even with {_words(limits, smallest, planned.plan)} this takes "
            f"about {duration(needed)}: give more time, or fewer frames with --from and --to"
        )
    takes = before + film.seconds(paces, choice)
    logger.info("within %s: %s, about %s", duration(seconds), _words(limits, choice, planned.plan), duration(takes))
    return with_choice(settings, choice)


def _resumed(settings: Settings, folder: JobFolder) -> Settings:
    begun = read_settings(folder)
    logger.info(
        "going on with what the job was begun with: size %s, %d steps, cadence %d",
        begun.input.size or "of the source",
        begun.dream.steps,
        begun.coherence.cadence,
    )
    return with_choice_of(settings, begun)


def workload(plan: Plan, settings: Settings) -> Workload:
    """Return the film of a plan, as far as its time goes; without coherence every frame is the first of a shot."""
    how = settings.coherence
    if how.mode == "none":
        return Workload((1,) * len(plan.frames), settings.dream.steps)
    shots = tuple(len(plan.positions(shot)) for shot in plan.shots)
    more = FINISHING + 1 if how.mode == "flow" else 0  # the strength is measured: about the time of a step
    return Workload(shots, settings.dream.steps, more, whole=how.mode == "blend" and how.steps is None)


def _words(limits: Limits, choice: Choice, plan: Plan) -> str:
    """Return a choice in words."""
    height, width = (round(choice.share * side) for side in plan.framing.size)
    frames = "every frame" if choice.cadence == 1 else f"one frame in {choice.cadence}"
    return f"{width}x{height} ({choice.share:.0%}), {choice.steps} of {limits.wanted.steps} steps, {frames} dreamed"


def _paces(
    planned: RenderPlan, schedule: Schedule, session: Session, limits: Limits, seconds: float, output: Path
) -> Iterator[Pace]:
    """Yield the pace at the smallest size, then at the wanted one, or the largest that `seconds` allow."""
    _pace(
        planned, schedule, session, limits.least_share, output
    )  # warms up: a net that runs for the first time is slow
    began = time.perf_counter()
    yield _pace(planned, schedule, session, limits.least_share, output)
    took = max(time.perf_counter() - began, 1e-3)
    least = limits.least_share
    share = min(1.0, least * max(APART, (max(0.0, seconds - took) / took) ** 0.5))
    if share > least and took * (share / least) ** 2 <= DEAR * seconds:
        yield _pace(planned, schedule, session, share, output)


def _pace(planned: RenderPlan, schedule: Schedule, session: Session, share: float, output: Path) -> Pace:
    """Measure frames at a share of the wanted size, on the beginning of a shot."""
    settings = with_choice(
        schedule.settings, Choice(share, schedule.settings.dream.steps, schedule.settings.coherence.cadence)
    )
    framed = replace(planned.plan, framing=make_plan(settings, planned.info).framing)
    schedule = replace(schedule, settings=settings)
    source = open_source(replace(planned, plan=framed), schedule)
    sample = _sample(framed, 1 + CARRIED)
    with tempfile.TemporaryDirectory() as name:
        job = Job(JobFolder(Path(name)), source, schedule, session)
        began = time.perf_counter()
        frames = list(source.frames(sample.frames))
        decoded = (time.perf_counter() - began) / len(frames)
        context = replace(job.context, plan=sample)
        plain, store = context.settings, FrameStore(Path(name) / "frames")

        def spaced(cadence: int) -> RenderContext:
            how = plain.coherence.model_copy(update={"cadence": cadence})
            return replace(context, settings=plain.model_copy(update={"coherence": how}))

        walk = paced(spaced(1), frames, store)
        first, begun = next(walk)
        rest = list(walk)
        carried = statistics.fmean(took for took, _ in rest) if rest else first
        between = carried
        if len(rest) > 1 and plain.coherence.mode == "flow":
            pair = replace(spaced(2), plan=_sample(framed, 3))
            carry = Carry((Past(begun.index, begun.source, begun.dream, frames[0].mask),), begun.state)
            between = max(0.0, sum(took for took, _ in paced(pair, frames[1:3], store, carry)) - carried)
        ages = [result.state.calibration_age for _, result in rest]
        finished = _scored(job, begun) / SCORED + _written(job, [begun, *(result for _, result in rest)], output)
    # Decoding runs beside the dream.
    fresh, carried, between = (max(decoded, took) for took in (first, carried, between))
    return Pace(share, fresh, carried, between, finished, max(ages, default=0) / max(1, len(ages)))


def _sample(plan: Plan, count: int) -> Plan:
    """Return the plan of the first frames of a shot: of the first that has as many, else of the longest."""
    shots = [plan.positions(shot) for shot in plan.shots]
    chosen = next((shot for shot in shots if len(shot) >= count), max(shots, key=len))
    frames = tuple(plan.frames[position] for position in chosen[:count])
    sample = replace(plan, frames=frames, playback=tuple(range(len(frames))), crossfade=None, cycle_length=None)
    return with_cuts(sample, ())


def _scored(job: Job, result: Rendered) -> float:
    began = time.perf_counter()
    job.score(result)
    return time.perf_counter() - began


def _written(job: Job, results: list[Rendered], output: Path) -> float:
    """Return the seconds that a frame takes to be encoded and checked."""
    settings, plan, threads = job.schedule.settings, job.source.plan, job.session.compute.threads
    film = job.folder.path / f"sample{output.suffix}"
    spec = encode.FilmSpec(plan.framing.size, plan.rate, WRITTEN, settings.output, plan.framing.sar)
    trial = encode.rehearse(film, spec, job.folder.trial, threads=threads, notice=lambda _: None)

    def frames() -> list[Pixels]:
        return [results[number % len(results)].dream for number in range(WRITTEN)]

    began = time.perf_counter()
    encode.encode(frames, film, spec, trial, threads=threads, notice=lambda _: None)
    return (time.perf_counter() - began) / WRITTEN
