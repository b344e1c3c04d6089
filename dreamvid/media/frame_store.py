"""Finished frames on disk, lossless and written atomically; the journal of finished frames; tables that are sealed."""

import contextlib
import errno
import hashlib
import json
import os
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dreamvid.core.errors import JobError, SourceError
from dreamvid.core.paths import sha256_of
from dreamvid.core.texts import parse_json
from dreamvid.core.types import Pixels
from dreamvid.media import images, stills

SEAL = "sha256"  # the key of a table under which a hash of the rest of it is kept


class FrameStore:
    """Frames as PNG files `000000.png` ... in a folder.

    A frame survives a kill and a power cut once `write` has returned, which raises JobError where the disk refuses.
    """

    def __init__(self, folder: Path) -> None:
        """Open the frames in `folder`, which is made; raises JobError where it cannot be."""
        self.folder = folder
        with advised(folder):
            folder.mkdir(parents=True, exist_ok=True)

    def path(self, index: int) -> Path:
        """Return where frame `index` is or would be."""
        return self.folder / f"{index:06d}.png"

    def write(self, index: int, pixels: Pixels) -> str:
        """Store a frame and return the sha256 of the file's bytes."""
        data = images.encode(pixels, ".png")
        write_file(self.path(index), data)
        return hashlib.sha256(data).hexdigest()

    def read(self, index: int) -> Pixels:
        """Return a stored frame, byte for byte as it was written; raises JobError where it is missing or damaged."""
        try:
            return stills.decode(self.path(index).read_bytes())
        except (OSError, SourceError) as error:
            raise JobError(
                f"{self.path(index)} cannot be read ({error}): run the same command again to render it again"
            ) from None

    def matches(self, index: int, sha256: str, size: tuple[int, int]) -> bool:
        """Return whether frame `index` is there with exactly these bytes, and is of this size (height, width)."""
        try:
            with self.path(index).open("rb") as file:
                head = file.read(24)
            return head[16:] == struct.pack(">2I", *size[::-1]) and sha256_of(self.path(index)) == sha256
        except FileNotFoundError:
            return False
        except OSError as error:
            raise JobError(f"{self.path(index)} cannot be read: {error.strerror}") from None


@dataclass(frozen=True)
class Journal:
    """A file of JSON lines, each about something that is finished; its folder is made with the first.

    A line survives a kill and a power cut once `append` has returned, and holds a checksum of itself. One process
    writes at a time.
    """

    file: Path

    def append(self, line: dict[str, Any]) -> None:
        """Add a line for good; raises JobError where the disk refuses."""
        self.extend(_sealed(line) + b"\n")

    def extend(self, lines: bytes) -> None:
        """Add lines of such a file for good; raises JobError where the disk refuses."""
        with advised(self.file):
            new = not self.file.exists()
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("ab") as file:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
            if new:
                _sync_folder(self.file.parent)
                _sync_folder(self.file.parent.parent)

    def since(self, start: int) -> tuple[bytes, list[dict[str, Any]]]:
        """Return the whole lines from a byte on, as they are and as they were appended; another process may write."""
        with self.file.open("rb") as file:
            file.seek(start)
            raw = file.read()
        raw = raw[: raw.rfind(b"\n") + 1]
        return raw, [line for each in raw.splitlines(keepends=True) if (line := _unsealed(each)) is not None]

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield every line; one that is torn or damaged is cut off, with all behind it."""
        whole, damaged = 0, False
        try:
            with self.file.open("rb") as file:
                for raw in file:
                    line = _unsealed(raw)
                    damaged = line is None
                    if line is None:
                        break
                    whole += len(raw)
                    yield line
        except FileNotFoundError:
            return
        except OSError as error:
            raise JobError(f"{self.file} cannot be read: {error.strerror}") from None
        if damaged:
            with advised(self.file), self.file.open("r+b") as file:
                file.truncate(whole)
                os.fsync(file.fileno())


def _sealed(line: dict[str, Any]) -> bytes:
    """Return a line as JSON with the CRC-32 of its bytes before it."""
    text = json.dumps(line, separators=(",", ":")).encode()
    return b"%08x " % zlib.crc32(text) + text


def _unsealed(raw: bytes) -> dict[str, Any] | None:
    """Return a whole line whose checksum is right; None for any other."""
    checksum, _, text = raw.removesuffix(b"\n").partition(b" ")
    if not raw.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(text):
        return None
    try:
        line = parse_json(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None


def write_table(path: Path, table: dict[str, Any]) -> None:
    """Write a table as JSON with a hash of itself, atomically; raise JobError where the disk refuses."""
    sealed = {**table, SEAL: _hash_of(table)}
    write_file(path, json.dumps(sealed, indent=1, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def read_table(path: Path) -> dict[str, Any] | None:
    """Return a table that `write_table` wrote; None where it is missing, damaged, or holds no hash of itself."""
    try:
        table = parse_json(path.read_bytes().decode("utf-8", "surrogatepass"))
    except (OSError, ValueError):
        return None
    return table if isinstance(table, dict) and table.pop(SEAL, None) == _hash_of(table) else None


def _hash_of(table: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(table).encode()).hexdigest()


def part_of(path: Path, kind: str = "part") -> Path:
    """Return a temporary name beside a path, own to this process, with the same suffix.

    `kind`: `part` for what is written there before its rename, `old` for what goes aside meanwhile.
    """
    return path.with_name(f"{_prefix(path)}.{os.getpid()}.{kind}{path.suffix}")


def parts_of(path: Path, kind: str = "part") -> list[Path]:
    """Return the existing temporary files of this very path, by `part_of` in this or any other process."""
    ours = re.compile(rf"{re.escape(_prefix(path))}\.[0-9]+\.{kind}{re.escape(path.suffix)}")
    try:
        return [other for other in path.parent.iterdir() if ours.fullmatch(other.name)]
    except (OSError, ValueError):  # a folder with write but no read permission; a name that no file can have
        return []


def _prefix(path: Path) -> str:
    if len(path.stem) <= 40:
        return f".{path.stem}"
    # Cut, since a name has 255 bytes at most; the hash distinguishes names that begin alike.
    digest = hashlib.sha256(path.name.encode("utf-8", "surrogatepass")).hexdigest()
    return f".{path.stem[:40]}~{digest[:8]}"


def write_file(path: Path, data: bytes) -> None:
    """Write a file atomically: temporary name beside it, fsync, rename; raise JobError where the disk refuses."""
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
    """Sync a folder so that a rename in it survives a power cut; Windows has no such call."""
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
    """Turn an OSError while writing `path` into a JobError of one line that says what to do."""
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
