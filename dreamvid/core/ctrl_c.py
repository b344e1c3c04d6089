"""Ctrl-C, as a whole process answers it: never a traceback, whatever is going on."""

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130  # exit code


def answer() -> None:
    """Let Ctrl-C raise KeyboardInterrupt once; pressed again, or where that would not get through, it ends the process.

    It would not while a module is imported, and in what Python calls by itself, such as `__del__`. For the main thread.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as of a command in the background
        signal.signal(signal.SIGINT, _press)
    sys.unraisablehook = _unraisable


def leave(number: int = 0, frame: FrameType | None = None) -> None:
    """End the process at once, as a signal handler may; what is finished on disk stays, half-written files may, too."""
    try:  # noqa: SIM105 (contextlib takes milliseconds to import)
        os.write(2, b"dreamvid: stopped at once; the same command resumes from what is finished\n")
    except OSError:  # standard error is closed
        pass
    os._exit(INTERRUPTED)


def _press(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, leave)
    if _imports(frame):
        leave()
    raise KeyboardInterrupt


def _imports(frame: FrameType | None) -> bool:
    """Return whether a module is being imported: an extension that is stopped there prints, swallows or aborts."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _unraisable(what: "sys.UnraisableHookArgs") -> None:
    if issubclass(what.exc_type, KeyboardInterrupt):
        leave()
    sys.__unraisablehook__(what)
