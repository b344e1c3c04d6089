"""Finished frames on disk, lossless and never half-written, and the journal of what is finished."""

import contextlib
import errno
import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dreamvid.core.errors import JobError, SourceError
from dreamvid.core.types import Pixels
from dreamvid.media import images


class FrameStore:
    """Frames as PNG files `000000.png` ... in a folder, and `journal.jsonl` beside that folder.

    What `write` and `append` have returned from survives a kill and a power cut. Both raise JobError where the disk
    refuses.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal_file = folder.parent / "journal.jsonl"
        with advised(folder):
            folder.mkdir(parents=True, exist_ok=True)

    def path(self, index: int) -> Path:
        """Where frame `index` is or would be."""
        return self.folder / f"{index:06d}.png"

    def write(self, index: int, pixels: Pixels) -> str:
        """Stores a frame and returns the sha256 of the file's bytes."""
        data = images.encode(pixels, ".png")
        write_file(self.path(index), data)
        return hashlib.sha256(data).hexdigest()

    def read(self, index: int) -> Pixels:
        """A stored frame, byte for byte as it was written; raises JobError where it is missing or damaged."""
        try:
            return images.decode(self.path(index).read_bytes())
        except (OSError, SourceError) as error:
            raise JobError(
                f"{self.path(index)} cannot be read ({error}): run the same command again to render it again"
            ) from None

    def matches(self, index: int, sha256: str) -> bool:
        """Whether frame `index` is there with exactly these bytes."""
        try:
            with self.path(index).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except FileNotFoundError:
            return False
        except OSError as error:
            raise JobError(f"{self.path(index)} cannot be read: {error.strerror}") from None

    def append(self, line: dict[str, Any]) -> None:
        """Adds one line to the journal, for good."""
        with advised(self.journal_file):
            new = not self.journal_file.exists()
            with self.journal_file.open("ab") as file:
                file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            if new:
                _sync_folder(self.journal_file.parent)

    def journal(self) -> list[dict[str, Any]]:
        """Every line of the journal; one torn by a kill or a full disk is cut off, with all behind it."""
        try:
            data = self.journal_file.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise JobError(f"{self.journal_file} cannot be read: {error.strerror}") from None
        lines: list[dict[str, Any]] = []
        whole = 0
        for raw in data.splitlines(keepends=True):
            try:
                line = json.loads(raw)
            except ValueError:
                break
            if not raw.endswith(b"\n") or not isinstance(line, dict):
                break
            lines.append(line)
            whole += len(raw)
        if whole < len(data):
            with advised(self.journal_file), self.journal_file.open("r+b") as file:
                file.truncate(whole)
                os.fsync(file.fileno())
        return lines


def part_of(path: Path) -> Path:
    """The name under which a file is written before it gets its own: ours alone, and with the same suffix."""
    return path.with_name(f"{_prefix(path)}.{os.getpid()}.part{path.suffix}")


def parts_of(path: Path) -> list[Path]:
    """What is there under the names that `part_of` gave, in this process or others, to this very path."""
    ours = re.compile(rf"{re.escape(_prefix(path))}\.[0-9]+\.part{re.escape(path.suffix)}")
    try:
        return [other for other in path.parent.iterdir() if ours.fullmatch(other.name)]
    except OSError:  # a folder that may be written in, but not looked into
        return []


def _prefix(path: Path) -> str:
    if len(path.stem) <= 40:
        return f".{path.stem}"
    # Cut, since a name has 255 bytes at most; the hash tells apart what begins alike.
    digest = hashlib.sha256(path.name.encode("utf-8", "surrogatepass")).hexdigest()
    return f".{path.stem[:40]}~{digest[:8]}"


def write_file(path: Path, data: bytes) -> None:
    """Writes a whole file or none: temporary name beside it, fsync, rename; raises JobError where the disk refuses."""
    part = part_of(path)
    with advised(path):
        try:
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Makes a rename last, where a folder can be opened at all: Windows has no such thing."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):  # some network file systems refuse
            os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def advised(path: Path) -> Iterator[None]:
    """Turns a disk's refusal to write `path` into a JobError of one line, with what to do."""
    try:
        yield
    except OSError as error:
        advice = {
            errno.ENOSPC: "the disk is full: free some space, or use another disk with --work-dir; run again to resume",
            errno.EDQUOT: "the disk quota is used up: free some space, or use --work-dir; run again to resume",
            errno.EACCES: "no permission: choose a writable folder for the output, or with --work-dir",
            errno.EROFS: "the disk is read-only: choose another with --work-dir",
        }.get(error.errno or 0, f"{error.strerror}; run again to resume")
        raise JobError(f"{path} cannot be written: {advice}") from None
