"""The record of a finished film, kept until its job folder is gone: what was killed meanwhile is done all the same."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from dreamvid.core.paths import is_there, sha256_of
from dreamvid.core.words import counted
from dreamvid.jobs.folder import JobFolder
from dreamvid.media.frame_store import read_table, write_table

LONGEST = 1_000_000  # bytes of a record


@dataclass(frozen=True)
class Summary:
    """A finished render.

    `seconds`: length of the film; `seconds_per_frame`: over the frames rendered in this run, None where there were
    none; `score`: mean over every eighth frame of the objective's rise; `damaged`: source frames repaired;
    `cut_short`: whether it ends where the source breaks off.
    """

    output: str
    frames: int
    fps: float
    seconds: float
    seconds_per_frame: float | None
    score: float
    rendered: int
    damaged: int = 0
    cut_short: bool = False

    def in_words(self) -> str:
        """Return the render in a line for people."""
        pace = f", {self.seconds_per_frame:.2f} s a frame" if self.seconds_per_frame is not None else ""
        film = f"{counted(self.frames, 'frame')} at {self.fps:.6g} a second" if self.fps else "1 picture"
        return f"{film}, {self.rendered} rendered now{pace}"

    def to_json(self) -> str:
        """Return the render in a line of JSON."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Done:
    """The record of a finished film: hash of its bytes, hash of all it is made from, and its summary."""

    film: str
    made_from: str
    summary: Summary


RECORD = TypeAdapter(Done)


def write_done(folder: JobFolder, done: Done) -> None:
    """Write the record of a film that is about to get its name; raise JobError where the disk refuses."""
    write_table(folder.done_file, asdict(done))


def read_done(folder: JobFolder, output: Path) -> Done | None:
    """Return the record of the film that has the name of the output; None where that is another, or there is none."""
    if not is_there(folder.done_file) or folder.done_file.stat().st_size > LONGEST:
        return None
    table = read_table(folder.done_file)
    try:
        done = RECORD.validate_python(table)
    except ValueError:
        return None
    return done if output.exists() and film_hash(output) == done.film else None


def film_hash(film: Path) -> str:
    """Return the sha256 of a film's bytes; of a folder of frames, that of the names and hashes of its frames."""
    if film.is_dir():
        frames = sorted(path for path in film.iterdir() if path.suffix == ".png")
        return hashlib.sha256("".join(f"{path.name} {film_hash(path)}\n" for path in frames).encode()).hexdigest()
    return sha256_of(film)
