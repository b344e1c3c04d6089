"""Looks of a preview that are dreamed one after another in this process, or at once in processes of one thread each.

Pictures of a preview are small: more threads for one of them gain less than another one beside it.
"""

import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from typing import Protocol

from dreamvid.config.settings import Settings
from dreamvid.core.errors import ToolError
from dreamvid.core.types import Frame, Pixels
from dreamvid.dream.session import SharedNets
from dreamvid.jobs.events import Stop
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.jobs.local_worker import process_context
from dreamvid.jobs.preview_look import Look, Opened, dreamed, frames_of, open_look
from dreamvid.jobs.preview_source import Subject
from dreamvid.jobs.workers import POLL
from dreamvid.models.device import find_device, physical_cores

MOST = 4  # processes: each has nets of its own


@dataclass(frozen=True)
class Sharper:
    """The next pictures of a look, dreamed smaller by a factor.

    `at`: its place among the looks; `seconds`: how long dreaming took.
    """

    at: int
    factor: int
    pictures: list[Pixels]
    seconds: float


Task = tuple[int, int]  # the place of a look, and the factor by which it is dreamed smaller


class Dream(Protocol):
    """Dreams looks, and yields what is made when it is there; raises Interrupted where it is stopped."""

    def __call__(
        self, tasks: Sequence[Task], opened: Sequence[Opened], frames: Sequence[Sequence[Frame]]
    ) -> Iterator[Sharper]:
        """Dream looks in the order of the tasks; `frames` of each look: as `frames_of` gives them."""


def processes_for(settings: Settings) -> int:
    """Return in how many processes of one thread looks are dreamed, 0: in this one, as the settings say.

    That is so where they name a number of threads, or a device that is no processor.
    """
    if settings.compute.threads is not None or find_device(settings.compute.device).type != "cpu":
        return 0
    return min(MOST, physical_cores())


@contextmanager
def dreaming(subject: Subject, processes: int, side: int, stop: Stop, *, trust: bool) -> Iterator[Dream]:
    """Yield what dreams looks; `processes`: of `processes_for`; `side`, `trust`: as of `preview.Options`."""
    if processes < 2:
        yield lambda tasks, opened, frames: _here(tasks, opened, frames, stop)
        return
    context = process_context()
    halt = context.Event()
    with ProcessPoolExecutor(processes, context, _begin, (subject, side, trust, halt)) as pool:
        for _ in range(processes):  # they begin while the looks are opened here
            pool.submit(_nothing)
        try:
            yield lambda tasks, opened, frames: _side_by_side(pool, tasks, opened, stop)
        finally:
            halt.set()
            pool.shutdown(cancel_futures=True)


def _here(
    tasks: Sequence[Task], opened: Sequence[Opened], frames: Sequence[Sequence[Frame]], stop: Stop
) -> Iterator[Sharper]:
    for at, factor in tasks:
        if stop():
            raise Interrupted
        began = time.perf_counter()
        pictures = dreamed(opened[at], frames[at], factor, stop)
        yield Sharper(at, factor, pictures, time.perf_counter() - began)


def _side_by_side(
    pool: ProcessPoolExecutor, tasks: Sequence[Task], opened: Sequence[Opened], stop: Stop
) -> Iterator[Sharper]:
    try:
        left: set[Future[Sharper]] = {pool.submit(_dream, at, opened[at].look, factor) for at, factor in tasks}
        while left:
            if stop():
                raise Interrupted
            over, left = wait(left, POLL, FIRST_COMPLETED)
            for future in over:
                yield future.result()
    except BrokenProcessPool:
        raise ToolError(
            "a process that dreams looks was ended from outside, perhaps for want of memory: --threads 1 dreams them "
            "in one process"
        ) from None


@dataclass
class _Own:
    """The part of a preview in a process: its subject, and the looks that it has opened, with their frames."""

    subject: Subject
    side: int
    halt: Event
    nets: SharedNets
    opened: dict[int, tuple[Opened, list[Frame]]]


_own: _Own


def _begin(subject: Subject, side: int, trust: bool, halt: Event) -> None:
    global _own
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that hands out the looks
    _own = _Own(subject, side, halt, SharedNets(trust), {})


def _nothing() -> None:
    pass


def _dream(at: int, look: Look, factor: int) -> Sharper:
    if at not in _own.opened:
        each = open_look(_own.subject, look, _own.nets, _own.side)
        _own.opened[at] = each, frames_of(each)
    began = time.perf_counter()
    pictures = dreamed(*_own.opened[at], factor, _own.halt.is_set)
    return Sharper(at, factor, pictures, time.perf_counter() - began)
