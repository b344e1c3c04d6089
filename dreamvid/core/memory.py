"""Memory that runs out: known by the words that each library has for it, and tried before a library would abort."""

import errno
import importlib
import os
import sys
from typing import Any

# Of torch, oneDNN (whose convolutions are often the first to find out), OpenCV, the loader of libraries, threads.
WORDS = (
    *("allocate memory", "not enough memory", "out of memory", "could not create a primitive", "insufficient memory"),
    *("failed to map segment", "cannot allocate", "can't start new thread", "resource temporarily unavailable"),
)
ADVICE = (
    "memory ran out: end other programs or raise the limit (`ulimit -v unlimited`), or need less of it, with a smaller "
    "--size, dream.tile or net"
)

ROOM = 512 << 20  # bytes that the smallest render takes beside what is loaded


def ran_out(error: BaseException) -> bool:
    """Return whether an error, or one that it came from, says that memory ran out."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, MemoryError) or type(seen).__name__ == "OutOfMemoryError":  # torch's
            return True
        if isinstance(seen, OSError) and seen.errno in (errno.ENOMEM, errno.EAGAIN):
            return True
        of_a_library = isinstance(seen, RuntimeError | ImportError | OSError) or type(seen).__module__ == "cv2"
        if of_a_library and any(words in str(seen).lower() for words in WORDS):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def guard(name: str) -> None:
    """Have a module tried by a process of its own before it is imported here, where memory is limited (`ulimit -v`).

    A library that runs out of memory while it is loaded may abort, which nothing can catch. The import of the module
    then raises MemoryError.
    """
    if sys.platform == "linux":
        import resource

        if resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
            sys.meta_path.insert(0, _Guard(name))


class _Guard:
    """Finder of modules that finds none: it is asked before a module is first imported."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Try the module where it is the one that is guarded."""
        if name == self.name:
            sys.meta_path.remove(self)
            if _fails(name):
                raise MemoryError


def _fails(name: str) -> bool:
    """Return whether a copy of this process dies of importing a module, or has no room beside it."""
    child = os.fork()
    if child == 0:
        try:
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in (1, 2):
                os.dup2(nothing, number)
            importlib.import_module(name)
            bytearray(ROOM)
        except MemoryError:
            os._exit(1)
        except BaseException:  # this process will meet it, too, and say so
            os._exit(0)
        os._exit(0)
    return os.waitpid(child, 0)[1] != 0
