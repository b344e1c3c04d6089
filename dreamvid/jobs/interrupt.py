"""Ctrl-C: once, and what is being done is finished first; twice, and it is not."""

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

logger = logging.getLogger(__name__)


class Interrupted(KeyboardInterrupt):
    """The user stopped the job; every finished frame is kept. Says how to go on."""


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Ctrl-C once: asks to stop after this frame. Twice: at once, and this frame is lost."""
    asked = False

    def ask(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise Interrupted("stopped at once; the same command resumes from the last finished frame")
        asked = True
        logger.warning("stopping after this frame (Ctrl-C again: at once)")

    try:
        before = signal.signal(signal.SIGINT, ask)
    except ValueError:  # not the main thread: whoever runs that decides about signals
        yield lambda: False
        return
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
