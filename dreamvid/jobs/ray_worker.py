"""A worker on a Ray cluster: an actor that holds a net, on any node that has room; where one is lost, another goes on.

A node that sees the job folder and the sources at the same paths, in a folder that all share, reads and writes there;
to any other, Ray's object store brings them, and back comes what it stores. Whether a node gives the same pixels as the
machine that began the job is checked before its first frame.
"""

import logging
import queue
import socket
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from dreamvid.core.errors import DreamvidError, JobError, SettingsError
from dreamvid.jobs.folder import JobFolder
from dreamvid.jobs.interrupt import Interrupted
from dreamvid.jobs.job import HeldJob
from dreamvid.jobs.parcel import Brought, Outbox, Parcel, named_files, pack, store, unpack
from dreamvid.jobs.parts import Part
from dreamvid.jobs.workers import LostError, News, Tell, render_part

logger = logging.getLogger(__name__)
ANSWER = 10  # seconds within which a cluster has to answer
CLEARING = 5  # seconds that an actor has to remove what was sent to its node
AUTO = "auto"


def connect(address: str) -> int:
    """Connect to a Ray cluster, and return how many processors it has.

    `address`: HOST:PORT, or `auto` for the cluster that this machine belongs to. Raises SettingsError where Ray is not
    installed, JobError where no cluster answers.
    """
    try:
        import ray
    except ImportError:
        raise SettingsError("--ray needs Ray: run `pip install 'dreamvid[ray]'`, here and on every node") from None
    if address != AUTO:
        _check_answer(address)
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, ignore_reinit_error=True)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise JobError(
            f"no Ray cluster answers at {address} ({reason}): `ray start --head` begins one, `ray status` shows it"
        ) from None
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def _check_answer(address: str) -> None:
    """Raise SettingsError for an address that is none, JobError where nothing answers there."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise SettingsError(f"--ray {address}: give auto or HOST:PORT, such as 10.0.0.5:6379")
    try:
        with socket.create_connection((host, int(port)), ANSWER):
            pass
    except OSError as error:
        raise JobError(
            f"no Ray cluster answers at {address} ({error.strerror or error}): `ray start --head` begins one there"
        ) from None


class RayWorker:
    """An actor of the cluster that is connected to."""

    def __init__(self, *, gpus: float = 0.0, trust: bool = False, mixed: bool = False, shared: bool = True) -> None:
        """Take what an actor needs: `gpus`, also a share of one; `trust`, `mixed`: as of `open_job`.

        `shared`: whether a node uses what it sees of the job and its sources; else all goes through the object store.
        """
        self._needs = {"num_cpus": 1, "num_gpus": gpus}
        self._trust, self._mixed, self._shared = trust, mixed, shared
        self._actor: Any = None
        self._ended = False

    def begin(self) -> None:
        """Begin the actor, and wait until a node has room for it; see `Worker`."""
        import ray
        from ray.exceptions import RayError

        if self._actor is not None:
            return
        # The second thread is the one in which a part is halted.
        actor = ray.remote(max_concurrency=2, **self._needs)(_Actor).remote(self._trust, self._mixed)
        self._actor = actor
        try:
            if self._ended:  # meanwhile, by another thread
                ray.kill(actor)
            ray.get(actor.ready.remote())
        except RayError as error:
            self._actor = None
            raise LostError(f"did not begin ({error})") from None

    def render(self, part: Part, tell: Tell, halt: threading.Event) -> None:
        """Render a part; see `Worker`."""
        import ray
        from ray.exceptions import RayActorError, RayError, RayTaskError

        halted = False
        try:
            parcel = self._parcel(part)
            for reference in self._actor.render.options(num_returns="streaming").remote(part, parcel):
                if halt.is_set() and not halted:
                    self._actor.halt.remote()
                    halted = True
                match ray.get(reference):
                    case BaseException() as error:
                        raise error
                    case Brought() as brought:
                        store(brought, JobFolder(part.folder))
                    case news:
                        tell(news)
        except RayTaskError as error:
            raise JobError(f"a node cannot render: {str(error.cause).partition(chr(10))[0]}") from None
        except RayActorError:
            self._actor = None
            raise LostError("was lost with its node, or killed,") from None
        except RayError as error:
            raise JobError(f"Ray has failed: {str(error).partition(chr(10))[0]}") from None

    def _parcel(self, part: Part) -> Parcel | None:
        """Return what the actor needs for a part; None where its node sees all of it."""
        import ray

        files = named_files(part.folder)
        if self._shared and ray.get(self._actor.sees.remote([part.folder, *files])):
            return None
        logger.debug("%s and its sources go to a node through the object store", part)
        return pack(part, files, _put)

    def end(self) -> None:
        """End the actor; see `Worker`."""
        import ray

        self._ended = True
        if (actor := self._actor) is not None:
            with suppress(Exception):  # it may be gone, with its node or the cluster
                ray.get(actor.clear.remote(), timeout=CLEARING)
            with suppress(Exception):
                ray.kill(actor)


@lru_cache(maxsize=64)  # the parts of a film, and those of films beside it, need the same sources
def _stored(file: Path, size: int, changed: int) -> Any:
    import ray

    return ray.put(file.read_bytes())


def _put(file: Path) -> Any:
    """Return what stands for a file in the object store."""
    found = file.stat()
    return _stored(file, found.st_size, found.st_mtime_ns)


class _Actor:
    """Renders parts on a node."""

    def __init__(self, trust: bool, mixed: bool) -> None:
        self._job = HeldJob(trust=trust, mixed=mixed)
        self._halted = threading.Event()
        self._sent: dict[Path, tempfile.TemporaryDirectory[str]] = {}

    def ready(self) -> None:
        """Do nothing: who asks for it waits until the actor has begun."""

    def halt(self) -> None:
        """End the part that is being rendered after its frame."""
        self._halted.set()

    def clear(self) -> None:
        """Remove what was sent."""
        for place in self._sent.values():
            place.cleanup()

    def sees(self, paths: Sequence[Path]) -> bool:
        """Return whether all of these are there."""
        return all(path.exists() for path in paths)

    def render(self, part: Part, parcel: Parcel | None) -> Iterator[News | Brought | BaseException]:
        """Render a part; yield its news, and what went wrong, if anything did.

        `parcel`: what it needs, None where the node sees that; with one, what is stored of it is yielded, too.
        """
        import ray

        self._halted.clear()
        outbox = None
        if parcel is not None:
            place = self._sent.get(part.folder) or tempfile.TemporaryDirectory(prefix="dreamvid-sent-")
            self._sent[part.folder] = place
            part = replace(part, folder=unpack(parcel, Path(place.name), ray.get))
            outbox = Outbox(part.folder)
        news: queue.SimpleQueue[News | BaseException | None] = queue.SimpleQueue()
        thread = threading.Thread(target=self._render, args=(part, news), daemon=True)
        thread.start()
        while (item := news.get()) is not None:
            if outbox is not None:
                yield outbox.take()
            yield item
        thread.join()
        if outbox is not None:
            yield outbox.take()

    def _render(self, part: Part, news: "queue.SimpleQueue[News | BaseException | None]") -> None:
        try:
            render_part(self._job.of(part.folder), part, news.put, self._halted.is_set)
        except (DreamvidError, Interrupted) as error:
            news.put(error)
        finally:
            news.put(None)
