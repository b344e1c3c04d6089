"""Workers: processes that render parts of films; which of them renders a part, and how many there are, changes no byte.

A worker gets nothing but the path of a job folder and the numbers of what to render; what it renders lies there. The
process that writes the film hands out the parts, and counts the frames that it is told of.
"""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dreamvid.config.settings import Settings
from dreamvid.core.errors import JobError
from dreamvid.jobs import folder as job_folder
from dreamvid.jobs.events import Event, Progress, Stop
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.jobs.job import Job
from dreamvid.jobs.records import FrameRecord
from dreamvid.jobs.worker import (
    OnFrame,
    SegmentRecords,
    Tally,
    anchored,
    find_segments,
    paint_missing,
    render_segments,
    render_shot_anchors,
)

logger = logging.getLogger(__name__)
TRIES = 3  # times that a part is begun, where the worker that renders it is killed
POLL = 0.2  # seconds between two looks at whether all is to stop


class WorkerLostError(JobError):
    """A worker was killed, again and again, while it rendered the same part."""


@dataclass(frozen=True)
class Part:
    """What a worker renders in one go: some segments of a job, or the anchors of one of its shots."""

    folder: Path
    segments: tuple[int, ...] = ()
    shot: int | None = None

    def __str__(self) -> str:
        names = f"the anchors of shot {self.shot}" if self.shot is not None else f"segment {self.segments[0]}"
        return f"{names} of {self.folder.name.removesuffix('.dreamvid')}"


@dataclass(frozen=True)
class FrameTime:
    """What a worker tells of a finished frame; arguments as of a Tally."""

    seconds: float
    first: bool


News = FrameTime | Event  # of a part that is being rendered; an Event: of the canvas that it paints


class Workers(Protocol):
    """What renders parts: `count` at once, in the order in which they are submitted."""

    count: int

    def submit(self, part: Part, tell: Callable[[News], None], halt: threading.Event) -> "Future[None]":
        """Have a part rendered, and its news told, in whatever thread; it ends early once `halt` is set.

        The future raises DreamvidError for what went wrong, Interrupted where the part was halted.
        """


def pinned(settings: Settings) -> Settings:
    """Return settings with one thread a worker where no number is given: it must not depend on that of the workers."""
    threads = 1 if settings.compute.threads is None else settings.compute.threads
    return settings.model_copy(update={"compute": settings.compute.model_copy(update={"threads": threads})})


def render_part(job: Job, part: Part, on_frame: OnFrame, progress: Progress, stop: Stop) -> None:
    """Render all that is missing of a part, in whatever process."""
    if part.shot is not None:
        render_shot_anchors(job, job.source.plan.shots[part.shot], on_frame)
    else:
        canvas = paint_missing(job, progress, stop)
        render_segments(job, find_segments(job, part.segments), on_frame, canvas)


def render_over(
    workers: Workers, job: Job, segments: Sequence[SegmentRecords], progress: Progress, stop: Stop
) -> list[FrameRecord]:
    """Render all that is missing of a job by workers; arguments and result as of `render_missing`."""
    tally = Tally(segments, progress, stop)
    waiting, stored, open_parts = _parts(job, segments), set[int](), set[Future[None]]()
    news: queue.SimpleQueue[News | Future[None]] = queue.SimpleQueue()
    halt = threading.Event()
    try:
        while waiting or open_parts:
            stored |= {at for anchors in waiting.values() for at in anchors - stored if _has_anchor(job, at)}
            for part in [part for part, anchors in waiting.items() if anchors <= stored]:
                del waiting[part]
                future = workers.submit(part, news.put, halt)
                open_parts.add(future)
                future.add_done_callback(news.put)
            match _next(news, stop):
                case FrameTime(seconds, first):
                    tally(seconds, first=first)
                case Event() as event:
                    progress(event)
                case Future() as future:
                    open_parts.remove(future)
                    future.result()
    except BaseException:
        halt.set()
        for future in open_parts:  # each finishes its frame
            future.exception()
        raise
    before = {record.index for segment in segments for record in segment.finished}
    found = find_segments(job, [segment.number for segment in segments])
    return [record for segment in found for record in segment.finished if record.index not in before]


def _next(news: "queue.SimpleQueue[News | Future[None]]", stop: Stop) -> "News | Future[None]":
    """Return the next news; raise Interrupted where `stop` asks for it meanwhile."""
    while True:
        with suppress(queue.Empty):
            return news.get(timeout=POLL)
        if stop():
            raise Interrupted("stopped; the same command resumes")


def _parts(job: Job, segments: Sequence[SegmentRecords]) -> dict[Part, frozenset[int]]:
    """Return the parts that are missing of a job, and the segments whose anchors each needs; first what dreams these.

    A canvas and the end of a loop need what all of their film has: these are one part.
    """
    plan, path = job.source.plan, job.folder.path
    missing = tuple(segment.number for segment in segments if segment.missing)
    if missing and (job.source.view is not None or plan.crossfade is not None):
        return {Part(path, missing): frozenset()}
    anchors = {number: set(anchored(job, shot).values()) for number, shot in enumerate(plan.shots)}
    lacking = [shot for shot, its in anchors.items() if any(not _has_anchor(job, at) for at in its)]
    every = set[int]().union(*anchors.values())
    # A segment begins with its own anchor, and ends with the next one.
    needed = {Part(path, (number,)): frozenset(every & {number, number + 1}) for number in missing}
    return {Part(path, shot=number): frozenset() for number in lacking} | needed


def _has_anchor(job: Job, segment: int) -> bool:
    return bool(job_folder.finished(job.folder, job.source.plan, segment, most=1)[0])
