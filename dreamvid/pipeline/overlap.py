"""What runs beside the dream, in threads: reading frames and their motion ahead of it, storing them behind it.

Order and bytes are those of a render without threads.
"""

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import numpy as np

from dreamvid.coherence.carry import Move, Past
from dreamvid.coherence.optical_flow import Motion
from dreamvid.core.types import Frame
from dreamvid.pipeline.render import RenderContext

AHEAD = 2  # frames that wait to be dreamed


class Foreseen:
    """The motion from frame to frame, known before it is asked for where `foresee` was told of the two frames."""

    def __init__(self, move: Move, count: int) -> None:
        """Know nothing yet; `move`: what estimates motion; `count`: of the latest motions that are remembered."""
        self._move, self._count, self._lock = move, count, threading.Lock()
        self._known: dict[tuple[int, int], Motion] = {}

    def foresee(self, past: Frame, now: Frame) -> None:
        """Estimate the motion from one frame to another, but for the very same picture; forget the oldest of many."""
        if np.array_equal(past.image, now.image):
            return
        motion = self._move(Past(past.index, past.image, past.image), now)
        with self._lock:
            self._known[past.index, now.index] = motion
            if len(self._known) > self._count:
                del self._known[next(iter(self._known))]

    def __call__(self, past: Past, now: Frame) -> Motion:
        """Return the motion from an earlier frame to a new one, as a `Move` does."""
        with self._lock:
            known = self._known.pop((past.index, now.index), None)
        return self._move(past, now) if known is None else known


@contextmanager
def reading_ahead(ctx: RenderContext, frames: Iterable[Frame]) -> Iterator[tuple[Iterator[Frame], RenderContext]]:
    """Read frames in a thread, a few ahead; give them, and a context that knows their motion by then.

    What goes wrong in the thread is raised where the frame would have come. Once the context is left, the thread has
    ended and `frames` are closed.
    """
    coming: queue.Queue[Frame | BaseException | None] = queue.Queue(AHEAD)
    left, cadence = threading.Event(), ctx.settings.coherence.cadence
    motion = Foreseen(ctx.move, 3 * cadence * (AHEAD + 2))

    def hand_over(item: Frame | BaseException | None) -> None:
        while not left.is_set():
            try:
                return coming.put(item, timeout=0.1)
            except queue.Full:
                continue

    def read() -> None:
        try:
            for frame, pairs in _with_pairs(ctx, frames):
                for past, now in pairs:
                    motion.foresee(past, now)
                hand_over(frame)
                if left.is_set():
                    break
            hand_over(None)
        except BaseException as error:
            hand_over(error)
        finally:
            if isinstance(frames, Generator):
                frames.close()

    thread = threading.Thread(target=read, name="reading ahead", daemon=True)
    thread.start()
    try:
        yield _until_none(coming), replace(ctx, move=motion)
    finally:
        left.set()
        with suppress(queue.Empty):
            coming.get_nowait()  # the thread may wait for a place
        thread.join()


def _with_pairs(ctx: RenderContext, frames: Iterable[Frame]) -> Iterator[tuple[Frame, Sequence[tuple[Frame, Frame]]]]:
    """Yield each frame, and between which frames the motion will be asked for as soon as it is dreamed."""
    how, key, waiting = ctx.settings.coherence, None, list[Frame]()
    for frame in frames:
        pairs = list[tuple[Frame, Frame]]()
        if how.mode == "flow" and how.cadence > 1 and not ctx.plan.is_key(frame.index, how.cadence):
            waiting.append(frame)
        else:
            if how.mode == "flow" and key is not None and not ctx.plan.starts_shot(frame.index):
                # The frames between two keys are carried from both.
                pairs = [(key, frame), *((side, between) for between in waiting for side in (key, frame))]
            key, waiting = frame, []
        yield frame, pairs


def _until_none(coming: "queue.Queue[Frame | BaseException | None]") -> Iterator[Frame]:
    while (item := coming.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item


@contextmanager
def keeping_behind() -> Iterator[Callable[[Callable[[], Any]], "Future[Any]"]]:
    """Give a function that runs others in a thread, in their order, and returns at once what will be their result.

    At most one runs or waits: the next is taken once the one before is done. What goes wrong with one is raised when
    the next is given, or at the end. Once the context is left, however that is, all have run.
    """
    last: Future[Any] | None = None

    def keep(run: Callable[[], Any]) -> "Future[Any]":
        nonlocal last
        if last is not None:
            last.result()
        last = thread.submit(run)
        return last

    with ThreadPoolExecutor(1, "keeping") as thread:
        yield keep
        if last is not None:
            last.result()
