"""Ctrl-C: once, and what is being done is finished first; twice, and it is not."""

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from dreamvid.core import ctrl_c

logger = logging.getLogger(__name__)


class Interrupted(KeyboardInterrupt):
    """The user stopped the job; every finished frame is kept. Says how to go on."""


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether Ctrl-C was pressed, for whoever calls it after every frame.

    Pressed twice, or while nobody has called it yet, it stops at once; the frame in the making is lost. Pressed again
    while that is put away, it ends the process.
    """
    pressed, watched = False, False

    def stop() -> bool:
        nonlocal watched
        watched = True
        return pressed

    def press(_number: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed or not watched:
            signal.signal(signal.SIGINT, ctrl_c.leave)  # what is left is put away; once more, and it is not
            raise Interrupted("stopped at once; the same command resumes from the last finished frame")
        pressed = True
        logger.warning("stopping after this frame (Ctrl-C again: at once)")

    try:
        before = signal.signal(signal.SIGINT, press)
    except ValueError:  # not the main thread: whoever runs that decides about signals
        yield lambda: False
        return
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
