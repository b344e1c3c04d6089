"""Whether an error says that memory ran out: each library has words of its own for that."""

import errno

# Of torch, oneDNN (whose convolutions are often the first to find out), OpenCV, the loader of libraries, threads.
WORDS = (
    *("allocate memory", "not enough memory", "out of memory", "could not create a primitive", "insufficient memory"),
    *("failed to map segment", "cannot allocate", "can't start new thread", "resource temporarily unavailable"),
)
ADVICE = (
    "memory ran out: end other programs or raise the limit (`ulimit -v unlimited`), or need less of it, with a smaller "
    "--size, dream.tile or net"
)


def ran_out(error: BaseException) -> bool:
    """Return whether an error, or one that it came from, says that memory ran out."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, MemoryError) or (isinstance(seen, OSError) and seen.errno in (errno.ENOMEM, errno.EAGAIN)):
            return True
        of_a_library = isinstance(seen, RuntimeError | ImportError | OSError) or type(seen).__module__ == "cv2"
        if of_a_library and any(words in str(seen).lower() for words in WORDS):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
