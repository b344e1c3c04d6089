"""A look of a preview: opened, and dreamed at one size after another, as its command dreams it at full size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from dreamvid.config.serialize import settings_at
from dreamvid.config.settings import Settings
from dreamvid.core.errors import NetError
from dreamvid.core.types import Frame, Pixels
from dreamvid.dream.octaves import octave_sizes
from dreamvid.dream.session import Session, SharedNets, open_session
from dreamvid.jobs.events import Stop
from dreamvid.jobs.folder import JobFolder
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.jobs.job import Job
from dreamvid.jobs.preview_source import Subject
from dreamvid.media import opencv
from dreamvid.pipeline.cadence import render_at_cadence
from dreamvid.pipeline.prepare import open_source, prepare_probed
from dreamvid.pipeline.render import RenderContext, Rendered, render
from dreamvid.pipeline.schedule import Schedule
from dreamvid.pipeline.sources import NOISE, Source, probe_source

FIRST, LEAST = 200, 32  # pixels, at least: of the long side of the first pictures, and of their short side
SOON = 480  # pixels of the long side of pictures that are soon dreamed: before larger ones, smaller ones come
AnyArray = npt.NDArray[Any]


@dataclass(frozen=True)
class Look:
    """One cell of a preview: its `title`, and the line that makes its picture at full size, with its `settings`.

    `film`: the line that makes the whole film in this look, empty where there is none; `about`: a line on it.
    """

    title: str
    settings: Settings
    command: str
    film: str = ""
    about: str = ""


@dataclass(frozen=True)
class Opened:
    """A look that is ready to be dreamed; `factors`: by how much smaller than at full size, falling."""

    look: Look
    source: Source
    schedule: Schedule
    session: Session
    factors: tuple[int, ...]


def open_look(subject: Subject, look: Look, shared: SharedNets, side: int) -> Opened:
    """Open a look of a subject; `side`: pixels of the long side of its pictures. Raises DreamvidError."""
    settings = settings_at(look.settings, {}) if subject.command == "image" else look.settings
    info = probe_source(subject.source, settings) if subject.source in NOISE else subject.info
    planned, schedule = prepare_probed(subject.command, (info,), settings)
    source = open_source(planned, schedule)
    session = open_session(settings, rate=source.info.rate, shared=shared)
    return Opened(look, source, schedule, session, factors(source.plan.framing.size, settings, session, side))


def factors(size: tuple[int, int], settings: Settings, session: Session, side: int) -> tuple[int, ...]:
    """Return by how much smaller than (height, width) a look is dreamed, pass by pass.

    The last pictures have `side` pixels at least, or all that there are, and are no smaller than the coarsest octave at
    full size: in a smaller one other forms grow. Before them comes about that octave alone, which is soon dreamed;
    before it, where it is large, ever smaller ones. Raises NetError where the net takes no picture of the size.
    """
    coarsest = min(size) / min(octave_sizes(*size, settings.dream)[0])

    def check(factor: int) -> None:
        session.dreamer.net.check_size(*(min(round(edge / factor), session.dreamer.patch[0]) for edge in size))

    def fits(factor: int) -> bool:
        try:
            check(factor)
        except NetError:
            return False
        return max(size) // factor >= FIRST and min(size) // factor >= LEAST

    last = max(1, min(max(size) // side, int(coarsest)))
    while last > 1 and not fits(last):
        last -= 1
    check(last)
    found, smaller = [last], round(coarsest) if round(coarsest) > last else 2 * last
    while fits(smaller) and max(size) // found[-1] > SOON:
        found.append(smaller)
        smaller *= 2
    return tuple(reversed(found))


def frames_of(each: Opened) -> list[Frame]:
    """Read the frames of a look at the size of its last pictures."""
    return [shrunk(frame, each.factors[-1]) for frame in each.source.frames(each.source.plan.frames)]


def dreamed(each: Opened, frames: Sequence[Frame], factor: int, stop: Stop) -> list[Pixels]:
    """Dream the frames of a look as its command does, but smaller by a factor, in the octaves of the full size.

    `frames`: at the size of its last pictures. Raises Interrupted where `stop` asks for it.
    """
    frames = [shrunk(frame, factor / each.factors[-1]) for frame in frames]
    settings = each.schedule.settings
    dream = settings.dream.model_copy(update={"draft": settings.dream.draft * factor})
    schedule = replace(each.schedule, settings=settings.model_copy(update={"dream": dream}))
    plain = settings_at(schedule.settings, {})
    session, plan = each.session.at(plain), each.source.plan
    results: Iterator[Rendered]
    if each.source.info.kind == "still":
        results = render(RenderContext(plan, plain, each.source.move, session.dreamer), frames)
    else:
        results = render_at_cadence(Job(JobFolder(Path()), each.source, schedule, session).context, frames)
    made = []
    for result in results:
        made.append(result.dream)
        if stop() and len(made) < len(frames):
            raise Interrupted
    return [made[position] for position in plan.playback]


def shrunk(frame: Frame, factor: float) -> Frame:
    """Return a frame that is smaller by a factor."""
    if factor == 1:
        return frame
    height, width = (round(side / factor) for side in frame.image.shape[:2])
    mask = None if frame.mask is None else resized(frame.mask, height, width)
    return replace(frame, image=resized(frame.image, height, width), mask=mask)


def resized(picture: AnyArray, height: int, width: int) -> AnyArray:
    """Return a picture or mask at a smaller size."""
    cv2 = opencv.load()
    smaller: AnyArray = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return smaller
