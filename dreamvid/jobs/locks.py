"""Locks between processes: one renders a job, one writes an output."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from dreamvid.core.errors import JobError


class HeldError(JobError):
    """Another process holds what is to be rendered."""


@contextmanager
def output_held(output: Path, *, wait: float = 0) -> Iterator[None]:
    """Hold an output for this process, wherever its job folder lies, among the processes of one machine.

    Waits up to `wait` seconds; raises HeldError where another process holds it still.
    """
    name = hashlib.sha256(os.path.abspath(output).encode("utf-8", "surrogatepass")).hexdigest()[:16]  # noqa: PTH100
    with locked(Path(tempfile.gettempdir()) / f"dreamvid-{name}.lock", str(output), wait=wait):
        yield


@contextmanager
def locked(file: Path, what: str, *, wait: float = 0) -> Iterator[None]:
    """Hold a lock file for this process; the system releases it however the process ends.

    `what`: named in errors; `wait`: seconds. Raises HeldError where another process still holds it, or it cannot be.
    """
    lock = filelock.FileLock(file, mode=0o666)
    try:
        lock.acquire(timeout=wait)
    except filelock.Timeout:
        raise HeldError(f"{what} is being rendered by another dreamvid: wait for it, or stop it") from None
    except OSError as error:
        raise HeldError(f"{file} cannot be locked ({error.strerror}): remove it") from None
    try:
        yield
    finally:
        lock.release()
