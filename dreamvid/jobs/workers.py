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
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Protocol

from dreamvid.config.settings import Settings
from dreamvid.core.errors import JobError
from dreamvid.core.types import Pixels
from dreamvid.jobs.events import Event, Progress, Stop
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.jobs.job import Job
from dreamvid.jobs.parts import Part, Remaining, most_at_once
from dreamvid.jobs.records import FrameRecord
from dreamvid.jobs.segment_records import SegmentRecords, find_segments, tally_of
from dreamvid.jobs.time_left import FramesLeft
from dreamvid.jobs.worker import paint_missing, render_segments, render_shot_anchors

logger = logging.getLogger(__name__)
TRIES = 3  # times that a part is begun, where the worker that renders it is killed
POLL = 0.2  # seconds between two looks at whether all is to stop


class LostError(Exception):
    """A worker has ended in the middle of a part; says how."""


class WorkerLostError(JobError):
    """One worker after another has ended in the middle of the same part."""

    passing = True


@dataclass(frozen=True)
class FrameTime:
    """The news of a finished frame; fields as the arguments of a Tally."""

    seconds: float
    work: float | None


News = FrameTime | Event  # of a part that is being rendered; an Event: of the canvas that it paints
Tell = Callable[[News], None]
_Told = tuple[FramesLeft, News]  # of a part, with what was left of it


class Worker(Protocol):
    """Renders parts, one at a time, in a process of its own, here or elsewhere."""

    def begin(self) -> None:
        """Begin a process where there is none, and wait until it can take a part; raise LostError where it is ended."""

    def render(self, part: Part, tell: Tell, halt: threading.Event) -> None:
        """Render a part, and tell its news; end early once `halt` is set.

        Raises DreamvidError for what went wrong, Interrupted where it was halted; LostError where the process has
        ended.
        """

    def end(self) -> None:
        """End the process, whatever it renders; what that has stored is whole."""


@dataclass(frozen=True)
class _Order:
    """A part that is to be rendered, and whom to tell."""

    part: Part
    tell: Tell
    halt: threading.Event
    future: "Future[None]"
    number: int = 1  # of the try


class Workers:
    """Render parts, `count` at once, in the order in which they are submitted; they end with the context."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        """Take some workers, each of which gets a thread that hands it one part after another."""
        self.count = len(workers)
        self._workers, self._ending = workers, False
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._serve, args=(worker,), daemon=True) for worker in workers]

    def __enter__(self) -> "Workers":
        """Let the workers take parts."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the workers, whatever they render."""
        self._ending = True
        for worker in self._workers:
            self._orders.put(None)
            worker.end()
        for thread in self._threads:
            thread.join()

    def submit(self, part: Part, tell: Tell, halt: threading.Event) -> "Future[None]":
        """Have a part rendered by the next worker that is free; the future raises as `Worker.render`.

        `tell`: called in another thread. Where a worker is lost, another goes on with its part, some times.
        """
        order = _Order(part, tell, halt, Future())
        self._orders.put(order)
        return order.future

    def _serve(self, worker: Worker) -> None:
        """Hand one part after another to a worker, while it can take one."""
        while not self._ending:
            with suppress(LostError):
                worker.begin()
                order = self._orders.get()
                if order is None:
                    return
                self._carry_out(worker, order)

    def _carry_out(self, worker: Worker, order: _Order) -> None:
        try:
            worker.render(order.part, order.tell, order.halt)
            order.future.set_result(None)
        except LostError as error:
            if self._ending or order.halt.is_set():
                order.future.set_exception(Interrupted("stopped at once; the same command resumes"))
            elif order.number == TRIES:
                message = f"a worker {error} while it rendered {order.part}, {TRIES} times: run again to resume"
                order.future.set_exception(WorkerLostError(message))
            else:
                logger.warning("a worker %s while it rendered %s: begun again", error, order.part)
                self._orders.put(replace(order, number=order.number + 1))
        except BaseException as error:
            order.future.set_exception(error)


def pinned(settings: Settings) -> Settings:
    """Return settings with one thread a worker where no number is given: it must not depend on that of the workers."""
    threads = 1 if settings.compute.threads is None else settings.compute.threads
    return settings.model_copy(update={"compute": settings.compute.model_copy(update={"threads": threads})})


def render_part(job: Job, part: Part, tell: Tell, stop: Stop) -> None:
    """Render all that is missing of a part, in whatever process, and tell its news.

    Raises DreamvidError, or Interrupted where `stop` asks for it.
    """

    def on_frame(seconds: float, work: float | None, picture: Pixels | None = None) -> None:
        tell(FrameTime(seconds, work))
        if stop():
            raise Interrupted("stopped; the same command resumes")

    if part.shot is not None:
        render_shot_anchors(job, job.source.plan.shots[part.shot], on_frame)
    else:
        canvas = paint_missing(job, tell, stop)
        render_segments(job, find_segments(job, part.segments), on_frame, canvas)


def render_over(
    workers: Workers, work: Sequence[tuple[Job, Sequence[SegmentRecords]]], progress: Progress, stop: Stop
) -> list[list[FrameRecord]]:
    """Render by workers all that is missing of some segments, and return the records of that, job by job.

    `work`: the jobs of a film in order, each with all of its segments. Those that go on with the dream of the one
    before wait for it. Raises as `render_missing`.
    """
    remaining = [Remaining.of(job, segments, workers.count) for job, segments in work]
    every = [segment for _, segments in work for segment in segments]
    parts = [left for each in remaining for left in each.left.values()]
    tally = tally_of(every, progress, stop, min(workers.count, most_at_once(remaining)), parts)
    news: queue.SimpleQueue[_Told | Future[None]] = queue.SimpleQueue()
    halt = threading.Event()
    try:
        while not all(each.is_over for each in remaining):
            for before, each in zip((None, *remaining), remaining, strict=False):
                if each.job.before is not None and before is not None and not before.is_over:
                    continue
                # No more than the workers can take, so that the next is the longest of those that can be rendered then.
                for part in each.take(workers.count - sum(len(other.open) for other in remaining)):
                    future = workers.submit(part, _teller(news, each.left[part]), halt)
                    each.open[future] = part
                    future.add_done_callback(news.put)
            match _next(news, stop):
                case left, FrameTime(seconds, work_done):
                    left.add(work_done, -1)
                    tally(seconds, work_done)
                case _, Event() as event:
                    progress(event)
                case Future() as future:
                    future.result()
                    for each in remaining:
                        each.close(future)
    except BaseException:
        halt.set()
        for future in (future for each in remaining for future in each.open):  # each finishes its frame
            future.exception()
        raise
    return [_rendered_since(job, segments) for job, segments in work]


def _rendered_since(job: Job, segments: Sequence[SegmentRecords]) -> list[FrameRecord]:
    """Return the records of what was rendered of some segments since these were found."""
    before = {record.index for segment in segments for record in segment.finished}
    found = find_segments(job, [segment.number for segment in segments])
    return [record for segment in found for record in segment.finished if record.index not in before]


def _teller(news: "queue.SimpleQueue[_Told | Future[None]]", left: FramesLeft) -> Tell:
    return lambda told: news.put((left, told))


def _next(news: "queue.SimpleQueue[_Told | Future[None]]", stop: Stop) -> "_Told | Future[None] | None":
    """Return the next news, None where there is none for a while; raise Interrupted where `stop` asks for it then."""
    with suppress(queue.Empty):
        return news.get(timeout=POLL)
    if stop():
        raise Interrupted("stopped; the same command resumes")
    return None
