"""Films of a batch that are rendered at once: workers render their frames, and a thread each waits for these.

What this process does itself for a film before its frames, and all that it does for a still, it does for one at a time.
"""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType


class Opening:
    """The right to open a film, or to dream a still; it is held by one at a time, and given back only once."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock, self._held = lock, False

    def __enter__(self) -> "Opening":
        """Wait for it."""
        self._lock.acquire()
        self._held = True
        return self

    def give_back(self) -> None:
        """Let the next one have it."""
        if self._held:
            self._held = False
            self._lock.release()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back, where it is still held."""
        self.give_back()


class Lanes:
    """The films that are being rendered, by name: `count` at once, of one alone in the thread that begins it."""

    def __init__(self, count: int) -> None:
        self.count, self.halt = count, threading.Event()  # once that is set, all are to stop
        self._one_opens = threading.Lock()
        self._pool = ThreadPoolExecutor(count) if count > 1 else None
        self._open: dict[str, Future[None]] = {}

    def __enter__(self) -> "Lanes":
        """Let films be rendered."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all that are still being rendered, and wait until they have."""
        self.halt.set()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    @property
    def names(self) -> frozenset[str]:
        """The films that are being rendered."""
        return frozenset(self._open)

    @property
    def full(self) -> bool:
        """Return whether no other film can be begun."""
        return len(self._open) == self.count

    def opening(self) -> Opening:
        """Return the right to open a film, to be waited for."""
        return Opening(self._one_opens)

    def begin(self, name: str, render: Callable[[], None]) -> None:
        """Render a film; raises what `render` raises, or lets `wait` do so."""
        if self._pool is None:
            render()
        else:
            self._open[name] = self._pool.submit(render)

    def wait(self, seconds: float) -> None:
        """Wait until a film is over, at most so long; raise what its render raised."""
        over, _ = wait(self._open.values(), seconds, FIRST_COMPLETED)
        for name in [name for name, future in self._open.items() if future in over]:
            self._open.pop(name).result()
