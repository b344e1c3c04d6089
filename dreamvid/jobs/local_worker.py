"""A worker on this machine: a process of its own, which is begun anew where it was killed."""

import logging
import multiprocessing
import signal
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from dreamvid.core.errors import DreamvidError
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.jobs.job import HeldJob
from dreamvid.jobs.parts import Part
from dreamvid.jobs.workers import POLL, LostError, Tell, render_part

logger = logging.getLogger(__name__)


class LocalWorker:
    """A process of this machine, with a net of its own."""

    def __init__(self, device: str | None = None, *, trust: bool = False) -> None:
        """Take a device, None for that of the job; `trust`: as of `open_job`."""
        self._device, self._trust = device, trust
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._ended, self._lock = False, threading.Lock()  # it is ended by another thread than begins it

    def render(self, part: Part, tell: Tell, halt: threading.Event) -> None:
        """Render a part; see `Worker`."""
        connection, halted = self._connection, False
        assert connection is not None
        try:
            connection.send(part)
            while True:
                if halt.is_set() and not halted:
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
                        tell(news)
        except (EOFError, ConnectionError):
            assert self._process is not None
            self._process.join()
            code = self._process.exitcode or 0
            self._connection = None
            raise LostError(f"was killed (signal {-code})" if code < 0 else f"has ended (code {code})") from None

    def begin(self) -> None:
        """Begin the process; see `Worker`."""
        if self._connection is not None:
            return
        context = process_context()
        ours, theirs = context.Pipe()
        with self._lock:
            if self._ended:
                raise LostError("is ended")
            self._process = context.Process(target=_work, args=(theirs, self._device, self._trust), daemon=True)
            self._process.start()
        theirs.close()
        self._connection = ours

    def end(self) -> None:
        """End the process; see `Worker`."""
        with self._lock:
            self._ended = True
            if self._process is not None:
                self._process.terminate()


def process_context() -> Any:
    """Return what begins processes that dream: a server that has loaded torch once for all, where there is such."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _work(connection: Connection, device: str | None, trust: bool) -> None:
    """Render the parts that come in, one after another, until nothing more can come; what a worker's process runs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that hands out the parts
    log = logging.getLogger("dreamvid")
    log.setLevel(logging.DEBUG)
    send = _Sender(connection)
    passing, held = _Passing(send), HeldJob(device, trust=trust)
    log.handlers = [passing]
    with suppress(EOFError, ConnectionError):
        while True:
            part = connection.recv()
            if part is None:  # halted after it was done
                continue
            try:
                passing.setLevel(logging.WARNING)  # who handed out the part has opened the job, too, and told the rest
                job = held.of(part.folder)
                passing.setLevel(logging.DEBUG)
                render_part(job, part, send, connection.poll)  # anything that comes in stops it
                send(None)
            except (DreamvidError, Interrupted) as error:
                send(error)


class _Sender:
    """Sends what a worker tells, from whatever thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._lock = connection, threading.Lock()

    def __call__(self, message: Any) -> None:
        with self._lock:
            self._connection.send(message)


class _Passing(logging.Handler):
    """Log handler that passes records on to the process that hands out the parts."""

    def __init__(self, send: _Sender) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        record.msg, record.args, record.exc_info = record.getMessage(), None, None
        self._send(record)
