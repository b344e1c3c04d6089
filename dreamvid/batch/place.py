"""The place of the state of a batch: beside its file, or, where that is on a network, in the user's own folder."""

import hashlib
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dreamvid.batch.state import State, this_process
from dreamvid.core.errors import JobError
from dreamvid.jobs.locks import HeldError, output_held

logger = logging.getLogger(__name__)
# File systems on which SQLite's write-ahead log is not safe: it shares memory between processes of one machine.
NETWORK = re.compile(r"nfs\d*|cifs|smb\w*|fuse\.(sshfs|glusterfs|s3fs|rclone)|9p|afs|ceph|lustre|ncpfs|davfs\w*")
PATIENCE = 1.0  # seconds: whoever asks whether a batch is at work holds its lock for a moment


class AtWorkError(HeldError):
    """Another process runs this batch."""


def state_file(file: Path) -> Path:
    """Return where the state of a batch lies; `file`: that of its jobs."""
    beside = file.with_suffix(".state.sqlite")
    kind = file_system(file.parent)
    if kind is None or not NETWORK.fullmatch(kind):
        return beside
    import typer

    name = hashlib.sha256(str(file.resolve()).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return Path(typer.get_app_dir("dreamvid")) / "batches" / f"{beside.stem}-{name}.sqlite"


def file_system(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str | None:
    """Return the kind of file system that a folder lies on; None where that cannot be known, as outside Linux."""
    if sys.platform != "linux":
        return None
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    found, kind = Path("/"), None
    for line in lines:
        before, _, after = line.partition(" - ")
        point = Path(re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), before.split()[4]))
        if folder.resolve().is_relative_to(point) and len(point.parts) >= len(found.parts):
            found, kind = point, after.split()[0]
    return kind


@contextmanager
def at_work(file: Path) -> Iterator[None]:
    """Run a batch in this process and in no other; raise AtWorkError where another runs it."""
    lock = output_held(state_file(file), wait=PATIENCE)
    try:
        lock.__enter__()
    except HeldError:
        raise AtWorkError(f"{file} is being rendered by another dreamvid") from None
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def is_at_work(file: Path) -> bool:
    """Return whether a process runs a batch."""
    try:
        with output_held(state_file(file)):
            return False
    except HeldError:
        return True


@contextmanager
def opened(file: Path, *, drives: bool = False) -> Iterator[State]:
    """Open the state of a batch; `drives`: as who runs it. Raises as `State`."""
    path = state_file(file)
    if drives:
        _make(path.parent)
        if path.parent != file.parent:
            logger.info("%s is on a network, where its state would not be safe: that is kept in %s", file.parent, path)
    state = State(path)
    try:
        if drives:
            state.adopt(file.with_suffix(".done.json"))
            state.tell("driver", this_process())
        yield state
    finally:
        state.close()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise JobError(f"the folder {folder} cannot be made: {error.strerror}") from None


def begun(file: Path) -> Path:
    """Return the file of a batch that was begun; a folder stands for the batch of clips whose films it holds."""
    file = file / "batch" if file.is_dir() else file
    if not state_file(file).exists():
        raise JobError(f"{file} was not begun: `dreamvid batch` begins it")
    return file
