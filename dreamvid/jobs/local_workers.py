"""Workers on this machine: a process each, with a net of its own, which is begun anew where it was killed."""

import logging
import multiprocessing
import queue
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any

from dreamvid.core.errors import DreamvidError
from dreamvid.core.types import Pixels
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.jobs.job import Job, open_job
from dreamvid.jobs.workers import POLL, TRIES, FrameTime, News, Part, WorkerLostError, render_part

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Order:
    """A part that is to be rendered, and whom to tell."""

    part: Part
    tell: Callable[[News], None]
    halt: threading.Event
    future: "Future[None]"


class LocalWorkers:
    """Processes of this machine that render parts; they begin with their first part, and end with the context."""

    def __init__(self, count: int, devices: Sequence[str] = (), *, trust: bool = False) -> None:
        """Take so many workers; `devices`: of each, in turn, none: that of the job; `trust`: as of `open_job`."""
        self.count = count
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        each = [devices[number % len(devices)] if devices else None for number in range(count)]
        self._workers = [_Worker(self._orders, device, trust=trust) for device in each]

    def __enter__(self) -> "LocalWorkers":
        """Let the workers take parts."""
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the workers: once they have done what was submitted, or at once where something went wrong."""
        for worker in self._workers:
            self._orders.put(None)
            if kind is not None:
                worker.end_at_once()
        for worker in self._workers:
            worker.join()

    def submit(self, part: Part, tell: Callable[[News], None], halt: threading.Event) -> "Future[None]":
        """Have a part rendered by the next worker that is free; see `Workers`."""
        order = _Order(part, tell, halt, Future())
        self._orders.put(order)
        return order.future


def _context() -> Any:
    """Return what begins processes: by a server that has loaded torch once for all of them, where there is such."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


class _KilledError(Exception):
    """A process has ended that was to render; says how."""


class _Worker(threading.Thread):
    """A thread that hands one order after another to a process, which is begun anew where it was killed."""

    def __init__(self, orders: "queue.SimpleQueue[_Order | None]", device: str | None, *, trust: bool) -> None:
        super().__init__(name="worker", daemon=True)
        self._orders, self._device, self._trust = orders, device, trust
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._ending = False

    def run(self) -> None:
        """Take orders until there are no more."""
        while (order := self._orders.get()) is not None:
            try:
                self._carry_out(order)
                order.future.set_result(None)
            except BaseException as error:
                order.future.set_exception(error)
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.join()

    def end_at_once(self) -> None:
        """End the process, whatever it renders; what that has stored is whole."""
        self._ending = True
        if self._process is not None:
            self._process.terminate()

    def _carry_out(self, order: _Order) -> None:
        """Have a part rendered, by another process where one is killed; raise WorkerLostError where several are."""
        for number in range(TRIES):
            try:
                return self._render(order)
            except _KilledError as error:
                if self._ending or order.halt.is_set():
                    raise Interrupted("stopped at once; the same command resumes") from None
                if number + 1 == TRIES:
                    message = f"a worker {error} while it rendered {order.part}, {TRIES} times: run again to resume"
                    raise WorkerLostError(message) from None
                logger.warning("a worker %s while it rendered %s: begun again", error, order.part)

    def _render(self, order: _Order) -> None:
        """Have a part rendered, pass on what is told; raise what went wrong, _KilledError where the process ended."""
        connection, halted = self._connection or self._begin(), False
        try:
            connection.send(order.part)
            while True:
                if order.halt.is_set() and not halted:
                    connection.send(None)
                    halted = True
                if not connection.poll(POLL):
                    continue
                match connection.recv():
                    case None:
                        return
                    case logging.LogRecord() as record:
                        logging.getLogger(record.name).handle(record)
                    case BaseException() as error:
                        raise error
                    case news:
                        order.tell(news)
        except (EOFError, ConnectionError):
            assert self._process is not None
            self._process.join()
            code = self._process.exitcode or 0
            self._process = self._connection = None
            raise _KilledError(f"was killed (signal {-code})" if code < 0 else f"has ended (code {code})") from None

    def _begin(self) -> Connection:
        """Begin a process, and return the connection to it."""
        context = _context()
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, self._device, self._trust), daemon=True)
        self._process.start()
        theirs.close()
        return self._connection


def _work(connection: Connection, device: str | None, trust: bool) -> None:
    """Render the parts that come in, one after another, until nothing more can come; what a worker's process runs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that hands out the parts
    log = logging.getLogger("dreamvid")
    log.setLevel(logging.DEBUG)
    send = _Sender(connection)
    log.handlers = [_Passing(send)]
    job: Job | None = None
    with suppress(EOFError, ConnectionError):
        while True:
            part = connection.recv()
            if part is None:  # halted after it was done
                continue
            try:
                if job is None or job.folder.path != part.folder:
                    job = open_job(part.folder, device=device, trust=trust)
                render_part(job, part, send.frame, send, connection.poll)
                send(None)
            except (DreamvidError, Interrupted) as error:
                send(error)


class _Sender:
    """What a worker tells, from whatever thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._lock = connection, threading.Lock()

    def __call__(self, message: Any) -> None:
        with self._lock:
            self._connection.send(message)

    def frame(self, seconds: float, *, first: bool, picture: Pixels | None = None) -> None:
        """Tell a frame; raise Interrupted where anything has come in meanwhile, or nothing more can."""
        self(FrameTime(seconds, first))
        if self._connection.poll():
            raise Interrupted("stopped; the same command resumes")


class _Passing(logging.Handler):
    """Log handler that passes records on to the process that hands out the parts."""

    def __init__(self, send: _Sender) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        record.msg, record.args, record.exc_info = record.getMessage(), None, None
        self._send(record)
