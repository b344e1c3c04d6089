"""The record of a finished film, kept until its job folder is gone: what was killed meanwhile is done all the same."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dreamvid.core.paths import sha256_of
from dreamvid.jobs.folder import JobFolder
from dreamvid.media.frame_store import read_table, write_table


@dataclass(frozen=True)
class Done:
    """The record of a finished film: hash of its bytes, hash of all it is made from, and its summary."""

    film: str
    made_from: str
    summary: dict[str, Any]


def write_done(folder: JobFolder, done: Done) -> None:
    """Write the record of a film that is about to get its name; raise JobError where the disk refuses."""
    write_table(folder.done_file, asdict(done))


def read_done(folder: JobFolder, output: Path) -> Done | None:
    """Return the record of the film that has the name of the output; None where that is another, or there is none."""
    table = read_table(folder.done_file)
    return Done(**table) if table and output.exists() and film_hash(output) == table["film"] else None


def film_hash(film: Path) -> str:
    """Return the sha256 of a film's bytes; of a folder of frames, that of the names and hashes of its frames."""
    if film.is_dir():
        frames = sorted(path for path in film.iterdir() if path.suffix == ".png")
        return hashlib.sha256("".join(f"{path.name} {film_hash(path)}\n" for path in frames).encode()).hexdigest()
    return sha256_of(film)
